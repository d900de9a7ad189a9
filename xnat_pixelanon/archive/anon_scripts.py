"""Whether a DicomEdit script of the clean project could spoil what we publish.

A script stays on as a second net, unless it edits pixels or the UIDs by which instances are read back. This is no
interpreter: it knows the words of the language, and counts whatever it does not know as spoiling.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_ELEMENT = r"\([0-9A-Fa-fXx@#]{4},(?:[0-9A-Fa-fXx@#]{4}|\{[^{}]*\}[0-9A-Fa-fXx@#]{2})\)"
_STEP = rf"(?:{_ELEMENT}(?:\[(?:\d+|%)\])?|[*+.])"
_TOKEN = re.compile(
    rf"""(?P<path>(?:{_STEP}/)*{_ELEMENT}(?:\[(?:\d+|%)\])?)
    |(?P<string>"(?:[^"\\\n]|\\.)*")
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<operator>:=|\?=|!=|!~|[=~?:\-,\[\]{{}}()])
    |(?P<newline>\n)
    |(?P<blank>[ \t\r\f]+|//[^\n]*|\\\r?\n)""",
    re.VERBOSE,
)
_STEPS = re.compile(_STEP)
_DIGITS = re.compile(r"\(([0-9A-Fa-fXx@#]{4}),([0-9A-Fa-fXx@#]{4})\)")
_ANY_ELEMENT = re.compile(_ELEMENT)

# Functions that give a value, or change only what is named among their arguments.
_VALUES = re.compile(
    "and|or|true|false|equals|isPresent|ismatch|match|concatenate|format|substring|replace|lowercase|uppercase|"
    "normalizeString|hashUID|newUID|mapUID|shiftDateByIncrement|shiftDateTimeByIncrement|collectValues|valueAt|lookup|"
    "getURL|scalePatientAgeAndDobFromStudyDate|retainPrivateTags"
)
_IN_PLACE = re.compile(
    "delete|set|removeTags|blankValues|shiftDateTimeListByIncrement|shiftDateTimeSequenceByIncrement"
)
_ALONE = frozenset({"removeAllPrivateTags", "echo", "else"})
_BEFORE_A_WORD = frozenset({"describe", "export", "echo", "else"})
# SOP Instance, Study and Series Instance UID with their copy in the file meta, transfer syntax, pixel data.
_GUARDED = ("00080018", "0020000D", "0020000E", "00020003", "00020010", "7FE00008", "7FE00009", "7FE00010")
# Image Pixel Module (PS3.3 C.7.6.3): with one of these changed the same bytes are other pixels.
_GUARDED_IMAGE = ("00280002", "00280004", "00280006", "00280008", "00280010", "00280011", "00280100", "00280101")
_GUARDED_TAGS = (*_GUARDED, *_GUARDED_IMAGE, "00280102", "00280103")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def spoiling_lines(script: str) -> list[int]:
    """Numbers, from 1, of the lines that edit pixels or UIDs, reject instances, or are not understood."""
    tokens = list(_tokens(script))
    lines = {token.line for token in tokens if token.kind == "unknown"}
    for index, token in enumerate(tokens):
        if token.kind == "word":
            lines |= _judge_word(tokens, index)
        elif _is_spoiling(tokens, index):
            lines.add(token.line)
    return sorted(lines)


def _tokens(script: str) -> Iterator[_Token]:
    position, line = 0, 1
    while position < len(script):
        found = _TOKEN.match(script, position)
        if found is None:
            yield _Token("unknown", script[position], line)
            position += 1
            continue
        kind, text = str(found.lastgroup), found.group()
        if kind != "blank":
            yield _Token(kind, text, line)
        line += text.count("\n")
        position = found.end()


def _judge_word(tokens: Sequence[_Token], index: int) -> set[int]:
    token = tokens[index]
    if _text(tokens, index + 1) != "[":
        return set() if _is_known_use(tokens, index) else {token.line}
    if _VALUES.fullmatch(token.text):
        return set()
    if not _IN_PLACE.fullmatch(token.text):
        return {token.line}
    arguments = list(_arguments(tokens, index + 1))
    named = [path for one in arguments for path in _named(one)]
    computed = any(one.kind == "word" for one in arguments)
    return {token.line} if computed or any(_touches(path) for path in named) else set()


def _is_known_use(tokens: Sequence[_Token], index: int) -> bool:
    """Of a keyword or a variable: no statement is a lone word or a row of them, but for those of the keywords."""
    word, before = tokens[index].text, tokens[index - 1] if index else _Token("newline", "", 0)
    after = tokens[index + 1] if index + 1 < len(tokens) else _Token("newline", "", 0)
    if after.kind in ("word", "string", "path", "number"):
        described = before.text in ("describe", "export")
        return described or word in _BEFORE_A_WORD or (word == "version" and after.kind == "string")
    starts = before.kind == "newline" or before.text in ("{", "}", "?", ":")
    return not starts or after.kind not in ("newline", "unknown") or word in _ALONE


def _is_spoiling(tokens: Sequence[_Token], index: int) -> bool:
    token = tokens[index]
    if token.kind == "path":
        return _is_target(tokens, index) and _touches(token.text)
    if token.text in (":=", "?="):
        return index == 0 or tokens[index - 1].kind not in ("path", "word")
    return token.text == "-" and not _is_sign_or_deletion(tokens, index)


def _arguments(tokens: Sequence[_Token], opening: int) -> Iterator[_Token]:
    depth = 0
    for token in tokens[opening:]:
        depth += (token.text == "[") - (token.text == "]")
        if depth == 0:
            return
        yield token


def _named(token: _Token) -> list[str]:
    """The tag paths that a path or a text names; a text without any is a plain value."""
    if token.kind == "path":
        return [token.text]
    return _ANY_ELEMENT.findall(token.text) if token.kind == "string" else []


def _is_target(tokens: Sequence[_Token], index: int) -> bool:
    return _text(tokens, index + 1) in (":=", "?=") or _text(tokens, index - 1) == "-"


def _is_sign_or_deletion(tokens: Sequence[_Token], index: int) -> bool:
    following = tokens[index + 1].kind if index + 1 < len(tokens) else ""
    return following == "path" or (following == "number" and _text(tokens, index - 1) in ("[", ",", ":=", "{"))


def _text(tokens: Sequence[_Token], index: int) -> str:
    return tokens[index].text if 0 <= index < len(tokens) else ""


def _touches(path: str) -> bool:
    steps = _STEPS.findall(path)
    if any(step[0] == "(" for step in steps[:-1]):
        return False  # inside a sequence
    found = _DIGITS.match(steps[-1])
    if found is None:
        return False  # a private element with its creator
    pattern = found[1] + found[2]
    return any(all(map(_digit_matches, pattern, guarded)) for guarded in _GUARDED_TAGS)


def _digit_matches(wanted: str, digit: str) -> bool:
    match wanted.upper():
        case "X":
            return True
        case "@":
            return int(digit, 16) % 2 == 0
        case "#":
            return int(digit, 16) % 2 == 1
        case same:
            return same == digit
