"""Dates and times under the two options for longitudinal temporal information (PS3.15 E.3.6).

Full dates: what is a date or time of its VR stays. Modified dates: dates move by whole days, so that times of day and
all distances stay right. What is not a date as PS3.5 6.2 writes it, or only a part of one, cannot be
moved; one up to 1 January 1900, or another that systems write for none, would tell by how much all others were moved:
the Basic Profile rules these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType

_CLOCK = r"(?:[01]\d|2[0-3])(?:[0-5]\d(?:(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?"
_ZONE = r"(?:[+-](?:0\d|1[0-4])[0-5]\d)?"
_DAY = r"(\d{4})(\d\d)(\d\d)"
_FORMS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "DA": re.compile(rf"{_DAY}()|(\d{{4}})\.(\d\d)\.(\d\d)()", re.ASCII),  # the second: of ACR-NEMA
        "DT": re.compile(rf"{_DAY}((?:{_CLOCK})?{_ZONE})", re.ASCII),
        "TM": re.compile(rf"{_CLOCK}|(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{{1,6}})?)?", re.ASCII),
    }
)
_PART_OF_DATE = re.compile(r"\d{4}(?:0[1-9]|1[0-2])?", re.ASCII)
_EARLIEST, _LATEST = date(1900, 1, 1), date(2999, 1, 1)
# What systems write where they have no date: moved by as many days as all the others, they would tell that number.
_PLACEHOLDERS = frozenset({date(1970, 1, 1), date(1980, 1, 1), date(2000, 1, 1)})


def _day(text: str, vr: str) -> tuple[date, str] | None:
    found = _FORMS[vr].fullmatch(text)
    if found is None:
        return None
    year, month, day, rest = (part for part in found.groups() if part is not None)
    try:
        return date(int(year), int(month), int(day)), rest
    except ValueError:
        return None


def is_temporal(text: str, vr: str) -> bool:
    """Whether a value of DA, DT or TM is one: a day of the calendar, a time of the day; of DT also only a part."""
    if vr == "TM":
        return _FORMS["TM"].fullmatch(text) is not None
    return _day(text, vr) is not None or (vr == "DT" and _PART_OF_DATE.fullmatch(text) is not None)


def shifted(text: str, vr: str, days: int) -> str | None:
    """A value of DA, DT or TM moved by `days`; None where it cannot be."""
    if vr == "TM":
        return text if is_temporal(text, vr) else None
    read = _day(text, vr)
    if read is None or not _EARLIEST < read[0] < _LATEST or read[0] in _PLACEHOLDERS:
        return None
    moved = read[0] + timedelta(days)
    return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}{read[1]}"
