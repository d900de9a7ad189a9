"""Functions on texts and truths. Without the text (None) most fail, as DicomEdit's do; normalizeString leaves it so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from xnat_pixelanon.errors import PixelanonError
from xnat_pixelanon.headers.script.patterns import Pattern, Unsafe, compile_pattern
from xnat_pixelanon.headers.script.state import MAX_TEXT, State
from xnat_pixelanon.headers.script.table import Function, Gives, Kind
from xnat_pixelanon.headers.script.values import Failed

TRUE, FALSE = "true", "false"
FORMAT = re.compile(r"(?:[^{}']|\{[0-9]{1,3}\})*")
_HOLE = re.compile(r"\{([0-9]{1,3})\}")
_URL = re.compile(r"[!-\[\]-~]{1,2048}")  # what every reader of URLs reads alike
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def truth(value: bool) -> str:
    """The word for it."""
    return TRUE if value else FALSE


def is_true(text: str | None) -> bool:
    """Whether a text says so; anything but the two words is a mistake."""
    if text not in (TRUE, FALSE):
        raise Failed("true or false is needed here")
    return text == TRUE


def pattern_of(text: str | None) -> Pattern:
    """The expression. Raises Failed."""
    if text is None:
        raise Failed("the regular expression is not there")
    try:
        return compile_pattern(text)
    except Unsafe as error:
        raise Failed(str(error)) from None


def matches_whole(text: str, pattern: str | None) -> bool:
    """Whether the whole of `text` matches."""
    try:
        return pattern_of(pattern).whole(text)
    except Unsafe as error:
        raise Failed(str(error)) from None


def _there(texts: tuple[str | None, ...]) -> list[str]:
    found = [text for text in texts if text is not None]
    if len(found) != len(texts):
        raise Failed("a value is not there")
    return found


def _short(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise Failed(f"a value has at most {MAX_TEXT} characters")
    return text


def whole_number(text: str | None) -> int:
    """A whole number of at most nine digits."""
    if text is None or not re.fullmatch(r"[+-]?[0-9]{1,9}", text.strip()):
        raise Failed("a whole number is needed here")
    return int(text)


def _concatenate(_: State, *texts: str | None) -> str:
    return _short("".join(_there(texts)))


def _format(_: State, pattern: str | None, *texts: str | None) -> str:
    (frame,) = _there((pattern,))
    values = _there(texts)
    if not FORMAT.fullmatch(frame):
        raise Failed("a format holds texts and {0}, {1} ... only")
    if any(int(hole) >= len(values) for hole in _HOLE.findall(frame)):
        raise Failed("the format names a value that is not given")
    return _short(_HOLE.sub(lambda hole: values[int(hole[1])], frame))


def _substring(_: State, text: str | None, first: str | None, end: str | None) -> str:
    (whole,), start, stop = _there((text,)), whole_number(first), whole_number(end)
    if not 0 <= start <= stop <= len(whole):
        raise Failed("the part lies outside the text")
    return whole[start:stop]


def _replace(_: State, *texts: str | None) -> str:
    text, wanted, instead = _there(texts)
    if not wanted or text.count(wanted) * len(instead) > MAX_TEXT:
        raise Failed("what is to be replaced is empty, or the result too long")
    return _short(text.replace(wanted, instead))


def _ismatch(_: State, text: str | None, pattern: str | None) -> str:
    (there,) = _there((text,))
    return truth(matches_whole(there, pattern))


def _lowercase(_: State, text: str | None) -> str:
    (there,) = _there((text,))
    return _short(there.lower())


def _uppercase(_: State, text: str | None) -> str:
    (there,) = _there((text,))
    return _short(there.upper())


def _match(_: State, text: str | None, pattern: str | None, group: str | None) -> str | None:
    (there,), number = _there((text,)), whole_number(group)
    compiled = pattern_of(pattern)
    if not 0 <= number <= compiled.compiled.groups:
        raise Failed("the regular expression has no such group")
    try:
        found = compiled.first(there)
    except Unsafe as error:
        raise Failed(str(error)) from None
    return None if found is None else found[number]


def _normalise(_: State, text: str | None, sign: str | None = "_") -> str | None:
    (instead,) = _there((sign,))
    if text is None:
        return None
    if len(text) * len(instead) > MAX_TEXT:
        raise Failed(f"a value has at most {MAX_TEXT} characters")
    return _NOT_ASCII.sub(lambda _: instead, text)


def _equals(_: State, first: str | None, *others: str | None) -> str:
    return truth(first is not None and all(other == first for other in others))


def _lookup(state: State, kind: str | None, key: str | None) -> str | None:
    found = state.surroundings.tables.get((kind or "", key or ""))
    if found is None:
        state.note("lookup: the table has no such entry")
    return found


def _get_url(state: State, url: str | None) -> str:
    fetch = state.surroundings.fetch
    try:
        parts = urlsplit(url or "")
        plain = (
            _URL.fullmatch(url or "") is not None
            and parts.scheme in ("http", "https")
            and parts.username is None
            and parts.password is None
        )
        host = (parts.hostname or "").lower()
    except ValueError:
        plain, host = False, ""
    if fetch is None or not plain or host not in state.surroundings.url_hosts:
        raise Failed("getURL asks only hosts that the policy's url_hosts names")
    try:
        answer = fetch(url or "")
    except (OSError, ValueError, PixelanonError):
        raise Failed("getURL got no answer") from None
    return _short("".join(answer.splitlines()))


_TEXT = Kind.TEXT
FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "and": Function((_TEXT,), Gives.TRUTH, lambda _, *v: truth(all(tuple(map(is_true, v)))), rest=_TEXT),
        "concatenate": Function((_TEXT,), Gives.TEXT, _concatenate, rest=_TEXT),
        "equals": Function((_TEXT, _TEXT), Gives.TRUTH, _equals, rest=_TEXT),
        "false": Function((), Gives.TRUTH, lambda _: FALSE),
        "format": Function((_TEXT,), Gives.TEXT, _format, rest=_TEXT),
        "getURL": Function((_TEXT,), Gives.TEXT, _get_url),
        "ismatch": Function((_TEXT, Kind.PATTERN), Gives.TRUTH, _ismatch),
        "lookup": Function((_TEXT, _TEXT), Gives.TEXT, _lookup),
        "lowercase": Function((_TEXT,), Gives.TEXT, _lowercase),
        "match": Function((_TEXT, Kind.PATTERN, _TEXT), Gives.TEXT, _match),
        "normalizeString": Function((_TEXT, _TEXT), Gives.TEXT, _normalise, least=1),
        "or": Function((_TEXT,), Gives.TRUTH, lambda _, *v: truth(any(tuple(map(is_true, v)))), rest=_TEXT),
        "replace": Function((_TEXT, _TEXT, _TEXT), Gives.TEXT, _replace),
        "substring": Function((_TEXT, _TEXT, _TEXT), Gives.TEXT, _substring),
        "true": Function((), Gives.TRUTH, lambda _: TRUE),
        "uppercase": Function((_TEXT,), Gives.TEXT, _uppercase),
    }
)
