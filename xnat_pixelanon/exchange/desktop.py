"""Templates of XNAT's Desktop Client, as its window keeps them under `masking_template_registry`, in and out.

Its corners may lie between pixels: here a box covers every pixel that it touches, where the client rounds both corners.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import ceil, floor, isfinite
from typing import Any

from xnat_pixelanon.domain.documents import parse
from xnat_pixelanon.errors import DocumentError
from xnat_pixelanon.exchange.rules import Carried, ForeignRule, NotCarriedError, assembled, criterion, exported

KIND = "desktop"
_REGISTRY = "masking_template_registry"
_FIELDS: Mapping[str, str] = {
    "modality": "Modality",
    "Rows": "Rows",
    "Columns": "Columns",
    "SOPClassUID": "SOPClassUID",
}
_NAMES: Mapping[str, str] = {
    "modality": "modality",
    "rows": "Rows",
    "columns": "Columns",
    "sop_class_uid": "SOPClassUID",
}


def read(text: str, where: str, size: tuple[int, int] | None) -> Carried:
    """DocumentError where it is not a list of the client's templates."""
    rules: list[ForeignRule] = []
    notes: list[str] = []
    for number, template in enumerate(_templates(text, where), 1):
        try:
            rules.append(_rule(number, template))
        except NotCarriedError as error:
            notes.append(f"template {number}: {error}: left out")
    return assembled(KIND, rules, size, [note.replace("line ", "template ") for note in notes])


def _templates(text: str, where: str) -> list[Any]:
    found = parse(text, where)
    if isinstance(found, dict):
        found = found.get(_REGISTRY, found)
    if isinstance(found, str):  # as the window's storage has it
        found = parse(found, where)
    if isinstance(found, dict):
        found = [found] if "rectangles" in found else list(found.values())
    if not isinstance(found, list):
        raise DocumentError(where, ["$: expected a list of the Desktop Client's templates"])
    return found


def _rule(number: int, template: Any) -> ForeignRule:
    if not isinstance(template, dict) or not isinstance(template.get("data"), dict):
        raise NotCarriedError("not a template of the Desktop Client")
    match: dict[str, str] = {}
    for name, value in template["data"].items():
        keyword = _FIELDS.get(name)
        if keyword is None or not isinstance(value, str | int):
            raise NotCarriedError(f"a field {name} that is not understood")
        match |= criterion(keyword, str(value))
    edges = tuple(_edges(one) for one in template.get("rectangles") or ())
    if not edges:
        raise NotCarriedError("it has no rectangles")
    return ForeignRule(number, str(template.get("name") or template.get("alias") or ""), (match,), edges)


def _edges(corners: Any) -> tuple[int, int, int, int]:
    if (
        not isinstance(corners, list)
        or len(corners) != 4
        or not all(isinstance(one, int | float) and isfinite(one) and abs(one) < 1e6 for one in corners)
    ):
        raise NotCarriedError("a rectangle that is not four numbers")
    x1, y1, x2, y2 = corners
    left, right, top, bottom = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
    if right <= 0 or bottom <= 0:
        raise NotCarriedError("a rectangle outside of every image")
    return max(0, floor(left)), max(0, floor(top)), ceil(right), ceil(bottom)


def write(document: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The list of templates, and notes on what it does not say."""
    notes: list[str] = []
    found: list[dict[str, Any]] = []
    for rule, excluded in exported(document, notes):
        name = "an exclusion" if excluded else f"template {rule['id']}"
        if excluded or set(rule["match"]) != set(_NAMES) or "*" in str(rule["match"]["modality"]):
            notes.append(f"{name}: the Desktop Client knows modality, SOP class, rows and columns only: left out")
            continue
        found.append(
            {
                "name": rule.get("title") or rule["id"],
                "alias": rule["id"],
                "data": {_NAMES[key]: wanted for key, wanted in rule["match"].items()},
                "rectangles": [
                    [box[side] for side in ("left", "top", "right", "bottom")] for box in rule["rectangles"]
                ],
            }
        )
    return json.dumps(found, indent=1) + "\n", notes
