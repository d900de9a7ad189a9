"""The Basic Application Level Confidentiality Profile of PS3.15 Table E.1-1, read from profile-e.1-1.csv.

The rows are those of edition 2024b, with the rows that edition 2026c adds; where both have a row they agree. Rows of
edition `project` are ours: what the table leaves open and this tool decides, each with its reason. The option columns
are those of 2024b; rows without any are ruled by the column `basic` whatever the options (rulings.py).

Actions (PS3.15 Table E.1-1a): X remove, Z empty, D dummy value, U map the UID, X/Z and so on by the attribute's Type,
X/Z/U* keep the references and map their UIDs; K (rows of ours) keep.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from xnat_pixelanon.domain.header_rules import PLAIN, HeaderRules

PROFILE_EDITION = "PS3.15 E.1-1 2024b+2026c Basic"
"""Named in De-identification Method (0012,0063) of what is written."""

ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "X": "removed",
        "Z": "emptied",
        "D": "replaced by a dummy value; a sequence is removed",
        "U": "UID mapped",
        "X/Z": "removed, or emptied where the attribute has to be there",
        "X/D": "removed, or replaced by a dummy value where the attribute needs one",
        "X/Z/D": "removed, or a dummy value where the attribute needs one",
        "X/Z/U*": "sequence kept, its UIDs mapped",
        "Z/D": "emptied, or a dummy value where the attribute needs one",
        "K": "kept",
    }
)

_TABLE = "profile-e.1-1.csv"
_SAFE = "safe-private.csv"
_WORDS = "common-words.txt"


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `tag` is `(gggg,eeee)` in capitals, or a pattern with xx; `options` are the option columns of 2024b.

    `search`: whether the attribute's value is looked for in what is kept: `id`, `station` (a name that may repeat the
    name of a product), or empty; `product` marks what names a product. Person names are always looked for.
    """

    tag: str
    keyword: str
    name: str
    basic: str
    options: Mapping[str, str]
    edition: str
    search: str
    comment: str


def data(name: str) -> str:
    """The text of a file beside this one."""
    return files("xnat_pixelanon.headers").joinpath(name).read_text(encoding="utf-8")


@cache
def rows() -> tuple[Row, ...]:
    """All rows, in the order of the file."""
    fixed = ("tag", "keyword", "name", "basic", "edition", "search", "comment")
    return tuple(
        Row(
            **{key: line[key] for key in fixed},
            options=MappingProxyType({key: value for key, value in line.items() if key not in fixed and value}),
        )
        for line in csv.DictReader(data(_TABLE).splitlines())
    )


@cache
def _by_tag() -> tuple[Mapping[int, Row], Mapping[str, Row]]:
    exact: dict[int, Row] = {}
    patterns: dict[str, Row] = {}
    for row in rows():
        group, element = row.tag.strip("()").split(",")
        if "x" in row.tag:
            patterns[group] = row if element == "xxxx" else patterns.get(group, row)
        else:
            exact[int(group + element, 16)] = row
    return exact, patterns


def lookup(tag: int) -> Row | None:
    """The row that rules this tag, or None. Odd groups, 50xx, 60xx and 4010 are ruled as whole groups."""
    exact, patterns = _by_tag()
    if (row := exact.get(tag)) is not None:
        return row
    group = tag >> 16
    if group % 2:
        return patterns["odd"]
    return patterns.get(f"{group:04X}") or patterns.get(f"{group >> 8:02X}xx")


@cache
def safe_attributes() -> Mapping[tuple[str, int, int], str]:
    """The VR of each private attribute that is safe, by creator, group and the last byte of its element.

    Of PS3.15 Table E.3.10-1 only what is a value: no sequences, bytes or UIDs, which nothing could vouch for.
    """
    lines = csv.DictReader(data(_SAFE).splitlines())
    return MappingProxyType(
        {(line["creator"], int(line["group"], 16), int(line["element"], 16)): line["vr"] for line in lines}
    )


@cache
def common_words() -> frozenset[str]:
    """Folded words that are never an identifier, from common-words.txt."""
    lines = (line for line in data(_WORDS).splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in line.split())


@cache
def profile_digest(rules: HeaderRules = PLAIN) -> str:
    """SHA-256 (hex) of table, word list, options and exceptions: changes whenever what they decide can change."""
    texts = [data(_TABLE), data(_WORDS)]
    if rules != PLAIN:
        texts.append(data(_SAFE))
        texts.append(json.dumps(rules.as_document(), sort_keys=True))
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def describe() -> tuple[tuple[str, str, str, str, str], ...]:
    """Rows for docs: tag, name, what is done, edition, comment."""
    return tuple((row.tag, row.name, ACTIONS[row.basic], row.edition, row.comment) for row in rows())
