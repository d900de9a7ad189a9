"""Pictures of scans for people who decide what to blacken: small ones, and those that show where text may stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import imagecodecs
import numpy as np
from pydicom.encaps import get_frame

from xnat_pixelanon.domain.pictures import EncodedPicture
from xnat_pixelanon.errors import InstanceError, PixelanonError
from xnat_pixelanon.pixels.jpeg_shape import editable, read_shape
from xnat_pixelanon.pixels.layout import VALUE_ERRORS
from xnat_pixelanon.pixels.preview import Picture, render_frame
from xnat_pixelanon.pixels.quiet import no_library_text
from xnat_pixelanon.pixels.source import open_source

THUMBNAIL, PICTURE = 160, 1024
"""The longest side, in pixels of the picture."""
_QUALITY = 82
_MOST_FRAMES = 48
_IN_PLACE = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
_NAMES = ("first", "middle", "last")


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
    middle = files[len(files) // 2]
    shown = _rendered(middle.path, middle.frames // 2, scratch)
    if shown is None:
        return ScanPictures()
    pictures: tuple[EncodedPicture, ...] = ()
    extremes: tuple[Picture, Picture] | None = None
    if longest and whole:
        pictures = tuple(_representative(files, scratch, longest))
        extremes = _extremes(files, scratch)
    elif longest:
        pictures = (encoded(shown, longest, "middle instance, middle frame"),)
    return ScanPictures(
        encoded(shown, THUMBNAIL),
        pictures,
        encoded(extremes[0], longest, "maximum over frames") if extremes else None,
        encoded(extremes[1], longest, "minimum over frames") if extremes else None,
        _grid(middle.path, scratch),
    )


def encoded(picture: Picture, longest: int, shows: str = "") -> EncodedPicture:
    """Scaled down by a whole number to at most `longest` pixels a side; each pixel is the mean of a square."""
    step = max(1, ceil(max(picture.shape[:2]) / longest))
    if step > 1:
        high, wide = (-side % step for side in picture.shape[:2])
        padded = np.pad(picture, ((0, high), (0, wide), *((0, 0),) * (picture.ndim - 2)), mode="edge")
        rows, columns = padded.shape[0] // step, padded.shape[1] // step
        squares = padded.reshape(rows, step, columns, step, *picture.shape[2:])
        picture = squares.mean(axis=(1, 3), dtype=np.float32).astype(np.uint8)
    data = imagecodecs.jpeg8_encode(np.ascontiguousarray(picture), level=_QUALITY)
    return EncodedPicture(picture.shape[1], picture.shape[0], bytes(data), shows)


def _rendered(path: Path, frame: int, scratch: Path) -> Picture | None:
    try:
        return render_frame(path, frame, scratch)
    except PixelanonError:
        return None


def _representative(files: Sequence[Shown], scratch: Path, longest: int) -> Iterator[EncodedPicture]:
    for which, number in _three(len(files)):
        file = files[number]
        for when, frame in _three(file.frames):
            picture = _rendered(file.path, frame, scratch)
            if picture is not None:
                said = f"{which} instance" if file.frames == 1 else f"{which} instance, {when} frame"
                yield encoded(picture, longest, said)


def _three(count: int) -> list[tuple[str, int]]:
    """First, middle and last of `count`, each once."""
    found: dict[int, str] = {}
    for name, number in zip(_NAMES, (0, count // 2, count - 1), strict=True):
        found.setdefault(max(number, 0), name)
    return [(name, number) for number, name in sorted(found.items())]


def _extremes(files: Sequence[Shown], scratch: Path) -> tuple[Picture, Picture] | None:
    """Maximum and minimum over frames of one size; None where there is but one."""
    frames = [(file.path, frame) for file in files for frame in range(file.frames)]
    if len(frames) < 2:
        return None
    chosen = {round(at * (len(frames) - 1) / (_MOST_FRAMES - 1)) for at in range(_MOST_FRAMES)}
    highest: Picture | None = None
    lowest: Picture | None = None
    for at in sorted(chosen):
        picture = _rendered(*frames[at], scratch)
        if picture is None or (highest is not None and picture.shape != highest.shape):
            continue
        highest = picture if highest is None else np.maximum(highest, picture)
        lowest = picture if lowest is None else np.minimum(lowest, picture)
    return None if highest is None or lowest is None else (highest, lowest)


def _grid(path: Path, scratch: Path) -> tuple[int, int, int, int] | None:
    try:
        with open_source(path, scratch) as source, no_library_text():
            layout = source.layout
            if source.transfer_syntax_uid not in _IN_PLACE or source.element is None or layout is None:
                return None
            source.stream.seek(source.element.value_offset)
            frame = get_frame(source.stream, 0, number_of_frames=layout.frames)
            shape = read_shape(frame[: frame.rfind(b"\xff\xd9") + 2])  # without the byte that makes its length even
            if editable(shape):
                return None
            (high, wide), (over, beside) = shape.mcu, shape.ring
            return wide, high, beside, over
    except (InstanceError, *VALUE_ERRORS, OSError, RuntimeError):
        return None
