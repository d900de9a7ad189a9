"""A judge of its own: are the boxes black and the rest as it was? Shares nothing with this tool but codec libraries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydicom import dcmread
from pydicom.encaps import get_frame
from pydicom.pixels.utils import pixel_array

from benchmarks.pictures import Array
from benchmarks.shapes import Box

Verdict = Literal["exact", "wrong inside", "wrong outside", "other encoding"]
_FRAMES_LOOKED_AT = 5
_JPEG, _RLE = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5"
# A 4:2:2 MCU is 16x8 pixels: a box grows to its edges, and one pixel beside them mixes chroma (libjpeg's upsampling).
_JPEG_DOWN, _JPEG_RIGHT = 8, 17


def judge(source_path: Path, copy_path: Path, boxes: Sequence[Box]) -> Verdict:
    """Compare up to five frames of a copy with its source: 0 in every box, equal outside, frame count and size kept.

    Blocks of lossy JPEG are allowed to go black to the edge of the MCU. A copy in another transfer syntax or colour
    space is not judged.
    """
    source, copy = _Frames(source_path), _Frames(copy_path)
    if source.encoding != copy.encoding:
        return "other encoding"
    if source.size != copy.size:
        return "wrong outside"
    places = sorted({round(place) for place in np.linspace(0, source.size[0] - 1, _FRAMES_LOOKED_AT)})
    verdicts = (_judge_frame(source.frame(at), copy.frame(at), boxes, source.encoding[0] == _JPEG) for at in places)
    return next((verdict for verdict in verdicts if verdict != "exact"), "exact")


class _Frames:
    """A file, and its frames one at a time as (rows, columns[, samples])."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as stream:
            header = dcmread(stream, stop_before_pixels=True)
            self._value_offset = stream.tell() + 12  # tag, VR, two reserved bytes, length: Explicit VR
        self.encoding = (str(header.file_meta.TransferSyntaxUID), str(header.PhotometricInterpretation))
        frames = int(header.get("NumberOfFrames") or 1)
        self.size = (frames, header.Rows, header.Columns, header.SamplesPerPixel, header.BitsAllocated)
        self._encapsulated = header.file_meta.TransferSyntaxUID.is_compressed
        self._value = dcmread(path).PixelData if self._encapsulated else b""

    def frame(self, index: int) -> Array:
        frames, rows, columns, samples, bits = self.size
        shape = (rows, columns) if samples == 1 else (rows, columns, samples)
        if self.encoding[0] == _RLE:
            return pixel_array(self._path, index=index, raw=True, decoding_plugin="pydicom")
        if self._encapsulated:
            return _decoded(get_frame(self._value, index, number_of_frames=frames), self.encoding[0])
        cell = np.dtype(f"<u{bits // 8}")
        begin = self._value_offset + index * rows * columns * samples * cell.itemsize
        return np.fromfile(self._path, cell, rows * columns * samples, offset=begin).reshape(shape)


def _decoded(frame: bytes, transfer_syntax_uid: str) -> Array:
    """One encoded frame as its codec library gives it."""
    import imagecodecs

    decode = {
        _JPEG: imagecodecs.jpeg8_decode,
        "1.2.840.10008.1.2.4.70": imagecodecs.jpeg8_decode,
        "1.2.840.10008.1.2.4.80": imagecodecs.jpegls_decode,
        "1.2.840.10008.1.2.4.90": imagecodecs.jpeg2k_decode,
        "1.2.840.10008.1.2.4.201": imagecodecs.jpeg2k_decode,
    }[transfer_syntax_uid]
    return np.asarray(decode(frame))


def _judge_frame(before: Array, after: Array, boxes: Sequence[Box], lossy: bool) -> Verdict:
    outside = np.ones(before.shape[:2], bool)
    down, right = (_JPEG_DOWN, _JPEG_RIGHT) if lossy else (0, 0)
    for top, left, bottom, end in boxes:
        if after[top:bottom, left:end].any():
            return "wrong inside"
        outside[max(0, top - down) : bottom + down, max(0, left - right) : end + right] = False
    return "exact" if np.array_equal(before[outside], after[outside]) else "wrong outside"
