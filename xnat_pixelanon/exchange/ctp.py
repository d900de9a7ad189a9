"""CTP's DicomPixelAnonymizer scripts: `{ boolean script } (x,y,w,h) ...`, in and out.

CTP covers one column and one row more than w and h say, in native data; what is read here covers them too, and what is
written covers exactly the box (measured on CTP's own library).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydicom.datadict import keyword_for_tag

from xnat_pixelanon.domain.criteria import CRITERIA
from xnat_pixelanon.errors import DocumentError
from xnat_pixelanon.exchange.rules import (
    Carried,
    Conjunction,
    ForeignRule,
    NotCarriedError,
    assembled,
    both,
    by_expression,
    criterion,
    exported,
    expression_of,
)

KIND = "ctp"
_REGION = re.compile(r"\s*\(\s*(-?\d{1,6})\s*,\s*(-?\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*\)")
_TOKEN = re.compile(
    r"""\s*(?:(?P<sign>[*+!()])
    |(?P<tag>[A-Za-z][A-Za-z0-9]*|\[[0-9A-Fa-f]{4},\s*[0-9A-Fa-f]{4}\])\s*\.\s*(?P<method>[A-Za-z]+)\s*
     \(\s*"(?P<text>(?:[^"\\]|\\.)*)"\s*\)
    |(?P<constant>true\.|false\.))""",
    re.VERBOSE,
)
_WAYS: Mapping[str, tuple[str, str]] = {
    "equals": ("", ""),
    "contains": ("*", "*"),
    "startsWith": ("", "*"),
    "endsWith": ("*", ""),
}


def read(text: str, where: str, size: tuple[int, int] | None) -> Carried:
    """DocumentError with the line where a signature has no end."""
    rules: list[ForeignRule] = []
    notes = ["all templates that match an image count together; CTP takes the first signature that matches"]
    at = 0
    while (begin := text.find("{", at)) >= 0:
        line = text.count("\n", 0, begin) + 1
        end = _end(text, begin)
        if end < 0:
            raise DocumentError(where, [f"line {line}: a signature that does not end"])
        at, edges = end + 1, []
        while (found := _REGION.match(text, at)) is not None:
            x, y, w, h = (int(part) for part in found.groups())
            edges.append((x, y, _far(x, w), _far(y, h)))
            at = found.end()
        if not edges:
            notes.append(f"line {line}: a signature without regions: left out")
            continue
        try:
            alternatives = _Signature(text[begin + 1 : end]).alternatives()
        except NotCarriedError as error:
            notes.append(f"line {line}: {error}: left out")
            continue
        rules.append(ForeignRule(line, f"line {line} of a CTP script", alternatives, tuple(edges)))
    return assembled(KIND, rules, size, notes)


def _far(near: int, length: int) -> int:
    """The exclusive edge; of one that is counted from the far side 0 is that side itself."""
    return near + length + 1 if near >= 0 else min(0, near + length + 1)


def _end(text: str, begin: int) -> int:
    quoted = False
    for at in range(begin, len(text)):
        if text[at] == '"' and text[at - 1] != "\\":
            quoted = not quoted
        elif text[at] == "}" and not quoted:
            return at
    return -1


class _Signature:
    """A recursive descent over `*` (and), `+` (or), `!` and parentheses."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    def alternatives(self) -> tuple[Conjunction, ...]:
        found = self._either()
        if self._at < len(self._tokens):
            raise NotCarriedError("a signature that is not understood")
        return found

    def _either(self) -> tuple[Conjunction, ...]:
        found = self._every()
        while self._sign("+"):
            found = (*found, *self._every())
        return found

    def _every(self) -> tuple[Conjunction, ...]:
        found = self._one()
        while self._sign("*"):
            found = both(found, self._one())
        return found

    def _one(self) -> tuple[Conjunction, ...]:
        if self._sign("("):
            found = self._either()
            if not self._sign(")"):
                raise NotCarriedError("a signature that is not understood")
            return found
        if self._at >= len(self._tokens):
            raise NotCarriedError("a signature that is not understood")
        token = self._tokens[self._at]
        self._at += 1
        if token["sign"] == "!":
            raise NotCarriedError("a condition that something is not so")
        if token["constant"] == "true.":
            return ({},)
        if not token["tag"]:
            raise NotCarriedError("a signature that is not understood")
        return (_condition(token["tag"], token["method"] or "", token["text"] or ""),)

    def _sign(self, sign: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at]["sign"] == sign:
            self._at += 1
            return True
        return False


def _tokens(text: str) -> Iterator[dict[str, str | None]]:
    at, text = 0, text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotCarriedError("a signature that is not understood")
        yield found.groupdict()
        at = found.end()


def _condition(tag: str, method: str, text: str) -> Conjunction:
    keyword = keyword_for_tag(int(re.sub(r"[\[\],\s]", "", tag), 16)) if tag.startswith("[") else tag
    plain = re.sub(r"\\(.)", r"\1", text)
    if method == "matches":
        return by_expression(keyword, plain)
    ways = _WAYS.get(method.removesuffix("IgnoreCase"))
    if ways is None:
        raise NotCarriedError(f"a condition by {method}")
    return criterion(keyword, plain, before=ways[0], behind=ways[1])


def write(document: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The script, and notes on what it does not say."""
    notes = ["CTP takes the first signature that matches; here all templates that match count together"]
    blocks: list[str] = []
    for rule, excluded in exported(document, notes):
        if excluded:
            notes.append("an exclusion: CTP's pixel script leaves no image out")
            continue
        conditions = [_signature(name, str(wanted)) for name, wanted in rule["match"].items()]
        regions = " ".join(
            f"({box['left']},{box['top']},{box['right'] - box['left'] - 1},{box['bottom'] - box['top'] - 1})"
            for box in rule["rectangles"]
        )
        title = re.sub(r"[{}\r\n]", " ", str(rule.get("title") or rule["id"]))
        blocks.append(f"{title}\n  {{ " + "\n    * ".join(conditions) + f" }}\n  {regions}\n")
    return "\n".join(blocks), notes


def _signature(name: str, wanted: str) -> str:
    keyword = CRITERIA[name].keyword
    inner = wanted.strip("*")
    ways = (wanted[: len(wanted) - len(wanted.lstrip("*"))], wanted[len(wanted.rstrip("*")) :])
    method = next((method for method, way in _WAYS.items() if way == ways and "*" not in inner and inner), "")
    if CRITERIA[name].integer:
        return f'{keyword}.equals("{wanted}")'
    if method:
        return f'{keyword}.{method}IgnoreCase("{_quoted(inner)}")'
    return f'{keyword}.matches("{_quoted(expression_of(wanted))}")'


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
