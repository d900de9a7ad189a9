"""Compressed frames made by hand, marker by marker: sound ones, and with whatever a test wants to be wrong."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import numpy as np
from PIL import Image

Segment = tuple[int, bytes]


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def jpeg(
    rows: int,
    columns: int,
    components: int = 1,
    *,
    precision: int = 8,
    frame_header: int = 0xC0,
    segments: Sequence[Segment] = (),
    entropy: bytes = b"\x12\x34\xff\x00\x56\xff\xd0\x78",
    end: bytes = b"\xff\xd9",
    scans: int = 1,
) -> bytes:
    """SOI, `segments`, frame header, scans, EOI. Stuffed bytes and a restart marker ride in the entropy-coded data."""
    sof = struct.pack(">BHHB", precision, rows, columns, components) + b"\x01\x11\x00" * components
    scan = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + entropy
    middle = b"".join(segment(marker, payload) for marker, payload in segments)
    return b"\xff\xd8" + middle + segment(frame_header, sof) + scan * scans + end


def jpeg_ls(rows: int, columns: int, components: int = 1, *, precision: int = 8, end: bytes = b"\xff\xd9") -> bytes:
    return jpeg(
        rows, columns, components, precision=precision, frame_header=0xF7, entropy=b"\x12\xff\x7f\xff\x34", end=end
    )


def jpeg2000(
    rows: int,
    columns: int,
    components: int = 1,
    *,
    precision: int = 8,
    comment: bytes | None = None,
    tile_comment: bytes | None = None,
    open_ended: bool = False,
    end: bytes = b"\xff\xd9",
) -> bytes:
    """SOC, SIZ, COD, perhaps COM, two tile-parts, EOC; `open_ended`: the last tile-part has length 0."""
    size = struct.pack(">H8LH", 0, columns, rows, 0, 0, columns, rows, 0, 0, components)
    size += struct.pack(">BBB", precision - 1, 1, 1) * components
    header = b"\xff\x4f" + segment(0x51, size) + segment(0x52, b"\0" * 10)
    if comment is not None:
        header += segment(0x64, b"\0\1" + comment)
    parts = b""
    for index in range(2):
        inner = segment(0x64, b"\0\1" + tile_comment) if tile_comment is not None else b""
        body = inner + b"\xff\x93" + b"\x01\x02\xff\x8f\x03"
        length = 0 if open_ended and index == 1 else 12 + len(body)
        parts += segment(0x90, struct.pack(">HLBB", 0, length, index, 2)) + body
    return header + parts + end


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">L4s", len(content) + 8, kind) + content


def jp2(codestream: bytes, *, extra: bytes = b"", colour_method: int = 1, open_ended: bool = False) -> bytes:
    header = box(b"jp2h", box(b"ihdr", b"\0" * 14) + box(b"colr", bytes([colour_method, 0, 0]) + b"\0\0\0\x10"))
    last = b"\0\0\0\0jp2c" + codestream if open_ended else box(b"jp2c", codestream)
    return box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ") + header + extra + last


def rle(*planes: bytes) -> bytes:
    """One literal or replicate run sequence for each byte plane, as given."""
    offsets, at = [], 64
    for plane in planes:
        offsets.append(at)
        at += len(plane)
    return struct.pack("<16L", len(planes), *offsets, *[0] * (15 - len(planes))) + b"".join(planes)


def real_jpeg(rows: int, columns: int, *, comment: bytes, exif: bytes) -> bytes:
    """A grey JPEG by Pillow, with text in it."""
    noise = np.random.default_rng(5).integers(0, 256, (rows, columns), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG", quality=90, comment=comment, exif=b"Exif\0\0" + exif)
    return buffer.getvalue()


def real_jpeg2000(rows: int, columns: int, *, boxed: bool) -> bytes:
    """A grey reversible JPEG 2000 by Pillow, bare or in JP2 boxes, with Pillow's own comment."""
    noise = np.random.default_rng(6).integers(0, 256, (rows, columns), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG2000", no_jp2=not boxed, comment="TEST-0001 Phantom^Ada")
    return buffer.getvalue()


def decoded(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)
