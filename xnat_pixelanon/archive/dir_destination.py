"""A folder as a destination: `SUBJECT/SESSION/SCANS/ID/DICOM/NNNNNN.dcm`, published by rename, receipt beside SCANS."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from xnat_pixelanon.archive.clean_project import parse_receipt, receipt_bytes
from xnat_pixelanon.archive.ports import Absent, Foreign, Outrun, Published, Sent, Standing
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

    def look(self, package_labels: tuple[str, str], study_instance_uid: str) -> Standing:
        """How the session stands there now; changes nothing."""
        final = self._final(package_labels)
        if not os.path.lexists(final):
            # Ours may have come to be just now: a rival's, which is not elsewhere.
            others = (path for path in self.root.glob(f"[!.]*/[!.]*/{FILE_NAME}") if path.parent != final)
            elsewhere = any(
                receipt is not None and receipt.study_instance_uid == study_instance_uid
                for receipt in map(_receipt, others)
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
        if isinstance(before, Published) and (not package.adds or before.receipt == package.receipt):
            return self._outrun(final, before.receipt)
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
            _remove_if_empty(final.parent)
        return outcome

    def finish(self, package_labels: tuple[str, str], receipt: Receipt, scratch: Path) -> None:
        """Verify a session against its receipt; it is visible anyway. ConflictError when it does not hold it."""
        standing = self.look(package_labels, receipt.study_instance_uid)
        if not isinstance(standing, Published) or standing.receipt != receipt:
            raise ChangedError("the session is no longer the one that was to be finished", hint="run again")
        self._outrun(self._final(package_labels), receipt)

    def close(self) -> None:
        """Nothing is held open."""

    def _final(self, labels: tuple[str, str]) -> Path:
        if not all(_LABEL.fullmatch(label) for label in labels):
            raise RefusedError("a label cannot be the name of a folder", hint="use letters, digits, _ and - in labels")
        return self.root / labels[0] / labels[1]

    def _look(self, package: Package) -> Absent | Published:
        standing = self.look((package.subject_label, package.session_label), package.study_instance_uid)
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
                _copy(instance.path, folder / f"{number:06d}.dcm")
        _write(building / FILE_NAME, receipt_bytes(package.receipt))
        _sync(building)
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
            building.rename(final)
        except OSError:
            now = self._look(package)
            if not isinstance(now, Published):
                raise
            return self._outrun(final, now.receipt)
        _sync(final.parent)
        return Sent()

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
            (building / "SCANS" / scan.id).rename(_free(final / "SCANS" / scan.id))
        _sync(final / "SCANS")
        if not satisfies(self._read(final), package.receipt):
            raise SessionError("the session does not hold what it has to after scans were added", hint="run again")
        os.replace(building / FILE_NAME, final / FILE_NAME)
        _sync(final)
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
        for folder in final.parent.glob(f".PXA-{final.name}-*"):
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


def _free(wanted: Path) -> Path:
    """`wanted`, or with a number behind it where another series has that scan ID already."""
    number = 2
    chosen = wanted
    while chosen.exists():
        chosen = wanted.with_name(f"{wanted.name}-{number}")
        number += 1
    return chosen


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("xb") as writing:
        shutil.copyfileobj(reading, writing, 1 << 20)
        writing.flush()
        os.fsync(writing.fileno())


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as writing:
        writing.write(content)
        writing.flush()
        os.fsync(writing.fileno())


def _sync(folder: Path) -> None:
    """Make renames and new names in a folder last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
