"""Frames to cells and back by libraries met here, not through the tool: what a mutation is made with.

Cells are (rows, columns, samples), unsigned patterns as stored. An encoder gets a frame of the copy to be like: its
header (colours, tables, predictor) is kept, so that nothing but the cells differs. The control mutation proves it.
"""

from __future__ import annotations

import io
import struct
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import imagecodecs
import jpeg_ls
import numpy as np
from PIL import Image
from pydicom.pixels.decoders.rle import _rle_decode_frame

from .. import jpegs

Cells = np.ndarray[Any, Any]
DHT, DQT, DRI, SOS, SOF0, SOF1, SOF3 = 0xC4, 0xDB, 0xDD, 0xDA, 0xC0, 0xC1, 0xC3
FRAME_HEADERS = (SOF0, SOF1, SOF3)


@dataclass(frozen=True)
class Form:
    """What the encoder cannot see in the cells."""

    precision: int
    signed: bool = False
    transformed: bool = False
    near: int = 0
    predictor: int = 1
    subsampling: str = ""
    quality: int = 75


@dataclass(frozen=True)
class Coder:
    """`encode(cells, form, like)`: `like` is empty where a frame is made from nothing, as a source's frames are."""

    decode: Callable[[bytes, Cells, Form], Cells]
    encode: Callable[[Cells, Form, bytes], bytes]


def _shaped(picture: Cells, form: Form) -> Cells:
    cells = picture[..., None] if picture.ndim == 2 else picture
    cells = np.ascontiguousarray(cells).view(f"u{cells.dtype.itemsize}")
    return cells & cells.dtype.type((1 << form.precision) - 1)


def _plain(cells: Cells, form: Form) -> Cells:
    plain = np.ascontiguousarray(cells[..., 0] if cells.shape[2] == 1 else cells)
    if not form.signed:
        return plain
    spare = 8 * plain.dtype.itemsize - form.precision
    return (plain.view(f"i{plain.dtype.itemsize}") << spare) >> spare


# RLE


def _unpack(data: bytes, like: Cells, form: Form) -> Cells:
    rows, columns, samples = like.shape
    planes = np.frombuffer(_rle_decode_frame(data, rows, columns, samples, 8 * like.itemsize), f"<u{like.itemsize}")
    return planes.reshape(samples, rows, columns).transpose(1, 2, 0).copy()


def _pack(cells: Cells, form: Form, like: bytes) -> bytes:
    octets = np.ascontiguousarray(cells, f">u{cells.itemsize}").view(np.uint8).reshape(*cells.shape, cells.itemsize)
    segments = []
    for sample in range(cells.shape[2]):
        for place in range(cells.itemsize):
            segment = b"".join(imagecodecs.packbits_encode(row.tobytes()) for row in octets[:, :, sample, place])
            segments.append(segment + b"\0" * (len(segment) % 2))
    return rle_frame(segments)


def rle_frame(segments: list[bytes]) -> bytes:
    """PS3.5 G.5: the header and its segments."""
    offsets = [64 + sum(map(len, segments[:number])) for number in range(len(segments))]
    return struct.pack("<16L", len(segments), *offsets, *[0] * (15 - len(segments))) + b"".join(segments)


# JPEG


def _components(data: bytes, like: Cells, form: Form) -> Cells:
    space = "YCBCR" if like.shape[2] == 3 else None
    return _shaped(imagecodecs.jpeg8_decode(data, colorspace=space, outcolorspace=space), form)


def _lossless(cells: Cells, form: Form, like: bytes) -> bytes:
    space = None if cells.shape[2] == 1 else 0
    data = imagecodecs.jpeg8_encode(
        _plain(cells, Form(form.precision)), level=0, lossless=True, predictor=form.predictor,
        bitspersample=form.precision, colorspace=space, outcolorspace=space,
    )  # fmt: skip
    return grafted(like or jpegs.without_applications(bytes(data)), bytes(data))


def _dct(cells: Cells, form: Form, like: bytes) -> bytes:
    if not like or form.precision > 8:
        options: dict[str, Any] = {"level": form.quality}
        if form.precision > 8:
            options["bitspersample"] = form.precision
        if cells.shape[2] == 3:
            options |= {"colorspace": "YCBCR", "outcolorspace": "YCBCR", "subsampling": form.subsampling}
        return jpegs.without_applications(bytes(imagecodecs.jpeg8_encode(_plain(cells, Form(8)), **options)))
    assert form.subsampling in ("", "444"), "subsampled chroma does not survive a decoder"
    header = next(jpegs.pieces(like, kind)[0] for kind in (SOF0, SOF1) if jpegs.pieces(like, kind))
    tables = {number: list(steps) for number, steps in _tables(like).items()}
    wanted = [tables[number] for number in header[12::3]]
    image = Image.fromarray(_plain(cells, Form(8)), "L") if cells.shape[2] == 1 else _as_ycbcr(cells)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", qtables=wanted[:2], subsampling=0)
    return grafted(like, buffer.getvalue())


def _as_ycbcr(cells: Cells) -> Image.Image:
    return Image.merge("YCbCr", [Image.fromarray(np.ascontiguousarray(cells[..., one])) for one in range(3)])


def _tables(data: bytes) -> Mapping[int, tuple[int, ...]]:
    """8 bit quantisation tables, in the order that Pillow wants: that of the picture, not of the zigzag."""
    with Image.open(io.BytesIO(data)) as image:
        return {number: tuple(steps) for number, steps in image.quantization.items()}


def grafted(like: bytes, new: bytes) -> bytes:
    """The header of `like`, and Huffman tables, scan headers and coded data of `new`."""
    kept = [data for marker, data in _segments(like) if marker not in (DHT, DRI, SOS)]
    ids = next(data for marker, data in _segments(like) if marker in FRAME_HEADERS)[10::3]
    coded = []
    for marker, data in _segments(new):
        if marker == SOS:
            edited = bytearray(data)
            edited[5 : 5 + 2 * data[4] : 2] = ids
            coded.append(bytes(edited))
        elif marker == DHT:
            coded.append(data)
    return b"".join((b"\xff\xd8", *kept, *coded, b"\xff\xd9"))


def _segments(data: bytes) -> list[tuple[int, bytes]]:
    end = data.rindex(b"\xff\xd9") + 2
    return [(marker, data[start:stop]) for marker, start, stop in jpegs.markers(data[:end])]


def transplanted(copy: bytes, donor: bytes, *, unit: tuple[int, int, int, int], at: tuple[int, int]) -> bytes:
    """`copy` with whole MCUs of `donor`, coefficient by coefficient: jpegtran crops and drops them.

    `unit`: top, left, bottom, right in `donor`; `at`: top, left in `copy`; all on the grid of MCUs.
    """
    top, left, bottom, right = unit
    with TemporaryDirectory() as folder:
        piece = Path(folder, "piece.jpg")
        piece.write_bytes(_jpegtran(donor, "-crop", f"{right - left}x{bottom - top}+{left}+{top}"))
        return grafted(copy, _jpegtran(copy, "-drop", f"+{at[1]}+{at[0]}", str(piece)))


def wiped(copy: bytes, unit: tuple[int, int, int, int]) -> bytes:
    """`copy` with mid grey in whole MCUs: what jpegtran calls wiping."""
    top, left, bottom, right = unit
    return grafted(copy, _jpegtran(copy, "-wipe", f"{right - left}x{bottom - top}+{left}+{top}"))


def _jpegtran(data: bytes, *options: str) -> bytes:
    return subprocess.run(["jpegtran", "-copy", "none", *options], input=data, capture_output=True, check=True).stdout


# JPEG-LS and JPEG 2000


def _decode_jpeg_ls(data: bytes, like: Cells, form: Form) -> Cells:
    return _shaped(imagecodecs.jpegls_decode(data), form)


def _encode_jpeg_ls(cells: Cells, form: Form, like: bytes) -> bytes:
    rows, columns, samples = cells.shape
    mode = 2 if samples == 3 else 0
    content = np.ascontiguousarray(cells).tobytes()
    return bytes(jpeg_ls.encode_buffer(content, rows, columns, samples, form.precision, form.near, mode))


def _decode_jpeg2000(data: bytes, like: Cells, form: Form) -> Cells:
    return _shaped(imagecodecs.jpeg2k_decode(data, planar=False, numthreads=1), form)


def _encode_jpeg2000(cells: Cells, form: Form, like: bytes, *, level: int = 0) -> bytes:
    """Reversible, or not at a level above 0."""
    data = imagecodecs.jpeg2k_encode(
        _plain(cells, form), level=level, codecformat="j2k", reversible=not level, mct=form.transformed,
        bitspersample=form.precision, numthreads=1,
    )  # fmt: skip
    return without_comments(bytes(data))


_encode_irreversible = partial(_encode_jpeg2000, level=45)


def _decode_htj2k(data: bytes, like: Cells, form: Form) -> Cells:
    return _shaped(imagecodecs.htj2k_decode(data, planar=False), form)


def _encode_htj2k(cells: Cells, form: Form, like: bytes) -> bytes:
    return _htj2k(cells, form, reversible=True)


def _encode_lossy_htj2k(cells: Cells, form: Form, like: bytes) -> bytes:
    return _htj2k(cells, form, reversible=False)


def _htj2k(cells: Cells, form: Form, *, reversible: bool) -> bytes:
    plain, planar = _plain(cells, form), cells.shape[2] == 3 and not form.transformed
    plain = np.ascontiguousarray(plain.transpose(2, 0, 1)) if planar else plain
    data = imagecodecs.htj2k_encode(plain, reversible=reversible, rgb=form.transformed, planar=planar, tlm=True)
    return without_comments(bytes(data))


def without_comments(data: bytes) -> bytes:
    """A JPEG 2000 codestream without the COM segments of its main header."""
    kept, at = [data[:2]], 2
    while data[at : at + 2] != b"\xff\x90":
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] != 0x64:
            kept.append(data[at:end])
        at = end
    return b"".join((*kept, data[at:]))


CODERS: Mapping[str, Coder] = {
    "rle": Coder(_unpack, _pack),
    "jpeg-dct": Coder(_components, _dct),
    "jpeg-lossless": Coder(_components, _lossless),
    "jpeg-ls": Coder(_decode_jpeg_ls, _encode_jpeg_ls),
    "jpeg2000": Coder(_decode_jpeg2000, _encode_jpeg2000),
    "jpeg2000-lossy": Coder(_decode_jpeg2000, _encode_irreversible),
    "htj2k": Coder(_decode_htj2k, _encode_htj2k),
    "htj2k-lossy": Coder(_decode_htj2k, _encode_lossy_htj2k),
}
