"""Scan IDs as XNAT gives them: from SeriesNumber, and what it does when two series share one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True, slots=True)
class Series:
    """What the ID of a scan depends on."""

    series_instance_uid: str
    series_number: str
    modality: str


def scan_ids(series: Iterable[Series]) -> Mapping[str, str]:
    """Scan ID by Series Instance UID, for all series of one session.

    The SeriesNumber (a leading `+` becomes `_`); without one the UID, `.` kept and other characters as `_`; several
    series of one number become `NUMBER-MODALITYi`, i from 1 in the order of their UIDs.
    """
    by_number: dict[str, list[Series]] = defaultdict(list)
    for one in series:
        by_number[_number(one)].append(one)
    ids: dict[str, str] = {}
    for number, same in by_number.items():
        if len(same) == 1:
            ids[same[0].series_instance_uid] = number
            continue
        counts: dict[str, int] = defaultdict(int)
        for one in sorted(same, key=lambda item: item.series_instance_uid):
            counts[one.modality] += 1
            ids[one.series_instance_uid] = f"{number}-{_UNSAFE.sub('_', one.modality) or 'OT'}{counts[one.modality]}"
    return ids


def _number(one: Series) -> str:
    number = one.series_number.strip()
    if number.startswith("+"):
        number = "_" + number[1:]
    if number and not _UNSAFE.search(number):
        return number
    return _UNSAFE.sub("_", one.series_instance_uid) or "NA"
