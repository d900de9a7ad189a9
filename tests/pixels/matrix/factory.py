"""The one phantom factory: writes the DICOM file of any cell of the matrix and keeps its stored values as the truth."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames

from ..phantoms import encode_header, pixel_element, write_raw
from .cell import ALL_JPEG_LS, EXPLICIT, RLE, Cell, is_lossy
from .encoders import encode
from .layout import FLOAT_TAGS, PADDING, laid_out, vr_of
from .palettes import palette
from .programs import run_dcmtk
from .truth import Cells, normal, placed, stored_values

EXCESS = b"T^71"
"""Bytes that are no pixels, behind the last one or behind a codestream."""
SEQUENCE_DELIMITER = b"\xfe\xff\xdd\xe0\0\0\0\0"


@dataclass(frozen=True, slots=True)
class Phantom:
    """A written file and its stored values: all bits of native and RLE cells, else values with their sign carried on.

    The truth of a lossy cell is what its encoder was given; only a decoder can say what is stored.
    """

    path: Path
    cell: Cell
    truth: Cells

    @property
    def lossy(self) -> bool:
        return is_lossy(self.cell)


def phantom(path: Path, cell: Cell) -> Phantom:
    """Write `cell` to `path`."""
    values = stored_values(cell)
    cells = placed(values, cell)
    if "overlay" in cell.words:
        cells = _with_overlay(cells, cell)
    if cell.native:
        _write_native(path, cell, cells)
        return Phantom(path, cell, cells)
    if "dcmtk" in cell.words:
        frames = _frames_of_dcmtk(path, cell, cells)
    else:
        whole = cells if cell.transfer_syntax == RLE or cell.whole else values
        frames = [encode(coding(cell, number), frame) for number, frame in enumerate(whole)]
    if "excess" in cell.words:
        frames = [frame + EXCESS for frame in frames]
    _write_encapsulated(path, cell, frames)
    if cell.transfer_syntax != RLE and not cell.whole:
        cells = normal(values, stored=cell.stored, allocated=cell.allocated, signed=cell.signed)
    return Phantom(path, cell, cells)


def header(cell: Cell) -> Dataset:
    """All elements before the pixels; the person is invented."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7.4", "2.25.201"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "2.25.202", "2.25.203"
    ds.ImageType = ["DERIVED", "SECONDARY"]
    ds.PatientName, ds.PatientID, ds.Modality, ds.SeriesNumber = "Phantom^Matrix", "TEST-4711-0815", "OT", 3
    ds.Rows, ds.Columns, ds.SamplesPerPixel = cell.rows, cell.columns, cell.samples
    ds.PhotometricInterpretation, ds.BitsAllocated = cell.photometric, cell.allocated
    if not cell.floating:
        ds.BitsStored, ds.HighBit, ds.PixelRepresentation = cell.stored, cell.high_bit, int(cell.signed)
    if cell.frames != 1 or "says-1" in cell.words:
        ds.NumberOfFrames = cell.frames
    if cell.samples > 1:
        ds.PlanarConfiguration = cell.planar
    if cell.photometric == "PALETTE COLOR":
        for keyword, value in palette(cell).items():
            setattr(ds, keyword, value)
    if "overlay" in cell.words:
        _declare_overlay(ds, cell)
    if "inverse" in cell.words:
        ds.PresentationLUTShape = "INVERSE"
    if "negative-slope" in cell.words:
        ds.RescaleIntercept, ds.RescaleSlope = "0", "-1"
    if "padding" in cell.words:
        setattr(ds, f"{'Double' if 'double' in cell.words else ''}FloatPixelPaddingValue", PADDING)
    if declares_loss(cell):
        ds.LossyImageCompression, ds.LossyImageCompressionRatio = "01", "7.5"
        ds.LossyImageCompressionMethod = "ISO_10918_1"
    return ds


def coding(cell: Cell, number: int) -> Cell:
    """How frame `number` is coded; the second of `mixed` ones in another way than the others."""
    if "mixed" not in cell.words or number != 1:
        return cell
    other = {"422": "420", "p1": "p2"}
    return replace(cell, variant="+".join(sorted(other.get(word, word) for word in cell.words)))


def declares_loss(cell: Cell) -> bool:
    """Half of the lossy sources say so, and those that were lossy before they came here."""
    return "was-lossy" in cell.words or (is_lossy(cell) and cell.frames == 1)


def overlay_bit(cell: Cell) -> int:
    return cell.allocated - 1


def _with_overlay(cells: Cells, cell: Cell) -> Cells:
    """A plane of text in the highest bit, where a sign is carried on or nothing is (retired, PS3.5 8.1.2)."""
    bit = np.uint64(1 << overlay_bit(cell))
    plane = (np.indices(cells.shape[1:3]).sum(axis=0) % 3 == 0)[None, :, :, None]
    return np.where(plane, cells | bit, cells & ~bit)


def _declare_overlay(ds: Dataset, cell: Cell) -> None:
    for number, value in ((0x10, cell.rows), (0x11, cell.columns), (0x100, cell.allocated), (0x102, overlay_bit(cell))):
        ds.add_new((0x6000, number), "US", value)
    ds.add_new((0x6000, 0x0040), "CS", "G")
    ds.add_new((0x6000, 0x0050), "SS", [1, 1])


def _write_native(path: Path, cell: Cell, cells: Cells) -> None:
    vr, value = vr_of(cell), laid_out(cells, cell) + (EXCESS if "excess" in cell.words else b"")
    tag = next((tag for word, tag in FLOAT_TAGS.items() if word in cell.words), (0x7FE0, 0x0010))
    rest = pixel_element(cell.transfer_syntax, vr, len(value), tag) + value
    write_raw(path, cell.transfer_syntax, encode_header(header(cell), cell.transfer_syntax), rest)


def _frames_of_dcmtk(path: Path, cell: Cell, cells: Cells) -> Sequence[bytes]:
    """Codestreams by dcmtk's converters, from a native file of the same layout."""
    plain = Cell(**{**_fields(cell), "transfer_syntax": EXPLICIT, "variant": ""})
    native, made = path.with_suffix(".native"), path.with_suffix(".dcmtk")
    _write_native(native, plain, cells)
    if cell.transfer_syntax in ALL_JPEG_LS:
        near = next((word[4:] for word in cell.words if word.startswith("near")), "")
        options = ["+en", "+md", near] if near else ["+el"]
        options += [next((f"+i{word[-1]}" for word in cell.words if word.startswith("il-")), "+is")]
        run_dcmtk("dcmcjpls", *options, "+un", source=native, out=made)
    else:
        process = {"50": "+eb", "51": "+ee", "57": "+el", "70": "+e1"}[cell.transfer_syntax[-2:]]
        options = [process, "+un"]
        if process in ("+eb", "+ee"):
            options += ["+cr" if cell.photometric == "RGB" else "+cy"]
        options += ["+sv", _predictor(cell)] if process == "+el" else []
        options += ["+bt"] if process == "+ee" and cell.stored == 12 else []
        options += ["+s4"] if "444" in cell.words else []
        run_dcmtk("dcmcjpeg", *options, source=native, out=made)
    return list(generate_frames(dcmread(made).PixelData, number_of_frames=cell.frames))


def _predictor(cell: Cell) -> str:
    return next((word[1:] for word in cell.words if word[0] == "p" and word[1:].isdecimal()), "6")


def _fields(cell: Cell) -> dict[str, Any]:
    return {name: getattr(cell, name) for name in Cell.__slots__}


def _write_encapsulated(path: Path, cell: Cell, frames: Sequence[bytes]) -> None:
    """Items of a Basic Offset Table and of the fragments (PS3.5 A.4), an Extended Offset Table before them."""
    items, starts, lengths, at = [], [], [], 0
    for frame in frames:
        starts.append(at)
        even = frame + b"\0" * (len(frame) % 2)
        lengths.append(len(even))
        for piece in _cut(even, cell.fragments):
            items.append(_item(piece))
            at += len(items[-1])
    table = b""
    if cell.table == "extended":
        assert cell.fragments == 1, "PS3.3 C.7.6.3.1.8 wants a frame in one fragment"
        for number, values in ((1, starts), (2, lengths)):
            table += struct.pack(f"<HH2sHL{len(values)}Q", 0x7FE0, number, b"OV", 0, 8 * len(values), *values)
    basic = struct.pack(f"<{len(starts)}L", *starts) if cell.table == "basic" else b""
    value = _item(basic) + b"".join(items) + SEQUENCE_DELIMITER
    element = pixel_element(cell.transfer_syntax, "OB", 0xFFFFFFFF)
    path.write_bytes(encode_header(header(cell), cell.transfer_syntax) + table + element + value)


def _item(data: bytes) -> bytes:
    return b"\xfe\xff\x00\xe0" + struct.pack("<L", len(data)) + data


def _cut(data: bytes, count: int) -> list[bytes]:
    """`count` pieces of even length and about one size."""
    step = 2 * -(-len(data) // (2 * count))
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    assert 1 <= len(pieces) <= count, "a codestream too short to cut"
    return pieces
