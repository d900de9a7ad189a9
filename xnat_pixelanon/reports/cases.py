"""The scans of a report by group, and within a group by case: what was decided and where it is black."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from pydicom.config import IGNORE
from pydicom.uid import UID

from xnat_pixelanon.domain.codes import Kind
from xnat_pixelanon.domain.pictures import Look, Pictures
from xnat_pixelanon.domain.report import Boxes, RunReport, ScanReport, SessionReport

_ORDER = [Kind.REDACT, Kind.PASS, Kind.HEADERS_ONLY, Kind.HOLD, Kind.UNSUPPORTED, Kind.EXCLUDE]
_NOTHING = Look()
_PARTS = re.compile(r"(\D*)(\d*)")


@dataclass(slots=True)
class Case:
    """Scans of one group that were decided alike, and have the same boxes; `looks` are theirs, in the same order.

    `number`: no other case of the report has it.
    """

    number: int
    decision: str
    code: str
    templates: tuple[str, ...]
    asked: Boxes
    scans: list[tuple[SessionReport, ScanReport]] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)

    @property
    def sessions(self) -> int:
        return len({session.id for session, _ in self.scans})

    @property
    def files(self) -> int:
        return sum(len(scan.instances) for _, scan in self.scans)

    @property
    def proved(self) -> int:
        return sum(one.proof == "ok" for _, scan in self.scans for one in scan.instances)

    @property
    def effective(self) -> Boxes:
        """What became black; what is to be, where nothing was written."""
        found = [box for _, scan in self.scans for box in scan.effective]
        return tuple({tuple(box.items()): box for box in found}.values()) or self.asked

    @property
    def details(self) -> list[str]:
        """Why, in the words of its scans, each once."""
        return list(dict.fromkeys(scan.detail for _, scan in self.scans if scan.detail))

    @property
    def example(self) -> tuple[SessionReport, ScanReport, Look] | None:
        """A scan that stands for all, and its pictures: one with a copy before one without."""
        shown = [number for number, look in enumerate(self.looks) if _larger(look)]
        if not shown:
            return None
        best = min(shown, key=lambda number: self.looks[number].after is None)
        return *self.scans[best], self.looks[best]


@dataclass(slots=True)
class GroupOfScans:
    """One group: `title` as `US 768x1024`, and the names of its SOP classes."""

    title: str
    sop_classes: tuple[str, ...]
    cases: list[Case] = field(default_factory=list)

    @property
    def sends(self) -> bool:
        """Whether any of its scans is one that goes to the clean side."""
        return any(Kind(case.decision).sends for case in self.cases)


def groups_of(report: RunReport, pictures: Pictures) -> list[GroupOfScans]:
    """Groups of which something is sent first; within one, cases in the order of what is done, most scans first."""
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], dict[object, Case]] = {}
    numbers = count()
    for session in report.sessions:
        for scan in session.scans:
            cases = groups.setdefault((scan.groups, scan.sop_class_uids), {})
            boxes = tuple(tuple(box.items()) for box in scan.asked)
            key = (scan.decision, scan.code, scan.templates, boxes)
            if key not in cases:
                cases[key] = Case(next(numbers), scan.decision, scan.code, scan.templates, scan.asked)
            case = cases[key]
            case.scans.append((session, scan))
            case.looks.append(pictures.looks.get((session.id, scan.id), _NOTHING))
    found = [
        GroupOfScans(", ".join(texts) or "Not readable", _names(uids), _in_order(list(cases.values())))
        for (texts, uids), cases in groups.items()
    ]
    return sorted(found, key=lambda group: (not group.sends, group.title == "Not readable", natural(group.title)))


def natural(text: str) -> list[tuple[str, int]]:
    """A key for sorting: 2 before 10."""
    return [(letters, int(digits or 0)) for letters, digits in _PARTS.findall(text)]


def _in_order(cases: Sequence[Case]) -> list[Case]:
    return sorted(cases, key=lambda case: (_ORDER.index(Kind(case.decision)), -len(case.scans)))


def _names(uids: Sequence[str]) -> tuple[str, ...]:
    return tuple(UID(uid, validation_mode=IGNORE).name for uid in uids)


def _larger(look: Look) -> bool:
    return any(shots is not None and shots.large is not None for shots in (look.before, look.after))
