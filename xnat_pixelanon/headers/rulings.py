"""What the profile says about a tag, under the options and exceptions of a policy: worked out once for each tag.

The option columns of Table E.1-1 say K (kept) or C (cleaned). Where several of the chosen options have a say, C goes
before K: the least of what applies. A row without a say of theirs, as those of later editions, is ruled by the Basic
Profile.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from xnat_pixelanon.domain.header_rules import MODIFIED_DATES, PLAIN, HeaderRules
from xnat_pixelanon.headers.constants import NO_DESCRIPTIONS
from xnat_pixelanon.headers.profile import Row, lookup
from xnat_pixelanon.headers.tree import (
    DATE_VRS,
    NUMBER_STRING_VRS,
    SIZES,
    STRING_VRS,
    dictionary_vr,
    is_dataset_tag,
    is_retired,
)

PIXEL_GROUP = 0x7FE0
Way = Literal["", "keep", "shift", "clean"]
_CODE_URIS = frozenset({0x0008010E, 0x00080120})  # Coding Scheme URL, URN Code Value: parts of codes (PS3.3 8.8)
_CARRIERS = (0x50, 0x60)  # curves and overlays
_NEVER = frozenset(
    {
        0x00880200,  # Icon Image Sequence: the picture as it was
        0x04000500,  # Encrypted Attributes Sequence
        0x04000561,  # Original Attributes Sequence: what was changed, as it was
        0x4FFE0001,  # MAC Parameters Sequence: of the signatures
        0xFFFAFFFA,  # Digital Signatures Sequence: no longer true
    }
)
ALONE = "no profile"
DESCRIPTIVE_VRS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})
"""Text that people write, and words can be taken out of."""


@lru_cache(maxsize=8192)
def basic(tag: int) -> tuple[str, str]:
    """Action and rule of the Basic Profile; the action may be a compound one of the table."""
    if not is_dataset_tag(tag):
        return "X", "private" if (tag >> 16) % 2 else "group"
    if tag >> 16 == PIXEL_GROUP:
        return "X", "pixel element"
    row = lookup(tag)
    if row is not None:
        return row.basic, f"{'project' if row.edition == 'project' else 'E.1-1'} {row.basic}"
    vr = dictionary_vr(tag)
    if not vr:
        return "X", "unknown"
    if is_retired(tag) and vr not in SIZES and vr not in NUMBER_STRING_VRS:
        return "X", "retired"
    if vr == "PN":
        return "Z", "VR PN"
    if vr in DATE_VRS or vr in ("AE", "AS") or (vr == "UR" and tag not in _CODE_URIS):
        return "X", f"VR {vr}"
    if vr in SIZES or vr in STRING_VRS or vr == "SQ":
        return "K", ""
    return "X", "binary"


def _alone(tag: int) -> tuple[str, str]:
    """Without a profile everything stays that can be searched: text, numbers, dates, sequences of them.

    Names of persons go as the profile has it: one of two letters, or one that is also a word, no search would find.
    """
    action, rule = basic(tag)
    vr = dictionary_vr(tag)
    if action == "K" or rule == "pixel element" or not vr or vr == "PN" or tag in _NEVER or tag >> 24 in _CARRIERS:
        return action, rule
    return ("K", ALONE) if vr in SIZES or vr in STRING_VRS or vr == "SQ" else (action, rule)


class Rulings:
    """The rulings of one set of rules. Make one with `rulings_of`."""

    def __init__(self, rules: HeaderRules) -> None:
        self.rules = rules
        self._exceptions = {one.number: one.action for one in rules.exceptions}
        self.safe_private = "retain-safe-private" in rules.options
        self._columns = tuple(sorted(name.replace("-", "_") for name in rules.options))
        self._ways: dict[int, tuple[Way, str]] = {}

    def basic(self, tag: int) -> tuple[str, str]:
        """Action and rule where no option lets the attribute stay."""
        act = self._exceptions.get(tag, "keep")
        if self.rules.script_alone:
            return _alone(tag)
        return basic(tag) if act == "keep" else ("X" if act == "remove" else "Z", f"exception {act}")

    def option(self, tag: int) -> tuple[Way, str]:
        """How the chosen options let an attribute stay, and the rule that says so; '' where they do not.

        `keep`: as it is, if nothing else identifies in it; `shift`: a date that is moved; `clean`: text without words.
        """
        way = self._ways.get(tag)
        if way is None:
            way = self._ways[tag] = self._worked_out(tag)
        return way

    def _worked_out(self, tag: int) -> tuple[Way, str]:
        row, vr = lookup(tag), dictionary_vr(tag)
        if (act := self._exceptions.get(tag)) is not None:
            way: Way = "clean" if vr in DESCRIPTIVE_VRS else "keep"
            return (way, "exception keep") if act == "keep" and vr else ("", "")
        if (
            row is None
            and "clean_descriptors" in self._columns
            and vr in DESCRIPTIVE_VRS
            and tag not in NO_DESCRIPTIONS
        ):
            return ("clean", "clean-descriptors") if basic(tag)[0] == "K" else ("", "")
        if row is None or not self._columns or not is_dataset_tag(tag):
            return "", ""
        says = {column: row.options[column] for column in self._columns if column in row.options}
        for cell in ("C", "K"):
            names = [column.replace("_", "-") for column, said in says.items() if said == cell]
            if names:
                return (_cleaning(vr, names[0]) if cell == "C" else "keep"), f"{names[0]} {cell}"
        return "", ""

    def search(self, row: Row) -> str:
        """How the values of a row are looked for elsewhere; '' where an option retains them."""
        if self._exceptions and self._exceptions.get(_number(row.tag)) == "keep":
            return ""
        kept = any(row.options.get(column) == "K" for column in self._columns)
        return "" if kept else row.search


def _number(tag: str) -> int:
    return -1 if "x" in tag else int(tag[1:5] + tag[6:10], 16)


def _cleaning(vr: str, option: str) -> Way:
    """How a value of this VR is cleaned; where nothing can say that it is clean, the Basic Profile applies."""
    if vr in DATE_VRS or option == MODIFIED_DATES:
        return "shift" if vr in DATE_VRS else ""
    if vr in DESCRIPTIVE_VRS:
        return "clean"
    return "keep" if vr == "SQ" else ""


def exception_problems(rules: HeaderRules) -> Iterator[str]:
    """Exceptions of a policy that could not be carried out, by their JSON path: none is to be without effect."""
    for index, one in enumerate(rules.exceptions):
        where, vr = f"$.headers.exceptions[{index}]", dictionary_vr(one.number)
        if not vr:
            yield f"{where}.tag: PS3.6 has no attribute {one.tag}"
        elif one.action == "keep" and vr == "PN":
            yield f"{where}.action: {one.tag} is a person's name, which is never kept; expected empty or remove"
        elif one.action == "keep" and vr == "UI":
            yield f"{where}.action: {one.tag} is a UID; the option retain-uids keeps them, all or none"


@lru_cache(maxsize=16)
def rulings_of(rules: HeaderRules) -> Rulings:
    """Compiled once for equal rules."""
    return Rulings(rules)


BASIC = rulings_of(PLAIN)
