"""Reopen a file for the proof: pydicom finds the pixel element, nothing of the writer's code is used."""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import IO, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag
from pydicom.uid import UID

from xnat_pixelanon.errors import ScratchError
from xnat_pixelanon.pixels.buffers import Buffer, borrowed_buffer

PROOF_ERRORS = (
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,  # of codecs
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_TABLES = tuple(BaseTag(tag) for tag in (0x7FE00001, 0x7FE00002, 0x7FE00003))
_ZEROS = BaseTag(0)
_BLOCK = 1 << 20


class Unreadable(Exception):
    """The proof cannot go on; `why` is the finding."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Reopened:
    """A file open for the proof: `begin` and `length` of the pixel value in `stream` (length -1: undefined).

    `header` has its file meta and preamble, and nothing of group 7FE0; `tables` has the other elements of that group
    (Extended Offset Table). `padded`: something that is no element lies behind a data set without pixel data.
    """

    header: Dataset
    tables: Dataset
    transfer_syntax_uid: str
    little_endian: bool
    encapsulated: bool
    stream: BinaryIO
    size: int
    tag: int
    vr: str
    begin: int
    length: int
    buffer: Buffer
    padded: bool = False
    known: dict[str, int] = field(default_factory=dict)
    """What `number` gave."""

    @property
    def has_pixels(self) -> bool:
        return self.tag != 0

    @property
    def frames(self) -> int:
        return int(self.header.get("NumberOfFrames") or 1)

    @property
    def has_embedded_overlay(self) -> bool:
        """Whether an overlay lies in bits of the pixel cells (retired, PS3.5 8.1.2)."""
        planes = [group for group in range(0x6000, 0x601F, 2) if (group, 0x0102) in self.header]
        return any(self.header[one, 0x0102].value and (one, 0x3000) not in self.header for one in planes)

    @property
    def photometric(self) -> str:
        return str(self.header.get("PhotometricInterpretation") or "").strip()

    def number(self, keyword: str) -> int:
        """An integer of the header; Unreadable where it is missing."""
        if keyword not in self.known:
            value = self.header.get(keyword)
            if value is None:
                raise Unreadable(f"{keyword} is missing")
            self.known[keyword] = int(value)
        return self.known[keyword]

    def read(self, at: int, count: int) -> bytes:
        """Exactly `count` bytes from `at`."""
        self.stream.seek(at)
        data = self.stream.read(count)
        if len(data) != count:
            raise Unreadable("source or copy ends inside its pixel data")
        return data

    def octets(self, at: int, count: int) -> NDArray[np.uint8]:
        """As `read`, to be overwritten at will: the next call does."""
        data = self.buffer.of(count)
        self.stream.seek(at)
        if cast(BufferedReader, self.stream).readinto(data.data) != count:
            raise Unreadable("source or copy ends inside its pixel data")
        return data


@contextmanager
def reopen(path: Path, scratch: Path) -> Iterator[Reopened]:
    """Open `path`; a deflated data set is inflated into a temporary file in `scratch` (ScratchError when full)."""
    with ExitStack() as stack:
        stream: BinaryIO = stack.enter_context(path.open("rb"))
        preamble = stream.read(128)
        if stream.read(4) != b"DICM":
            raise Unreadable("source or copy is not a DICOM file")
        meta = FileMetaDataset(read_dataset(stream, False, True, stop_when=_behind_meta))
        uid = UID(str(meta.TransferSyntaxUID))
        if not uid.is_transfer_syntax:
            raise Unreadable("source or copy has no known transfer syntax")
        if uid.is_deflated:
            stream = cast(BinaryIO, stack.enter_context(_inflate(stream, scratch)))
        header = read_dataset(stream, uid.is_implicit_VR, uid.is_little_endian, stop_when=_at_pixels)
        header.file_meta, header.preamble = meta, preamble
        yield _locate(header, uid, stream, stack.enter_context(borrowed_buffer()))


def _behind_meta(tag: int, vr: str | None, length: int) -> bool:
    return tag >> 16 != 2


def _at_pixels(tag: int, vr: str | None, length: int) -> bool:
    return tag in _PIXELS


def _locate(header: Dataset, uid: UID, stream: BinaryIO, buffer: Buffer) -> Reopened:
    """Where pydicom stopped: in front of the pixel element, or at the end."""
    at, size = stream.tell(), os.fstat(stream.fileno()).st_size
    tables = Dataset({tag: header.pop(tag) for tag in _TABLES if tag in header})
    zeros = header.pop(_ZEROS, None)  # as padding at the end of a file reads
    head = stream.read(12)
    tag, vr, begin, length = _element(head, at, uid.is_little_endian) if len(head) >= 8 else (0, "", size, 0)
    return Reopened(
        header=header,
        tables=tables,
        transfer_syntax_uid=str(uid),
        little_endian=uid.is_little_endian,
        encapsulated=uid.is_encapsulated,
        stream=stream,
        size=size,
        tag=tag,
        vr=vr,
        begin=begin,
        length=-1 if length == 0xFFFFFFFF else length,
        buffer=buffer,
        padded=not tag and (zeros is not None or at < size),
    )


def _element(head: bytes, at: int, little_endian: bool) -> tuple[int, str, int, int]:
    """Tag, VR, place of the value and length of the pixel element that begins at `at`."""
    order = "<" if little_endian else ">"
    group, number = struct.unpack(order + "HH", head[:4])
    tag = group << 16 | number
    if tag not in _PIXELS:
        raise Unreadable("something else lies where the pixel data have to be")
    vr = head[4:6].decode("latin-1")
    if vr in ("OB", "OW", "OF", "OD", "UN"):
        return tag, vr, at + 12, struct.unpack(order + "L", head[8:12])[0]
    return tag, "", at + 8, struct.unpack(order + "L", head[4:8])[0]


@contextmanager
def _inflate(stream: BinaryIO, scratch: Path) -> Iterator[IO[bytes]]:
    inflate = zlib.decompressobj(wbits=-15)
    with _temporary_file(scratch) as plain:
        pending = stream.read(_BLOCK)
        while not inflate.eof:
            if not pending:
                raise Unreadable("a deflated data set is truncated")
            block = inflate.decompress(pending, _BLOCK)
            try:
                plain.write(block)
            except OSError as error:
                raise ScratchError(
                    "the scratch folder is full: a file was not proved", hint="make room there"
                ) from error
            pending = inflate.unconsumed_tail or stream.read(_BLOCK)
        plain.seek(0)
        yield plain


def _temporary_file(scratch: Path) -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(dir=scratch)
    except OSError as error:
        raise ScratchError("no temporary file could be made in the scratch folder", hint="check the folder") from error
