"""Patterns of labels: the few signs of regular expressions that a label needs, matched in bounded time.

A pattern is a sequence of parts and says the whole label:

    A 7 _ -            the sign itself
    [A-Z0-9_]          one sign of a class of letters, digits, `_`, `-` (at its end) and ranges
    \\d                 a digit
    (US|CT|MR)         one of several plain texts

and behind each part, how often: `{3}`, `{1,4}` or `?`; without, once. `^` at the beginning and `$` at the end say what
holds anyway. There is no `.`, no `*` and no `+`: an owner says which labels there are. The places that can be reached
are kept as a set, so that no pattern and no label takes more than their lengths multiplied.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 64
"""Characters of a label: as many as Patient ID has (PS3.5 6.2, LO)."""
SIGNS = frozenset(string.ascii_letters + string.digits + "_-")
_PART = re.compile(
    r"(?P<one>[A-Za-z0-9_-])|\\(?P<digit>d)|\[(?P<set>[A-Za-z0-9_-]+)\]"
    r"|\((?P<texts>[A-Za-z0-9_-]+(?:\|[A-Za-z0-9_-]+)*)\)"
)
_TIMES = re.compile(r"\{(?P<low>[0-9]{1,2})(?:,(?P<high>[0-9]{1,2}))?\}|(?P<maybe>\?)")


@dataclass(frozen=True, slots=True)
class _Part:
    """One of `texts`, from `low` to `high` times."""

    texts: frozenset[str]
    low: int
    high: int

    def ends(self, label: str, starts: set[int]) -> set[int]:
        """Every place that can be reached behind this part from one of `starts`."""
        found = set(starts) if self.low == 0 else set()
        lengths = {len(text) for text in self.texts}
        for times in range(1, self.high + 1):
            starts = {at + length for at in starts for length in lengths if label[at : at + length] in self.texts}
            if not starts:
                break
            if times >= self.low:
                found |= starts
        return found


def matches(pattern: str, label: str) -> bool:
    """Whether the whole label is as the pattern says. ValueError for what is no pattern."""
    if len(label) > LONGEST:
        return False
    places = {0}
    for part in _parts(pattern):
        places = part.ends(label, places)
    return len(label) in places


def pattern_problem(pattern: str) -> str:
    """What is wrong with a pattern; '' where nothing is."""
    try:
        parts = _parts(pattern)
    except ValueError as error:
        return str(error)
    return "" if any(part.high for part in parts) else "it matches nothing"


@lru_cache(maxsize=16)
def _parts(pattern: str) -> tuple[_Part, ...]:
    at, end = int(pattern.startswith("^")), len(pattern) - pattern.endswith("$")
    found: list[_Part] = []
    while at < end:
        part = _PART.match(pattern, at, end)
        if part is None:
            raise ValueError(f"column {at + 1}: expected a letter, a digit, _, -, \\d, [A-Z] or (AB|CD)")
        times = _TIMES.match(pattern, part.end(), end)
        low, high = _times(times, part.end() + 1)
        found.append(_Part(_texts(part), low, high))
        at = times.end() if times else part.end()
    return tuple(found)


def _times(found: re.Match[str] | None, column: int) -> tuple[int, int]:
    if found is None:
        return 1, 1
    if found["maybe"]:
        return 0, 1
    low = int(found["low"])
    high = int(found["high"] or low)
    if not low <= high <= LONGEST:
        raise ValueError(f"column {column}: expected {{n}} or {{n,m}}, n at most m, m at most {LONGEST}")
    return low, high


def _texts(part: re.Match[str]) -> frozenset[str]:
    if part["one"]:
        return frozenset(part["one"])
    if part["digit"]:
        return frozenset(string.digits)
    if part["texts"]:
        return frozenset(part["texts"].split("|"))
    return _class(part["set"], part.start("set") + 1)


def _class(text: str, column: int) -> frozenset[str]:
    """The signs of a class: ranges stay within small letters, capitals or digits."""
    signs: set[str] = set()
    at = 0
    while at < len(text):
        if text[at + 1 : at + 2] == "-" and at + 2 < len(text):
            first, last = text[at], text[at + 2]
            kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
            kind = next((kind for kind in kinds if first in kind and last in kind), "")
            if not kind or first > last:
                raise ValueError(f"column {column + at}: expected a range as A-Z, a-z or 0-9")
            signs.update(kind[kind.index(first) : kind.index(last) + 1])
            at += 3
        else:
            signs.add(text[at])
            at += 1
    return frozenset(signs)
