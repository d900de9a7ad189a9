"""A DICOM file taken apart and put together again, by pydicom and the phantoms' own code: nothing of the tool's."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import generate_fragments

from ..phantoms import BIG_ENDIAN, DEFLATED, IMPLICIT, Pixels, encode_header, item, native_value, pixel_element
from ..phantoms import stored_cells as native_cells
from .coders import CODERS, Cells, Form

DELIMITER = b"\xfe\xff\xdd\xe0\0\0\0\0"


@dataclass
class Parts:
    """What a file consists of; to be changed at will.

    `value`: of native pixel data. `frames`: of encapsulated ones, one fragment each. `basic`, `extended`: the offset
    tables as they will be written. `after`: bytes behind the pixel element; `behind`: those behind a deflated stream.
    """

    header: Dataset
    meta: FileMetaDataset
    vr: str
    value: bytes = b""
    frames: list[bytes] = field(default_factory=list)
    tables: str = "none"
    basic: bytes | None = None
    extended: tuple[bytes, bytes | None] | None = None
    preamble: bytes = bytes(128)
    after: bytes = b""
    behind: bytes = b""

    @property
    def syntax(self) -> str:
        return str(self.meta.TransferSyntaxUID)


def take_apart(path: Path) -> Parts:
    """The parts of a file whose frames are a fragment each."""
    ds = dcmread(path)
    syntax, element = str(ds.file_meta.TransferSyntaxUID), ds["PixelData"]
    parts = Parts(ds, ds.file_meta, element.VR)
    if ds.file_meta.TransferSyntaxUID.is_encapsulated:
        table, *fragments = generate_fragments(ds.PixelData)
        parts.frames = [_unpadded(syntax, one) for one in fragments]
        parts.tables = "extended" if "ExtendedOffsetTable" in ds else "basic" if table else "none"
    else:
        parts.value = bytes(ds.PixelData)
    for keyword in ("PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in ds:
            delattr(ds, keyword)
    return parts


def _unpadded(syntax: str, fragment: bytes) -> bytes:
    return fragment[:-1] if fragment.endswith(b"\xff\xd9\0") else fragment


def put_together(path: Path, parts: Parts) -> Path:
    """Write the file; tables that were not given are made to fit the frames."""
    plain = encode_header(parts.header, parts.syntax, parts.meta)
    header = parts.preamble + plain[128:]
    rest = _encapsulated(parts) if parts.meta.TransferSyntaxUID.is_encapsulated else _native(parts)
    if parts.syntax != DEFLATED:
        path.write_bytes(header + rest + parts.after)
        return path
    meta_end = 144 + struct.unpack("<L", header[140:144])[0]
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(header[meta_end:] + rest + parts.after) + packer.flush()
    path.write_bytes(header[:meta_end] + packed + b"\0" * (len(packed) % 2) + parts.behind)
    return path


def _native(parts: Parts) -> bytes:
    syntax = IMPLICIT if parts.syntax == IMPLICIT else parts.syntax
    return pixel_element(syntax, parts.vr, len(parts.value)) + parts.value


def _encapsulated(parts: Parts) -> bytes:
    offsets, lengths = _places(parts.frames)
    basic, extended = parts.basic, parts.extended
    if basic is None:
        basic = struct.pack(f"<{len(offsets)}L", *offsets) if parts.tables == "basic" else b""
    if extended is None and parts.tables == "extended":
        extended = struct.pack(f"<{len(offsets)}Q", *offsets), struct.pack(f"<{len(lengths)}Q", *lengths)
    table = b"".join(
        struct.pack("<HH2sHL", 0x7FE0, number, b"OV", 0, len(values)) + values
        for number, values in enumerate(extended or (), 1)
        if values is not None
    )
    fragments = b"".join(item(frame) for frame in parts.frames)
    return table + pixel_element(parts.syntax, "OB", 0xFFFFFFFF) + item(basic) + fragments + DELIMITER


def _places(frames: list[bytes]) -> tuple[list[int], list[int]]:
    sizes = [8 + len(one) + len(one) % 2 for one in frames]
    return [sum(sizes[:number]) for number in range(len(sizes))], [len(one) for one in frames]


def cells_of(path: Path, parts: Parts, coder: str, form: Form) -> Cells:
    """All frames as (frames, rows, columns, samples)."""
    ds = parts.header
    if not coder:
        return native_cells(path).astype(f"u{ds.BitsAllocated // 8}")
    like = np.zeros((ds.Rows, ds.Columns, ds.SamplesPerPixel), f"u{ds.BitsAllocated // 8}")
    return np.stack([CODERS[coder].decode(frame, like, form) for frame in parts.frames])


def put_cells(parts: Parts, cells: Cells, coder: str, form: Form) -> None:
    """Code all frames anew; those whose cells are as they were give the same cells again."""
    if coder:
        parts.frames = [
            CODERS[coder].encode(np.ascontiguousarray(frame), form, like)
            for frame, like in zip(cells, parts.frames, strict=True)
        ]
        return
    ds = parts.header
    more: dict[str, Any] = {"planar": int(ds.get("PlanarConfiguration") or 0)}
    pixels = Pixels(cells.astype(np.uint64), ds.PhotometricInterpretation, ds.BitsAllocated, ds.BitsStored, **more)
    vr = parts.vr if parts.syntax == BIG_ENDIAN else "OW"
    parts.value = native_value(pixels, parts.syntax, vr)
