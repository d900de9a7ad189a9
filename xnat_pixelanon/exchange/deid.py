"""Recipes of pydicom's deid: %filter sections with labels, conditions and coordinates; in only.

Coordinates are x0,y0,x1,y1, the last two exclusive; `ctpcoordinates` are x,y,w,h.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from xnat_pixelanon.exchange.rules import (
    Carried,
    Conjunction,
    ForeignRule,
    NotCarriedError,
    assembled,
    both,
    criterion,
)

KIND = "deid"
_WAYS = {"contains": ("*", "*"), "equals": ("", "")}
_LETTERS = re.compile(r"[^|\\^$?*+()\[\]{}]+")


@dataclass(slots=True)
class _Label:
    line: int
    name: str
    section: str
    conditions: list[tuple[str, str]] = field(default_factory=list)
    """`and` or `or`, and the condition's text."""
    edges: list[tuple[int, int, int, int]] = field(default_factory=list)
    problem: str = ""


def read(text: str, where: str, size: tuple[int, int] | None) -> Carried:
    """Labels of a gray list as templates, of a black list as exclusions."""
    rules: list[ForeignRule] = []
    notes = ["all templates that match an image count together; deid asks its lists in their order"]
    for label in _labels(text.splitlines()):
        try:
            rule = _rule(label)
        except NotCarriedError as error:
            notes.append(f"line {label.line}: {error}: left out")
            continue
        rules.append(rule)
    return assembled(KIND, rules, size, notes)


def _labels(lines: Sequence[str]) -> Iterator[_Label]:
    section, label = "", None
    for number, raw in enumerate(lines, 1):
        line = raw.split("#", 1)[0].strip()
        if line.startswith("%"):
            if label:
                yield label
            label, section = None, line.removeprefix("%filter").strip().casefold() if "filter" in line else ""
        elif line.startswith("LABEL") and section:
            if label:
                yield label
            label = _Label(number, line.removeprefix("LABEL").strip(), section)
        elif label and line:
            _add(label, line)
    if label:
        yield label


def _add(label: _Label, line: str) -> None:
    word, _, rest = line.partition(" ")
    if word.casefold() in ("coordinates", "ctpcoordinates"):
        numbers = re.fullmatch(r"\s*(\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*", rest)
        if numbers is None:
            label.problem = "coordinates that are not four numbers"
            return
        x0, y0, x1, y1 = (int(part) for part in numbers.groups())
        label.edges.append(
            (x0, y0, x0 + x1 + 1, y0 + y1 + 1) if word.casefold().startswith("ctp") else (x0, y0, x1, y1)
        )
    elif word.casefold() == "keepcoordinates":
        label.problem = "it keeps a part and blackens the rest"
    elif line.startswith("+"):
        label.conditions.append(("and", line[1:].strip()))
    elif line.startswith("||"):
        label.conditions.append(("or", line[2:].strip()))
    else:
        label.conditions.append(("and", line))


def _rule(label: _Label) -> ForeignRule:
    if label.problem:
        raise NotCarriedError(label.problem)
    if label.section == "whitelist":
        raise NotCarriedError("it lets images pass without a look at their size and SOP class")
    excluded = label.section == "blacklist"
    if not excluded and not label.edges:
        raise NotCarriedError("it has no coordinates")
    alternatives: tuple[Conjunction, ...] = ({},)
    for operator, text in label.conditions:
        found = tuple(one for part in text.split("||") for one in _condition(part.strip()))
        alternatives = both(alternatives, found) if operator == "and" else (*alternatives, *found)
    return ForeignRule(label.line, label.name, alternatives, tuple(label.edges), excluded)


def _condition(text: str) -> tuple[Conjunction, ...]:
    words = text.split(None, 2)
    if len(words) < 3 or words[0].casefold() not in _WAYS:
        raise NotCarriedError(f"a condition by {words[0] if words else 'nothing'}")
    before, behind = _WAYS[words[0].casefold()]
    values = [value.strip() for value in words[2].split("|")]
    if not all(_LETTERS.fullmatch(value) for value in values):
        raise NotCarriedError("a regular expression that is more than text and |")
    return tuple(
        criterion(words[1], value)
        if words[1] in ("Rows", "Columns")
        else criterion(words[1], value, before=before, behind=behind)
        for value in values
    )
