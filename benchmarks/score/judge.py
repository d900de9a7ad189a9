"""Every check of the key against the copies. Values are compared here and told nowhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.score.answers import DATES_MODIFIED, Action, Check, Place
from benchmarks.score.copies import Copy, read_copies, squeeze, text_of
from benchmarks.score.corpus import Corpus
from benchmarks.score.pixel_judge import hidden, overlay_hidden, retained

_CHANCE = 5
"""Letters and digits that a text needs before it is looked for in a whole file."""
_LONG = 8
"""Characters that a text needs before it is looked for in the bytes of a file, pixels and all."""
_NUMBERS_ALONE = ("UI", "DS", "FD", "FL", "OB", "OW", "UN")


@dataclass(frozen=True, slots=True)
class Result:
    """A check and why it failed, '' where it passed."""

    check: Check
    failure: str = ""

    @property
    def passed(self) -> bool:
        return not self.failure


def judge(corpus: Corpus, out: Path, options: Sequence[str]) -> list[Result]:
    """All checks that apply under these options. A missing copy fails all of its checks, and so does a second one."""
    copies = {route: read_copies(out / route) for route in ("folder", "project")}
    found: dict[int, Copy] = {}
    amiss: dict[int, str] = {}
    for number, route in corpus.routes.items():
        there = copies[route].get(number, [])
        if len(there) == 1:
            found[number] = there[0]
        else:
            amiss[number] = f"{len(there)} copies" if there else "no copy"
    checks = [check for check in corpus.checks if check.applies(options)]
    agreed = _agreed([check for check in checks if check.instance in found], found, options)
    strange = [number for route in copies.values() for number in route if number not in corpus.sources]
    results = [
        Result(check, amiss.get(check.instance) or _failure(check, found[check.instance], corpus, agreed))
        for check in checks
    ]
    unknown = Check(Action.TAG_RETAINED, 0, Place.TYPED, ("InstanceNumber",))
    return results + [Result(unknown, "a copy of nothing in the corpus") for _ in strange]


@dataclass(frozen=True, slots=True)
class Agreed:
    """What most copies say: the new UID of each, and of each subject its Patient ID and shift of dates in days."""

    uids: Mapping[tuple[str, str], str]
    shared_uids: frozenset[tuple[str, str]]
    patients: Mapping[str, str]
    shared_patients: frozenset[str]
    shifts: Mapping[str, int]


def _agreed(checks: Iterable[Check], found: Mapping[int, Copy], options: Sequence[str]) -> Agreed:
    uids: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    patients: dict[str, Counter[str]] = defaultdict(Counter)
    shifts: dict[str, Counter[int]] = defaultdict(Counter)
    for check in checks:
        values = [text_of(one) for one in found[check.instance].elements(check.path)] if check.path else []
        if check.action is Action.UID_CONSISTENT:
            uids[_route(check), check.texts[0]].update(values)
        elif check.action is Action.PATID_CONSISTENT:
            patients[check.subject].update(values)
        elif check.action is Action.DATE_SHIFTED and DATES_MODIFIED in options:
            shifts[check.subject].update(
                days for value in values if (days := _days_between(check.texts[0], value)) is not None
            )
    new = {source: counted.most_common(1)[0][0] for source, counted in uids.items() if counted}
    people = {subject: counted.most_common(1)[0][0] for subject, counted in patients.items() if counted}
    often = Counter((route, value) for (route, _), value in new.items())
    often_people = Counter(people.values())
    return Agreed(
        new,
        frozenset(value for value, count in often.items() if count > 1),
        people,
        frozenset(value for value, count in often_people.items() if count > 1),
        {subject: counted.most_common(1)[0][0] for subject, counted in shifts.items() if counted},
    )


def _route(check: Check) -> str:
    """A folder and a project have different keys, so that the same source has two new UIDs."""
    return check.subject.split()[0]


def _failure(check: Check, copy: Copy, corpus: Corpus, agreed: Agreed) -> str:
    match check.action:
        case Action.PIXELS_HIDDEN | Action.PIXELS_RETAINED:
            return _pixels(check, copy, corpus.sources[check.instance])
        case Action.TEXT_REMOVED:
            return _removed(check, copy)
        case Action.PATID_CONSISTENT if check.place is Place.LABEL:
            return "" if copy.subject == agreed.patients.get(check.subject) else "another label"
        case _:
            values = [text_of(one) for one in copy.elements(check.path)]
            return _of_values(check, values, agreed)


def _of_values(check: Check, values: Sequence[str], agreed: Agreed) -> str:
    if not values:
        must = check.required or check.action not in (
            Action.DATE_SHIFTED, Action.UID_CHANGED, Action.UID_CONSISTENT)  # fmt: skip
        return "absent" if must else ""
    match check.action:
        case Action.TAG_RETAINED:
            return ""
        case Action.TEXT_NOTNULL:
            return "" if any(values) else "empty"
        case Action.TEXT_RETAINED:
            return "" if any(_holds(value, check.texts[0]) for value in values) else "lost"
        case Action.DATE_SHIFTED:
            return next((why for value in values if (why := _date(check, value, agreed))), "")
        case Action.UID_CHANGED:
            return "unchanged" if check.texts[0] in values else "" if all(values) else "empty"
        case Action.UID_CONSISTENT:
            expected = agreed.uids.get((_route(check), check.texts[0]))
            if (_route(check), expected) in agreed.shared_uids:
                return "the same as another's"
            return "" if set(values) == {expected} else "another than elsewhere"
        case Action.PATID_CONSISTENT:
            expected = agreed.patients.get(check.subject)
            if expected in agreed.shared_patients:
                return "the same as another's"
            return "" if set(values) == {expected} and expected else "another than elsewhere"
        case action:
            raise ValueError(f"{action} is not judged by its value")


def _holds(value: str, text: str) -> bool:
    return text.strip() in value or squeeze(text) in squeeze(value)


def _removed(check: Check, copy: Copy) -> str:
    texts = [squeeze(text) for text in check.texts]
    match check.place:
        case Place.ANYWHERE:
            return _anywhere(texts, copy) or _in_bytes(check.texts, copy.data)
        case Place.FILE_NAME | Place.RECEIPT:
            where = copy.name if check.place is Place.FILE_NAME else copy.receipt
            squeezed = squeeze(where)
            return "still there" if any(text in squeezed for text in texts) else ""
        case _:
            values = [squeeze(text_of(one)) for one in copy.elements(check.path)]
            return "still there" if any(text in value for text in texts for value in values) else ""


def _anywhere(texts: Sequence[str], copy: Copy) -> str:
    """In text of any element; digits alone not in UIDs and numbers, where chance writes them too."""
    wanted = [text for text in texts if len(text) >= _CHANCE]
    for vr, value in copy.texts():
        for text in wanted:
            if text in value and not (vr in _NUMBERS_ALONE and text.isdecimal() and len(text) < 20):
                return "still there"
    return ""


def _in_bytes(texts: Sequence[str], data: bytes) -> str:
    """In what belongs to no element: the preamble, segments of JPEG streams, the end of the file."""
    long = [text for text in texts if len(text) >= _LONG and not text.isdecimal()]
    return "in the bytes" if any(text.casefold().encode() in data for text in long) else ""


def _date(check: Check, value: str, agreed: Agreed) -> str:
    """Without an option the source's date may not stand; shifted dates of a person have all moved as far."""
    if value[:8] == check.texts[0]:
        return "unchanged"
    if DATES_MODIFIED not in check.needs:
        return "still there" if check.texts[0] in squeeze(value) else ""
    if not value:
        return "empty"
    shift = _days_between(check.texts[0], value)
    return "" if shift is not None and shift == agreed.shifts.get(check.subject) else "another shift than elsewhere"


def _days_between(source: str, value: str) -> int | None:
    try:
        return (_day(value) - _day(source)).days
    except ValueError:
        return None


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def _pixels(check: Check, copy: Copy, source: Path) -> str:
    try:
        if check.action is Action.PIXELS_HIDDEN:
            return _hidden(check, copy)
        return "" if retained(copy, source, check.boxes) else "pixels outside the boxes differ"
    except (AttributeError, RuntimeError, ValueError) as error:  # what pydicom raises of pixels that it cannot decode
        return f"not decoded: {type(error).__name__}"


def _hidden(check: Check, copy: Copy) -> str:
    if check.place is Place.OVERLAY:
        if check.path[0] == "OverlayData":
            return "" if overlay_hidden(copy, check.boxes) else "dots in the box"
        return "still there" if copy.elements(check.path) else ""
    return "" if hidden(copy, check.boxes) else "not black"
