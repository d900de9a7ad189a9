"""A folder as a destination: `SUBJECT/SESSION/SCANS/ID/DICOM/NNNNNN.dcm`, published by rename, receipt beside SCANS."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from xnat_pixelanon.archive import folders
from xnat_pixelanon.archive.clean_project import OTHERS_SUBJECT, parse_receipt, receipt_bytes
from xnat_pixelanon.archive.ports import Absent, Claim, Foreign, Outrun, Published, Sent, Standing, TakenBack
from xnat_pixelanon.archive.prearchive import is_named_for
from xnat_pixelanon.archive.verify import PixelDigest, Series, digest_files, expected, satisfies
from xnat_pixelanon.domain.receipt import FILE_NAME, Receipt, ReceiptScan
from xnat_pixelanon.domain.session import Package
from xnat_pixelanon.errors import (
    ChangedError,
    ConfigurationError,
    ConflictError,
    RefusedError,
    SessionError,
)

_LABEL = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_ASIDE = re.compile(r"-replaced$|(?<=-)withdrawn-(?=\d+$)")
_NOT_OURS = "look at it in the destination folder; what is not known to be ours is never deleted"


class DirDestination:
    """Sessions below `root`. What is being built lies hidden beside its final place, on the same file system."""

    def __init__(
        self, root: Path, pixel_digest: PixelDigest, *, source: Path | None = None, leftover_age: float = 3600.0
    ) -> None:
        self.root = root.absolute()
        self._source = source
        self._pixel_digest = pixel_digest
        self._leftover_age = leftover_age

    @property
    def name(self) -> str:
        return f"dir:{self.root}"

    def check(self) -> None:
        """RefusedError when it is inside the source or holds it; ConfigurationError when it cannot be written."""
        if self._source is not None:
            ours, theirs = self.root.resolve(), self._source.resolve()
            if ours.is_relative_to(theirs) or theirs.is_relative_to(ours):
                raise RefusedError(
                    "source and destination folder are the same, or one is inside the other",
                    hint="give a destination folder that has nothing to do with the source",
                )
        there = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            raise ConfigurationError(
                f"the destination folder {self.root} cannot be written", hint="check that it is a folder, and its owner"
            )

    def look(self, package_labels: tuple[str, str], study_instance_uid: str, subject: str = "") -> Standing:
        """How the session stands there now; changes nothing."""
        final = self._final(package_labels)
        if not os.path.lexists(final):
            others = (receipt for path, receipt in self._below(final.parent) if path != final)
            if subject and any(receipt is None or receipt.subject != subject for receipt in others):
                return Foreign(OTHERS_SUBJECT)
            # Ours may have come to be just now: a rival's, which is not elsewhere.
            elsewhere = any(
                path != final and receipt is not None and receipt.study_instance_uid == study_instance_uid
                for path, receipt in self._receipts()
            )
            return Foreign("our Study Instance UID stands there under another label") if elsewhere else Absent()
        receipt = _receipt(final / FILE_NAME)
        if receipt is None:
            return Foreign("a folder without a receipt of ours stands under our label")
        if receipt.study_instance_uid != study_instance_uid:
            return Foreign("another study stands under our label")
        return Published(receipt, active=True)

    def publish(self, package: Package, gate: Callable[[], None], scratch: Path) -> Sent | Outrun:
        """Publish all or nothing; scans that are added come one after the other, and the receipt last."""
        final = self._final((package.subject_label, package.session_label))
        before = self._look(package)
        if isinstance(before, Published) and before.receipt != package.replaces:
            if not package.adds or before.receipt == package.receipt:
                return self._outrun(final, before.receipt)
        elif isinstance(before, Published) and before.receipt.source != package.receipt.source:
            raise ConflictError("the session that is to be replaced has the receipt of another source", hint=_NOT_OURS)
        if package.adds and _base(package) != _scans_of(before):
            raise ChangedError("the session to which scans are to be added is gone, or not as it was", hint="run again")
        with self._writing():
            final.parent.mkdir(parents=True, exist_ok=True)
            self._purge(final)
        building = final.parent / f".PXA-{final.name}-{package.run}"
        try:
            with self._writing():
                self._build(building, package)
            gate()
            with self._writing():
                outcome = self._put_in_place(building, final, package, before)
        finally:
            shutil.rmtree(building, ignore_errors=True)
            folders.remove_if_empty(final.parent)
        return outcome

    def finish(
        self, package_labels: tuple[str, str], receipt: Receipt, gate: Callable[[], None], scratch: Path
    ) -> None:
        """Verify a session against its receipt; it is visible anyway. ConflictError when it does not hold it."""
        standing = self.look(package_labels, receipt.study_instance_uid)
        if not isinstance(standing, Published) or standing.receipt != receipt:
            raise ChangedError("the session is no longer the one that was to be finished", hint="run again")
        self._outrun(self._final(package_labels), receipt)

    def seen_visible(self, package_labels: tuple[str, str], receipt: Receipt) -> None:
        """Nothing to remember: what lies in a folder is seen."""

    def holds(self, claim: Claim) -> bool:
        """Whether a session of ours lies there."""
        return self._claimed(claim) is not None

    def take_back(self, claim: Claim, gate: Callable[[], None]) -> TakenBack | None:
        """Remove the session that was made from this source; see ports.Destination.take_back."""
        final = self._claimed(claim)
        hidden = [path for path in self.root.glob("*/.PXA-*") if _is_left_of(claim.session_label, path)]
        if final is None and not hidden:
            return None
        gate()
        with self._writing():
            if final is not None:
                # Out of sight at once: what is removed bit by bit would be seen in part.
                aside = final.with_name(f".PXA-{final.name}-withdrawn-{time.time_ns()}")
                final.rename(aside)
                folders.sync(final.parent)
                hidden.append(aside)
            for folder in hidden:
                shutil.rmtree(folder)
                folders.remove_if_empty(folder.parent)
        return None if final is None else TakenBack(final.parent.name)

    def close(self) -> None:
        """Nothing is held open."""

    def _claimed(self, claim: Claim) -> Path | None:
        """The session's folder, known to be ours by its receipt."""
        if claim.session_label or not claim.kept:
            self._check_name(claim.session_label)
        ours = [path for path, receipt in self._receipts() if receipt is not None and receipt.source == claim.source]
        there = [] if claim.kept else self.root.glob(f"[!.]*/{claim.session_label}")
        found = [path for path in there if path not in ours] + ours
        if not found:
            return None
        if len(found) > 1 or found != ours:
            raise ConflictError(
                "a folder stands under our label that has no receipt of ours",
                hint=_NOT_OURS,
            )
        return found[0]

    def _final(self, labels: tuple[str, str]) -> Path:
        for label in labels:
            self._check_name(label)
        return self.root / labels[0] / labels[1]

    def _receipts(self) -> Iterator[tuple[Path, Receipt | None]]:
        """Every session's folder with its receipt."""
        return ((path.parent, _receipt(path)) for path in self.root.glob(f"[!.]*/[!.]*/{FILE_NAME}"))

    def _below(self, subject: Path) -> Iterator[tuple[Path, Receipt | None]]:
        """Every session's folder of a subject, with its receipt."""
        folders_there = (path for path in subject.glob("[!.]*") if path.is_dir())
        return ((path, _receipt(path / FILE_NAME)) for path in folders_there)

    def _check_name(self, label: str) -> None:
        if not _LABEL.fullmatch(label):
            raise RefusedError("a label cannot be the name of a folder", hint="use letters, digits, _ and - in labels")

    def _look(self, package: Package) -> Absent | Published:
        labels = (package.subject_label, package.session_label)
        standing = self.look(labels, package.study_instance_uid, package.receipt.subject)
        match standing:
            case Absent() | Published():
                return standing
            case Foreign(reason=reason):
                raise ConflictError(reason, hint="remove or rename it in the destination folder, then run again")
            case _:
                raise ConflictError("an unfinished session stands under our label")

    def _build(self, building: Path, package: Package) -> None:
        """Everything under a hidden name, on the disk, and read back from there."""
        for scan in package.scans:
            folder = building / "SCANS" / self._scan_name(scan.id) / "DICOM"
            folder.mkdir(parents=True)
            for number, instance in enumerate(scan.instances, start=1):
                folders.copy(instance.path, folder / f"{number:06d}.dcm")
        folders.write(building / FILE_NAME, receipt_bytes(package.receipt))
        folders.sync(building)
        if self._read(building) != expected(package.scans):
            raise SessionError(
                f"what was written below {self.root} is not what was to be written", hint="check the disk"
            )

    def _scan_name(self, scan_id: str) -> str:
        if not _LABEL.fullmatch(scan_id):
            raise RefusedError("a scan ID cannot be the name of a folder")
        return scan_id

    def _put_in_place(self, building: Path, final: Path, package: Package, before: Absent | Published) -> Sent | Outrun:
        now = self._look(package)
        if now != before:
            if isinstance(now, Published):
                return self._outrun(final, now.receipt)
            raise ChangedError("the session to which scans were to be added is gone", hint="run again")
        if package.adds:
            return self._add(building, final, package)
        try:
            if not isinstance(before, Published):
                building.rename(final)
            elif not self._swap(building, final, package):
                raise FileExistsError
        except OSError:
            now = self._look(package)
            if not isinstance(now, Published) or now == before:
                raise
            return self._outrun(final, now.receipt)
        folders.sync(final.parent)
        return Sent()

    def _swap(self, building: Path, final: Path, package: Package) -> bool:
        aside = final.with_name(f".PXA-{final.name}-{package.run}-replaced")
        return folders.swap(building, final, aside, lambda folder: _receipt(folder / FILE_NAME), package.replaces)

    def _add(self, building: Path, final: Path, package: Package) -> Sent:
        """Scans one by one, the receipt last: until then the new ones are not vouched for, and the next run goes on."""
        there = self._read(final)
        wanted = expected(package.scans)
        adopted = all(there.get(uid) == pairs for uid, pairs in wanted.items())
        for scan in package.scans:
            uid = scan.series_instance_uid
            if there.get(uid) == wanted[uid]:
                continue
            if uid in there:
                self._drop(final, uid)
            (building / "SCANS" / scan.id).rename(folders.free_name(final / "SCANS" / scan.id))
        folders.sync(final / "SCANS")
        if not satisfies(self._read(final), package.receipt):
            raise SessionError("the session does not hold what it has to after scans were added", hint="run again")
        os.replace(building / FILE_NAME, final / FILE_NAME)
        folders.sync(final)
        return Sent(adopted)

    def _drop(self, final: Path, series: str) -> None:
        for folder in list((final / "SCANS").iterdir()):
            if series in digest_files(sorted(folder.rglob("*.dcm")), self._pixel_digest):
                shutil.rmtree(folder)

    def _outrun(self, final: Path, receipt: Receipt) -> Outrun:
        if not satisfies(self._read(final), receipt):
            raise ConflictError(
                "a session stands under our label that does not hold what its receipt says",
                hint="remove it from the destination folder, then run again",
            )
        return Outrun(receipt)

    def _read(self, session: Path) -> Series:
        return digest_files(sorted((session / "SCANS").rglob("*.dcm")), self._pixel_digest)

    def _purge(self, final: Path) -> None:
        """Remove what runs left here that died: hidden, of this session, untouched for long."""
        limit = time.time() - self._leftover_age
        for folder in (path for path in final.parent.glob(".PXA-*") if _is_left_of(final.name, path)):
            newest = max(path.lstat().st_mtime for path in (folder, *folder.rglob("*")))
            if newest < limit:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SessionError(
                f"cannot write into the destination folder {self.root}: {error.strerror}",
                hint="free space there or correct its rights, then run again",
            ) from None


def _is_left_of(session_label: str, path: Path) -> bool:
    """Whether a run made a hidden folder on the way of this session, or put it aside."""
    return is_named_for(session_label, _ASIDE.sub("", path.name.removeprefix(".")))


def _base(package: Package) -> set[ReceiptScan]:
    sent = {scan.series_instance_uid for scan in package.scans}
    return {scan for scan in package.receipt.scans if scan.series_instance_uid not in sent}


def _scans_of(standing: Absent | Published) -> set[ReceiptScan]:
    return set(standing.receipt.scans) if isinstance(standing, Published) else set()


def _receipt(path: Path) -> Receipt | None:
    try:
        return parse_receipt(path.read_bytes())
    except OSError:
        return None
