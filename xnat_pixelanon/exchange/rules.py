"""What the rules of all formats have in common: conditions on attributes, rectangles, and what cannot be carried over.

A condition that has no criterion here drops its whole rule, with a note: without it the rule would be for other images.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

from xnat_pixelanon.domain.criteria import CRITERIA

Conjunction = Mapping[str, str]
"""Criterion and the text that is wanted, `*` for any text; all of them have to hold."""
ANY: tuple[Conjunction, ...] = ({},)
KEYWORDS: Mapping[str, str] = {one.keyword: name for name, one in CRITERIA.items()}
_SPECIAL = frozenset("\\.^$|?*+()[]{}")


class NotCarriedError(Exception):
    """A part of a rule that has no counterpart here; its text says what."""


@dataclass(frozen=True, slots=True)
class ForeignRule:
    """One rule: `alternatives` of which one has to hold, then `edges` (left, top, right, bottom; the last two
    exclusive, negative ones counted from right and bottom) are black. Without any, `excluded` images are not sent."""

    line: int
    name: str
    alternatives: tuple[Conjunction, ...]
    edges: tuple[tuple[int, int, int, int], ...] = ()
    excluded: bool = False


@dataclass(slots=True)
class Carried:
    """Templates and exclusions, as in templates.json, and notes on what is different or was left out."""

    templates: list[dict[str, Any]] = field(default_factory=list)
    exclusions: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def assembled(kind: str, rules: Sequence[ForeignRule], size: tuple[int, int] | None, notes: Sequence[str]) -> Carried:
    """Rules as templates and exclusions. `size`: rows and columns for rules that say none, None where none is given."""
    carried = Carried(notes=list(notes))
    for rule in rules:
        for number, match in enumerate(rule.alternatives, 1):
            name = f"{kind}-{rule.line}" + (f"-{number}" if len(rule.alternatives) > 1 else "")
            if rule.excluded:
                _exclude(carried, rule, match)
            else:
                known = {one["id"] for one in carried.templates}  # two rules may stand in one line
                _template(carried, rule, match, free_id(name, known), size)
    return carried


def free_id(wanted: str, known: Container[str]) -> str:
    """`wanted`, or with the first number behind it that makes it one of its own."""
    names = chain((wanted,), (f"{wanted}-{number}" for number in count(2)))
    return next(name for name in names if name not in known)


def _exclude(carried: Carried, rule: ForeignRule, match: Conjunction) -> None:
    if not match:
        carried.notes.append(f"line {rule.line}: it leaves out every image: not taken over")
        return
    carried.exclusions.append({"match": _typed(match), "reason": rule.name})


def _template(carried: Carried, rule: ForeignRule, match: Conjunction, name: str, size: tuple[int, int] | None) -> None:
    wanted = dict(match)
    for key, pixels in zip(("rows", "columns"), size or (), strict=False):
        wanted.setdefault(key, str(pixels))
    if "rows" not in wanted or "columns" not in wanted:
        carried.notes.append(
            f"line {rule.line}: it does not say for which rows and columns: left out; give --size ROWSxCOLUMNS to take "
            "it for images of that size"
        )
        return
    rows, columns = int(wanted["rows"]), int(wanted["columns"])
    boxes = []
    for edges in rule.edges:
        box, cut = _inside(edges, rows, columns)
        if box is None:
            carried.notes.append(f"line {rule.line}: a rectangle lies outside {rows}x{columns}: left out")
            continue
        if cut:
            carried.notes.append(f"line {rule.line}: a rectangle is cut to {rows}x{columns}")
        boxes.append(box)
    if boxes:
        template = {"id": name, "title": rule.name, "match": _typed(wanted), "rectangles": boxes}
        carried.templates.append(template)


def _inside(edges: tuple[int, int, int, int], rows: int, columns: int) -> tuple[dict[str, int] | None, bool]:
    """The box in the image, None where it lies outside; and whether it was cut."""
    (left, right), (top, bottom) = _side(edges[0], edges[2], columns), _side(edges[1], edges[3], rows)
    box = {"top": max(0, top), "left": max(0, left), "bottom": min(rows, bottom), "right": min(columns, right)}
    if box["top"] >= box["bottom"] or box["left"] >= box["right"]:
        return None, True
    return box, box != {"top": top, "left": left, "bottom": bottom, "right": right}


def _side(near: int, far: int, length: int) -> tuple[int, int]:
    """Both edges from the near side; a negative `near` counts from the far side, and `far` (0 at most) with it."""
    return (near, far) if near >= 0 else (length + near, length + far)


def _typed(match: Conjunction) -> dict[str, Any]:
    return {name: int(text) if CRITERIA[name].integer else text for name, text in match.items()}


def criterion(keyword: str, text: str, *, before: str = "", behind: str = "") -> Conjunction:
    """One condition: the attribute of this keyword is `text`, with `before` and `behind` it (`*` for any text).

    NotCarriedError where no criterion looks at the attribute, or the text cannot be said in one.
    """
    name = KEYWORDS.get(keyword)
    if name is None:
        raise NotCarriedError(f"no criterion looks at {keyword}")
    if "*" in text:
        raise NotCarriedError("a criterion cannot hold a * that stands for itself")
    if not text and not (before or behind):
        raise NotCarriedError("an attribute without a value never matches")
    if CRITERIA[name].integer:
        if before or behind or not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII):
            raise NotCarriedError(f"{keyword} is compared as a number")
        return {name: str(int(text))}
    return {name: f"{before}{text}{behind}"}


def by_expression(keyword: str, expression: str) -> Conjunction:
    """A regular expression that has to match the whole value, where it is text and `.*`."""
    plain, at = "", 0
    expression = expression.removeprefix("(?i)")
    while at < len(expression):
        if expression.startswith(".*", at):
            plain, at = plain + "\0", at + 2
        elif expression[at] == "\\" and at + 1 < len(expression) and not expression[at + 1].isalnum():
            plain, at = plain + expression[at + 1], at + 2
        elif expression[at] in _SPECIAL:
            raise NotCarriedError("a regular expression that is more than text and .*")
        else:
            plain, at = plain + expression[at], at + 1
    if "*" in plain:
        raise NotCarriedError("a criterion cannot hold a * that stands for itself")
    name = KEYWORDS.get(keyword)
    if "\0" in plain:
        if name is None or CRITERIA[name].integer:
            raise NotCarriedError(f"no criterion looks at {keyword} by a part of it")
        return {name: plain.replace("\0", "*")}
    return criterion(keyword, plain)


def expression_of(wanted: str) -> str:
    """The regular expression of a criterion's text, without regard to case; `by_expression` reads it."""
    parts = ("".join(f"\\{sign}" if sign in _SPECIAL else sign for sign in part) for part in wanted.split("*"))
    return "(?i)" + ".*".join(parts)


def both(one: Sequence[Conjunction], other: Sequence[Conjunction]) -> tuple[Conjunction, ...]:
    """Alternatives of which one on each side has to hold; those that contradict themselves are left out."""
    return tuple(_merged(left, right) for left in one for right in other if not apart(left, right))


def _merged(left: Conjunction, right: Conjunction) -> Conjunction:
    for name in left.keys() & right.keys():
        if left[name] != right[name]:
            raise NotCarriedError(f"two conditions on {CRITERIA[name].keyword}")
    return {**left, **right}


def apart(one: Conjunction, other: Conjunction) -> bool:
    """Whether no image can match both: they want different values of one attribute, without `*`."""
    return any(
        one[name].casefold() != other[name].casefold() and "*" not in one[name] + other[name]
        for name in one.keys() & other.keys()
    )


def exported(document: Mapping[str, Any], notes: list[str]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Templates with rectangles and exclusions (True) of a valid templates.json; the rest is noted."""
    for template in document["templates"]:
        if template["rectangles"]:
            yield template, False
        else:
            notes.append(f"template {template['id']}: looked at, clean: it blackens nothing, and is left out")
    for exclusion in document.get("exclusions", ()):
        yield exclusion, True
    if document.get("overrides"):
        notes.append(f"{len(document['overrides'])} overrides of single series: left out")
