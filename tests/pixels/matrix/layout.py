"""Native pixel values, laid out and read byte by byte as PS3.5 clause 8 has them; nothing of the package is used."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from .cell import BIG_ENDIAN, Cell
from .truth import Cells

FLOAT_TAGS = {"float": (0x7FE0, 0x0008), "double": (0x7FE0, 0x0009)}


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
    if _in_words(syntax, str(element.VR), allocated):
        value = _exchanged(value)
    if allocated == 1:
        bits = np.unpackbits(np.frombuffer(value, np.uint8), bitorder="little")
        return bits[: frames * rows * columns].reshape(frames, rows, columns, 1).astype(np.uint64)
    cells = np.frombuffer(value, f"{'>' if syntax == BIG_ENDIAN else '<'}u{allocated // 8}").astype(np.uint64)
    if samples == 3 and str(ds.PhotometricInterpretation).endswith("_422"):
        return _from_pairs(cells, frames, rows, columns)
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
