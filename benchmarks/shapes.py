"""The corpora as plain numbers: one row per corpus. Nothing is imported here that the driver need not carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal

Look = Literal["ct", "cine", "radiograph"]
Box = tuple[int, int, int, int]
"""Top, left, bottom, right: pixels from the upper left corner, the end exclusive."""
BAND = 40
"""Rows of each box: a band at the top, and a block at the lower left that is a third as wide as the image."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A corpus at scale 1. `elements`: about how many a header has."""

    name: str
    title: str
    look: Look
    transfer_syntax_uid: str
    files: int
    frames: int
    rows: int
    columns: int
    samples: int = 1
    bits_allocated: int = 16
    bits_stored: int = 12
    elements: int = 30

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The two boxes that cover all that is burned in."""
        return ((0, 0, BAND, self.columns), (self.rows - BAND, 0, self.rows, self.columns // 3))

    @property
    def frame_bytes(self) -> int:
        """Of one frame, decoded."""
        return self.rows * self.columns * self.samples * self.bits_allocated // 8

    def scaled(self, scale: float) -> tuple[int, int]:
        """Files and frames at a scale: fewer files first; where less than one would be left, fewer frames."""
        files = self.files * scale
        if files >= 1 or self.frames == 1:
            return max(1, round(files)), self.frames
        return 1, max(2, round(self.frames * files))

    def decoded_bytes(self, scale: float) -> int:
        """Of all files at a scale."""
        files, frames = self.scaled(scale)
        return files * frames * self.frame_bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was written of a corpus: counts, and sizes in bytes."""

    files: int
    frames: int
    disk_bytes: int
    decoded_bytes: int

    def as_dict(self) -> dict[str, int]:
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Manifest:
        return cls(**document)


_EXPLICIT = "1.2.840.10008.1.2.1"


def _ct(name: str, title: str, uid: str, files: int, **more: Any) -> Shape:
    return Shape(name, title, "ct", uid, files, **{"frames": 1, "rows": 512, "columns": 512, **more})


_ROWS = (
    _ct("ct", "CT 512x512, 12 of 16 bits, native, about 30 elements", _EXPLICIT, 500),
    _ct("ct-250", "CT 512x512, 12 of 16 bits, native, about 250 elements", _EXPLICIT, 250, elements=250),
    _ct("ct-2gb", "CT 512x512, 4095 frames in one native file of 2 GB", _EXPLICIT, 1, frames=4095),
    Shape("rgb", "ultrasound cine 800x600 RGB, 60 frames, native", "cine", _EXPLICIT, 4, 60, 600, 800, 3, 8, 8),
    Shape(
        "jpeg", "ultrasound cine 640x480, 60 frames, JPEG Baseline 4:2:2", "cine", "1.2.840.10008.1.2.4.50",
        4, 60, 480, 640, 3, 8, 8,
    ),
    Shape(
        "jpeg-long", "ultrasound cine 640x480, 800 frames in one file of 86 MB, JPEG Baseline 4:2:2", "cine",
        "1.2.840.10008.1.2.4.50", 1, 800, 480, 640, 3, 8, 8,
    ),
    _ct("rle", "CT 512x512, 12 of 16 bits, RLE Lossless", "1.2.840.10008.1.2.5", 100),
    _ct("jpeg-lossless", "CT 512x512, 12 of 16 bits, JPEG Lossless SV1", "1.2.840.10008.1.2.4.70", 60),
    _ct("jpeg-ls", "CT 512x512, 12 of 16 bits, JPEG-LS Lossless", "1.2.840.10008.1.2.4.80", 60),
    _ct("htj2k", "CT 512x512, 16 bits, High-Throughput JPEG 2000 lossless", "1.2.840.10008.1.2.4.201", 100,
        bits_stored=16),
    Shape(
        "j2k", "DX 1024x1024, 16 bits, JPEG 2000 lossless", "radiograph", "1.2.840.10008.1.2.4.90",
        8, 1, 1024, 1024, bits_stored=16,
    ),
)  # fmt: skip

SHAPES: Mapping[str, Shape] = MappingProxyType({row.name: row for row in _ROWS})
