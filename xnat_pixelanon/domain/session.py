"""Sessions, scans and files as a source lists them, and the package that a destination publishes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from xnat_pixelanon.domain.receipt import Receipt


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a scan. `name` is its path inside the session; `locator` is what its source needs to fetch it."""

    name: str
    size: int
    locator: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SourceScan:
    """A scan: the union of its DICOM-bearing resources, `DICOM` and `secondary`."""

    id: str
    files: tuple[SourceFile, ...]


@dataclass(frozen=True, slots=True)
class NotSent:
    """Something of the session that is never sent: another resource, an assessor, a stray file."""

    kind: str
    name: str
    reason: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SourceSession:
    """An image session of the source: an XNAT experiment, or a study of a folder.

    `id` is the experiment ID, or the Study Instance UID of a folder; `subject` the XNAT subject label, empty for a
    folder (there the pseudonym comes from Patient ID and its issuer). `shared`: it belongs to another project.
    """

    id: str
    label: str
    subject: str
    shared: bool = False
    study: str = ""
    """Its Study Instance UID, where the source tells it."""
    xsi_type: str = ""
    inserted: str = ""
    """When it came into the archive, as the server writes it; empty for a folder."""


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a session holds: its scans, and everything that is not sent."""

    scans: tuple[SourceScan, ...]
    not_sent: tuple[NotSent, ...]


@dataclass(frozen=True, slots=True)
class CleanInstance:
    """One written and proved instance; `series_number` decides its scan ID on the clean side."""

    path: Path
    sop_instance_uid: str
    pixel_digest: str


@dataclass(frozen=True, slots=True)
class CleanScan:
    """The written instances of one series, under its new Series Instance UID and its clean scan ID."""

    id: str
    series_instance_uid: str
    instances: tuple[CleanInstance, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """What is to be published in one go.

    `scans` are those to send now; `receipt` describes the session as it has to be afterwards (with what is already
    there, for scans that are added). `run` is unique to the run and names everything temporary. `replaces`: the
    receipt of the published session in whose place this one goes.
    """

    run: str
    subject_label: str
    session_label: str
    study_instance_uid: str
    scans: tuple[CleanScan, ...]
    receipt: Receipt
    replaces: Receipt | None = None

    @property
    def adds(self) -> bool:
        """Whether the session already holds published scans to which these are added."""
        return len(self.receipt.scans) > len(self.scans)
