"""Clean and prove the scans that are to be sent, and pack them for the destination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from xnat_pixelanon import __version__
from xnat_pixelanon.domain.codes import Kind
from xnat_pixelanon.domain.decisions import Decision, ScanFacts
from xnat_pixelanon.domain.header_rules import PLAIN, HeaderRules
from xnat_pixelanon.domain.receipt import PlannedScan, Receipt, ReceiptScan, outputs_digest
from xnat_pixelanon.domain.scan_ids import Series, scan_ids
from xnat_pixelanon.domain.session import CleanInstance, CleanScan, SourceSession
from xnat_pixelanon.headers import HeaderRequest, Identity
from xnat_pixelanon.pipeline.digests import rectangles_digest
from xnat_pixelanon.pipeline.labels import numbers_in
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.progress import Progress
from xnat_pixelanon.pipeline.rules import Rules
from xnat_pixelanon.pipeline.work import Cleaned, CleanTask, Failed, ReadFile, clean

_MOST_LINES = 500


@dataclass(frozen=True, slots=True)
class CleanOrder:
    """A scan to clean: its index in the session, its files, and the decision of each."""

    index: int
    files: tuple[ReadFile, ...]
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class CleanedScan:
    """What became of a scan: for each file where its copy was to go, and the proved copy or why there is none."""

    index: int
    outs: tuple[Path, ...]
    results: tuple[Cleaned | Failed, ...]

    @property
    def failures(self) -> tuple[Failed, ...]:
        return tuple(result for result in self.results if isinstance(result, Failed))

    @property
    def series_number(self) -> str:
        """That of the copies; empty where they have none, or not the same."""
        return _one_value({result.series_number for result in self.results if isinstance(result, Cleaned)})

    @property
    def modality(self) -> str:
        """That of the copies; empty where they have none, or not the same."""
        return _one_value({result.modality for result in self.results if isinstance(result, Cleaned)})

    @property
    def script(self) -> tuple[str, ...]:
        """What the project's script did in the copies, each once, at most _MOST_LINES."""
        found = (line for result in self.results if isinstance(result, Cleaned) for line in result.script)
        return tuple(islice(dict.fromkeys(found), _MOST_LINES))

    @property
    def instances(self) -> tuple[CleanInstance, ...]:
        """The proved copies."""
        return tuple(
            CleanInstance(out, result.sop_instance_uid, result.pixel_digest)
            for out, result in zip(self.outs, self.results, strict=True)
            if isinstance(result, Cleaned)
        )


def _one_value(found: set[str]) -> str:
    return found.pop() if len(found) == 1 else ""


def header_request(
    identity: Identity,
    labels: tuple[str, str],
    project: str,
    known: tuple[str, ...],
    rules: HeaderRules = PLAIN,
    script: tuple[str, tuple[str, ...]] = ("", ()),
) -> HeaderRequest:
    """What all headers of a session have in common; syntax and rectangles are each instance's own.

    `script`: the text of the project's script, and the hosts that it may ask.
    """
    return HeaderRequest(
        identity=identity,
        subject_label=labels[0],
        session_label=labels[1],
        project=project,
        transfer_syntax_uid="",
        pixels_changed=False,
        reviewed=True,
        template_digest=None,
        tool_version=__version__,
        known_identifiers=tuple(text for text in known if text),
        rules=rules,
        script=script[0],
        url_hosts=script[1] if script[0] else (),
    )


def session_request(
    session: SourceSession,
    scans: Sequence[ScanFacts],
    rules: Rules,
    identifiers: tuple[str, ...],
    labels: tuple[str, str],
) -> HeaderRequest:
    """That of a session under these labels. `identifiers`: what names the source itself."""
    patients = {facts.patient_id for scan in scans for facts in scan.instances}
    policy = rules.policy
    numbers = sorted(numbers_in(session.label) | numbers_in(session.subject))
    names = (session.id, session.label, session.subject)
    known = (*identifiers, *names, *sorted(patients), *numbers, *policy.identifiers)
    script, project = (rules.script, policy.url_hosts), policy.destination.project
    return header_request(rules.identity, labels, project, known, policy.headers, script)


def clean_scans(
    workers: Workers, progress: Progress, orders: Sequence[CleanOrder], request: HeaderRequest, folder: Path
) -> list[CleanedScan]:
    """Clean every file of the scans, the largest first; results stand in the order of the scans and their files."""
    places = [(number, position) for number, order in enumerate(orders) for position in range(len(order.files))]
    places.sort(key=lambda place: orders[place[0]].files[place[1]].facts.size, reverse=True)
    threads = max(1, workers.count // max(1, len(places)))  # few files for many processors: each gets several
    tasks = [_task(orders[number], position, number, request, folder, threads) for number, position in places]
    progress.step_starts("clean", len(tasks))
    results: dict[tuple[int, int], Cleaned | Failed] = {}
    for done in workers.each(clean, tasks):
        results[places[done.index]] = done.result or Failed("proof-failed", "the worker process ended while it worked")
        progress.file_done("clean")
    return [
        CleanedScan(
            order.index,
            tuple(_out(folder, number, position) for position in range(len(order.files))),
            tuple(results[number, position] for position in range(len(order.files))),
        )
        for number, order in enumerate(orders)
    ]


def _task(
    order: CleanOrder, position: int, number: int, request: HeaderRequest, folder: Path, threads: int
) -> CleanTask:
    boxes = order.decisions[position].rectangles
    headers_only = order.decisions[position].kind is Kind.HEADERS_ONLY
    own = replace(
        request,
        pixels_changed=bool(boxes),
        reviewed=not headers_only,  # else a template or override decided it: nothing is cleaned without
        template_digest=rectangles_digest(boxes) if boxes else None,
    )
    out = _out(folder, number, position)
    out.parent.mkdir(exist_ok=True)
    return CleanTask(order.files[position], boxes, own, out, folder, threads, headers_only)


def _out(folder: Path, number: int, position: int) -> Path:
    return folder / f"clean-{number:04d}" / f"{position:06d}.dcm"


def clean_scan_of(
    cleaned: Sequence[CleanedScan], scans: Sequence[ScanFacts], identity: Identity
) -> tuple[CleanScan, ...]:
    """The cleaned scans under their new Series Instance UIDs, with the scan IDs that XNAT will give them.

    By the Series Number of the copies: that of the source may be the patient's ID, and is emptied then.
    """
    new = {one.index: identity.uid(scans[one.index].instances[0].series_instance_uid) for one in cleaned}
    ids = scan_ids(Series(new[one.index], one.series_number, one.modality) for one in cleaned)
    return tuple(CleanScan(ids[new[one.index]], new[one.index], one.instances) for one in cleaned)


def receipt_of(
    source: str,
    study: str,
    sent: Sequence[CleanScan],
    planned: Sequence[PlannedScan],
    there: Receipt | None,
    subject: str = "",
) -> Receipt:
    """The receipt of the session as it has to be afterwards: what is there already, and what is sent now."""
    plans = {plan.series_instance_uid: plan for plan in planned}
    new = tuple(_receipt_scan(scan, plans[scan.series_instance_uid]) for scan in sent)
    return Receipt(source, __version__, study, (*(there.scans if there else ()), *new), subject)


def _receipt_scan(scan: CleanScan, plan: PlannedScan) -> ReceiptScan:
    outputs = outputs_digest((one.sop_instance_uid, one.pixel_digest) for one in scan.instances)
    return ReceiptScan(
        scan.series_instance_uid,
        plan.inputs,
        plan.decision,
        plan.policy,
        plan.profile,
        outputs,
        len(scan.instances),
    )
