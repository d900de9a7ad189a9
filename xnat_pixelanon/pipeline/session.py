"""One session, as a straight line: list, read, decide, compare, clean and prove, publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from xnat_pixelanon.archive.ports import (
    WITHHELD,
    WITHHELD_HINT,
    Absent,
    Destination,
    Foreign,
    Outrun,
    Published,
    Source,
    Unfinished,
)
from xnat_pixelanon.domain.changes import Found, OnChange, Step, next_step
from xnat_pixelanon.domain.codes import Outcome
from xnat_pixelanon.domain.decisions import ScanDecision, ScanFacts, decide_session, verdict
from xnat_pixelanon.domain.receipt import Comparison, Receipt, compare
from xnat_pixelanon.domain.report import SessionReport
from xnat_pixelanon.domain.session import Contents, Package, SourceSession
from xnat_pixelanon.errors import ConflictError, LabelError, SessionError
from xnat_pixelanon.headers import HeaderRequest
from xnat_pixelanon.pipeline import settling
from xnat_pixelanon.pipeline.album import Album, Material
from xnat_pixelanon.pipeline.cleaning import (
    CleanedScan,
    CleanOrder,
    clean_scan_of,
    clean_scans,
    receipt_of,
    session_request,
)
from xnat_pixelanon.pipeline.digests import planned_scans
from xnat_pixelanon.pipeline.gate import Gate
from xnat_pixelanon.pipeline.kept_labels import kept, search_headers
from xnat_pixelanon.pipeline.labels import claim_of, clean_labels, source_digest, subject_digest
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.progress import Progress
from xnat_pixelanon.pipeline.reading import read_files, with_script
from xnat_pixelanon.pipeline.rules import RuleReader, Rules
from xnat_pixelanon.pipeline.scratch import Scratch
from xnat_pixelanon.pipeline.settling import Settling
from xnat_pixelanon.pipeline.telling import SessionTelling
from xnat_pixelanon.pipeline.work import ReadFile

_STANDS = "what stands of it in the clean project is to be taken back"


@dataclass(frozen=True, slots=True)
class Job:
    """What all sessions of a run share."""

    run: str
    source: Source
    destination: Destination | None
    """None: a dry run, nothing is written."""
    rules: Rules
    reread: RuleReader
    identifiers: tuple[str, ...]
    """What names the source itself: its project ID."""
    on_change: OnChange
    """What is done about a session that would be decided or made differently now."""
    workers: Workers
    scratch: Scratch
    progress: Progress
    settling: Settling | None = None
    """Waits until a session is quiet; None: the caller knows that it is."""
    album: Album = field(default_factory=Album)
    """Takes the pictures for the report."""
    looks_only: bool = False
    """How the session stands at the destination is told, and nothing is done about it."""


def run_session(job: Job, session: SourceSession, telling: SessionTelling) -> SessionReport:
    """Carry one session from the source to the destination; raises SessionError or ConfigurationError.

    `telling` holds what was found so far, also when this raises.
    """
    if session.shared:
        return telling.end(Outcome.SHARED)
    withdrawn = job.rules.templates.withdrawal_of(session.id) is not None  # what is taken back need not be quiet
    if job.settling is not None and not withdrawn and (found := job.settling.wait(session)):
        return telling.end(
            Outcome.WAITING, error=f"the session is not quiet: {found.why}", hint=found.hint or settling.HINT
        )
    if withdrawn:
        telling.note(f"{_STANDS}: an owner withdrew it")  # until it is known to be gone
    contents = job.source.contents(session)
    telling.contents(contents)
    job.progress.session_starts(telling.name, sum(len(scan.files) for scan in contents.scans))
    with job.scratch.folder(_space(contents)) as folder:
        return _Line(job, session, contents, folder, telling).follow()


def _space(contents: Contents) -> int:
    """Bytes: a fetched copy, a clean copy, a zip of it, and its read-back."""
    return 4 * sum(file.size for scan in contents.scans for file in scan.files) + (16 << 20)


class _Line:
    """The straight line; its attributes are what the earlier steps found."""

    def __init__(
        self, job: Job, session: SourceSession, contents: Contents, folder: Path, telling: SessionTelling
    ) -> None:
        self._job = job
        self._session = session
        self._contents = contents
        self._folder = folder
        self._telling = telling
        self._gate = Gate(job.source, session, contents, rules=job.rules, reread=job.reread)
        self._files: tuple[tuple[ReadFile, ...], ...] = ()
        self._scans: tuple[ScanFacts, ...] = ()
        self._decided: tuple[ScanDecision, ...] = ()
        self._searched = False

    def follow(self) -> SessionReport:
        job = self._job
        try:
            report = self._followed()
        except Exception:  # what came to nothing may be what an owner took back meanwhile
            job.album.forget(self._session.id)
            raise
        if report.outcome != Outcome.WITHDRAWN:  # what a person took back is not shown around
            with suppress(Exception):  # the session has its outcome: a picture must not give it another
                job.album.of_cases(self._material())
        return report

    def _followed(self) -> SessionReport:
        job = self._job
        self._files, self._scans = read_files(job.source, self._contents, self._folder, job.workers, job.progress)
        withdrawn = self._job.rules.templates.withdrawal_of(self._session.id) is not None
        labels, refused = (("", ""), None) if withdrawn else self._labels()
        if job.rules.script and not withdrawn and not refused and self._readable():
            request = self._request(labels)
            self._scans = with_script(self._files, self._scans, request, self._folder, job.workers, job.progress)
        self._decided = self._decide(job.rules)
        self._telling.decided(self._scans, self._decided)
        if withdrawn:
            return self._withdraw(self._gate.still_withdrawn)
        send = verdict(self._decided, job.rules.policy)
        if job.destination is not None and not self._readable():
            return self._unreadable(job.destination, send)
        if isinstance(refused, LabelError):
            return self._label_refused(refused, send)
        if refused is not None:
            raise refused
        if job.destination is None:
            if send:
                self._search_labels()
            return self._telling.end(_planned(send))
        self._telling.labels(labels)
        return self._compare(job.destination, labels, send)

    def _labels(self) -> tuple[tuple[str, str], SessionError | None]:
        """Those of the clean side, and why there are none: the report says what was decided all the same.

        A dry run gives no pseudonyms.
        """
        job = self._job
        wanted = job.destination is not None or job.rules.script or job.rules.policy.labels.kept
        if not wanted or not self._readable():
            return ("", ""), None
        try:
            return clean_labels(self._session, self._scans, job.rules), None
        except SessionError as error:
            return ("", ""), error

    def _search_labels(self) -> None:
        """LabelError where a label that is kept holds what stands in the headers; looked for once."""
        job, ours = self._job, kept(self._session, self._job.rules.policy.labels)
        if ours and not self._searched:
            search_headers(ours, self._files, self._scans, job.rules, self._folder, job.workers, job.progress)
            self._searched = True

    def _decide(self, rules: Rules) -> tuple[ScanDecision, ...]:
        return decide_session(self._session.id, self._scans, rules.templates, rules.policy)

    def _readable(self) -> bool:
        return any(not facts.damage for scan in self._scans for facts in scan.instances)

    def _study(self) -> str:
        found = (facts.study_instance_uid for scan in self._scans for facts in scan.instances)
        return next((uid for uid in found if uid), self._session.study)

    def _withdraw(self, gate: Callable[[], None], why: str = "") -> SessionReport:
        """Take back what there is of the session; a dry run only says that it would be.

        `why`: for the report, where it is not an owner's override.
        """
        claim = claim_of(self._session, self._study(), self._job.rules)
        self._telling.labels(("", claim.session_label))
        destination = self._job.destination
        if why:
            self._telling.note(_STANDS + why)
        try:
            if destination is None or self._job.looks_only:
                stands = destination is not None and destination.holds(claim)
                self._telling.note("the clean session still stands there: a run takes it back" if stands else "")
                return self._telling.end(Outcome.WITHDRAWN)
            taken = destination.take_back(claim, gate)
        except ConflictError as error:
            return self._telling.end(Outcome.CONFLICT, error=error.message, hint=error.hint)
        self._telling.note("")
        if taken is not None:
            self._telling.labels((taken.subject_label, claim.session_label))
            left = "; its subject is left there, empty" if taken.empty_subject else ""
            self._telling.note(f"the clean session was deleted{why}{left}")
        return self._telling.end(Outcome.WITHDRAWN)

    def _unreadable(self, destination: Destination, send: tuple[int, ...] | None) -> SessionReport:
        """Without a header there are no labels to compare by; what was sent of it is found by its source."""
        empty = not any(scan.instances for scan in self._scans)
        found: Found = "stale" if empty else "no-longer-allowed"
        note = f"its images in staging are {'gone' if empty else 'all damaged'}"
        report = self._by_source(destination, send, found, note)
        return report or self._telling.end(Outcome.NOTHING_TO_SEND if empty else Outcome.WAITING)

    def _label_refused(self, refused: LabelError, send: tuple[int, ...] | None) -> SessionReport:
        """A label that is not kept is not looked for; what was sent under it earlier is found by its source."""
        report = None
        if self._job.destination is not None:
            note = f"{refused.message}: {refused.hint}"
            report = self._by_source(self._job.destination, send, "no-longer-allowed", note)
        if report is None and send:
            raise refused
        return report or self._telling.end(_planned(send))

    def _by_source(
        self, destination: Destination, send: tuple[int, ...] | None, found: Found, note: str
    ) -> SessionReport | None:
        """What becomes of a session that stands there and is known by its source only; None where there is none."""
        try:
            there = destination.holds(claim_of(self._session, self._study(), self._job.rules))
        except ConflictError as error:
            return self._telling.end(Outcome.CONFLICT, error=error.message, hint=error.hint)
        if not there:
            return None
        self._telling.note(note)
        step = next_step(found, "report" if self._job.looks_only else self._job.on_change, send)
        if step is Step.WITHDRAW:
            return self._withdraw(self._unchanged, f": it was {found}")
        return self._telling.end(Outcome(found))

    def _compare(
        self, destination: Destination, labels: tuple[str, str], send: tuple[int, ...] | None
    ) -> SessionReport:
        """Compare with what is there; only what is new goes on."""
        rules = self._job.rules
        standing = destination.look(labels, rules.identity.uid(self._study()), subject_digest(self._session, rules))
        match standing:
            case Foreign(reason=reason):
                return self._telling.end(Outcome.CONFLICT, error=reason)
            case Published():
                return self._over_published(destination, labels, send, standing)
            case Absent() | Unfinished():
                if send is None:
                    return self._telling.end(Outcome.WAITING)
                if send:
                    self._search_labels()
                if not send or self._job.looks_only:
                    return self._telling.end(_planned(send))
                return self._publish(destination, labels, send)

    def _over_published(
        self, destination: Destination, labels: tuple[str, str], send: tuple[int, ...] | None, standing: Published
    ) -> SessionReport:
        """What stands there is left, added to, replaced or taken back."""
        receipt = standing.receipt
        found = self._standing_of(receipt, labels)
        if self._job.looks_only:
            self._telling.note(_how_hidden(standing))
            return self._telling.end(Outcome(found.outcome))
        step = next_step(found.outcome, self._on_change(standing), send)
        if standing.withheld and step is not Step.WITHDRAW:
            return self._telling.end(Outcome.CONFLICT, error=WITHHELD, hint=WITHHELD_HINT)
        self._seen_to(destination, standing, found, labels)
        match step:
            case Step.ADD:
                new = tuple(index for index in send or () if self._new_uid(index) in found.series)
                return self._publish(destination, labels, new, there=receipt)
            case Step.REPLACE:
                return self._publish(destination, labels, send or (), replaces=(receipt, Outcome(found.outcome)))
            case Step.WITHDRAW:
                return self._withdraw(self._unchanged, f": it was {found.outcome}")
            case Outcome.UNCHANGED if not standing.active:
                return self._telling.end(Outcome.PUBLISHED)
            case outcome:
                return self._telling.end(outcome)

    def _on_change(self, standing: Published) -> OnChange:
        """What nobody has seen yet is not kept for the sake of who might use it."""
        on_change = self._job.on_change
        return "replace" if on_change == "report" and not standing.active and not standing.withheld else on_change

    def _seen_to(
        self, destination: Destination, standing: Published, found: Comparison, labels: tuple[str, str]
    ) -> None:
        """What stands there as it would be sent now is visible, and known to have been."""
        if standing.active:
            destination.seen_visible(labels, standing.receipt)
        elif found.outcome in ("unchanged", "grown"):
            self._search_labels()
            destination.finish(labels, standing.receipt, self._unchanged, self._folder)

    def _standing_of(self, receipt: Receipt, labels: tuple[str, str]) -> Comparison:
        return compare(receipt, planned_scans(self._scans, self._decided, self._job.rules, labels))

    def _new_uid(self, index: int) -> str:
        return self._job.rules.identity.uid(self._scans[index].instances[0].series_instance_uid)

    def _publish(
        self,
        destination: Destination,
        labels: tuple[str, str],
        send: Sequence[int],
        *,
        there: Receipt | None = None,
        replaces: tuple[Receipt, Outcome] | None = None,
    ) -> SessionReport:
        """Clean, prove and publish: as a session of its own, added to what is `there`, or in place of another.

        `replaces`: the receipt of that other, and how it stands as long as it is there.
        """
        self._search_labels()
        cleaned = self._clean(labels, send)
        self._telling.cleaned(cleaned)
        good = [scan for scan in cleaned if not scan.failures]
        bad = len(good) < len(cleaned)
        if not good or (bad and self._job.rules.policy.publish == "complete-sessions"):
            return self._telling.end(replaces[1] if replaces else Outcome.WAITING)
        planned = planned_scans(self._scans, self._decided, self._job.rules, labels)
        identity = self._job.rules.identity
        study = identity.uid(self._study())
        scans = clean_scan_of(good, self._scans, identity)
        source = source_digest(self._session.id, self._job.rules)
        receipt = receipt_of(source, study, scans, planned, there, subject_digest(self._session, self._job.rules))
        package = Package(self._job.run, labels[0], labels[1], study, scans, receipt, replaces[0] if replaces else None)
        result = destination.publish(package, self._unchanged, self._folder)
        if isinstance(result, Outrun):
            found = self._standing_of(result.receipt, labels)
            self._telling.outrun()
            return self._telling.end(Outcome(found.outcome) if found.outcome != "grown" else Outcome.STALE)
        self._telling.sent(package)
        if replaces is not None:
            self._telling.note("it replaced the session that was published before")
        return self._telling.end(Outcome.GROWN if there else Outcome.PUBLISHED)

    def _clean(self, labels: tuple[str, str], send: Sequence[int]) -> list[CleanedScan]:
        job = self._job
        orders = [CleanOrder(index, self._files[index], self._decided[index].instances) for index in send]
        cleaned = clean_scans(job.workers, job.progress, orders, self._request(labels), self._folder)
        job.album.of_copies(self._material(), cleaned)
        return cleaned

    def _material(self) -> Material:
        """What pictures are made of."""
        job = self._job
        return Material(self._session.id, self._scans, self._files, self._decided, job.workers, self._folder)

    def _request(self, labels: tuple[str, str]) -> HeaderRequest:
        return session_request(self._session, self._scans, self._job.rules, self._job.identifiers, labels)

    def _unchanged(self) -> None:
        self._gate.same_decision(self._decide)


def _how_hidden(standing: Published) -> str:
    if standing.active:
        return ""
    return WITHHELD if standing.withheld else "it is hidden: a run finishes it, or makes it anew"


def _planned(send: tuple[int, ...] | None) -> Outcome:
    if send is None:
        return Outcome.WAITING
    return Outcome.PLANNED if send else Outcome.NOTHING_TO_SEND
