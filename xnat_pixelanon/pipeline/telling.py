"""Builds the report of one session while the pipeline follows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from xnat_pixelanon.domain.codes import CODES, OUTCOMES, Outcome
from xnat_pixelanon.domain.decisions import Decision, ScanDecision, ScanFacts
from xnat_pixelanon.domain.instance import Group, InstanceFacts
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.domain.report import Boxes, InstanceReport, NotSentReport, ScanReport, SessionReport
from xnat_pixelanon.domain.session import Contents, NotSent, Package, SourceSession
from xnat_pixelanon.pipeline.cleaning import CleanedScan
from xnat_pixelanon.pipeline.work import Cleaned, Failed


class SessionTelling:
    """Collects what happens to a session; `end` gives its report at any point."""

    def __init__(self, session: SourceSession, name: str) -> None:
        self._session = session
        self.name = name
        self._labels = ("", "")
        self._scans: list[ScanReport] = []
        self._not_sent: tuple[NotSentReport, ...] = ()
        self._note = ""

    def contents(self, contents: Contents) -> None:
        self._not_sent = not_sent_reports(contents.not_sent)
        self._scans = [_listed(scan.id, [file.name for file in scan.files]) for scan in contents.scans]

    def decided(self, scans: Sequence[ScanFacts], decided: Sequence[ScanDecision]) -> None:
        self._scans = [_scan_report(scan, decision) for scan, decision in zip(scans, decided, strict=True)]

    def labels(self, labels: tuple[str, str]) -> None:
        self._labels = labels

    def cleaned(self, cleaned: Sequence[CleanedScan]) -> None:
        for one in cleaned:
            self._scans[one.index] = _with_copies(self._scans[one.index], one)

    def sent(self, package: Package) -> None:
        ids = {instance.sop_instance_uid: scan.id for scan in package.scans for instance in scan.instances}
        for index, scan in enumerate(self._scans):
            clean_ids = {ids[one.output] for one in scan.instances if one.output in ids}
            if clean_ids:
                self._scans[index] = replace(scan, sent=True, clean_scan=min(clean_ids))

    def outrun(self) -> None:
        self.note("another run published this session first; its receipt was verified and this copy withdrawn")

    def note(self, text: str) -> None:
        """What else a reader should know of how the session ended."""
        self._note = text

    def end(self, outcome: Outcome, *, error: str = "", hint: str = "") -> SessionReport:
        return SessionReport(
            id=self._session.id,
            label=self._session.label,
            name=self.name,
            outcome=outcome.value,
            remedy=OUTCOMES[outcome].remedy,
            clean_subject=self._labels[0],
            clean_session=self._labels[1],
            error=error,
            hint=hint,
            note=self._note,
            scans=tuple(self._scans),
            not_sent=self._not_sent,
        )


def spoken_names(source: str, sessions: Sequence[SourceSession]) -> dict[str, str]:
    """By ID, the name that logs may carry: an experiment ID, or a number where the ID is a UID, as in a folder."""
    folder = source.startswith("dir:")
    return {one.id: f"study-{number}" if folder else one.id for number, one in enumerate(sessions, 1)}


def not_sent_reports(found: Sequence[NotSent]) -> tuple[NotSentReport, ...]:
    return tuple(NotSentReport(one.kind, one.name, one.reason, one.files, one.bytes) for one in found)


def _listed(scan_id: str, names: Sequence[str]) -> ScanReport:
    """A scan before anything was read: what stands in the report when the session fails early."""
    files = tuple(InstanceReport(name, "", 0, 0, "hold", "damaged", "not read") for name in names)
    remedy = "The session ended before this scan was read; run again."
    return ScanReport(scan_id, (), "hold", "damaged", "not read", remedy, (), (), (), False, files)


def _scan_report(scan: ScanFacts, decision: ScanDecision) -> ScanReport:
    instances = tuple(
        _instance_report(facts, own) for facts, own in zip(scan.instances, decision.instances, strict=True)
    )
    readable = [facts for facts in scan.instances if not facts.damage]
    pairs = zip(scan.instances, decision.instances, strict=True)
    undecided = dict.fromkeys(Group.of(facts) for facts, own in pairs if own.code == "no-template")
    return ScanReport(
        id=scan.id,
        groups=tuple(dict.fromkeys(Group.of(facts).text for facts in readable)),
        decision=decision.kind.value,
        code=decision.decision.code,
        detail=decision.decision.detail,
        remedy=CODES[decision.decision.code].remedy,
        templates=decision.decision.templates,
        asked=boxes(decision.decision.rectangles),
        effective=(),
        sent=False,
        instances=instances,
        undecided=tuple(group.criteria for group in undecided),
        sop_class_uids=tuple(dict.fromkeys(facts.sop_class_uid for facts in readable if facts.sop_class_uid)),
    )


def _instance_report(facts: InstanceFacts, decision: Decision) -> InstanceReport:
    return InstanceReport(
        source=facts.name,
        source_sha256=facts.content_sha256,
        bytes=facts.size,
        frames=facts.frames,
        decision=decision.kind.value,
        code=decision.code,
        detail=decision.detail,
        templates=decision.templates,
        asked=boxes(decision.rectangles),
    )


def _with_copies(scan: ScanReport, cleaned: CleanedScan) -> ScanReport:
    instances = tuple(
        _with_copy(report, result) for report, result in zip(scan.instances, cleaned.results, strict=True)
    )
    effective = tuple(
        dict.fromkeys(box for result in cleaned.results if isinstance(result, Cleaned) for box in result.effective)
    )
    done = replace(scan, instances=instances, effective=boxes(effective), script=cleaned.script)
    if not cleaned.failures:
        return done
    worst = min(cleaned.failures, key=lambda failure: list(CODES).index(failure.code))
    code = CODES[worst.code]
    detail = f"{len(cleaned.failures)} of {len(instances)} files: {worst.detail}"
    return replace(done, decision=code.kind.value, code=worst.code, detail=detail, remedy=code.remedy)


def _with_copy(report: InstanceReport, result: Cleaned | Failed) -> InstanceReport:
    if isinstance(result, Failed):
        kind = CODES[result.code].kind.value
        return replace(report, decision=kind, code=result.code, detail=result.detail, proof=result.detail)
    return replace(
        report,
        output=result.sop_instance_uid,
        output_digest=result.pixel_digest,
        route=result.route,
        fill=result.fill,
        note=result.note,
        effective=boxes(result.effective),
        scrubbed=result.scrubbed,
        header_actions=result.header_actions,
        proof="ok",
    )


def boxes(rectangles: Sequence[Rectangle]) -> Boxes:
    return tuple(box.as_dict() for box in rectangles)
