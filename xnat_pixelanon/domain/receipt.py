"""The receipt beside a clean session: what it was made from, as keyed digests, and what it has to hold.

It carries no name, label or UID of staging: `inputs` and `source` are HMACs under the project's key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

SCHEMA_VERSION = 1
FILE_NAME = "receipt.json"
RESOURCE = "PIXELANON"
RELEASED_FILE = "released.txt"
"""Beside the receipt, once a run made the session visible with it: if it is hidden then, a person hid it."""


@dataclass(frozen=True, slots=True)
class ReceiptScan:
    """One published series, by its new Series Instance UID."""

    series_instance_uid: str
    inputs: str
    """Keyed digest of the source files of the series."""
    decision: str
    """Keyed digest of the decision of each instance: its kind, and the rectangles of the templates that applied."""
    policy: str
    profile: str
    outputs: str
    """outputs_digest() of what the clean session holds for it."""
    instances: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a clean session was made from and what it has to hold."""

    source: str
    """Keyed digest of the source session's ID."""
    tool_version: str
    study_instance_uid: str
    scans: tuple[ReceiptScan, ...]
    subject: str = ""
    """Keyed digest of the source's subject, where its label is kept: who else stands under it is told by this."""

    def as_dict(self) -> dict[str, Any]:
        """As stored in receipt.json."""
        document = {"schema_version": SCHEMA_VERSION, **asdict(self), "scans": [asdict(scan) for scan in self.scans]}
        return {key: value for key, value in document.items() if key != "subject" or value}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Receipt:
        """From a document that is valid by schemas/receipt.json."""
        scans = tuple(ReceiptScan(**scan) for scan in document["scans"])
        source, version, study = (document[key] for key in ("source", "tool_version", "study_instance_uid"))
        return cls(source, version, study, scans, document.get("subject", ""))


def outputs_digest(instances: Iterable[tuple[str, str]]) -> str:
    """Digest of (SOP Instance UID, pixel digest) pairs in any order: equal for equal scans."""
    whole = hashlib.sha256()
    for sop_instance_uid, pixel_digest in sorted(instances):
        whole.update(f"{sop_instance_uid} {pixel_digest}\n".encode())
    return f"sha256:{whole.hexdigest()}"


@dataclass(frozen=True, slots=True)
class PlannedScan:
    """One series of the source as decided now, to compare with a receipt."""

    series_instance_uid: str
    allowed: bool
    inputs: str
    decision: str
    policy: str
    profile: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a published session stands to what would be sent now."""

    outcome: Literal["unchanged", "grown", "stale", "no-longer-allowed"]
    series: tuple[str, ...]
    """The new Series Instance UIDs that make it so: those to add, changed, or no longer allowed."""


def compare(receipt: Receipt, planned: Sequence[PlannedScan]) -> Comparison:
    """Compare what was sent with what would be sent now; the worst finding wins."""
    now = {scan.series_instance_uid: scan for scan in planned}
    sent = {scan.series_instance_uid: scan for scan in receipt.scans}
    forbidden = tuple(uid for uid in sent if uid in now and not now[uid].allowed)
    if forbidden:
        return Comparison("no-longer-allowed", forbidden)
    changed = tuple(uid for uid, scan in sent.items() if uid not in now or _differs(scan, now[uid]))
    if changed:
        return Comparison("stale", changed)
    added = tuple(uid for uid, scan in now.items() if scan.allowed and uid not in sent)
    return Comparison("grown", added) if added else Comparison("unchanged", ())


def _differs(sent: ReceiptScan, now: PlannedScan) -> bool:
    return (sent.inputs, sent.decision, sent.policy, sent.profile) != (
        now.inputs,
        now.decision,
        now.policy,
        now.profile,
    )
