"""Codecs behind one small face each: a frame to the sample patterns that its codestream holds, and back.

No colour is converted and no sign applied: what comes out is what a frame stores, and what goes in comes out again.
Every library is met here and nowhere else in the writing half; each has a test that holds it against a second decoder.
What a decoder would only warn of is an error here: a repaired frame is a silently wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import imagecodecs
import jpeg_ls
import numpy as np
from numpy.typing import NDArray

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels import rle
from xnat_pixelanon.pixels.codestream import StreamForm
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.structure import damaged
from xnat_pixelanon.pixels.unraised import unraised_as

Cells = NDArray[np.unsignedinteger]
"""(rows, columns, samples) of patterns of StreamForm.precision bits, two's complement where they are signed."""
_ERRORS = (RuntimeError, ValueError, TypeError, OverflowError, MemoryError, IndexError)
_MOST_BITS_JPEG2000 = 24  # OpenJPEG loses bits above 26 of unsigned, 25 of signed ones
_THUMBNAIL = 64
_FAILED = "the codec failed"
"""OpenJPH's errors reach Python as "exceptions ignored", beside a picture of garbage."""


@dataclass(frozen=True, slots=True)
class Codec:
    """`decode` gives Cells or raises InstanceError("damaged"); `encode` is exact: decoding gives the same cells."""

    decode: Callable[[bytes, StreamForm, PixelLayout], Cells]
    encode: Callable[[Cells, StreamForm, PixelLayout], bytes]


def decode(codec: str, data: bytes, form: StreamForm, layout: PixelLayout) -> Cells:
    """The cells of one frame in the codec named, of the size and precision that its form says."""
    try:
        cells = CODECS[codec].decode(data, form, layout)
    except _ERRORS as error:
        raise damaged("a frame's codestream cannot be decoded") from error
    if cells.shape != (layout.rows, layout.columns, layout.samples):
        raise damaged("a frame's codestream decodes to another size than its header says")
    if int(cells.max(initial=0)) >> form.precision:  # damage that the decoder did not see
        raise damaged("a frame's codestream decodes to values of more bits than its header says")
    return cells


def encode(codec: str, cells: Cells, form: StreamForm, layout: PixelLayout) -> bytes:
    """One frame of these cells; InstanceError("pixel-format") where the codec cannot hold them exactly."""
    try:
        return CODECS[codec].encode(cells, form, layout)
    except _ERRORS as error:
        raise InstanceError("pixel-format", "the frame cannot be encoded again without loss") from error


def _shaped(picture: NDArray[Any]) -> Cells:
    """Decoders give (rows, columns) or (rows, columns, samples); as one shape of unsigned patterns."""
    if picture.ndim == 2:
        picture = picture[:, :, np.newaxis]
    return np.ascontiguousarray(picture).view(f"u{picture.dtype.itemsize}")


# JPEG: decoders fill up what is missing, so every scan is decoded once more with other bits behind it.

_OTHER_BITS = b"\xaa" * 16


def _decode_jpeg(data: bytes, form: StreamForm, layout: PixelLayout) -> Cells:
    """DCT and lossless JPEG, to the components as coded: colour spaces that are said to be equal are not converted."""
    picture = _jpeg_components(data, layout)
    if not np.array_equal(picture, _jpeg_components(_with_other_bits(data), layout)):
        raise damaged("a frame's JPEG scan ends before its last pixel")
    return _shaped(picture)


def _jpeg_components(data: bytes, layout: PixelLayout) -> NDArray[Any]:
    space = "YCBCR" if layout.samples == 3 else None
    picture: NDArray[Any] = imagecodecs.jpeg8_decode(data, colorspace=space, outcolorspace=space)
    return picture


def _with_other_bits(data: bytes) -> bytes:
    """A complete scan does not care for bits behind its last code; libjpeg reads zeros where a scan ends too early."""
    parts, at = [], 0
    while (start := _next_scan(data, at)) is not None:
        stop, after = _marker_from(data, start)
        while 0xD0 <= data[after - 1] <= 0xD7 and stop < after:
            parts += [data[at:stop], _OTHER_BITS, data[stop:after]]
            at = after
            stop, after = _marker_from(data, at)
        parts += [data[at:stop], _OTHER_BITS]
        at = stop
    return b"".join([*parts, data[at:]])


def _marker_from(data: bytes, at: int) -> tuple[int, int]:
    """Begin and end of the next marker, RSTm too, with its fill bytes (ISO 10918-1 B.1.1.2); twice the end: none."""
    end = len(data)
    while (start := data.find(b"\xff", at)) >= 0:
        code = start + 1
        while code < end and data[code] == 0xFF:
            code += 1
        if code == end:
            break
        if data[code]:
            return start, code + 1
        at = code + 1
    return end, end


def _next_scan(data: bytes, at: int) -> int | None:
    """Where the entropy-coded data of the next scan begin, from a marker at `at` (0: the frame's start)."""
    at = at or 2
    while at + 4 <= len(data):
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xD9:
            return None
        after = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            return after
        at = after
    return None


def _encode_lossless_jpeg(cells: Cells, form: StreamForm, layout: PixelLayout) -> bytes:
    """Process 14 with the predictor of the source; one and three components without a word on their colour."""
    space = None if layout.samples == 1 else 0
    return bytes(
        imagecodecs.jpeg8_encode(
            _plain(cells),
            level=0,
            lossless=True,
            predictor=form.parameter or 1,
            bitspersample=form.precision,
            colorspace=space,
            outcolorspace=space,
        )
    )


def _plain(cells: Cells) -> Cells:
    return np.ascontiguousarray(cells[:, :, 0] if cells.shape[2] == 1 else cells)


def _decode_jpeg_ls(data: bytes, form: StreamForm, layout: PixelLayout) -> Cells:
    return _shaped(imagecodecs.jpegls_decode(data))


def _encode_jpeg_ls(cells: Cells, form: StreamForm, layout: PixelLayout) -> bytes:
    mode = 0 if layout.samples == 1 else 2  # ILV of ISO 14495-1: sample interleaved, as Planar Configuration 0
    rows, columns, samples = cells.shape
    source = np.ascontiguousarray(cells).tobytes()
    try:
        return bytes(jpeg_ls.encode_buffer(source, rows, columns, samples, form.precision, 0, mode))
    except RuntimeError:  # its buffer is as large as the picture; a small one of noise needs more
        return bytes(imagecodecs.jpegls_encode(_plain(cells)))


def _decode_jpeg2000(data: bytes, form: StreamForm, layout: PixelLayout) -> Cells:
    return _patterns(_shaped(imagecodecs.jpeg2k_decode(data, planar=False, numthreads=1)), form)


def _decode_high_throughput(data: bytes, form: StreamForm, layout: PixelLayout) -> Cells:
    with unraised_as(ValueError(_FAILED)):
        picture = imagecodecs.htj2k_decode(data, planar=False)
    return _patterns(_shaped(picture), form)


def _patterns(cells: Cells, form: StreamForm) -> Cells:
    return cells & cells.dtype.type((1 << form.precision) - 1) if form.signed else cells


def _numbers(cells: Cells, form: StreamForm) -> NDArray[Any]:
    """Signed numbers where the codestream has such; else the patterns."""
    if not form.signed:
        return cells
    spare = 8 * cells.dtype.itemsize - form.precision
    signed = cells.view(f"i{cells.dtype.itemsize}")
    return (signed << spare) >> spare


def _encode_jpeg2000(cells: Cells, form: StreamForm, layout: PixelLayout) -> bytes:
    if form.precision > _MOST_BITS_JPEG2000:
        raise InstanceError("pixel-format", "JPEG 2000 with more than 24 bits cannot be encoded exactly")
    data = imagecodecs.jpeg2k_encode(
        _plain(_numbers(cells, form)),
        level=0,
        codecformat="j2k",
        reversible=True,
        mct=form.transformed,
        bitspersample=form.precision,
        numthreads=1,
    )
    return bytes(data)


def _encode_high_throughput(cells: Cells, form: StreamForm, layout: PixelLayout) -> bytes:
    """RPCL with tile-part lengths and a base of at most 64 pixels, as HTJ2K Lossless RPCL asks (PS3.5 10.18).

    The encoder knows no precision but that of whole bytes, which PS3.5 8.2 frowns on and readers cope with.
    """
    numbers, planar = _plain(_numbers(cells, form)), layout.samples > 1 and not form.transformed
    levels = 0
    while min(layout.rows, layout.columns) >> levels > _THUMBNAIL:
        levels += 1
    with unraised_as(ValueError(_FAILED)):
        data = imagecodecs.htj2k_encode(
            np.ascontiguousarray(numbers.transpose(2, 0, 1)) if planar else numbers,
            reversible=True,
            rgb=form.transformed,
            planar=planar,
            resolutions=max(levels, 5) + 1,
            tlm=True,
        )
    return bytes(data)


def _decode_run_length(data: bytes, form: StreamForm, layout: PixelLayout) -> Cells:
    """Byte planes, the most significant of each sample first (PS3.5 G.2)."""
    width, pixels = layout.bits_allocated // 8, layout.rows * layout.columns
    planes = np.empty((pixels, layout.samples, width), np.uint8)
    for number, (start, stop) in enumerate(pairwise(rle.segment_bounds(data, layout))):
        decoded = imagecodecs.packbits_decode(data[start:stop])
        if not pixels <= len(decoded):
            raise damaged("an RLE segment of a frame holds fewer pixels than Rows and Columns")
        sample, place = divmod(number, width)
        planes[:, sample, width - 1 - place] = np.frombuffer(decoded, np.uint8, pixels)
    return planes.view(f"<u{width}").reshape(layout.rows, layout.columns, layout.samples)


def _encode_run_length(cells: Cells, form: StreamForm, layout: PixelLayout) -> bytes:
    """Each row of a byte plane is packed apart (PS3.5 G.3.1)."""
    rows, columns, samples = cells.shape
    width = layout.bits_allocated // 8
    octets = np.ascontiguousarray(cells, f"<u{width}").view(np.uint8).reshape(rows, columns, samples, width)
    planes = [
        bytes(imagecodecs.packbits_encode(octets[:, :, sample, place].copy()))  # of one pixel, any stride is contiguous
        for sample in range(samples)
        for place in reversed(range(width))
    ]
    return b"".join(rle.joined(planes))


def _no_encoder(cells: Cells, form: StreamForm, layout: PixelLayout) -> bytes:
    raise InstanceError("transfer-syntax", "frames are not encoded in a lossy process")


CODECS: Mapping[str, Codec] = MappingProxyType(
    {
        "jpeg-dct": Codec(_decode_jpeg, _no_encoder),
        "jpeg-lossless": Codec(_decode_jpeg, _encode_lossless_jpeg),
        "jpeg-ls": Codec(_decode_jpeg_ls, _encode_jpeg_ls),
        "jpeg2000": Codec(_decode_jpeg2000, _encode_jpeg2000),
        "htj2k": Codec(_decode_high_throughput, _encode_high_throughput),
        "rle": Codec(_decode_run_length, _encode_run_length),
    }
)
