"""What the options of a policy allow to stand in a copy, as the proof reads them from the table: apart from rulings.py.

The option columns of a row say K or C; with several of the chosen options the row's C goes before K. Nothing here says
what has to stay: whatever the Basic Profile makes of an attribute is always allowed too.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import date

from pydicom.datadict import dictionary_is_retired
from pydicom.dataelem import DataElement

from xnat_pixelanon.domain.header_rules import FULL_DATES, MODIFIED_DATES, HeaderRules
from xnat_pixelanon.headers.constants import DUMMIES, NO_DESCRIPTIONS, OPTION_CODES, PIXEL_CODE, PROFILE_CODE
from xnat_pixelanon.headers.profile import Row
from xnat_pixelanon.headers.proof_view import name_of, values_of, vr_of
from xnat_pixelanon.headers.request import HeaderRequest

TEMPORAL_VRS = frozenset({"DA", "DT", "TM"})
TEXT_VRS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})
TEMPORAL = 0x00280303
_TIME = re.compile(r"(\d\d)(?:(\d\d)(?:(\d\d)(?:\.\d{1,6})?)?)?", re.ASCII)
_OLD_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,6})?)?", re.ASCII)
_ZONE = re.compile(r"[+-](0\d|1[0-4])[0-5]\d", re.ASCII)
_NO_DATES = ("19700101", "19800101", "20000101")


def cell_of(row: Row | None, tag: int, rules: HeaderRules) -> str:
    """K, C or '': what exceptions, or else the chosen options, say of an attribute."""
    for one in rules.exceptions:
        if one.tag == name_of(tag):
            return "K" if one.action == "keep" else ""
    if row is None:
        free = "clean-descriptors" in rules.options and vr_of(tag) in TEXT_VRS and tag not in NO_DESCRIPTIONS
        return "C" if free and not dictionary_is_retired(tag) else ""
    cells = {row.options.get(name.replace("-", "_"), "") for name in rules.options}
    if "C" in cells and row.options.get("retain_dates_modified") and vr_of(tag) not in TEMPORAL_VRS:
        return ""  # bytes and offsets that nobody can move
    return "C" if "C" in cells else "K" if "K" in cells else ""


def excepted(tag: int, rules: HeaderRules) -> str:
    """The action of the exception for a tag, or ''."""
    return next((one.action for one in rules.exceptions if one.tag == name_of(tag)), "")


def looked_for(row: Row | None, rules: HeaderRules) -> str:
    """How a row's values are looked for elsewhere; not at all where they may stand in the copy as they are."""
    if row is None or not row.search:
        return ""
    retained = any(row.options.get(name.replace("-", "_")) == "K" for name in rules.options)
    retained |= any(one.tag == row.tag and one.action == "keep" for one in rules.exceptions)
    return "" if retained else row.search


def is_time(text: str) -> bool:
    """A TM value: hours, minutes, seconds, of the 24 hours of a day."""
    found = _TIME.fullmatch(text) or _OLD_TIME.fullmatch(text)
    return found is not None and int(found[1]) < 24 and int(found[2] or 0) < 60 and int(found[3] or 0) <= 60


def _parts(text: str) -> tuple[int, int, int, str] | None:
    """Year, month, day, and what follows."""
    plain = text.replace(".", "") if re.fullmatch(r"\d{4}\.\d\d\.\d\d", text, re.ASCII) else text
    if not re.match(r"\d{8}", plain, re.ASCII):
        return None
    year, month, day = int(plain[:4]), int(plain[4:6]), int(plain[6:8])
    if year < 1 or not 1 <= month <= 12 or not 1 <= day <= monthrange(year, month)[1]:
        return None
    return year, month, day, plain[8:]


def is_moment(text: str, vr: str) -> bool:
    """Whether a value is one that its VR, DA, DT or TM, allows in a stored object."""
    if vr == "TM":
        return is_time(text)
    parts = _parts(text)
    if parts is None:
        return vr == "DT" and re.fullmatch(r"\d{4}((0[1-9])|(1[0-2]))?", text, re.ASCII) is not None
    rest = parts[3]
    if vr == "DA" or not rest:
        return not rest
    if (zone := _ZONE.search(rest)) is not None and zone.end() == len(rest):
        rest = rest[: zone.start()]
    return ":" not in rest and (not rest or is_time(rest))


def is_moved(after: str, before: str, vr: str, days: int) -> bool:
    """Whether `after` is `before` so many days earlier, and `before` one that says a day."""
    if vr == "TM":
        return after == before and is_time(before)
    new, old = _parts(after), _parts(before)
    if new is None or old is None or new[3] != old[3] or not is_moment(before, vr):
        return False
    first = before.replace(".", "")[:8] if vr == "DA" else before[:8]
    if not "19000101" < first < "29990101" or first in _NO_DATES or not re.match(r"\d{8}", after, re.ASCII):
        return False
    return date(*new[:3]).toordinal() - date(*old[:3]).toordinal() == days


def words_left(after: list[str], before: list[str]) -> bool:
    """Whether texts are the source's with none, some or all of their words taken out, and nothing put in."""
    return len(after) == len(before) and all(
        _within(_words(new), _words(old)) and _within(new, old) for new, old in zip(after, before, strict=True)
    )


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def _within(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether `part` stands in `whole` in its order, with gaps."""
    rest = iter(whole)
    return all(one in rest for one in part)


def days_of(request: HeaderRequest) -> int:
    """Days by which dates have to be moved; 0 where none are."""
    return request.identity.date_shift(request.subject_label) if MODIFIED_DATES in request.rules.options else 0


def moments_right(after: list[str], before: list[str], vr: str, days: int) -> bool:
    """Whether values of DA, DT or TM are the source's, moved by `days` (0: not at all)."""
    if len(after) != len(before):
        return False
    if not days:
        return after == before and all(is_moment(text, vr) for text in after if text)
    return all(new == old == "" or is_moved(new, old, vr, days) for new, old in zip(after, before, strict=True))


def temporal_values(request: HeaderRequest, before: list[str], scripted: str = "") -> list[str]:
    """What Longitudinal Temporal Information Modified has to say (PS3.15 E.3.6).

    `scripted`: whether a script left dates, `kept` or `changed`.
    """
    removed = not request.rules.script_alone and FULL_DATES not in request.rules.options  # but for the script's
    if MODIFIED_DATES in request.rules.options or scripted == "changed" or (scripted and removed):
        return ["MODIFIED"]
    if removed:
        return ["REMOVED"]
    return before if before in (["MODIFIED"], ["REMOVED"]) else ["UNMODIFIED"]


def codes_of(request: HeaderRequest) -> tuple[tuple[str, str], ...]:
    """The codes that De-identification Method Code Sequence has to hold."""
    options = (OPTION_CODES[name] for name in sorted(request.rules.options))
    profile = () if request.rules.script_alone else (PROFILE_CODE,)
    return (*profile, *((PIXEL_CODE,) if request.reviewed else ()), *options)


def is_dummy(element: DataElement) -> bool:
    """Whether an element has the value that stands for one that went."""
    dummy = DUMMIES.get(element.VR)
    text = dummy.hex() if isinstance(dummy, bytes) else str(dummy)
    return dummy is not None and values_of(element) == [text]
