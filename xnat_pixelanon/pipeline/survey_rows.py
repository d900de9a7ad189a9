"""A session while it is surveyed, and the rows that are made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from xnat_pixelanon.domain.consistency import mark_inconsistent
from xnat_pixelanon.domain.decisions import ScanFacts, decide_session, strictest
from xnat_pixelanon.domain.instance import Group, InstanceFacts
from xnat_pixelanon.domain.session import SourceFile, SourceSession
from xnat_pixelanon.pipeline.rules import Rules
from xnat_pixelanon.pipeline.survey_cache import SurveyedSession
from xnat_pixelanon.pipeline.survey_document import ScanRow
from xnat_pixelanon.pixels import ScanPictures

_NOTHING = Group("", "", 0, 0)


@dataclass(slots=True)
class SessionUnderWay:
    """What there is of a session already, and its files where they have to be read."""

    session: SourceSession
    key: str
    names: tuple[str, ...]
    counts: tuple[int, ...]
    known: SurveyedSession | None
    files: tuple[tuple[SourceFile, ...], ...] = ()
    facts: list[list[InstanceFacts]] = field(default_factory=list)
    paths: dict[str, Path] = field(default_factory=dict)
    thumbnails: set[str] = field(default_factory=set)
    """Scans (as in `known.pictures`) of which no more than the thumbnail is wanted."""
    asked: str = ""
    """What the script's answers in `facts` stand on."""

    def scans(self) -> tuple[ScanFacts, ...]:
        """As decisions want them."""
        found = [ScanFacts(name, tuple(facts)) for name, facts in zip(self.names, self.facts, strict=True)]
        return tuple(mark_inconsistent(found))

    def members(self) -> dict[str, list[InstanceFacts]]:
        """Readable files with pixels by `number of the scan/group`."""
        found: dict[str, list[InstanceFacts]] = defaultdict(list)
        for number, scan in enumerate(self.facts):
            for facts in scan:
                if not facts.damage and facts.has_pixel_data:
                    found[f"{number}/{group_id(Group.of(facts))}"].append(facts)
        return found

    def rows(self, rules: Rules, *, sampled: bool) -> Iterator[ScanRow]:
        """One for each scan, or for each group of a scan that has several."""
        scans = self.scans()
        decided = decide_session(self.session.id, scans, rules.templates, rules.policy)
        for number, (scan, decision) in enumerate(zip(scans, decided, strict=True)):
            groups: dict[Group, list[int]] = defaultdict(list)
            for position, facts in enumerate(scan.instances):
                groups[Group.of(facts)].append(position)
            if not scan.instances:  # a row of its own, or nobody would miss it
                groups[_NOTHING] = []
            for group, members in groups.items():
                name = group_id(group) if members else decision.decision.code
                yield ScanRow(
                    session=self.session,
                    scan=scan.id,
                    group=group,
                    group_id=name,
                    instances=tuple(scan.instances[position] for position in members),
                    listed=self.counts[number] if len(groups) == 1 else len(members),
                    decision=decision.decision
                    if len(groups) == 1 or decision.decision.code == "mixed-decision"
                    else strictest([decision.instances[position] for position in members]),
                    provisional=sampled and len(scan.instances) < self.counts[number],
                    pictures=self._pictures(f"{number}/{name}"),
                )

    def _pictures(self, name: str) -> ScanPictures:
        found = self.known.pictures.get(name, ScanPictures()) if self.known else ScanPictures()
        return replace(found, pictures=(), maximum=None, minimum=None) if name in self.thumbnails else found


def group_id(group: Group) -> str:
    """`US/1.2.840.10008.5.1.4.1.1.3.1/768x1024`."""
    return f"{group.modality}/{group.sop_class_uid}/{group.rows}x{group.columns}"
