"""Native pixel values, laid out and read byte by byte as PS3.5 clause 8 has them; nothing of the package is used."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from .cell import BIG_ENDIAN, Cell
from .truth import Cells

FLOAT_TAGS = {"float": (0x7FE0, 0x0008), "double": (0x7FE0, 0x0009)}


PADDING = -1024.5


def padding_bits(cell: Cell) -> int:
    """The bits of a floating point cell that says "no value": the padding value where the phantom has one, or zero."""
    number = np.array(PADDING if "padding" in cell.words else 0.0, "<f4" if "float" in cell.words else "<f8")
    return int(number.view(f"<u{number.itemsize}"))


def vr_of(cell: Cell) -> str:
    """The VR of the pixel element; 8 bit cells as OW where the variant says so."""
    if cell.floating:
        return "OF" if "float" in cell.words else "OD"
    return "OB" if cell.allocated <= 8 and "ow" not in cell.words else "OW"


def laid_out(cells: Cells, cell: Cell) -> bytes:
    """The value of the pixel element, padded to even length."""
    if cell.allocated == 1:
        bits = cells.reshape(-1).astype(np.uint8)
        value = np.packbits(bits, bitorder="little").tobytes()
    else:
        if cell.photometric == "YBR_PARTIAL_420":
            return b"".join(_in_quarters(frame) for frame in cells)
        if cell.subsampled:
            cells = _in_pairs(cells)
        elif cell.planar == 1:
            cells = cells.transpose(0, 3, 1, 2)
        order = ">" if cell.transfer_syntax == BIG_ENDIAN else "<"
        value = cells.astype(f"{order}u{cell.allocated // 8}").tobytes()
    value += b"\0" * (len(value) % 2)
    return _exchanged(value) if _in_words(cell.transfer_syntax, vr_of(cell), cell.allocated) else value


def _in_pairs(cells: Cells) -> Cells:
    """Y Y Cb Cr for two columns; an odd last column is half of a pair."""
    if cells.shape[2] % 2:
        cells = np.concatenate([cells, cells[:, :, -1:]], axis=2)
    pairs = cells.reshape(*cells.shape[:2], -1, 2, 3)
    return np.concatenate([pairs[..., 0, :1], pairs[..., 1, :1], pairs[..., 0, 1:]], axis=-1)


def _in_quarters(frame: Cells) -> bytes:
    """4:2:0 of 8 bits: all luma, then Cb and Cr of each block of two by two pixels."""
    planes = frame[..., 0], frame[::2, ::2, 1], frame[::2, ::2, 2]
    return b"".join(plane.astype("u1").tobytes() for plane in planes)


def _from_quarters(cells: Cells, frames: int, rows: int, columns: int) -> Cells:
    luma, blue = rows * columns, rows * columns // 4
    whole = cells[: frames * (luma + 2 * blue)].reshape(frames, -1)
    quarters = whole[:, luma:].reshape(frames, 2, rows // 2, columns // 2)
    chroma = quarters.repeat(2, axis=2).repeat(2, axis=3).transpose(0, 2, 3, 1)
    return np.concatenate([whole[:, :luma].reshape(frames, rows, columns, 1), chroma], axis=3)


def _in_words(syntax: str, vr: str, allocated: int) -> bool:
    """PS3.5 annex D: bytes of cells narrower than a word lie exchanged in big endian OW."""
    return syntax == BIG_ENDIAN and vr == "OW" and allocated <= 8


def _exchanged(value: bytes) -> bytes:
    return np.frombuffer(value, ">u2").astype("<u2").tobytes()


def read_native(ds: Dataset, syntax: str) -> Cells:
    """All bits of all cells of a data set with native pixel data, as (frames, rows, columns, samples)."""
    keyword = next(one for one in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if one in ds)
    element, allocated = ds[keyword], int(ds.BitsAllocated)
    frames, rows, columns = int(ds.get("NumberOfFrames") or 1), int(ds.Rows), int(ds.Columns)
    samples = int(ds.SamplesPerPixel)
    value = bytes(element.value)
    value = value[: len(value) - len(value) % (max(8, allocated) // 8)]
    if _in_words(syntax, str(element.VR), allocated):
        value = _exchanged(value)
    if allocated == 1:
        bits = np.unpackbits(np.frombuffer(value, np.uint8), bitorder="little")
        return bits[: frames * rows * columns].reshape(frames, rows, columns, 1).astype(np.uint64)
    cells = np.frombuffer(value, f"{'>' if syntax == BIG_ENDIAN else '<'}u{allocated // 8}").astype(np.uint64)
    if samples == 3 and str(ds.PhotometricInterpretation).endswith("_422"):
        return _from_pairs(cells, frames, rows, columns)
    if samples == 3 and ds.PhotometricInterpretation == "YBR_PARTIAL_420":
        return _from_quarters(cells, frames, rows, columns)
    cells = cells[: frames * rows * columns * samples]
    assert cells.size == frames * rows * columns * samples, "the pixel data are too short"
    if samples > 1 and ds.PlanarConfiguration == 1:
        return cells.reshape(frames, samples, rows, columns).transpose(0, 2, 3, 1)
    return cells.reshape(frames, rows, columns, samples)


def _from_pairs(cells: Cells, frames: int, rows: int, columns: int) -> Cells:
    half = (columns + 1) // 2
    pairs = cells[: frames * rows * half * 4].reshape(frames, rows, half, 4)
    both = np.stack([pairs[..., [0, 2, 3]], pairs[..., [1, 2, 3]]], axis=3)
    return both.reshape(frames, rows, 2 * half, 3)[:, :, :columns]
