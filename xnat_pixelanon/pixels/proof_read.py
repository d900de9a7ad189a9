"""Reopen a file for the proof: pydicom finds the pixel element, nothing of the writer's code is used."""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import IO, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag, Tag
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
_HEAD = 1 << 16


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
    def photometric(self) -> str:
        return str(self.header.get("PhotometricInterpretation") or "").strip()

    def number(self, keyword: str) -> int:
        """An integer of the header; Unreadable where it is missing."""
        if keyword not in self.known:
            element = self.header.get_item(Tag(keyword))
            if isinstance(element, RawDataElement) and element.VR == "US" and element.length == 2:
                number = int.from_bytes(element.value or b"", "little" if self.little_endian else "big")
            elif (value := self.header.get(keyword)) is not None:
                number = int(value)
            else:
                raise Unreadable(f"{keyword} is missing")
            self.known[keyword] = number
        return self.known[keyword]

    def overlay_mask(self) -> int | None:
        """The bits of a cell that are image, where overlays lie in others (retired, PS3.5 8.1.2); else None."""
        for group in range(0x6000, 0x601F, 2):
            if (group, 0x0102) not in self.header or (group, 0x3000) in self.header:
                continue
            wide = (group, 0x0100) in self.header and self.header[group, 0x0100].value != 1
            if self.header[group, 0x0102].value or wide:
                shift = self.number("HighBit") - self.number("BitsStored") + 1
                return ((1 << self.number("BitsStored")) - 1) << shift
        return None

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
    """Open `path`; a deflated data set is inflated into a temporary file in `scratch` (ScratchError when full).

    What lies behind the deflated stream lies behind the inflated data set as well, where the proof looks for it.
    """
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
        header = _header(stream, uid)
        header.file_meta, header.preamble = meta, preamble
        yield _locate(header, uid, stream, stack.enter_context(borrowed_buffer()))


def _behind_meta(tag: int, vr: str | None, length: int) -> bool:
    return tag >> 16 != 2


def _header(stream: BinaryIO, uid: UID) -> Dataset:
    """All elements before the pixel element; `stream` stands there afterwards, or at its end."""
    start, stop = stream.tell(), _Stop()
    block = BytesIO(stream.read(_HEAD))  # pydicom reads from memory twice as fast
    with suppress(*PROOF_ERRORS):  # the block may end inside an element
        header = read_dataset(block, uid.is_implicit_VR, uid.is_little_endian, stop_when=stop)
        if stop.stopped:
            stream.seek(start + block.tell())
            return header
    stream.seek(start)
    return read_dataset(stream, uid.is_implicit_VR, uid.is_little_endian, stop_when=stop)


class _Stop:
    """Stops pydicom in front of the pixel element."""

    def __init__(self) -> None:
        self.stopped = False

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        self.stopped = tag in _PIXELS
        return self.stopped


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
            _write(plain, inflate.decompress(pending, _BLOCK))
            pending = inflate.unconsumed_tail or stream.read(_BLOCK)
        behind = inflate.unused_data + stream.read(_BLOCK)
        if behind != b"\0":  # PS3.5 A.5: a zero byte pads the stream to even length
            _write(plain, behind)
        plain.seek(0)
        yield plain


def _write(plain: IO[bytes], data: bytes) -> None:
    try:
        plain.write(data)
    except OSError as error:
        raise ScratchError("the scratch folder is full: a file was not proved", hint="make room there") from error


def _temporary_file(scratch: Path) -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(dir=scratch)
    except OSError as error:
        raise ScratchError("no temporary file could be made in the scratch folder", hint="check the folder") from error
