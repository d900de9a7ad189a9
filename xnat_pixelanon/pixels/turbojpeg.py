"""libturbojpeg through ctypes: the quantised coefficients of a JPEG frame, block row by block row, to be overwritten.

Only the old API is used, which 1.4 to 3.x have alike: tjTransform with a custom filter. The library decodes the entropy
coding, shows the coefficients of each component from top to bottom, and codes them again. No text of the library is
ever read: it may quote the frame.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xnat_pixelanon.errors import InstanceError, PixelanonError
from xnat_pixelanon.pixels.structure import damaged

LIBRARY = "libturbojpeg.so.0"
BLOCK_BYTES = 64 * 2
"""Coefficients of one block of 8 x 8 samples, 16 bits each, in natural order; the first is DC."""
_COPY_NO_MARKERS, _KEEP_BUFFER, _STOP_ON_WARNING = 64, 1024, 8192
_WARNING = 0
_SUBSAMPLINGS = range(6)  # 4:4:4, 4:2:2, 4:2:0, grey, 4:4:0, 4:1:1


class Missing(PixelanonError):
    """libturbojpeg cannot be used on this machine; the message says why."""


class _Region(ctypes.Structure):
    _fields_ = (("x", ctypes.c_int), ("y", ctypes.c_int), ("w", ctypes.c_int), ("h", ctypes.c_int))


# int filter(short *coeffs, tjregion array, tjregion plane, int component, int transform, tjtransform *)
_Filter = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, _Region, _Region, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)


class _Transform(ctypes.Structure):
    _fields_ = (
        ("r", _Region),
        ("op", ctypes.c_int),
        ("options", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("customFilter", _Filter),
    )


@dataclass(frozen=True, slots=True)
class Library:
    """The functions of one loaded libturbojpeg, with their C types."""

    init: Any
    destroy: Any
    transform: Any
    error_code: Any
    buffer_size: Any


@dataclass(frozen=True, slots=True)
class Plane:
    """One component: its size in blocks, and by block row what is written where: (first block, coefficients).

    Raises ValueError where an edit would reach outside its row: nothing else bounds what is written.
    """

    blocks_wide: int
    blocks_high: int
    edits: Mapping[int, Sequence[tuple[int, bytes]]]

    def __post_init__(self) -> None:
        for row, spans in self.edits.items():
            if not 0 <= row < self.blocks_high:
                raise ValueError("an edit lies outside its component")
            for first, coefficients in spans:
                blocks, rest = divmod(len(coefficients), BLOCK_BYTES)
                if first < 0 or rest or first + blocks > self.blocks_wide:
                    raise ValueError("an edit lies outside its block row")


@cache
def _loaded() -> Library | str:
    try:
        library = open_library(LIBRARY)
    except Missing as missing:
        return missing.message
    return library if not (fault := self_test(library)) else fault


def load() -> Library:
    """The library, tested once for each process. Raises Missing."""
    found = _loaded()
    if isinstance(found, str):
        raise Missing(found, hint="install libturbojpeg 2.1 or newer (Debian: libturbojpeg0)")
    return found


def why_missing() -> str:
    """Empty when the library can be used, else one sentence."""
    found = _loaded()
    return found if isinstance(found, str) else ""


def open_library(name: str) -> Library:
    """Load and bind, without the test. Raises Missing where the file, or a function in it, is not there."""
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        raise Missing("libturbojpeg is not installed") from error
    pointer, number, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_ulong
    try:
        functions = {
            "init": _bound(library.tjInitTransform, pointer),
            "destroy": _bound(library.tjDestroy, number, pointer),
            "transform": _bound(
                library.tjTransform,
                number,
                *(pointer, ctypes.c_char_p, size, number),
                *(ctypes.POINTER(pointer), ctypes.POINTER(size), ctypes.POINTER(_Transform), number),
            ),
            "error_code": _bound(library.tjGetErrorCode, number, pointer),
            "buffer_size": _bound(library.tjBufSize, size, number, number, number),
        }
    except AttributeError as error:
        raise Missing("the installed libturbojpeg has no coefficient transform") from error
    return Library(**functions)


def _bound(function: Any, result: Any, *arguments: Any) -> Any:
    function.restype = result
    function.argtypes = arguments
    return function


class Transformer:
    """One handle of the library and its output buffer. Not for two threads at a time; a context manager."""

    def __init__(self, library: Library | None = None) -> None:
        self._library = load() if library is None else library
        self._handle = self._library.init()
        if not self._handle:
            raise Missing("libturbojpeg gives no handle")
        self._transform = _Transform(options=_COPY_NO_MARKERS, customFilter=_Filter(self._filter))
        self._buffer: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._size_for = (0, 0)
        self._planes: Sequence[Plane] = ()
        self._pending: dict[tuple[int, int], Sequence[tuple[int, bytes]]] = {}
        self._failure: BaseException | None = None
        self._rows_seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the handle back; the transformer cannot be used any more. Twice does no harm."""
        handle, self._handle = self._handle, None
        if handle:
            self._library.destroy(handle)

    def transform(self, data: bytes, rows: int, columns: int, planes: Sequence[Plane]) -> memoryview:
        """The JPEG that the library makes of `data` with the edits done; valid until the next call.

        `rows` and `columns` are those of the frame's own header, `planes` its components in order. InstanceError
        "damaged" for a frame that the library does not read without a warning, "pixel-format" for one that it reads
        otherwise than the planes say, or cannot code again.
        """
        if not self._handle:
            raise ValueError("the transformer is closed")
        self._reserve(rows, columns)
        self._planes, self._failure, self._rows_seen = planes, None, 0
        self._pending = {
            (component, 8 * row): spans for component, plane in enumerate(planes) for row, spans in plane.edits.items()
        }
        output = ctypes.c_void_p(self._buffer.ctypes.data)
        size = ctypes.c_ulong(self._buffer.size)
        result = self._library.transform(
            self._handle,
            data,
            len(data),
            1,
            ctypes.byref(output),
            ctypes.byref(size),
            ctypes.byref(self._transform),
            _KEEP_BUFFER | _STOP_ON_WARNING,
        )
        self._check(result)
        if output.value != self._buffer.ctypes.data or not 0 < size.value <= self._buffer.size:
            raise _otherwise()
        return self._buffer[: size.value].data

    def _reserve(self, rows: int, columns: int) -> None:
        """The library trusts the buffer to be as large as it says for the frame's own subsampling."""
        if (rows, columns) == self._size_for:
            return
        wanted = max(self._library.buffer_size(columns, rows, subsampling) for subsampling in _SUBSAMPLINGS)
        if not 0 < wanted <= 0x7FFFFFFFFFFF:
            raise _otherwise()
        self._size_for = (0, 0)
        if wanted > self._buffer.size:
            try:
                self._buffer = np.empty(wanted, np.uint8)
            except MemoryError as error:
                raise InstanceError("pixel-format", "a compressed frame is too large for this machine") from error
        self._size_for = (rows, columns)

    def _check(self, result: int) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        if result:
            if self._rows_seen and self._library.error_code(self._handle) != _WARNING:
                raise InstanceError("pixel-format", "the coefficients of a JPEG frame cannot be coded again")
            raise damaged("a frame's JPEG stream cannot be decoded without a warning")
        if self._pending:
            raise _otherwise()

    def _filter(self, coefficients: int, array: _Region, plane: _Region, component: int, _: int, __: int) -> int:
        """Called by the library for each block row of each component; nothing may be raised through it."""
        try:
            self._rows_seen += 1
            spans = self._pending.pop((component, array.y), None)
            if spans is not None:
                self._write(coefficients, array, plane, component, spans)
        except BaseException as error:  # an interrupt too: it is raised again behind the call
            self._failure = error
            return -1
        return 0

    def _write(
        self, coefficients: int, array: _Region, plane: _Region, component: int, spans: Sequence[tuple[int, bytes]]
    ) -> None:
        expected = self._planes[component]
        width, height = 8 * expected.blocks_wide, 8 * expected.blocks_high
        if not coefficients or (array.x, array.w, array.h, plane.w, plane.h) != (0, width, 8, width, height):
            raise _otherwise()
        for first, pattern in spans:
            ctypes.memmove(coefficients + first * BLOCK_BYTES, pattern, len(pattern))


def _otherwise() -> InstanceError:
    return InstanceError("pixel-format", "the JPEG library reads this frame otherwise than its header says")


def dc_pattern(value: int, blocks: int) -> bytes:
    """Coefficients of `blocks` blocks that are constant: DC is `value`, all others 0."""
    coefficients = np.zeros((blocks, 64), np.int16)
    coefficients[:, 0] = value
    return coefficients.tobytes()


def self_test(library: Library) -> str:
    """Empty when two small frames come out as they must, and a truncated one does not; else what is wrong."""
    import imagecodecs

    noise = np.random.default_rng(1).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    grey = bytes(imagecodecs.jpeg8_encode(noise[..., 0].copy(), level=100))
    colour = bytes(imagecodecs.jpeg8_encode(noise, level=100, subsampling="420", outcolorspace="YCBCR"))
    # The first block of grey, and the second and third MCU of colour, of 16 x 16 pixels and up to 40 columns.
    row = ((2, dc_pattern(-1024, 3)),)
    one_block = Plane(5, 3, {0: ((0, dc_pattern(-1024, 1)),)})
    mcus = (Plane(5, 3, {0: row, 1: row}), *(Plane(3, 2, {0: ((1, dc_pattern(0, 2)),)}) for _ in range(2)))
    with Transformer(library) as transformer:
        try:
            edited = {
                "grey": (grey, bytes(transformer.transform(grey, 24, 40, (one_block,))), (slice(8), slice(8)), 0),
                "colour": (colour, bytes(transformer.transform(colour, 24, 40, mcus)), (slice(16), slice(16, 40)), 1),
            }
        except InstanceError:
            return "libturbojpeg does not edit a frame as it should"
        for source, result, box, ring in edited.values():
            if not _only_black(imagecodecs.jpeg8_decode(source), imagecodecs.jpeg8_decode(result), box, ring):
                return "libturbojpeg does not edit a frame as it should"
        try:
            transformer.transform(colour[: len(colour) // 2], 24, 40, mcus)
        except InstanceError:
            return ""
    return "libturbojpeg does not tell when a frame is truncated"


def _only_black(before: NDArray[Any], after: NDArray[Any], box: tuple[slice, slice], ring: int) -> bool:
    """Whether nothing but the box changed, which is 0 but for a ring where chroma is interpolated."""
    rows, columns = box
    top, left = rows.start or 0, columns.start or 0
    inner = after[top + ring * (top > 0) : rows.stop - ring, left + ring * (left > 0) : columns.stop - ring]
    wide = slice(max(top - ring, 0), rows.stop + ring), slice(max(left - ring, 0), columns.stop + ring)
    outside = np.ones(before.shape[:2], bool)
    outside[wide] = False
    return not inner.any() and bool((before[outside] == after[outside]).all())
