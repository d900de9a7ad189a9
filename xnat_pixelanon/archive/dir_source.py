"""A folder of DICOM as a source: read recursively, sessions are studies, nothing is ever written there."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from xnat_pixelanon.archive.dicom_tags import read_tags
from xnat_pixelanon.archive.listings import natural
from xnat_pixelanon.domain.scan_ids import Series, scan_ids
from xnat_pixelanon.domain.session import Contents, NotSent, SourceFile, SourceScan, SourceSession
from xnat_pixelanon.errors import ChangedError, ConfigurationError, NotFoundError, TransferError

_TAGS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber", "Modality")
_DICOMDIR = "1.2.840.10008.1.3.10"


@dataclass(frozen=True, slots=True)
class _Found:
    """One file as it was seen; `study` is empty for what belongs to no study, and `kind`, `reason` say why."""

    name: str
    size: int
    modified: int
    study: str = ""
    series: Series | None = None
    kind: str = ""
    reason: str = ""


class DirSource:
    """All regular files below a folder. Symbolic links are listed and never followed."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        if not self.root.is_dir():
            raise NotFoundError(f"the folder {root} is not there", hint="check the path after dir:")
        self._seen: dict[str, _Found] = {}

    @property
    def name(self) -> str:
        return f"dir:{self.root}"

    @property
    def place(self) -> str:
        """Its name: the folder, resolved."""
        return self.name

    @property
    def remote(self) -> bool:
        """Its files are here."""
        return False

    def sessions(self, wanted: Sequence[str]) -> list[SourceSession]:
        """One per Study Instance UID, which is its ID and its label; the subject is left to Patient ID."""
        studies = sorted({found.study for found in self._walked() if found.study})
        missing = [index for index, one in enumerate(wanted, 1) if one not in studies]
        if missing:
            places = ", ".join(str(index) for index in missing)
            raise NotFoundError(
                f"the folder holds no study for wanted session{'s' if len(missing) > 1 else ''} number {places}",
                hint="sessions of a folder are named by their Study Instance UID",
            )
        return [SourceSession(study, study, "") for study in studies if not wanted or study in wanted]

    def state(self, session: SourceSession) -> str:
        """Its files, with their sizes and times."""
        return repr(self.contents(session))

    def contents(self, session: SourceSession) -> Contents:
        """The scans of a study, with the IDs that XNAT would give them; files of no study are in strays()."""
        first: dict[str, Series] = {}
        by_series: dict[str, list[_Found]] = defaultdict(list)
        for found in self._walked():
            if found.study == session.id and found.series is not None:
                series = first.setdefault(found.series.series_instance_uid, found.series)
                by_series[series.series_instance_uid].append(found)
        ids = scan_ids(first.values())
        scans = [
            SourceScan(ids[uid], tuple(SourceFile(one.name, one.size, _locator(one)) for one in files))
            for uid, files in by_series.items()
        ]
        return Contents(tuple(sorted(scans, key=lambda scan: natural(scan.id))), ())

    def strays(self) -> tuple[NotSent, ...]:
        """Everything below the folder that belongs to no study: other files, DICOMDIR, links, unreadable DICOM."""
        return tuple(
            NotSent(found.kind, found.name, found.reason, 1, found.size) for found in self._walked() if not found.study
        )

    def fetch(self, file: SourceFile, folder: Path) -> Path:
        """The file in place."""
        path = self.root / file.name
        if self._changed(file):
            raise TransferError("a file of the folder is gone or was changed while it was worked on", hint="run again")
        return path

    def recheck(self, session: SourceSession, contents: Contents) -> None:
        """ChangedError unless the study still has exactly these files, unchanged."""
        if self.contents(session) != contents:
            raise ChangedError("files of the study were added, changed or removed meanwhile", hint="run again")

    def close(self) -> None:
        """Nothing is held open."""

    def _changed(self, file: SourceFile) -> bool:
        try:
            state = (self.root / file.name).lstat()
        except OSError:
            return True
        return not S_ISREG(state.st_mode) or (file.size, file.locator) != (
            state.st_size,
            json.dumps({"modified": state.st_mtime_ns}),
        )

    def _walked(self) -> list[_Found]:
        """Every file as it is now; headers of unchanged files are not read again."""
        found = [self._examined(path) for path in _files(self.root)]
        self._seen = {one.name: one for one in found}
        return found

    def _examined(self, path: Path) -> _Found:
        name = path.relative_to(self.root).as_posix()
        try:
            state = path.lstat()
            before = self._seen.get(name)
            if before is not None and (before.size, before.modified) == (state.st_size, state.st_mtime_ns):
                return before
            if path.is_symlink():
                return _Found(name, 0, state.st_mtime_ns, kind="link", reason="symbolic links are not followed")
            if not S_ISREG(state.st_mode):
                return _Found(name, 0, state.st_mtime_ns, kind="special-file", reason="not a regular file")
            return _read(path, name, state)
        except OSError as error:
            raise _unreadable(path, error) from None


def _locator(found: _Found) -> str:
    return json.dumps({"modified": found.modified})


def _files(root: Path) -> Iterator[Path]:
    """Every path that is not a folder, in the order of names."""

    def stop(error: OSError) -> None:
        raise _unreadable(Path(error.filename or root), error) from None

    for folder, folders, files in os.walk(root, onerror=stop):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted([*files, *links]):
            yield Path(folder) / name


def _unreadable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be read: {error.strerror}",
        hint="it may be an image that would be missing unnoticed: make it readable, or move it out of the folder",
    )


def _read(path: Path, name: str, state: os.stat_result) -> _Found:
    def stray(kind: str, reason: str) -> _Found:
        return _Found(name, state.st_size, state.st_mtime_ns, kind=kind, reason=reason)

    with path.open("rb") as file:
        start = file.read(132)
    preamble = start[128:] == b"DICM"
    # Without a preamble a data set begins with group 0002 or 0008, little endian (PS3.5 section 7.1).
    if not preamble and start[:2] not in (b"\x02\x00", b"\x08\x00"):
        return stray("not-dicom", "not a DICOM file")
    header = read_tags(path, _TAGS, force=True)
    if header is None or not header["StudyInstanceUID"]:
        if header is not None and _DICOMDIR in (header["SOPClassUID"], header["media"]):
            return stray("dicomdir", "a DICOMDIR, not an image")
        if preamble:
            return stray("damaged-dicom", "a DICOM file whose study cannot be read")
        return stray("not-dicom", "not a DICOM file")
    series = Series(header["SeriesInstanceUID"], header["SeriesNumber"], header["Modality"])
    return _Found(name, state.st_size, state.st_mtime_ns, header["StudyInstanceUID"], series)
