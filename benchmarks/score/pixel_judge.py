"""The pixels of a copy beside its source, decoded by pydicom with Pillow or its own code; none of the tool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from benchmarks.score.answers import Box
from benchmarks.score.copies import Copy

Array = np.ndarray[Any, np.dtype[Any]]
_DECODERS = {JPEGBaseline8Bit: "pillow", JPEG2000Lossless: "pillow", RLELossless: "pydicom"}
# A 4:2:2 MCU is 16x8 pixels: a box grows to its edges, and one pixel beside them mixes chroma (libjpeg's upsampling).
_MCU_DOWN, _MCU_RIGHT = 8, 17
_NEARLY = 3
"""How far a sample of lossy JPEG may be from black."""


def hidden(copy: Copy, boxes: Sequence[Box]) -> bool:
    """Whether every pixel of every box in every frame has the stored value that is black."""
    frames = _frames(copy.path)
    syntax = copy.ds.file_meta.TransferSyntaxUID
    allowed = _NEARLY if syntax == JPEGBaseline8Bit else 0
    for box in boxes:
        inside = frames[:, box.top : box.bottom, box.left : box.right].astype(np.int64)
        if not inside.size or (np.abs(inside - np.array(box.black)) > allowed).any():
            return False
    return bool(boxes)


def retained(copy: Copy, source_path: Any, boxes: Sequence[Box]) -> bool:
    """Outside the boxes every pixel equals the source's; without a box the whole pixel element does, byte by byte."""
    source = dcmread(source_path)
    lossy = source.file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    if not boxes:
        same_syntax = source.file_meta.TransferSyntaxUID == copy.ds.file_meta.TransferSyntaxUID
        return same_syntax and bool(source.PixelData == copy.ds.PixelData)
    before, after = _frames(source_path), _frames(copy.path)
    if before.shape != after.shape or before.dtype != after.dtype:
        return False
    outside = np.ones(before.shape[1:3], bool)
    down, right = (_MCU_DOWN, _MCU_RIGHT) if lossy else (0, 0)
    for box in boxes:
        outside[max(0, box.top - down) : box.bottom + down, max(0, box.left - right) : box.right + right] = False
    return bool(outside.any()) and np.array_equal(before[:, outside], after[:, outside])


def overlay_hidden(copy: Copy, boxes: Sequence[Box]) -> bool:
    """Whether the overlay plane is gone, or has no dot in the boxes."""
    if (0x6000, 0x3000) not in copy.ds:
        return True
    plane = copy.ds.overlay_array(0x6000)
    return bool(boxes) and not any(plane[box.top : box.bottom, box.left : box.right].any() for box in boxes)


def _frames(path: Any) -> Array:
    """Stored values, (frames, rows, columns[, samples])."""
    ds = dcmread(path)
    plugin = _DECODERS.get(ds.file_meta.TransferSyntaxUID, "")
    decoded = pixel_array(ds, raw=True, decoding_plugin=plugin)
    return decoded if int(ds.get("NumberOfFrames") or 1) > 1 else decoded[np.newaxis]
