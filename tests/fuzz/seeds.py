"""Small sound files in every kind of transfer syntax, and where in them the numbers are that a reader believes."""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import imagecodecs
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from tests.pixels import codestreams, jpegs
from tests.pixels.phantoms import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG_2000,
    JPEG_BASELINE,
    JPEG_LOSSLESS,
    JPEG_LS,
    RLE,
    Pixels,
    random_pixels,
    write_encapsulated,
    write_native,
)

HTJ2K = "1.2.840.10008.1.2.4.201"
ROWS, COLUMNS = 24, 32
_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_DELIMITERS = {0xFFFEE00D, 0xFFFEE0DD}
_UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Spot:
    """`size` bytes at `at` that are a number of byte order `order`, or the text of one."""

    at: int
    size: int
    order: Literal["little", "big", "text"]


@dataclass(frozen=True, slots=True)
class Seed:
    """A file as plain bytes, not deflated. `edges`: where its elements, items and segments begin, in order."""

    name: str
    syntax: str
    data: bytes
    spots: tuple[Spot, ...]
    edges: tuple[int, ...]

    @property
    def body(self) -> int:
        """Where the data set begins."""
        return 144 + int.from_bytes(self.data[140:144], "little")

    def packed(self, data: bytes) -> bytes:
        """A file of changed bytes, deflated where the syntax is: what is wrong with it is then inside."""
        if self.syntax != DEFLATED or len(data) <= self.body:
            return data
        packer = zlib.compressobj(wbits=-15)
        return data[: self.body] + packer.compress(data[self.body :]) + packer.flush()


@cache
def seeds() -> tuple[Seed, ...]:
    """All of them, the same ones in every process."""
    grey = random_pixels(frames=2, rows=ROWS, columns=COLUMNS, allocated=16, stored=12)
    colour = random_pixels("RGB", frames=2, rows=ROWS, columns=COLUMNS)
    small = random_pixels(frames=2, rows=ROWS, columns=COLUMNS)
    baseline = [jpegs.encoded("grey", ROWS, COLUMNS, 60)] * 2
    chroma = [jpegs.encoded("4:2:0", ROWS, COLUMNS, 60)]
    return (
        _native("explicit", EXPLICIT, colour),
        _native("implicit", IMPLICIT, replace(grey, signed=True)),
        _native("big endian", BIG_ENDIAN, grey),
        _native("deflated", DEFLATED, small),
        _encapsulated("RLE", RLE, grey, [_run_lengths(frame) for frame in grey.cells]),
        _encapsulated("JPEG grey", JPEG_BASELINE, small, baseline),
        _encapsulated("JPEG 4:2:0", JPEG_BASELINE, replace(_first(colour), photometric="YBR_FULL_422"), chroma),
        _encapsulated("JPEG lossless", JPEG_LOSSLESS, grey, [_lossless(frame) for frame in grey.cells]),
        _encapsulated("JPEG-LS", JPEG_LS, grey, [_jpeg_ls(frame) for frame in grey.cells]),
        _encapsulated("JPEG 2000", JPEG_2000, grey, [_jpeg2000(frame) for frame in grey.cells]),
        _encapsulated("HTJ2K", HTJ2K, small, [_high_throughput(frame) for frame in small.cells]),
    )


def _first(pixels: Pixels) -> Pixels:
    return replace(pixels, cells=pixels.cells[:1])


def _lossless(frame: np.ndarray[Any, Any]) -> bytes:
    cells = frame[..., 0].astype(np.uint16)
    return bytes(imagecodecs.jpeg8_encode(cells, level=0, lossless=True, predictor=1, bitspersample=12))


def _jpeg_ls(frame: np.ndarray[Any, Any]) -> bytes:
    return bytes(imagecodecs.jpegls_encode(frame[..., 0].astype(np.uint16)))


def _jpeg2000(frame: np.ndarray[Any, Any]) -> bytes:
    cells = frame[..., 0].astype(np.uint16)
    return bytes(imagecodecs.jpeg2k_encode(cells, level=0, codecformat="j2k", reversible=True, bitspersample=12))


def _high_throughput(frame: np.ndarray[Any, Any]) -> bytes:
    return bytes(imagecodecs.htj2k_encode(frame[..., 0].astype(np.uint8), reversible=True))


def _run_lengths(frame: np.ndarray[Any, Any]) -> bytes:
    cells = frame[..., 0].astype("<u2").tobytes()
    return codestreams.rle(*(bytes(imagecodecs.packbits_encode(cells[place::2])) for place in (1, 0)))


def _nested() -> dict[str, Any]:
    """A sequence in a sequence, one of each with a length and without."""
    inner, outer = Dataset(), Dataset()
    inner.CodeValue, inner.CodingSchemeDesignator, inner.CodeMeaning = "TEST", "99PHANTOM", "Phantom"
    outer.AnatomicRegionSequence = DicomSequence([inner])
    outer["AnatomicRegionSequence"].is_undefined_length = True
    return {"SourceImageSequence": DicomSequence([outer]), "WindowCenter": "40", "WindowWidth": "400"}


def _native(name: str, syntax: str, pixels: Pixels) -> Seed:
    with tempfile.TemporaryDirectory() as folder:
        path = write_native(Path(folder) / "a.dcm", pixels, syntax, **_nested())
        data = path.read_bytes()
    if syntax == DEFLATED:
        body = 144 + int.from_bytes(data[140:144], "little")
        data = data[:body] + zlib.decompressobj(-15).decompress(data[body:])
    return _seed(name, syntax, data)


def _encapsulated(name: str, syntax: str, pixels: Pixels, frames: Sequence[bytes]) -> Seed:
    offsets, at = [], 0
    for frame in frames:
        offsets.append(at)
        at += 8 + len(frame) + len(frame) % 2
    with tempfile.TemporaryDirectory() as folder:
        path = write_encapsulated(Path(folder) / "a.dcm", pixels, syntax, frames, offsets=offsets, **_nested())
        return _seed(name, syntax, path.read_bytes())


def _seed(name: str, syntax: str, data: bytes) -> Seed:
    body = 144 + int.from_bytes(data[140:144], "little")
    found = [*_elements(data, 132, body, EXPLICIT), *_elements(data, body, len(data), syntax)]
    edges = {at for at, _ in found} | {spot.at for _, spot in found}
    spots = dict.fromkeys(spot for _, spot in found)
    return Seed(name, syntax, data, tuple(spots), tuple(sorted(edges)))


def _elements(data: bytes, at: int, end: int, syntax: str) -> Iterator[tuple[int, Spot]]:
    """Begin of each element, item and segment of a sound file, with every number in it that is believed."""
    big = syntax == BIG_ENDIAN
    order: Literal["little", "big"] = "big" if big else "little"
    while at < end:
        group, number = struct.unpack_from(">HH" if big else "<HH", data, at)
        tag, vr = group << 16 | number, data[at + 4 : at + 6]
        length_at, size = at + 4, 4
        if group != 0xFFFE and syntax != IMPLICIT:
            length_at, size = (at + 8, 4) if vr in _LONG else (at + 6, 2)
        length = int.from_bytes(data[length_at : length_at + size], order)
        yield at, Spot(length_at, size, order)
        value = length_at + size
        if tag in _DELIMITERS or length == _UNDEFINED or group == 0xFFFE or tag in (0x00082112, 0x00082218):
            at = value  # what is inside follows
            if group == 0xFFFE and length not in (0, _UNDEFINED) and not _is_data_set(data, value, big):
                yield from _fragment(data, value, value + length, syntax)
                at = value + length
            continue
        if group == 0x0028 and length == 2:
            yield at, Spot(value, 2, order)
        elif group == 0x0028 and length and tag in (0x00280008, 0x00281050, 0x00281051):
            yield at, Spot(value, length, "text")
        at = value + length


def _is_data_set(data: bytes, at: int, big: bool) -> bool:
    return struct.unpack_from(">H" if big else "<H", data, at)[0] in (0x0008, 0x0018)


def _fragment(data: bytes, at: int, end: int, syntax: str) -> Iterator[tuple[int, Spot]]:
    """The numbers of an offset table, of an RLE header, or of every marker segment before the coded data."""
    if syntax == RLE or data[at] != 0xFF:
        for number in range(at, min(end, at + 64) - 3, 4):
            yield number, Spot(number, 4, "little")
        return
    begin, at = at, at + 2
    while at < end - 4 and data[at] == 0xFF:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        yield at, Spot(at + 2, 2, "big")
        for number in range(at + 4, min(end, at + 2 + length, at + 48)):
            yield at, Spot(number, 1, "big")
        if data[at + 1] in (0x90, 0xDA):
            break
        at += 2 + length
    yield begin, Spot(begin, 2, "big")
