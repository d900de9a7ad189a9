"""libturbojpeg through ctypes: the quantised coefficients of a JPEG frame, block row by block row, to be overwritten.

Only the old API is used, which 1.4 to 3.x have alike: tjTransform with a custom filter. The library decodes the entropy
coding, shows the coefficients of each component from top to bottom, and codes them again. No text of the library is
ever read: it may quote the frame.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping, Sequence
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
_LEAST_OUTPUT = 2048
"""Bytes that the library sets aside for a header, in whatever size of output."""
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
    from xnat_pixelanon.pixels.turbojpeg_check import self_test  # it is built on what this module defines

    try:
        library = open_library(LIBRARY)
    except Missing as missing:
        return missing.message
    return self_test(library) or library


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


@dataclass(frozen=True, slots=True)
class _Row:
    """What a block row of a component has to look like, what is written into it, and where its copy begins."""

    width: int
    plane: tuple[int, int]
    spans: Sequence[tuple[int, bytes]]
    place: int
    size: int


class Transformer:
    """One handle of the library and the buffers of one frame. Not for two threads at a time; a context manager."""

    def __init__(self, library: Library | None = None) -> None:
        self._library = load() if library is None else library
        self._handle = self._open()
        self._transform = _Transform(options=_COPY_NO_MARKERS, customFilter=_Filter(self._filter))
        self._output = np.empty(0, np.uint8)
        self._coefficients = np.empty(0, np.int16)
        self._copy = 0  # where the coefficients are copied to
        self._prepared_for: tuple[int, int, tuple[Plane, ...]] = (0, 0, ())
        self._rows: dict[tuple[int, int], _Row] = {}
        self._pending: dict[tuple[int, int], _Row] = {}
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> Any:
        handle = self._library.init()
        if not handle:
            raise Missing("libturbojpeg gives no handle")
        return handle

    def close(self) -> None:
        """Give the handle back; the transformer cannot be used any more. Twice does no harm."""
        handle, self._handle = self._handle, None
        if handle:
            self._library.destroy(handle)

    def transform(self, data: bytes, rows: int, columns: int, planes: tuple[Plane, ...]) -> memoryview:
        """The JPEG that the library makes of `data` with the edits done; valid until the next call.

        `rows` and `columns` are those of the frame's own header, `planes` its components in order. InstanceError
        "damaged" for a frame that the library does not read without a warning, "pixel-format" for one that it reads
        otherwise than the planes say, or cannot code again.
        """
        if not self._handle:
            raise ValueError("the transformer is closed")
        if self._prepared_for != (rows, columns, planes):
            self._prepare(rows, columns, planes)
        self._failure, self._pending = None, self._rows.copy()
        output = ctypes.c_void_p(self._output.ctypes.data)
        size = ctypes.c_ulong(self._output.size)
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
        warned = result != 0 and self._library.error_code(self._handle) == _WARNING
        if result:  # some versions go on reading the frame that failed
            self.close()
            self._handle = self._open()
        self._check(result, warned)
        if output.value != self._output.ctypes.data or not 0 < size.value <= self._output.size:
            raise _otherwise()
        return self._output[: size.value].data

    def _prepare(self, rows: int, columns: int, planes: tuple[Plane, ...]) -> None:
        """Buffers and the table of rows; the library trusts the output to be as large as its own bound."""
        self._prepared_for = (0, 0, ())
        wanted = max(self._library.buffer_size(columns, rows, subsampling) for subsampling in _SUBSAMPLINGS)
        if wanted <= _LEAST_OUTPUT:
            raise _otherwise()
        blocks = sum(plane.blocks_wide * plane.blocks_high for plane in planes)
        try:
            self._output = np.empty(wanted, np.uint8)
            self._coefficients = np.empty((blocks, 64), np.int16)
            self._rows = dict(_rows(planes))
        except (MemoryError, OverflowError, ValueError) as error:
            raise InstanceError("pixel-format", "a compressed frame is too large for this machine") from error
        self._copy = self._coefficients.ctypes.data
        self._prepared_for = (rows, columns, planes)

    def _check(self, result: int, warned: bool) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        if result and (self._pending or warned):
            raise damaged("a frame's JPEG stream cannot be decoded without a warning")
        if self._pending:
            raise _otherwise()
        if result or not _has_standard_codes(self._coefficients):
            raise InstanceError("pixel-format", "the coefficients of a JPEG frame cannot be coded again")

    def _filter(self, coefficients: int, array: _Region, plane: _Region, component: int, _: int, __: int) -> int:
        """Called by the library for each block row of each component; nothing may be raised through it."""
        try:
            row = self._pending.pop((component, array.y), None)
            if row is None:  # the library shows rows below the image too, where MCUs reach out; it codes none of them
                return 0
            if not coefficients or array.w != row.width:
                raise _otherwise()
            if row.spans:
                self._write(coefficients, array, plane, row)
            ctypes.memmove(self._copy + row.place, coefficients, row.size)
        except BaseException as error:  # an interrupt too: it is raised again behind the call
            self._failure = error
            return -1
        return 0

    def _write(self, coefficients: int, array: _Region, plane: _Region, row: _Row) -> None:
        if (array.x, array.h, plane.w, plane.h) != (0, 8, *row.plane):
            raise _otherwise()
        for first, pattern in row.spans:
            ctypes.memmove(coefficients + first * BLOCK_BYTES, pattern, len(pattern))


def _rows(planes: Sequence[Plane]) -> Iterator[tuple[tuple[int, int], _Row]]:
    """By component and first line of samples."""
    place = 0
    for component, plane in enumerate(planes):
        width, size = 8 * plane.blocks_wide, plane.blocks_wide * BLOCK_BYTES
        for row in range(plane.blocks_high):
            spans = plane.edits.get(row, ())
            yield (component, 8 * row), _Row(width, (width, 8 * plane.blocks_high), spans, place, size)
            place += size


def _has_standard_codes(coefficients: NDArray[np.int16]) -> bool:
    """Whether the standard Huffman tables have a code for everything (ISO 10918-1 F.1.2): 10 bits AC, 11 bits DC.

    The library writes what has no code without one and says nothing, and all that follows in the frame is wrong.
    Differences of DC have 11 bits where DC itself has 10 and the sign.
    """
    lowest, highest = coefficients.min(), coefficients.max()
    return bool(highest <= 1023 and (lowest >= -1023 or (lowest == -1024 and coefficients[:, 1:].min() >= -1023)))


def _otherwise() -> InstanceError:
    return InstanceError("pixel-format", "the JPEG library reads this frame otherwise than its header says")


def dc_pattern(value: int, blocks: int) -> bytes:
    """Coefficients of `blocks` blocks that are constant: DC is `value`, all others 0."""
    coefficients = np.zeros((blocks, 64), np.int16)
    coefficients[:, 0] = value
    return coefficients.tobytes()
