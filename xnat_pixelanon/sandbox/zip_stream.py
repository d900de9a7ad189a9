"""Reading a zip from its front, as Java's `ZipInputStream` does in XNAT's importer.

Two things follow that a reader of the central directory would hide: the members in front of a broken place are still
imported, and a stored (uncompressed) member whose size comes only behind its data cannot be read at all.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from zipfile import BadZipFile

from .wire import CHUNK

_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
_BEHIND = 0x08
_UTF8 = 0x800
_ZIP64 = 0xFFFFFFFF


def members(source: IO[bytes], folder: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content (spooled in `folder`) of each member; raises BadZipFile at the first broken place."""
    first = True
    while (name_size := _next_header(source, first=first)) is not None:
        first = False
        name, method, flags, crc, stored, size = name_size
        with tempfile.TemporaryFile(dir=folder) as spool:
            if method == _DEFLATED:
                found, total = _inflate(source, spool)
                if flags & _BEHIND:
                    crc = _descriptor(source, wide=total > _ZIP64 or stored == _ZIP64)
            elif method == _STORED and not flags & _BEHIND:
                found = _copy(source, spool, size)
            else:
                raise BadZipFile("only DEFLATED entries can have EXT descriptor")
            if found != crc:
                raise BadZipFile("invalid entry CRC")
            if not name.endswith("/"):
                spool.seek(0)
                yield name, spool


def _next_header(source: IO[bytes], *, first: bool) -> tuple[str, int, int, int, int, int] | None:
    raw = source.read(_LOCAL.size)
    if raw[:4] != b"PK\x03\x04":
        if first or (len(raw) < 4 and raw != b""):
            raise BadZipFile("not a zip")
        if raw == b"":
            raise BadZipFile("unexpected end of the stream")
        return None
    if len(raw) < _LOCAL.size:
        raise BadZipFile("unexpected end of the stream")
    _, _, flags, method, _, _, crc, stored, size, name_length, extra_length = _LOCAL.unpack(raw)
    name = source.read(name_length).decode("utf-8" if flags & _UTF8 else "cp437", errors="replace")
    extra = source.read(extra_length)
    # APPNOTE 4.5.3: the 64-bit sizes stand in field 1, the uncompressed one first.
    if size == _ZIP64 and (at := extra.find(b"\x01\x00")) >= 0 and len(extra) >= at + 12:
        size = struct.unpack_from("<Q", extra, at + 4)[0]
    return name, method, flags, crc, stored, size


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> int:
    crc = 0
    while size > 0:
        chunk = source.read(min(CHUNK, size))
        if not chunk:
            raise BadZipFile("unexpected end of the stream")
        target.write(chunk)
        crc = zlib.crc32(chunk, crc)
        size -= len(chunk)
    return crc


def _inflate(source: IO[bytes], target: IO[bytes]) -> tuple[int, int]:
    """CRC and size of one deflated member; leaves `source` right behind it."""
    engine, crc, total = zlib.decompressobj(-15), 0, 0
    while not engine.eof:
        chunk = source.read(CHUNK)
        if not chunk:
            raise BadZipFile("unexpected end of the stream")
        try:
            data = engine.decompress(chunk)
        except zlib.error as error:
            raise BadZipFile("invalid compressed data") from error
        target.write(data)
        crc, total = zlib.crc32(data, crc), total + len(data)
    source.seek(-len(engine.unused_data), 1)
    return crc, total


def _descriptor(source: IO[bytes], *, wide: bool) -> int:
    """The CRC from the record behind the data of a member; its signature is optional."""
    start = source.read(4)
    crc = source.read(4) if start == b"PK\x07\x08" else start
    if len(crc) < 4 or len(source.read(16 if wide else 8)) < 8:
        raise BadZipFile("unexpected end of the stream")
    return int.from_bytes(crc, "little")
