"""Made DICOM files for the pixel tests: every byte of the pixel element is laid by hand, so the judge knows it."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import UID

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.pixels import (
    PixelProof,
    WrittenPixels,
    open_source,
    pixel_digest,
    plan_pixels,
    prove_pixels,
    write_instance,
)

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
NATIVE = (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN)
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
RLE = "1.2.840.10008.1.2.5"
MPEG4 = "1.2.840.10008.1.2.4.102"


@dataclass(frozen=True)
class Pixels:
    """Stored values, unsigned, as (frames, rows, columns, samples) and how they lie in the file."""

    cells: np.ndarray[Any, Any]
    photometric: str = "MONOCHROME2"
    allocated: int = 8
    stored: int = 8
    signed: bool = False
    planar: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        frames, rows, columns, samples = self.cells.shape
        return frames, rows, columns, samples


def random_pixels(
    photometric: str = "MONOCHROME2",
    *,
    frames: int = 2,
    rows: int = 7,
    columns: int = 10,
    allocated: int = 8,
    stored: int = 0,
    seed: int = 1,
    **more: Any,
) -> Pixels:
    """Noise over all bits that are stored; 4:2:2 is noise in luma, with the chroma of each pair."""
    samples = 1 if photometric.startswith(("MONO", "PALETTE")) else 3
    stored = stored or allocated
    noise = np.random.default_rng(seed).integers(0, 1 << stored, (frames, rows, columns, samples), dtype=np.uint64)
    if photometric.endswith("_422"):
        noise[:, :, 1::2, 1:] = noise[:, :, : columns // 2 * 2 : 2, 1:]
    return Pixels(noise, photometric, allocated, stored, **more)


def native_value(pixels: Pixels, syntax: str, vr: str) -> bytes:
    """The value of the pixel element, padded, byte by byte as PS3.5 clause 8 has it."""
    cells = pixels.cells
    if pixels.photometric.endswith("_422"):
        pairs = cells.reshape(*cells.shape[:2], -1, 2, 3)
        cells = np.concatenate([pairs[..., 0, :1], pairs[..., 1, :1], pairs[..., 0, 1:]], axis=-1)
    elif pixels.planar == 1:
        cells = cells.transpose(0, 3, 1, 2)
    order = ">" if syntax == BIG_ENDIAN else "<"
    value = cells.astype(f"{order}u{pixels.allocated // 8}").tobytes()
    value += b"\0" * (len(value) % 2)
    if syntax == BIG_ENDIAN and vr == "OW" and pixels.allocated == 8:
        value = b"".join(value[at : at + 2][::-1] for at in range(0, len(value), 2))
    return value


def data_set(pixels: Pixels, **more: Any) -> Dataset:
    """A header without pixel data; the person is invented."""
    frames, rows, columns, samples = pixels.shape
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "2.25.101"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "2.25.102", "2.25.103"
    ds.PatientName, ds.PatientID, ds.Modality, ds.SeriesNumber = "Phantom^Ada", "TEST-0001", "US", 3
    ds.Rows, ds.Columns, ds.SamplesPerPixel = rows, columns, samples
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = pixels.allocated, pixels.stored, pixels.stored - 1
    ds.PixelRepresentation, ds.PhotometricInterpretation = int(pixels.signed), pixels.photometric
    if frames != 1:
        ds.NumberOfFrames = frames
    if samples > 1:
        ds.PlanarConfiguration = pixels.planar
    for keyword, value in {**pixels.extra, **more}.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def encode_header(ds: Dataset, syntax: str, meta: FileMetaDataset | None = None) -> bytes:
    """Preamble, file meta information and data set, not deflated."""
    if meta is None:
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", "1.2")
        meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", "2.25.1")
        meta.TransferSyntaxUID = UID(syntax)
    meta.FileMetaInformationGroupLength = 0  # makes pydicom write the true one
    head, body = DicomBytesIO(), DicomBytesIO()
    body.is_implicit_VR = syntax == IMPLICIT
    body.is_little_endian = syntax != BIG_ENDIAN
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that are wrong on purpose, and of those in public samples
        write_file_meta_info(head, meta, enforce_standard=False)
        write_dataset(body, ds)
    return b"\0" * 128 + b"DICM" + head.getvalue() + body.getvalue()


def pixel_element(syntax: str, vr: str, length: int, tag: tuple[int, int] = (0x7FE0, 0x0010)) -> bytes:
    if syntax == IMPLICIT:
        return struct.pack("<HHL", *tag, length)
    return struct.pack((">" if syntax == BIG_ENDIAN else "<") + "HH2sHL", *tag, vr.encode(), 0, length)


def write_native(
    path: Path, pixels: Pixels, syntax: str = EXPLICIT, *, vr: str = "", value: bytes | None = None, after: bytes = b"",
    **more: Any,
) -> Path:  # fmt: skip
    """A whole file; `value` replaces the pixel bytes, `after` follows the pixel element, `more` changes the header."""
    vr = vr or ("OB" if pixels.allocated <= 8 else "OW")
    value = native_value(pixels, syntax, vr) if value is None else value
    header = encode_header(data_set(pixels, **more), syntax)
    return write_raw(path, syntax, header, pixel_element(syntax, vr, len(value)) + value + after)


def write_raw(path: Path, syntax: str, header: bytes, rest: bytes = b"") -> Path:
    """Header bytes and what follows, deflated where the syntax is."""
    if syntax == DEFLATED:
        meta_end = 144 + struct.unpack("<L", header[140:144])[0]
        packer = zlib.compressobj(wbits=-15)
        packed = packer.compress(header[meta_end:] + rest) + packer.flush()
        path.write_bytes(header[:meta_end] + packed + b"\0" * (len(packed) % 2))
    else:
        path.write_bytes(header + rest)
    return path


def item(data: bytes, *, pad: bytes = b"\0") -> bytes:
    data += pad * (len(data) % 2)
    return b"\xfe\xff\x00\xe0" + struct.pack("<L", len(data)) + data


def write_encapsulated(
    path: Path, pixels: Pixels, syntax: str, fragments: Sequence[bytes], *, offsets: Sequence[int] = (),
    end: bytes = b"\xfe\xff\xdd\xe0\0\0\0\0", extended: tuple[Sequence[int], Sequence[int]] = ((), ()), **more: Any,
) -> Path:  # fmt: skip
    """Fragments as given, with a Basic or an Extended Offset Table as given."""
    table = b""
    for number, values in ((1, extended[0]), (2, extended[1])):
        if values:
            table += struct.pack(f"<HH2sHL{len(values)}Q", 0x7FE0, number, b"OV", 0, 8 * len(values), *values)
    value = item(struct.pack(f"<{len(offsets)}L", *offsets)) + b"".join(item(one) for one in fragments) + end
    header = encode_header(data_set(pixels, **more), syntax)
    path.write_bytes(header + table + pixel_element(syntax, "OB", 0xFFFFFFFF) + value)
    return path


def written(path: Path, out: Path, rectangles: Sequence[Rectangle] = (), **changes: Any) -> WrittenPixels:
    """Write a copy as the pipeline does: a header made from the source's, `changes` made to it."""
    with open_source(path, out.parent) as source:
        plan = plan_pixels(source, rectangles)
        for keyword, value in {**dict(plan.description), **changes}.items():
            setattr(source.header, keyword, value)
        meta = source.header.file_meta
        meta.TransferSyntaxUID = UID(plan.transfer_syntax_uid)
        header = encode_header(source.header, plan.transfer_syntax_uid, meta)
        return write_instance(source, plan, header, out)


def proved(path: Path, out: Path, rectangles: Sequence[Rectangle], result: WrittenPixels) -> PixelProof:
    """The proof as the pipeline asks for it; its digest is what a read of what a server holds is compared with."""
    proof = prove_pixels(path, out, rectangles, result.effective, out.parent, scrubbed=result.scrubbed)
    assert not proof.ok or proof.digest == pixel_digest(out, out.parent)
    return proof


def stored_cells(path: Path) -> np.ndarray[Any, Any]:
    """Native cells of a file as (frames, rows, columns, samples), all bits, by pydicom's reader and this module."""
    ds = dcmread(path)
    syntax, vr = str(ds.file_meta.TransferSyntaxUID), str(ds["PixelData"].VR)
    frames, samples = int(ds.get("NumberOfFrames", 1)), ds.SamplesPerPixel
    value = bytes(ds.PixelData)
    if syntax == BIG_ENDIAN and vr == "OW" and ds.BitsAllocated == 8:
        value = b"".join(value[at : at + 2][::-1] for at in range(0, len(value), 2))
    cells = np.frombuffer(value, f"{'>' if syntax == BIG_ENDIAN else '<'}u{ds.BitsAllocated // 8}").astype(np.uint64)
    if ds.PhotometricInterpretation.endswith("_422"):
        pairs = cells[: frames * ds.Rows * ds.Columns * 2].reshape(frames, ds.Rows, ds.Columns // 2, 4)
        left, right = pairs[..., [0, 2, 3]], pairs[..., [1, 2, 3]]
        return np.stack([left, right], axis=3).reshape(frames, ds.Rows, ds.Columns, 3)
    cells = cells[: frames * ds.Rows * ds.Columns * samples]
    if samples > 1 and ds.PlanarConfiguration == 1:
        return cells.reshape(frames, samples, ds.Rows, ds.Columns).transpose(0, 2, 3, 1)
    return cells.reshape(frames, ds.Rows, ds.Columns, samples)
