"""What the pipeline asks of a source, a destination and a document store, whatever kind it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from xnat_pixelanon.domain.receipt import Receipt
from xnat_pixelanon.domain.session import Contents, Package, SourceFile, SourceSession


class Source(Protocol):
    """Where sessions come from. Reads only."""

    @property
    def name(self) -> str:
        """For people: `xnat:STAGING` or `dir:/path`."""

    @property
    def place(self) -> str:
        """The server and the project, or the folder: no two sources share it, whatever name people give them."""

    @property
    def remote(self) -> bool:
        """Whether files have to be downloaded before they can be read."""

    def sessions(self, wanted: Sequence[str]) -> list[SourceSession]:
        """All sessions, or those whose ID or label is wanted; NotFoundError names each that is not there."""

    def state(self, session: SourceSession) -> str:
        """Changes when files come or go, or change in size: what one look tells. For surveys, not for decisions."""

    def contents(self, session: SourceSession) -> Contents:
        """Every file that the session holds, listed either in a scan or as not sent."""

    def fetch(self, file: SourceFile, folder: Path) -> Path:
        """A local path with the file's bytes: in place when mounted, else downloaded into `folder`.

        Raises TransferError when what arrives is not the whole file (wrong size or digest, a login page).
        """

    def recheck(self, session: SourceSession, contents: Contents) -> None:
        """Raise ChangedError when the session is gone, moved, or its files are no longer those of `contents`."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing there under this label or Study Instance UID."""


@dataclass(frozen=True, slots=True)
class Published:
    """Ours, with its receipt; `active` is False while it is still quarantined."""

    receipt: Receipt
    active: bool
    withheld: bool = False
    """A run of ours released it, and it is hidden again: by a person, and no run shows it."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Our Study Instance UID under our label, without a receipt: a crash of ours, or a rival at work."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something that is not ours stands under the label or carries the Study Instance UID."""

    reason: str


WITHHELD = "the clean session was released, and somebody hid it since"
WITHHELD_HINT = (
    "ask the owners of the clean project why; release it there to show it again, delete it there and run again to have"
    " it made anew, or withdraw it"
)
Standing = Absent | Published | Unfinished | Foreign


@dataclass(frozen=True, slots=True)
class Sent:
    """The package was published, read back and activated."""

    adopted: bool = False
    """An unfinished copy of an earlier run held exactly this and was finished."""


@dataclass(frozen=True, slots=True)
class Outrun:
    """Another run published this session first; its receipt was verified and ours withdrawn."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Claim:
    """By what a clean session is known to be ours without its images: its label, and the source in its receipt."""

    session_label: str
    source: str
    """Keyed digest of the source session's ID, as receipts hold it."""
    study_instance_uid: str = ""
    """The new one, where it is known: by it a session is found under a label of another prefix, and a crash of ours,
    that has no receipt, is told from somebody else's session."""
    kept: bool = False
    """The label is that of staging: somebody else may well have a session under it, and that is none of ours. Empty
    where staging no longer has the session."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A clean session that was deleted."""

    subject_label: str
    empty_subject: bool = False
    """The subject is left there without any session."""


class Destination(Protocol):
    """Where clean sessions go."""

    @property
    def name(self) -> str:
        """For people: `xnat:CLEAN@PUBLIC` or `dir:/path`."""

    def check(self) -> None:
        """Raise ConfigurationError unless everything that a publication needs is there; changes nothing."""

    def look(self, package_labels: tuple[str, str], study_instance_uid: str, subject: str = "") -> Standing:
        """How the session (subject label, session label) stands there now; by reading requests only.

        `subject`: Receipt.subject, where the subject's label is kept: under it only sessions with the same may stand.
        """

    def publish(self, package: Package, gate: Callable[[], None], scratch: Path) -> Sent | Outrun:
        """Publish all of the package or nothing.

        `gate` is called just before the session comes to be, and before it is made visible; it raises.

        Raises SessionError (or RightsError, when a right is lost midway): then no session is visible, or all of it,
        and the message says what remains.
        """

    def finish(
        self, package_labels: tuple[str, str], receipt: Receipt, gate: Callable[[], None], scratch: Path
    ) -> None:
        """Verify a published but inactive session against its receipt and activate it.

        `gate` is called just before it is activated; it raises. ConflictError when a person hid it.
        """

    def seen_visible(self, package_labels: tuple[str, str], receipt: Receipt) -> None:
        """Remember of a session that is visible now that it was: if it is hidden later, then by a person."""

    def holds(self, claim: Claim) -> bool:
        """Whether a session of ours stands there, hidden ones too; by reading requests only. ConflictError as below."""

    def take_back(self, claim: Claim, gate: Callable[[], None]) -> TakenBack | None:
        """Delete the session that was made from this source, and what runs left on the way; None when there is none.

        `gate` is called just before something is deleted; it raises. ConflictError when what stands under the label
        has no receipt that names this source: it is left alone. A session that is gone already is as good.
        """

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One version of a document in the store."""

    text: str
    version: int
    author: str
    date: str


class DocumentStore(Protocol):
    """Versioned documents of the staging project: templates.json, policy.json, key."""

    def load(self, name: str) -> StoredDocument | None:
        """The newest version, or None when there is none (or it was disabled)."""

    def push(self, name: str, text: str, based_on: int | None) -> int:
        """Store a new version and return its number; `based_on` must be the newest version (None: there is none)."""

    def history(self, name: str) -> list[StoredDocument]:
        """All versions, newest first."""


class ReportStore(Protocol):
    """Where reports are kept in staging."""

    def keep(self, run: str, files: Mapping[str, bytes]) -> str:
        """Store the files of a run and return a sentence saying where they are, or why they are not."""

    def keep_fixed(self, files: Mapping[str, bytes]) -> str:
        """Store files under fixed names, over those that are there; the sentence is that of `keep`."""

    def runs(self) -> Iterator[Mapping[str, Any]]:
        """The reports that are kept, as report.json has them, newest first."""
