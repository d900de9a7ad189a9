"""Functions on dates and ages (PS3.5 6.2: DA, DT, AS). What cannot be shifted exactly fails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

from pydicom.dataelem import DataElement

from xnat_pixelanon.headers.script.nodes import TagPath
from xnat_pixelanon.headers.script.paths import Target, descend
from xnat_pixelanon.headers.script.state import State
from xnat_pixelanon.headers.script.table import Function, Gives, Kind
from xnat_pixelanon.headers.script.text_functions import whole_number
from xnat_pixelanon.headers.script.values import Failed, element_at, text_of

UNITS: Mapping[str, int] = MappingProxyType({"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1})
"""Seconds of a unit; `years` is not one length."""
_DATE = re.compile(r"[0-9]{8}")
_DATETIME = re.compile(r"([0-9]{8}(?:[0-9]{2}){0,3})(\.[0-9]{1,6})?([+-][0-9]{4})?")
_FIELDS = "%Y%m%d%H%M%S"
_BIRTH_DATE, _AGE, _STUDY_DATE = 0x00100030, 0x00101010, 0x00080020
_OLDEST = 89


def _moved(moment: datetime, count: int, unit: str) -> datetime:
    try:
        if unit == "years":
            year = moment.year + count
            try:
                return moment.replace(year=year)
            except ValueError:  # 29 February
                return moment.replace(year=year, day=28)
        return moment + timedelta(seconds=count * UNITS[unit])
    except (OverflowError, ValueError):
        raise Failed("the shifted date lies outside the calendar") from None


def _shift_one(text: str, vr: str, count: int, unit: str) -> str:
    found = _DATE.fullmatch(text) if vr == "DA" else _DATETIME.fullmatch(text)
    if not found:
        raise Failed(f"the value is no {vr} that can be shifted exactly")
    fields, rest = (text, "") if vr == "DA" else (found[1], (found[2] or "") + (found[3] or ""))
    form = _FIELDS[: len(fields) - 2]  # `%Y` stands for four digits, the others for two
    try:
        moment = datetime.strptime(fields, form)
    except ValueError:
        raise Failed(f"the value is no {vr} that can be shifted exactly") from None
    moved = _moved(moment, count, unit)
    if moved.strftime("%d%H%M%S")[len(fields) - 6 :].strip("0"):
        raise Failed("the shift is finer than the value")
    return f"{moved.year:04d}{moved.strftime(form[2:])}{rest}"


def shifted(text: str, vr: str, count: str | None, unit: str | None) -> str:
    """Every value of a DA or DT text, shifted."""
    if vr not in ("DA", "DT"):
        raise Failed("only dates (DA) and date times (DT) can be shifted")
    if unit is None or (unit != "years" and unit not in UNITS):
        raise Failed("a unit is one of years, days, hours, minutes, seconds")
    number = whole_number(count)
    return "\\".join(_shift_one(part.strip(), vr, number, unit) if part.strip() else "" for part in text.split("\\"))


def _shift_date(state: State, path: TagPath, count: str | None, unit: str | None = "days") -> str | None:
    return _shift_read(state, path, count, unit, ("DA",))


def _shift_date_time(state: State, path: TagPath, count: str | None, unit: str | None = "seconds") -> str | None:
    return _shift_read(state, path, count, unit, ("DA", "DT"))


def _shift_read(state: State, path: TagPath, count: str | None, unit: str | None, vrs: tuple[str, ...]) -> str | None:
    text = state.read(path)
    if text is None:
        return None
    vr = state.vr(path)
    if vr not in vrs:
        raise Failed(f"the element has VR {vr}, not {' or '.join(vrs)}")
    return shifted(text, vr, count, unit)


def _shift_targets(state: State, targets: list[Target], count: str | None, unit: str | None) -> None:
    for target in targets:
        element = element_at(target.spot.ds, target.tag)
        state.put(target, shifted(text_of(element), element.VR, count, unit))


def _shift_list(state: State, paths: tuple[TagPath, ...], count: str | None, unit: str | None) -> None:
    for path in paths:
        _shift_targets(state, state.find(path), count, unit)


def _shift_sequence(state: State, count: str | None, *paths: TagPath) -> None:
    for path in paths:
        _shift_targets(state, state.find(path), count, "seconds")


def _day(element: DataElement | None) -> date | None:
    text = "" if element is None else text_of(element).strip()
    if not text:
        return None
    try:
        if _DATE.fullmatch(text):
            return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        pass
    raise Failed("Study Date or Patient's Birth Date is no date")


def _years(text: str) -> int:
    """Whole years of an Age String."""
    if not re.fullmatch(r"[0-9]{3}[DWMY]", text):
        raise Failed("Patient's Age is no age")
    return int(text[:3]) // {"Y": 1, "M": 12, "W": 52, "D": 365}[text[3]]


def _scale_age(state: State) -> None:
    """An age over 89 becomes 89, a birth date the one that makes it so, at every depth (45 CFR 164.514(b)(2)(i)(C))."""
    study = _day(element_at(state.top.ds, _STUDY_DATE)) if _STUDY_DATE in state.top.ds else None
    for spot in list(descend(state.top)):
        there = [tag for tag in (_BIRTH_DATE, _AGE) if tag in spot.ds and text_of(element_at(spot.ds, tag)).strip()]
        over = [_over_the_oldest(element_at(spot.ds, tag), study) for tag in there]
        if not any(over):
            continue
        if _AGE in there:
            state.put(Target(spot, _AGE), f"{_OLDEST:03d}Y")
        if _BIRTH_DATE in there:
            assert study is not None
            moved = _moved(datetime(study.year, study.month, study.day), -_OLDEST, "years")
            state.put(Target(spot, _BIRTH_DATE), f"{moved.year:04d}{moved:%m%d}")


def _over_the_oldest(element: DataElement, study: date | None) -> bool:
    """Whether an age or birth date that has a value says more than 89 years; both have to be readable."""
    if element.tag == _AGE:
        return _years(text_of(element).strip()) > _OLDEST
    birth = _day(element)
    if birth is None or study is None:
        raise Failed("without a Study Date nobody knows how old the patient was")
    return study.year - birth.year - ((study.month, study.day) < (birth.month, birth.day)) > _OLDEST


_SHIFT = (Kind.PATH, Kind.TEXT, Kind.TEXT)
FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "scalePatientAgeAndDobFromStudyDate": Function((), Gives.NOTHING, _scale_age),
        "shiftDateByIncrement": Function(_SHIFT, Gives.TEXT, _shift_date, least=2),
        "shiftDateTimeByIncrement": Function(_SHIFT, Gives.TEXT, _shift_date_time, least=2),
        "shiftDateTimeListByIncrement": Function((Kind.PATHS, Kind.TEXT, Kind.TEXT), Gives.NOTHING, _shift_list),
        "shiftDateTimeSequenceByIncrement": Function(
            (Kind.TEXT, Kind.QUOTED), Gives.NOTHING, _shift_sequence, rest=Kind.QUOTED
        ),
    }
)
