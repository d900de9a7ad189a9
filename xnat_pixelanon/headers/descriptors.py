"""Clean Descriptors (PS3.15 E.3.5): the words of a text that identify are taken out, the others stay as they are.

What identifies is what residue.py finds; here is only where in a text it stands. A word is a run of letters and digits;
numbers that points, dashes, slashes or colons join are one, with what a dash joins them to in front, so that no part of
a date, UID or number is left.
"""

from __future__ import annotations

import re
from collections.abc import Callable

LONGEST = 20_000
"""Characters of a text that is looked at word by word; a longer one that identifies goes as a whole."""
_MOST = 400
_WORD = re.compile(r"[^\W_]+")
_JOINED_AFTER = re.compile(r"[.:/-][0-9]")
_JOINED_BEFORE = re.compile(r"[0-9][.:/]|[^\W_]-")
_SPACES = " \t"


def without_words(text: str, finds: Callable[[str], bool]) -> str:
    """`text` without what `finds` finds in it; empty where that cannot be told apart from the rest."""
    if len(text) > LONGEST:
        return "" if finds(text) else text
    for _ in range(_MOST):
        if not finds(text):
            return text
        words = [found.span() for found in _WORD.finditer(text)]
        if not words:
            return ""
        text = _cut(text, *_span(text, words, finds))
    return ""


def _span(text: str, words: list[tuple[int, int]], finds: Callable[[str], bool]) -> tuple[int, int]:
    """Where the first thing that identifies begins and ends.

    More of a text finds at least as much, so that both ends can be halved in on. Where that is not so, another span
    comes out, and the text is looked at again.
    """
    low, high = 0, len(words) - 1
    while low < high:
        middle = (low + high) // 2
        if finds(text[: words[middle][1]]):
            high = middle
        else:
            low = middle + 1
    last = low
    low, high = 0, last
    while low < high:
        middle = (low + high + 1) // 2
        if finds(text[words[middle][0] : words[last][1]]):
            low = middle
        else:
            high = middle - 1
    first = low
    while last + 1 < len(words) and text[words[last][1] - 1].isdigit() and _gap(text, words, last, _JOINED_AFTER, 0):
        last += 1
    while first and text[words[first][0]].isdigit() and _gap(text, words, first - 1, _JOINED_BEFORE, -1):
        first -= 1
    return words[first][0], words[last][1]


def _gap(text: str, words: list[tuple[int, int]], at: int, joined: re.Pattern[str], before: int) -> bool:
    """Whether what stands between a word and the next one joins two numbers."""
    end, begin = words[at][1], words[at + 1][0]
    return begin - end == 1 and joined.fullmatch(text[end + before : begin + 1 + before]) is not None


def _cut(text: str, begin: int, end: int) -> str:
    left, right = text[:begin], text[end:]
    if not left or left[-1] in _SPACES:
        right = right.lstrip(_SPACES)
    if not right:
        left = left.rstrip(_SPACES)
    return left + right
