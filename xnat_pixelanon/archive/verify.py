"""What a published session really holds: every instance downloaded again, by UID and pixel digest.

Never by the MD5 of files: XNAT rewrites group 2 and runs its own scripts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from xnat_pixelanon.archive import listings
from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.archive.dicom_tags import read_tags, says_no_more
from xnat_pixelanon.archive.listings import ListedFile, Scan
from xnat_pixelanon.domain.receipt import Receipt, outputs_digest
from xnat_pixelanon.domain.session import CleanScan
from xnat_pixelanon.errors import InstanceError, ScratchError

PixelDigest = Callable[[Path], str]

UNREADABLE = "unreadable"
OTHER_HEADER = "other header"

Series = Mapping[str, tuple[tuple[str, str], ...]]
"""Sorted (SOP Instance UID, pixel digest) pairs by Series Instance UID."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The scans of a session with their files, as listed at one moment."""

    scans: tuple[tuple[Scan, tuple[ListedFile, ...]], ...] = field(repr=False)

    @property
    def files(self) -> int:
        return sum(len(files) for _, files in self.scans)

    def scan_ids(self, series: set[str]) -> list[str]:
        """IDs of the scans of these series."""
        return [scan.id for scan, _ in self.scans if scan.uid in series]

    def counts(self) -> dict[str, int]:
        """Number of files by Series Instance UID."""
        found: dict[str, int] = {}
        for scan, files in self.scans:
            found[scan.uid] = found.get(scan.uid, 0) + len(files)
        return found


def inventory(connection: XnatConnection, experiment: str) -> Inventory:
    """All scans and the files of their DICOM and secondary resources."""
    files: dict[str, list[ListedFile]] = {}
    found = listings.scans(connection, experiment)
    for resource in listings.resources(connection, experiment):
        if resource.is_dicom:
            files.setdefault(resource.owner, []).extend(listings.scan_files(connection, experiment, resource))
    return Inventory(tuple((scan, tuple(files.get(scan.id, ()))) for scan in sorted(found, key=lambda one: one.id)))


def read_back(
    connection: XnatConnection,
    held: Inventory,
    scratch: Path,
    pixel_digest: PixelDigest,
    only: set[str] | None = None,
    like: Mapping[str, Path] | None = None,
) -> Series:
    """Download and digest every file, one at a time; of the series in `only`, where given.

    `like`: our own copies by SOP Instance UID. A file whose header says something that ours does not counts as other:
    an earlier version may have cleaned less.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    with scratch_folder(scratch) as folder:
        path = folder / "instance.dcm"
        for scan, files in held.scans:
            if only is not None and scan.uid and scan.uid not in only:
                continue
            for file in files:
                connection.download(file.uri, path, "reading back a file", size=file.size, md5=file.md5)
                series, sop = instance_uids(path)
                alike = like is None or (sop in like and says_no_more(path, like[sop]))
                found.setdefault(series, []).append((sop, _digest(path, pixel_digest) if alike else OTHER_HEADER))
                path.unlink()
    return {series: tuple(sorted(pairs)) for series, pairs in found.items()}


def digest_files(paths: Iterable[Path], pixel_digest: PixelDigest) -> Series:
    """The same of files on a disk."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in paths:
        series, sop = instance_uids(path)
        found.setdefault(series, []).append((sop, _digest(path, pixel_digest)))
    return {series: tuple(sorted(pairs)) for series, pairs in found.items()}


def expected(scans: tuple[CleanScan, ...]) -> Series:
    """What the session has to hold of these scans."""
    return {
        scan.series_instance_uid: tuple(sorted((one.sop_instance_uid, one.pixel_digest) for one in scan.instances))
        for scan in scans
    }


def satisfies(held: Series, receipt: Receipt) -> bool:
    """Whether a session holds exactly what its receipt says: no instance more, none less, none other."""
    return set(held) == {scan.series_instance_uid for scan in receipt.scans} and not unsatisfied(held, receipt)


def unsatisfied(held: Series, receipt: Receipt) -> set[str]:
    """The series of the receipt that are missing or other than it says."""
    return {
        scan.series_instance_uid
        for scan in receipt.scans
        if len(held.get(scan.series_instance_uid, ())) != scan.instances
        or outputs_digest(held[scan.series_instance_uid]) != scan.outputs
    }


def instance_uids(path: Path) -> tuple[str, str]:
    """(Series Instance UID, SOP Instance UID) of a file; UNREADABLE where it cannot be parsed."""
    tags = read_tags(path, ("SeriesInstanceUID", "SOPInstanceUID"))
    if tags is None:
        return UNREADABLE, UNREADABLE
    return tags["SeriesInstanceUID"] or UNREADABLE, tags["SOPInstanceUID"] or UNREADABLE


def _digest(path: Path, pixel_digest: PixelDigest) -> str:
    try:
        return pixel_digest(path)
    except InstanceError:
        return UNREADABLE


@contextmanager
def scratch_folder(scratch: Path) -> Iterator[Path]:
    """A folder of our own inside `scratch`, gone afterwards; ScratchError when there can be none."""
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=scratch, prefix="archive-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ScratchError(
            f"cannot write into the scratch folder {scratch}: {error.strerror}",
            hint="free space there, or point TMPDIR or the work mount elsewhere",
        ) from None
    with folder as path:
        yield Path(path)
