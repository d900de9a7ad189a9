"""Hostile but plausible files, byte by byte, and a search of what is written that uses nothing of the package."""

from __future__ import annotations

import dataclasses
import re
import struct
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import UID

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.headers import Identity
from xnat_pixelanon.pipeline.cleaning import header_request
from xnat_pixelanon.pipeline.work import Cleaned, CleanTask, Failed, ReadTask, clean, read

EXPLICIT = "1.2.840.10008.1.2.1"
ROOT = "1.2.826.0.1.3680043.10.999"
NAME, PATIENT, ACCESSION, STUDY_DATE, BIRTH_DATE = "Phantom^Ada", "TESTMRN-4711234", "ACC778899", "20240517", "19710203"
NEEDLES = ("phantom", "4711234", "778899", STUDY_DATE, BIRTH_DATE, "1282601368004310999", "ada phantom")
IDENTITY = Identity.from_keys(bytes(range(32)))
_LONG = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")


def header(**elements: Any) -> Dataset:
    """A small secondary capture of an invented person."""
    ds = Dataset()
    ds.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = (UID(f"{ROOT}.{number}") for number in (3, 1, 2))
    ds.Modality, ds.ImageType = "OT", ["DERIVED", "SECONDARY"]
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = NAME, PATIENT, BIRTH_DATE
    ds.AccessionNumber, ds.StudyDate = ACCESSION, STUDY_DATE
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = 16, 24, 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.SeriesNumber, ds.InstanceNumber = "1", "1"
    with warnings.catch_warnings(), pydicom.config.disable_value_validation():
        warnings.simplefilter("ignore")
        for keyword, value in elements.items():
            setattr(ds, keyword, value)
    return ds


def element(tag: int, vr: str, value: bytes, *, undefined: bool = False) -> bytes:
    """Explicit VR little endian; the value as given, padded to even length."""
    value += b"" if len(value) % 2 == 0 else b"\0" if vr in ("OB", "UI", "UN") else b" "
    length = 0xFFFFFFFF if undefined else len(value)
    if vr in _LONG:
        return struct.pack("<HH2sHL", tag >> 16, tag & 0xFFFF, vr.encode(), 0, length) + value
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), length) + value


def item(*parts: bytes) -> bytes:
    value = b"".join(parts)
    return struct.pack("<HHL", 0xFFFE, 0xE000, len(value)) + value


def sequence(tag: int, *items: bytes, vr: str = "SQ") -> bytes:
    return element(tag, vr, b"".join(items))


def encoded(ds: Dataset, extra: Iterable[bytes] = (), syntax: str = EXPLICIT) -> tuple[bytes, bytes]:
    """(preamble and file meta, data set before the pixels); `extra` elements put where their tags belong."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID, meta.SourceApplicationEntityTitle = UID(syntax), "NORTHSENDER"
    parts = [(int(one.tag), _written(one)) for one in ds]
    parts += [(raw[0] << 16 | raw[1] << 24 | raw[2] | raw[3] << 8, raw) for raw in extra]
    head = DicomBytesIO()
    with warnings.catch_warnings(), pydicom.config.disable_value_validation():
        warnings.simplefilter("ignore")
        write_file_meta_info(head, meta, enforce_standard=False)
    body = b"".join(raw for _, raw in sorted(parts, key=lambda part: part[0]))
    return bytes(128) + b"DICM" + head.getvalue(), body


def _written(one: pydicom.DataElement) -> bytes:
    out = DicomBytesIO()
    out.is_implicit_VR, out.is_little_endian = False, True
    with warnings.catch_warnings(), pydicom.config.disable_value_validation():
        warnings.simplefilter("ignore")
        write_dataset(out, Dataset({one.tag: one}))
    return bytes(out.getvalue())


PIXELS = bytes(192 + number % 60 for number in range(16 * 24))


def file(ds: Dataset, *extra: bytes, pixels: bytes = PIXELS, after: bytes = b"") -> bytes:
    """A whole file with native pixels."""
    meta, body = encoded(ds, extra)
    return meta + body + element(0x7FE00010, "OB" if ds.BitsAllocated == 8 else "OW", pixels) + after


def compressed(ds: Dataset, syntax: str, *fragments: bytes) -> bytes:
    """A whole file with encapsulated pixels."""
    meta, body = encoded(ds, (), syntax)
    even = [one + b"\0" * (len(one) % 2) for one in fragments]
    value = b"".join(item(one) for one in (b"", *even)) + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    return meta + body + element(0x7FE00010, "OB", value, undefined=True)


@dataclasses.dataclass(frozen=True)
class Result:
    """What the worker gave, and the bytes of the copy, where there is one."""

    done: Cleaned | Failed
    data: bytes

    @property
    def code(self) -> str:
        return self.done.code if isinstance(self.done, Failed) else ""

    @property
    def scrubbed(self) -> tuple[str, ...]:
        return self.done.scrubbed if isinstance(self.done, Cleaned) else ()


def publish(folder: Path, data: bytes, boxes: Sequence[Rectangle] = (), known: Sequence[str] = ()) -> Result:
    """What the pipeline's worker makes of a file: read, clean, prove."""
    path, out = folder / "source.dcm", folder / "copy.dcm"
    path.write_bytes(data)
    found = read(ReadTask(path, "source.dcm", folder))
    if found.facts.damage:
        return Result(Failed("damaged", found.facts.damage), b"")
    request = header_request(IDENTITY, ("SUBJECT", "SESSION"), "CLEAN", tuple(known))
    request = dataclasses.replace(request, pixels_changed=bool(boxes))
    done = clean(CleanTask(found, tuple(boxes), request, out, folder))
    return Result(done, out.read_bytes() if isinstance(done, Cleaned) else b"")


def traces(data: bytes, needles: Iterable[str] = NEEDLES) -> list[str]:
    """Needles that stand in the bytes: as they are, without what separates letters, in UTF-16 and in EBCDIC."""
    plain = re.sub(rb"[^0-9a-z]+", b"", data.lower())
    wide = re.sub(rb"[^0-9a-z]+", b"", data.replace(b"\0", b"").lower())
    found = []
    for needle in needles:
        core = re.sub(r"[^0-9a-z]+", "", needle.lower()).encode()
        codes = {form.encode(code) for code in ("cp500", "utf-8") for form in (needle, needle.upper(), needle.title())}
        if core in plain or core in wide or any(code in data for code in codes):
            found.append(needle)
    return found
