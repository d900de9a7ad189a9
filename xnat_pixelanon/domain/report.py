"""Report records: what a run says of every file. They stay in staging; schemas/report.schema.json describes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from xnat_pixelanon.domain.codes import Outcome

SCHEMA_VERSION = 1

Boxes = tuple[Mapping[str, int], ...]


@dataclass(frozen=True, slots=True)
class InstanceReport:
    """One file: what was decided, what was written, and how it was proved. Empty texts where nothing was written."""

    source: str
    source_sha256: str
    bytes: int
    frames: int
    decision: str
    code: str
    detail: str
    templates: tuple[str, ...] = ()
    output: str = ""
    output_digest: str = ""
    route: str = ""
    fill: str = ""
    note: str = ""
    """Why the route is another than usual, or what it changed beside the boxes."""
    asked: Boxes = ()
    effective: Boxes = ()
    scrubbed: tuple[str, ...] = ()
    """What held text or pictures beside the image, in the pixel element or the header, and was taken out."""
    header_actions: int = 0
    proof: str = ""
    """`ok`, or what the proof found; empty where nothing was written."""


@dataclass(frozen=True, slots=True)
class ScanReport:
    """One scan, with one decision and its code."""

    id: str
    groups: tuple[str, ...]
    decision: str
    code: str
    detail: str
    remedy: str
    templates: tuple[str, ...]
    asked: Boxes
    effective: Boxes
    sent: bool
    instances: tuple[InstanceReport, ...]
    clean_scan: str = ""
    undecided: tuple[Mapping[str, str | int], ...] = ()
    """Criteria of its groups that no template matches: what a new template would name."""
    script: tuple[str, ...] = ()
    """What the project's script did in the copies: line and column, path of the element, action."""
    sop_class_uids: tuple[str, ...] = ()
    """Those of its readable files, each once."""


@dataclass(frozen=True, slots=True)
class NotSentReport:
    """Files of the source that are never sent."""

    kind: str
    name: str
    reason: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SessionReport:
    """One session, with one outcome."""

    id: str
    label: str
    name: str
    """How logs and the terminal call it: an experiment ID, or a running number for folders."""
    outcome: str
    remedy: str
    clean_subject: str = ""
    clean_session: str = ""
    error: str = ""
    hint: str = ""
    note: str = ""
    """What else a reader should know: that it was replaced or deleted, or that another run was first."""
    scans: tuple[ScanReport, ...] = ()
    not_sent: tuple[NotSentReport, ...] = ()


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything that a run has to say."""

    run: str
    tool_version: str
    started: str
    finished: str
    source: str
    destination: str
    dry_run: bool
    templates_version: int | None
    policy_version: int | None
    script_version: int | None
    profile: str
    exit_status: int
    sessions: tuple[SessionReport, ...] = ()
    strays: tuple[NotSentReport, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """What else a reader should know: templates that matched nothing, leftovers that were found."""

    @property
    def outcomes(self) -> Counter[str]:
        """Sessions by outcome."""
        return Counter(session.outcome for session in self.sessions)

    @property
    def decisions(self) -> Counter[str]:
        """Scans by decision."""
        return Counter(scan.decision for session in self.sessions for scan in session.scans)

    def as_dict(self) -> dict[str, Any]:
        """As stored in report.json."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}


def exit_status(report_sessions: tuple[SessionReport, ...], *, strict: bool) -> int:
    """Exit status of a run that came to its end: 5 a proof failed, 1 a session failed, 4 with strict, else 0."""
    scans = [scan for session in report_sessions for scan in session.scans]
    outcomes = {session.outcome for session in report_sessions}
    if any(scan.code == "proof-failed" for scan in scans):
        return 5
    if outcomes & {Outcome.FAILED, Outcome.CONFLICT}:
        return 1
    attention = outcomes & {Outcome.NO_LONGER_ALLOWED, Outcome.WAITING}
    if strict and (attention or any(scan.decision in ("hold", "unsupported") for scan in scans)):
        return 4
    return 0
