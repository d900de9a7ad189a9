"""A small interpreter for the part of DicomEdit 6 that site and project scripts of a test need.

Statements, one a line: `(gggg,eeee) := value`, `- (gggg,eeee)`, `condition ? statement`, `alterPixels[...]`,
`reject[]`, `version "6.x"`, `removeAllPrivateTags`. Values: `"text"`, `project`, `subject`, `session`, `(gggg,eeee)`,
`hashUID[value]`. Anything else is refused, and with it the whole script, as by the real engine.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from pydicom import config
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from .objects import text_of

DEFAULT_SITE_SCRIPT = """version "6.1"
project != "Unassigned" ? (0008,1030) := project
(0010,0010) := subject
(0010,0020) := session
"""

_TAG = r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)"
_ASSIGN = re.compile(rf"^{_TAG}\s*:=\s*(.+)$")
_DELETE = re.compile(rf"^-\s*{_TAG}$")
_CONDITION = re.compile(r"^(\S+|\"[^\"]*\")\s*(=|!=)\s*(\S+|\"[^\"]*\")\s*\?\s*(.+)$")
_ALTER = re.compile(r'^alterPixels\[\s*"rectangle"\s*,\s*"([^"]*)"\s*,\s*"solid"\s*,\s*"[^"]*"\s*\]$')
_HASH = re.compile(r"^hashUID\[\s*(.+?)\s*\]$")
_VARIABLES = ("project", "subject", "session")


class ScriptError(Exception):
    """The script cannot be run on this object."""


class Rejected(Exception):
    """The script says `reject`: the object is dropped."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the words `project`, `subject` and `session` stand for."""

    project: str
    subject: str
    session: str


def run_script(script: str, ds: Dataset, context: Context) -> bool:
    """Edits the object in place; says whether anything was changed. Errors leave a half edited object behind."""
    changed = False
    statements = [line for raw in script.splitlines() if (line := _without_comment(raw))]
    for statement in statements:
        _check(statement)
    for statement in statements:
        changed |= _run(statement, ds, context)
    return changed


def _without_comment(line: str) -> str:
    return re.sub(r'^((?:[^"/]|"[^"]*"|/(?!/))*)//.*$', r"\1", line).strip()


def _check(statement: str) -> None:
    """A syntax error anywhere refuses the whole script before the first edit."""
    if condition := _CONDITION.match(statement):
        statement = condition.group(4)
    known = (_ASSIGN.match(statement), _DELETE.match(statement), _ALTER.match(statement))
    plain = re.match(r'^(version\s+"6\.[0-6]"|reject\[\]|removeAllPrivateTags)$', statement)
    if not any(known) and not plain:
        raise ScriptError("syntax error in the anonymisation script")


def _run(statement: str, ds: Dataset, context: Context) -> bool:
    if condition := _CONDITION.match(statement):
        left, operator, right, action = condition.groups()
        same = _value(left, ds, context) == _value(right, ds, context)
        return _run(action, ds, context) if same == (operator == "=") else False
    if match := _ASSIGN.match(statement):
        value = _value(match.group(3).strip(), ds, context)
        return value is not None and _set(ds, Tag(f"{match.group(1)}{match.group(2)}"), value)
    if match := _DELETE.match(statement):
        tag = Tag(f"{match.group(1)}{match.group(2)}")
        present = tag in ds
        if present:
            del ds[tag]
        return present
    if match := _ALTER.match(statement):
        return _blacken(ds, match.group(1))
    if statement == "removeAllPrivateTags":
        ds.remove_private_tags()
        return True
    if statement.startswith("reject"):
        raise Rejected
    return False


def _value(expression: str, ds: Dataset, context: Context) -> str | None:
    if expression.startswith('"') and expression.endswith('"') and len(expression) > 1:
        return expression[1:-1]
    if expression in _VARIABLES:
        return str(getattr(context, expression))
    if match := re.fullmatch(_TAG, expression):
        tag = Tag(f"{match.group(1)}{match.group(2)}")
        return str(ds[tag].value) if tag in ds else None
    if match := _HASH.match(expression):
        value = _value(match.group(1), ds, context)
        return None if value is None else _hash_uid(value)
    raise ScriptError("unknown value in the anonymisation script")


def _set(ds: Dataset, tag: BaseTag, value: str) -> bool:
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        vr = "LO"
    if tag in ds and str(ds[tag].value) == value:
        return False
    ds[tag] = DataElement(tag, vr, value, validation_mode=config.IGNORE)
    return True


def _hash_uid(value: str) -> str:
    digest = hashlib.sha1(value.encode(), usedforsecurity=False).digest()[:16]
    return f"2.25.{uuid.UUID(bytes=digest, version=5).int}"


def _corners(parameters: str) -> Mapping[str, int]:
    names = {"left": "l", "top": "t", "right": "r", "bottom": "b"}
    corners: dict[str, int] = {}
    try:
        for part in parameters.replace(" ", "").split(","):
            key, _, number = part.partition("=")
            corners[names.get(key, key)] = int(number)
        return {key: corners[key] for key in "ltrb"}
    except (ValueError, KeyError):
        raise ScriptError("alterPixels: wrong rectangle") from None


def _blacken(ds: Dataset, parameters: str) -> bool:
    """Zeroes the box in every frame of native pixels: rows top..bottom-1, columns left..right-1."""
    corners = _corners(parameters)
    if "PixelData" not in ds:
        return False
    if ds.file_meta.TransferSyntaxUID.is_compressed:
        raise ScriptError("alterPixels: this stand-in edits native pixels only")
    rows, columns = int(ds.Rows), int(ds.Columns)
    samples = int(text_of(ds, "SamplesPerPixel") or 1)
    cell = int(ds.BitsAllocated) // 8
    planes = samples if samples > 1 and int(text_of(ds, "PlanarConfiguration") or 0) == 1 else 1
    width = cell * (samples // planes)
    data = bytearray(ds.PixelData)
    left, right = max(0, corners["l"]), min(columns, corners["r"])
    for plane in range(len(data) // (rows * columns * width)):
        for row in range(max(0, corners["t"]), min(rows, corners["b"])):
            start = ((plane * rows + row) * columns + left) * width
            data[start : start + (right - left) * width] = bytes(max(0, right - left) * width)
    ds["PixelData"].value = bytes(data)
    return True
