"""The way of one package into the clean project: zip, prearchive, archive. Nothing of it is visible until the end."""

from __future__ import annotations

import logging
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from xnat_pixelanon.archive import uris
from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.archive.prearchive import Entry, Prearchive, entry_name
from xnat_pixelanon.archive.verify import scratch_folder
from xnat_pixelanon.domain.session import Package
from xnat_pixelanon.errors import PixelanonError, ScratchError, SessionError, TransferError

log = logging.getLogger(__name__)

# A redirect is how XNAT answers for entries of auto-archive projects.
_ARCHIVED = (200, 201, 301, 303)
_GRACE_POLLS = 3


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds: between two looks, for the prearchive, for an archive that still works, for a rival's receipt; and
    the age from which an entry of an earlier run counts as left over."""

    poll: float = 0.5
    ready: float = 300.0
    archive: float = 1800.0
    rival: float = 120.0
    leftover_age: float = 3600.0


class Ended(Enum):
    """How an archive call ended, found out by looking if its answer was lost."""

    ARCHIVED = "archived"
    CONFLICT = "conflict"
    """It was refused, and our entry is gone: somebody else's session may be there."""


class Inbound:
    """One package's prearchive entry, from its upload until it is archived or removed."""

    def __init__(self, connection: XnatConnection, project: str, package: Package, waits: Waits) -> None:
        self._connection = connection
        self._project = project
        self._package = package
        self._waits = waits
        self._prearchive = Prearchive(connection, project)
        self._name = entry_name(package.session_label, package.run)
        self.leftover = ""
        """What could not be removed, for the message."""

    def send(self, scratch: Path) -> Entry:
        """Upload the package under the run's own name and verify what arrived; else remove it and raise."""
        try:
            with scratch_folder(scratch) as folder:
                path = folder / "package.zip"
                _write_zip(path, self._package)
                answer = self._connection.upload(
                    self._import_uri(), path, "sending the session to the clean project", content_type="application/zip"
                )
            entry = self._prearchive.created(answer)
            self._verify(entry)
            removed = self._prearchive.purge(self._package.session_label, entry, self._waits.leftover_age)
            if removed:
                log.info("removed %d leftover(s) of earlier runs from the prearchive", removed)
            return entry
        except BaseException as error:
            self._clean_up(error, lambda: self._prearchive.remove_named(self._name))
            raise

    def discard(self, entry: Entry, error: BaseException | None = None) -> None:
        """Remove our entry; what cannot be removed is said in `error`."""
        self._clean_up(error, lambda: self._prearchive.delete(entry))

    def archive(self, entry: Entry) -> Ended:
        """Archive the entry under its final label, quarantined. Raises after our entry was removed, or names it."""
        uri = uris.service(
            "archive",
            src=self._prearchive.source(entry),
            project=self._project,
            subject=self._package.subject_label,
            session=self._package.session_label,
            quarantine="true",
        )
        try:
            self._connection.post(uri, "archiving the session", accepted=_ARCHIVED)
            return Ended.ARCHIVED
        except PixelanonError as error:
            log.debug("the archive call failed")
            return self._find_out(entry, error)
        except BaseException as error:  # interrupted: what nobody works on yet is taken back
            self._clean_up(error, lambda: self._remove_idle(entry))
            raise

    def _import_uri(self) -> str:
        # No prevent_anon: the clean project's own scripts are a second net. No overwrite: any value of it merges.
        return uris.service(
            "import",
            **{
                "import-handler": "DICOM-zip",
                "dest": f"/prearchive/projects/{self._project}",
                "project": self._project,
                "subject": self._package.subject_label,
                "session": self._name,
                "rename": "true",
                "prevent_auto_commit": "true",
                "quarantine": "true",
            },
        )

    def _verify(self, entry: Entry) -> None:
        now = self._prearchive.wait_until_final(entry, self._waits.ready, self._waits.poll)
        if now is None or now.status != "READY":
            state = "gone" if now is None else now.status
            raise TransferError(
                f"the session is {state} instead of READY in the prearchive of the clean project",
                hint="run again; the entry's log in XNAT's prearchive says more",
            )
        if len(self._prearchive.named(self._name)) != 1:
            raise TransferError("the session made several entries in the prearchive of the clean project")
        wanted = sorted(len(scan.instances) for scan in self._package.scans)
        found = self._prearchive.counts(entry)
        if found != wanted:
            scans = f"{len(found)} of {len(wanted)} scans"
            raise TransferError(
                f"the clean project took {sum(found)} of {sum(wanted)} instances, {scans}",
                hint="look at the series import filters and the anonymisation scripts of the clean project and site",
            )

    def _find_out(self, entry: Entry, error: PixelanonError) -> Ended:
        """What became of an archive call that was not answered as it should have been."""
        end = time.monotonic() + self._waits.archive
        grace = _GRACE_POLLS
        while True:
            try:
                now = self._prearchive.current(entry)
            except PixelanonError:
                self._clean_up(error, lambda: False)
                raise error from None
            if now is None:
                return Ended.ARCHIVED
            if now.status in ("CONFLICT", "ERROR"):
                self.discard(entry, error)
                log.debug("the entry is in %s", now.status)
                return Ended.CONFLICT
            if now.is_final:
                grace -= 1
                if grace <= 0:
                    self.discard(entry, error)
                    raise error
            elif time.monotonic() >= end:
                raise SessionError(
                    "the clean server still works on archiving the session; it is not visible",
                    hint="run again later: the session is then verified and finished",
                ) from None
            time.sleep(self._waits.poll)

    def _remove_idle(self, entry: Entry) -> bool:
        try:
            now = self._prearchive.current(entry)
        except PixelanonError:
            return False
        return now is None or (now.is_final and self._prearchive.delete(entry))

    def _clean_up(self, error: BaseException | None, remove: Callable[[], bool]) -> None:
        if remove():
            return
        # By its run: a label of staging may be in its name.
        self.leftover = (
            f"; the entry of run {self._package.run} may be left in the prearchive of {self._project}: nobody sees it,"
            " a later run removes it"
        )
        if isinstance(error, PixelanonError):
            error.extend(self.leftover)


def _write_zip(path: Path, package: Package) -> None:
    """Stored, not deflated; the names say nothing."""
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for number, scan in enumerate(package.scans, start=1):
                for index, instance in enumerate(scan.instances, start=1):
                    # Not the file's own time: ZIP cannot tell years before 1980, and nobody needs it.
                    member = zipfile.ZipInfo(f"{number}_{index}.dcm")
                    with instance.path.open("rb") as source, archive.open(member, "w", force_zip64=True) as target:
                        while block := source.read(1 << 20):
                            target.write(block)
    except OSError as error:
        raise ScratchError(
            f"cannot pack the session into the scratch folder {path.parent.parent}: {error.strerror}",
            hint="free space there, or point TMPDIR or the work mount elsewhere",
        ) from None
