"""Pictures for the report of a run: of each scan that is sent, and of each kind of scan that is not.

Scans are of one case where groups, decision, templates and rectangles are the same: one of each is shown larger. The
policy's `pictures` says what is made at all; nothing of it leaves staging.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xnat_pixelanon.domain.codes import Kind
from xnat_pixelanon.domain.decisions import Decision, ScanDecision, ScanFacts
from xnat_pixelanon.domain.instance import Group, InstanceFacts
from xnat_pixelanon.domain.pictures import Look, Pictures, Shots, Wanted
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.pipeline.cleaning import CleanedScan
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.work import Cleaned, LookTask, ReadFile, look

EXAMPLE = 560
"""Longest side, in pixels, of the pictures that stand for a case."""
_TRIES = 3
"""So often a scan of a case may turn out not to be showable: then the case goes without an example."""
CASES, ROOM = 60, 16 << 20
"""Of so many cases there are examples; no further thumbnails beyond so many bytes: a browser has to open the page."""
_Case = tuple[tuple[Group, ...], Decision]


@dataclass(frozen=True, slots=True)
class Material:
    """A session while its files are there: `session` is its ID, `files` and `decided` stand in the order of `scans`."""

    session: str
    scans: Sequence[ScanFacts]
    files: Sequence[Sequence[ReadFile]]
    decided: Sequence[ScanDecision]
    workers: Workers
    folder: Path


@dataclass(frozen=True, slots=True)
class _Scan:
    """The image of a scan that is shown, whether its copy is, and where that is black or would be."""

    id: str
    case: _Case
    before: Path
    after: Path | None
    frame: int
    boxes: tuple[Rectangle, ...]


class Album:
    """Collects the pictures of a run, session by session, as long as the files are there."""

    def __init__(self, wanted: Wanted = "none") -> None:
        self._wanted = wanted
        self._looks: dict[tuple[str, str], Look] = {}
        self._cases: set[_Case] = set()
        self._copied: set[_Case] = set()
        """Cases of which a copy is shown."""
        self._tried: dict[tuple[str, str], _Case] = {}
        self._failed: Counter[_Case] = Counter()
        self._bytes = 0
        self._left_out = 0

    @property
    def pictures(self) -> Pictures:
        """All that were made so far."""
        return Pictures(dict(self._looks), self._left_out)

    def of_copies(self, of: Material, cleaned: Sequence[CleanedScan]) -> None:
        """Show the middle image of each scan that was cleaned and proved; before too, where something was blackened."""
        if self._wanted == "none":
            return
        chosen = []
        for copy in cleaned:
            scan, decided = of.scans[copy.index], of.decided[copy.index]
            middle = None if copy.failures else _middle(scan.instances, decided)
            if middle is not None:
                one = _scan(scan, of.files[copy.index][middle], decided, middle)
                result = copy.results[middle]
                black = result.effective if isinstance(result, Cleaned) else ()
                chosen.append(replace(one, after=copy.outs[middle], boxes=black))
        self._show(of, chosen)

    def of_cases(self, of: Material) -> None:
        """Show the middle image of the first scan of each case of which nothing was shown yet."""
        if self._wanted != "both":
            return
        chosen: dict[_Case, _Scan] = {}
        for scan, files, decided in zip(of.scans, of.files, of.decided, strict=True):
            middle = None if decided.kind is Kind.EXCLUDE else _middle(scan.instances, decided)
            if middle is None or (of.session, scan.id) in self._tried:
                continue
            one = _scan(scan, files[middle], decided, middle)
            if one.case not in self._cases:
                chosen.setdefault(one.case, one)
        self._show(of, list(chosen.values()))

    def forget(self, session: str) -> None:
        """Drop what was shown of a session that came to nothing; it stands for no case any longer."""
        for place in [place for place in self._looks if place[0] == session]:
            shots, case = _shots(self._looks.pop(place)), self._tried[place]
            self._bytes -= _size(shots)
            if any(one.large for one in shots):
                self._release(case)

    def _release(self, case: _Case) -> None:
        """Another scan may stand for it."""
        self._cases.discard(case)
        self._copied.discard(case)

    def _show(self, of: Material, chosen: Sequence[_Scan]) -> None:
        tasks: list[LookTask] = []
        places: list[_Scan] = []
        for one in chosen:
            shown = self._copied if one.after else self._cases
            larger = one.case not in shown and len(shown) < CASES and self._failed[one.case] < _TRIES
            if not larger and (self._bytes >= ROOM or one.after is None):
                self._left_out += one.after is not None
                continue
            both = self._wanted == "both" and (one.after is None or bool(one.boxes))
            before = one.before if both else None
            tasks.append(LookTask(before, one.after, one.frame, EXAMPLE if larger else 0, of.folder))
            places.append(one)
            self._tried[of.session, one.id] = one.case
            if larger:
                shown.add(one.case)
                self._cases.add(one.case)
        for done in of.workers.each(look, tasks):
            found, one = done.result or Look(), places[done.index]
            shots = _shots(found)
            if shots:
                self._looks[of.session, one.id] = replace(found, boxes=one.boxes)
            elif tasks[done.index].longest:  # the next one may stand for its case
                self._failed[one.case] += 1
                self._release(one.case)
            self._bytes += _size(shots)


def _shots(look: Look) -> list[Shots]:
    return [one for one in (look.before, look.after) if one is not None]


def _size(shots: Sequence[Shots]) -> int:
    return sum(len(one.thumbnail.data) for one in shots)


def _scan(scan: ScanFacts, file: ReadFile, decided: ScanDecision, place: int) -> _Scan:
    groups = tuple(dict.fromkeys(Group.of(facts) for facts in scan.instances if not facts.damage))
    case = (groups, replace(decided.decision, detail=""))  # as reports/cases.py has it
    middle = max(file.facts.frames, 1) // 2
    return _Scan(scan.id, case, file.path, None, middle, decided.instances[place].rectangles)


def _middle(instances: Sequence[InstanceFacts], decided: ScanDecision) -> int | None:
    """The place of the middle one of those that can be shown; of those that are decided as their scan is, if any.

    Of a scan that is held some images may be excluded: somebody wanted them away.
    """
    own = decided.instances
    places = [at for at, facts in enumerate(instances) if _shows(facts) and own[at].kind is not Kind.EXCLUDE]
    same = [at for at in places if own[at].code == decided.decision.code] or places
    return same[len(same) // 2] if same else None


def _shows(facts: InstanceFacts) -> bool:
    return facts.has_pixel_data and not facts.damage and facts.copy_refusal is None
