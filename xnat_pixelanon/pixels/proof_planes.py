"""JPEG frames compared as the planes that are coded: each component in its own size, before chroma is spread out.

Where every sample that can reach a pixel is equal, the pixel is equal in every decoder, whether it repeats chroma or
mixes it with its neighbour; so this finds all that a comparison of pixels does, and less has to be made for it. The
planes come from libturbojpeg (tjDecompressToYUV2, in 1.4 to 3.x alike), bound here and not by the writer's module.
Whatever it does not decode without a warning, or takes otherwise than the frame header says, is left to the caller.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.pixels.proof_boxes import Boxes, Seen, look
from xnat_pixelanon.pixels.proof_marks import jpeg_headers

_LIBRARY = "libturbojpeg.so.0"
_STOP_ON_WARNING = 8192
_NO_PADDING = 1
_MOST = 1 << 31
"""Octets of all planes; the library counts in int."""
Factors = tuple[tuple[int, int], ...]
_ONE = (1, 1)
_SAMPLINGS = MappingProxyType(
    {
        (_ONE, _ONE, _ONE): 0,
        ((2, 1), _ONE, _ONE): 1,
        ((2, 2), _ONE, _ONE): 2,
        (_ONE,): 3,
        ((1, 2), _ONE, _ONE): 4,
        ((4, 1), _ONE, _ONE): 5,
    }
)
"""The library's number of the sampling factors (h, v) of each component; other ways to write these are left out."""


@dataclass(frozen=True, slots=True)
class _Library:
    init: Any
    destroy: Any
    header: Any
    planes: Any
    size: Any


@dataclass(frozen=True, slots=True)
class _Plane:
    """Where one component lies in the octets of all, and the boxes counted in its own samples."""

    begin: int
    rows: int
    columns: int
    boxes: Boxes

    def of(self, octets: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return octets[self.begin : self.begin + self.rows * self.columns].reshape(self.rows, self.columns, 1)


def compare_planes(source: bytes, written: bytes, size: tuple[int, int], components: int, boxes: Boxes) -> Seen | None:
    """As proof_boxes.look, of two frames of `size` (rows, columns) from SOI to EOI; None where it cannot be told here.

    `black` holds one octet of each component.
    """
    factors = _sampling_of(source)
    if factors not in _SAMPLINGS or len(factors) != components or _sampling_of(written) != factors:
        return None
    if (library := _loaded()) is None:
        return None
    planes = _planes(factors, size, boxes)
    with _handle(library) as handle:
        before = _decoded(library, handle, source, factors, size)
        after = None if before is None else _decoded(library, handle, written, factors, size)
    if before is None or after is None:
        return None
    seen = [look(plane.of(before), plane.of(after), plane.boxes) for plane in planes]
    black = [one.black for one in seen if one.black is not None]
    findings = dict.fromkeys(finding for one in seen for finding in one.findings)
    return Seen(tuple(findings), b"".join(black) if len(black) == len(planes) else None)


def _sampling_of(data: bytes) -> Factors:
    """Horizontal and vertical sampling factor of each component; none where no DCT frame header is found."""
    for marker, at, end in jpeg_headers(data):
        if marker in (0xC0, 0xC1):
            return tuple((byte >> 4, byte & 15) for byte in data[at + 11 : end : 3])
    return ()


@lru_cache(maxsize=16)
def _planes(factors: Factors, size: tuple[int, int], boxes: Boxes) -> tuple[_Plane, ...]:
    """One after the other, as the library lays them; the first is filled up to whole samples of the others."""
    (rows, columns), (across, down) = size, factors[0]
    planes, begin = [], 0
    for h, v in factors:
        high = _Axis(down // v, -(-rows // down) * v, rows)
        wide = _Axis(across // h, -(-columns // across) * h, columns)
        planes.append(_Plane(begin, high.samples, wide.samples, _in_samples(boxes, high, wide)))
        begin += high.samples * wide.samples
    return tuple(planes)


@dataclass(frozen=True, slots=True)
class _Axis:
    """One direction of a plane. A sample reaches the `step` pixels that it is of, and half as many on both sides.

    Decoders mix a sample over no more than that (libjpeg's triangle filter), and most repeat it.
    """

    step: int
    samples: int
    pixels: int

    def within(self, first: int, stop: int) -> tuple[int, int]:
        """The samples that reach no pixel of the image outside first..stop-1."""
        half = self.step // 2
        start = 0 if first == 0 else -(-(first + half) // self.step)
        return start, self.samples if stop == self.pixels else max((stop - half) // self.step, start)

    def reaching(self, first: int, stop: int) -> tuple[int, int]:
        """The samples that reach one of first..stop-1."""
        half = self.step // 2
        return max((first - half) // self.step, 0), min(-(-(stop + half) // self.step), self.samples)


def _in_samples(boxes: Boxes, high: _Axis, wide: _Axis) -> Boxes:
    """Free is a sample that reaches no pixel outside a free box; dark is each that reaches into a dark one."""
    free = []
    for box in boxes.free:
        (top, bottom), (left, right) = high.within(box.top, box.bottom), wide.within(box.left, box.right)
        if top < bottom and left < right:
            free.append(Rectangle(top, left, bottom, right))
    dark = []
    for box in boxes.dark:
        (top, bottom), (left, right) = high.reaching(box.top, box.bottom), wide.reaching(box.left, box.right)
        dark.append(Rectangle(top, left, bottom, right))
    return Boxes(tuple(free), tuple(dark))


def _decoded(
    library: _Library, handle: Any, data: bytes, factors: Factors, size: tuple[int, int]
) -> NDArray[np.uint8] | None:
    """The planes of one frame; None where the library takes the header otherwise, or fails or warns."""
    rows, columns = size
    told = [ctypes.c_int() for _ in range(4)]
    if library.header(handle, data, len(data), *map(ctypes.byref, told)):
        return None
    if [one.value for one in told[:3]] != [columns, rows, _SAMPLINGS[factors]]:
        return None
    wanted = sum(plane.rows * plane.columns for plane in _planes(factors, size, _NO_BOXES))
    if wanted >= _MOST or library.size(columns, _NO_PADDING, rows, _SAMPLINGS[factors]) != wanted:
        return None  # it trusts the octets to be as many
    octets = np.empty(wanted, np.uint8)
    place = ctypes.c_void_p(octets.ctypes.data)
    failed = library.planes(handle, data, len(data), place, columns, _NO_PADDING, rows, _STOP_ON_WARNING)
    return None if failed else octets


_NO_BOXES = Boxes((), ())


@contextmanager
def _handle(library: _Library) -> Iterator[Any]:
    """One for two frames: they cost microseconds, and one that failed is not used again."""
    handle = library.init()
    try:
        yield handle
    finally:
        if handle:
            library.destroy(handle)


@cache
def _loaded() -> _Library | None:
    """The library where it has what is needed and gives the planes that imagecodecs' decoder gives; else None."""
    pointer, number, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_ulong
    try:
        shared = ctypes.CDLL(_LIBRARY)
        frame = (pointer, ctypes.c_char_p, size)
        library = _Library(
            _bound(shared.tjInitDecompress, pointer),
            _bound(shared.tjDestroy, number, pointer),
            _bound(shared.tjDecompressHeader3, number, *frame, *[ctypes.POINTER(number)] * 4),
            _bound(shared.tjDecompressToYUV2, number, *frame, pointer, *[number] * 4),
            _bound(shared.tjBufSizeYUV2, size, *[number] * 4),
        )
    except (AttributeError, OSError):
        return None
    return library if _agrees(library) else None


def _bound(function: Any, result: Any, *arguments: Any) -> Any:
    function.restype = result
    function.argtypes = arguments
    return function


def _agrees(library: _Library) -> bool:
    """On small frames, of one component and of three, of one size or not, against another decoder."""
    noise = np.random.default_rng(2).integers(0, 256, (*_TRIED, 3), dtype=np.uint8)
    flat = noise.copy()
    flat[..., 1:] = 90, 200  # chroma that is the same however it is spread out
    same: dict[str, Any] = {"colorspace": "YCBCR", "outcolorspace": "YCBCR"}
    try:
        with _handle(library) as handle:
            data = bytes(imagecodecs.jpeg8_encode(noise[..., 0].copy(), level=90))
            if not _gives(library, handle, data, (_ONE,), imagecodecs.jpeg8_decode(data)[..., np.newaxis]):
                return False
            for picture, name, first in ((noise, "444", _ONE), (flat, "422", (2, 1)), (flat, "420", (2, 2))):
                data = bytes(imagecodecs.jpeg8_encode(picture, level=90, subsampling=name, **same))
                if not _gives(library, handle, data, (first, _ONE, _ONE), imagecodecs.jpeg8_decode(data, **same)):
                    return False
            return _decoded(library, handle, data[: len(data) // 2], ((2, 2), _ONE, _ONE), _TRIED) is None
    except (RuntimeError, ValueError):  # of imagecodecs
        return False


_TRIED = (21, 37)
"""Rows and columns of the frames of the test: no whole number of blocks or samples."""


def _gives(library: _Library, handle: Any, data: bytes, factors: Factors, picture: NDArray[Any]) -> bool:
    """Whether the planes are, to the bit, those that are spread out in `picture`."""
    octets = _decoded(library, handle, data, factors, _TRIED)
    if octets is None:
        return False
    across, down = factors[0]
    for number, ((h, v), plane) in enumerate(zip(factors, _planes(factors, _TRIED, _NO_BOXES), strict=True)):
        wanted = picture[:: down // v, :: across // h, number]
        if not np.array_equal(plane.of(octets)[: wanted.shape[0], : wanted.shape[1], 0], wanted):
            return False
    return True
