"""Pictures of scans for people who decide what to blacken: small ones, and those that show where text may stand."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

import imagecodecs
import numpy as np

from xnat_pixelanon.domain.pictures import EncodedPicture
from xnat_pixelanon.errors import PixelanonError
from xnat_pixelanon.pixels.preview import Picture, ShownFrames, opened_frames

THUMBNAIL, PICTURE = 160, 1024
"""The longest side, in pixels of the picture."""
_QUALITY = 82
_MOST_FRAMES = 48
_NAMES = ("first", "middle", "last")
Place = tuple[int, int]
"""The number of a file among those of a scan, and that of a frame in it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A file of a scan and the number of its frames."""

    path: Path
    frames: int


@dataclass(frozen=True, slots=True)
class ScanPictures:
    """What there is to see of a scan.

    `grid`: columns and rows of the blocks in which its JPEG frames are blackened, and of the ring around them
    (jpeg_shape.py), where they are edited in place.
    """

    thumbnail: EncodedPicture | None = None
    pictures: tuple[EncodedPicture, ...] = ()
    maximum: EncodedPicture | None = None
    minimum: EncodedPicture | None = None
    grid: tuple[int, int, int, int] | None = None


def scan_pictures(files: Sequence[Shown], scratch: Path, *, longest: int, whole: bool) -> ScanPictures:
    """Of files of one size, windowed as a viewer would. What cannot be decoded has no picture.

    `longest`: side of the pictures; 0 makes a thumbnail only. `whole`: first, middle and last frame of the first,
    middle and last instance, and the maximum and minimum over at most 48 frames of all; else the middle one.
    """
    at = len(files) // 2
    middle = (at, files[at].frames // 2)
    everything = longest > 0 and whole
    named = _representative(files) if everything else {middle: "middle instance, middle frame"} if longest else {}
    found = _Found(middle, longest, named, _spread(files) if everything else frozenset())
    wanted: dict[int, set[int]] = {at: {middle[1]}}
    for number, frame in (*found.named, *found.spread):
        wanted.setdefault(number, set()).add(frame)
    for number, frames in wanted.items():
        with suppress(PixelanonError), opened_frames(files[number].path, scratch) as opened:
            if number == at:
                found.grid = _grid(opened)
            for frame in sorted(frames):
                with suppress(PixelanonError):
                    found.take((number, frame), opened.picture(frame))
        if found.thumbnail is None:
            return ScanPictures()
    return found.pictures()


def encoded(picture: Picture, longest: int, shows: str = "") -> EncodedPicture:
    """Scaled down by a whole number to at most `longest` pixels a side; each pixel is the mean of a square."""
    step = max(1, ceil(max(picture.shape[:2]) / longest))
    if step > 1:
        high, wide = (-side % step for side in picture.shape[:2])
        padded = np.pad(picture, ((0, high), (0, wide), *((0, 0),) * (picture.ndim - 2)), mode="edge")
        lines = padded[::step].astype(np.uint32)
        for at in range(1, step):
            lines += padded[at::step]
        squares = lines[:, ::step].copy()
        for at in range(1, step):
            squares += lines[:, at::step]
        picture = (squares // step**2).astype(np.uint8)
    data = imagecodecs.jpeg8_encode(np.ascontiguousarray(picture), level=_QUALITY)
    return EncodedPicture(picture.shape[1], picture.shape[0], bytes(data), shows)


@dataclass(slots=True)
class _Found:
    """Gathered frame by frame; each file is opened once, and one frame of it is in memory at a time."""

    middle: Place
    longest: int
    named: dict[Place, str]
    """Those that are shown, in this order, and what is said of them."""
    spread: frozenset[Place]
    """Those that the maximum and the minimum are of."""
    thumbnail: EncodedPicture | None = None
    shown: dict[Place, EncodedPicture] = field(default_factory=dict)
    extremes: tuple[Picture, Picture] | None = None
    grid: tuple[int, int, int, int] | None = None

    def take(self, place: Place, picture: Picture) -> None:
        if place == self.middle:
            self.thumbnail = encoded(picture, THUMBNAIL)
        if place in self.named:
            self.shown[place] = encoded(picture, self.longest, self.named[place])
        if place not in self.spread:
            return
        if self.extremes is None:
            self.extremes = picture, picture
        elif picture.shape == self.extremes[0].shape:
            highest, lowest = self.extremes
            self.extremes = np.maximum(highest, picture), np.minimum(lowest, picture)

    def pictures(self) -> ScanPictures:
        highest, lowest = self.extremes or (None, None)
        return ScanPictures(
            self.thumbnail,
            tuple(self.shown[place] for place in self.named if place in self.shown),
            None if highest is None else encoded(highest, self.longest, "maximum over frames"),
            None if lowest is None else encoded(lowest, self.longest, "minimum over frames"),
            self.grid,
        )


def _representative(files: Sequence[Shown]) -> dict[Place, str]:
    return {
        (number, frame): f"{which} instance" if files[number].frames == 1 else f"{which} instance, {when} frame"
        for which, number in _three(len(files))
        for when, frame in _three(files[number].frames)
    }


def _three(count: int) -> list[tuple[str, int]]:
    """First, middle and last of `count`, each once."""
    found: dict[int, str] = {}
    for name, number in zip(_NAMES, (0, count // 2, count - 1), strict=True):
        found.setdefault(max(number, 0), name)
    return [(name, number) for number, name in sorted(found.items())]


def _spread(files: Sequence[Shown]) -> frozenset[Place]:
    """Frames over all files; none where there is but one."""
    places = [(number, frame) for number, file in enumerate(files) for frame in range(file.frames)]
    if len(places) < 2:
        return frozenset()
    return frozenset(places[round(at * (len(places) - 1) / (_MOST_FRAMES - 1))] for at in range(_MOST_FRAMES))


def _grid(opened: ShownFrames) -> tuple[int, int, int, int] | None:
    shape = opened.jpeg_shape()
    if shape is None:
        return None
    (high, wide), (over, beside) = shape.mcu, shape.ring
    return wide, high, beside, over
