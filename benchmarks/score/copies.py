"""What the program wrote, found by Instance Number, and how values are read there: with pydicom, item by item."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath

from pydicom import dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from benchmarks.score.answers import Path, Private

_SEPARATORS = re.compile(r"[\W_]+")
_PIXEL_DATA = 0x7FE00010


@dataclass(frozen=True, slots=True)
class Copy:
    """One written file: below `root`, as `name`; `receipt` is the text beside its session."""

    path: FilePath
    name: str
    ds: Dataset
    receipt: str
    data: bytes = b""
    """All bytes of the file, letters as small ones."""

    @property
    def subject(self) -> str:
        """The label of the folder that says whose it is."""
        return FilePath(self.name).parts[0]

    def elements(self, path: Path) -> list[DataElement]:
        """All elements at this path, in every item of every sequence on the way.

        A private sequence of a file in Implicit VR is read as bytes: then these are what is at the path.
        """
        found = [self.ds, self.ds.file_meta] if path[0] == "MediaStorageSOPInstanceUID" else [self.ds]
        unread: list[DataElement] = []
        for step in path[:-1]:
            there = [one for ds in found for one in _at(ds, step)]
            unread += [one for one in there if one.VR != "SQ"]
            found = [item for one in there if one.VR == "SQ" for item in one.value or ()]
        return [*unread, *(one for ds in found for one in _at(ds, path[-1]))]

    def texts(self) -> Iterator[tuple[str, str]]:
        """(VR, squeezed text) of every element but pixels, at every depth, file meta information too."""
        for ds in (self.ds.file_meta, self.ds):
            for one in ds.iterall():
                if one.VR != "SQ" and one.tag != _PIXEL_DATA:
                    yield one.VR, squeeze(text_of(one))


def read_copies(root: FilePath) -> Mapping[int, list[Copy]]:
    """Every DICOM file below `root` by its Instance Number; 0 for those without one or that cannot be read."""
    found: dict[int, list[Copy]] = {}
    for path in sorted(root.rglob("*.dcm")):
        try:
            ds = dcmread(path)
        except InvalidDicomError:
            found.setdefault(0, [])
            continue
        number = int(ds.get("InstanceNumber") or 0)
        receipts = sorted(path.parents[3].glob("*.json")) + sorted(path.parents[3].glob("*.txt"))
        receipt = "\n".join(one.read_text("utf-8") for one in receipts)
        copy = Copy(path, path.relative_to(root).as_posix(), ds, receipt, path.read_bytes().lower())
        found.setdefault(number, []).append(copy)
    return found


def text_of(element: DataElement) -> str:
    """The value as text; binary values as the characters of their bytes."""
    value = element.value
    if isinstance(value, bytes):
        return value.replace(b"\0", b"").decode("latin-1")
    if value is None:
        return ""
    return "\\".join(map(str, value)) if element.VM > 1 else str(value)


def squeeze(text: str) -> str:
    """Letters and digits alone, in lower case and without accents: what a reader would still recognise."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return _SEPARATORS.sub("", "".join(part for part in plain if not unicodedata.combining(part)))


def _at(ds: Dataset, step: str | Private) -> list[DataElement]:
    if isinstance(step, Private):
        try:
            block = ds.private_block(step.group, step.creator)
        except KeyError:
            return []
        return [block[step.offset]] if step.offset in block else []
    tag = 0x60003000 if step == "OverlayData" else tag_for_keyword(step)
    return [ds[tag]] if tag in ds else []
