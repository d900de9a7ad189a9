"""Reopen a file for the proof: pydicom finds the pixel element, nothing of the writer's code is used."""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID

from xnat_pixelanon.errors import ScratchError

PROOF_ERRORS = (
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_BLOCK = 1 << 20


class Unreadable(Exception):
    """The proof cannot go on; `why` is the finding."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Reopened:
    """A file open for the proof: `begin` and `length` of the pixel value in `stream` (length -1: undefined)."""

    header: Dataset
    transfer_syntax_uid: str
    stream: BinaryIO
    size: int
    tag: int
    vr: str
    begin: int
    length: int

    @property
    def has_pixels(self) -> bool:
        return self.tag != 0

    @property
    def frames(self) -> int:
        return int(self.header.get("NumberOfFrames") or 1)

    @property
    def little_endian(self) -> bool:
        return UID(self.transfer_syntax_uid).is_little_endian

    @property
    def encapsulated(self) -> bool:
        return UID(self.transfer_syntax_uid).is_encapsulated

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
        value = self.header.get(keyword)
        if value is None:
            raise Unreadable(f"{keyword} is missing")
        return int(value)

    def read(self, at: int, count: int) -> bytes:
        """Exactly `count` bytes from `at`."""
        self.stream.seek(at)
        data = self.stream.read(count)
        if len(data) != count:
            raise Unreadable("source or copy ends inside its pixel data")
        return data

    def octets(self, at: int, count: int) -> NDArray[np.uint8]:
        """As `read`, to be overwritten at will."""
        data = np.empty(count, np.uint8)
        self.stream.seek(at)
        if cast(BufferedReader, self.stream).readinto(data.data) != count:
            raise Unreadable("source or copy ends inside its pixel data")
        return data


@contextmanager
def reopen(path: Path, scratch: Path) -> Iterator[Reopened]:
    """Open `path`; a deflated data set is inflated into a temporary file in `scratch` (ScratchError when full)."""
    with ExitStack() as stack:
        stream: BinaryIO = stack.enter_context(path.open("rb"))
        stream.seek(128)
        if stream.read(4) != b"DICM":
            raise Unreadable("source or copy is not a DICOM file")
        meta = FileMetaDataset(read_dataset(stream, False, True, stop_when=_behind_meta))
        uid = UID(str(meta.TransferSyntaxUID))
        if not uid.is_transfer_syntax:
            raise Unreadable("source or copy has no known transfer syntax")
        if uid.is_deflated:
            stream = cast(BinaryIO, stack.enter_context(_inflate(stream, scratch)))
        header = read_dataset(stream, uid.is_implicit_VR, uid.is_little_endian, stop_when=_at_pixels)
        header.file_meta = meta
        yield _locate(header, str(uid), stream)


def _behind_meta(tag: int, vr: str | None, length: int) -> bool:
    return tag >> 16 != 2


def _at_pixels(tag: int, vr: str | None, length: int) -> bool:
    return tag in _PIXELS


def _locate(header: Dataset, uid: str, stream: BinaryIO) -> Reopened:
    """Where pydicom stopped: in front of the pixel element, or at the end."""
    at = stream.tell()
    size = os.fstat(stream.fileno()).st_size
    head = stream.read(12)
    if len(head) < 8:
        return Reopened(header, uid, stream, size, 0, "", size, 0)
    order = "<" if UID(uid).is_little_endian else ">"
    group, number = struct.unpack(order + "HH", head[:4])
    vr = head[4:6].decode("latin-1")
    if vr in ("OB", "OW", "OF", "OD", "UN"):
        (length,) = struct.unpack(order + "L", head[8:12])
        begin = at + 12
    else:
        vr, begin = "", at + 8
        (length,) = struct.unpack(order + "L", head[4:8])
    tag = group << 16 | number
    if tag not in _PIXELS:
        raise Unreadable("something else lies where the pixel data have to be")
    return Reopened(header, uid, stream, size, tag, vr, begin, -1 if length == 0xFFFFFFFF else length)


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
