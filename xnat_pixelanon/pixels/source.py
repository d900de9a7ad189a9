"""A DICOM file, opened: its header without pixel elements, and the place of its pixel element in a seekable stream."""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset

from xnat_pixelanon.errors import InstanceError, ScratchError
from xnat_pixelanon.pixels.header import FileMeta, Walked, at_pixels, data_set_of, read_file_meta, walk_elements
from xnat_pixelanon.pixels.layout import VALUE_ERRORS, PixelLayout, layout_of
from xnat_pixelanon.pixels.quiet import no_library_text
from xnat_pixelanon.pixels.routes import ROUTES, TransferSyntax
from xnat_pixelanon.pixels.structure import PIXEL_TAGS, Element, Structure, damaged, has_explicit_vr

CHUNK = 1 << 20
_SCRATCH_HINT = "check that the scratch folder exists, is writable and has room"
_EXTENDED_OFFSET_TABLE, _EXTENDED_OFFSET_LENGTHS, _TOTAL_LENGTH = 0x7FE00001, 0x7FE00002, 0x7FE00003


@dataclass(frozen=True, slots=True)
class PixelSource:
    """An open file. `stream` holds the data set as stored (inflated where deflated) and lives as long as the context.

    `header` has nothing of group 7FE0: the writer puts the pixel element and the Extended Offset Table. `layout` is
    None without pixel data and where `problem` says why it cannot be told; `syntax` is None for one without a row in
    routes.py.
    """

    path: Path
    header: Dataset
    transfer_syntax_uid: str
    syntax: TransferSyntax | None
    stream: BinaryIO
    structure: Structure
    walked: Walked
    element: Element | None
    layout: PixelLayout | None
    problem: InstanceError | None
    extended_offsets: tuple[int, ...] = ()
    extended_lengths: tuple[int, ...] = ()
    dropped: tuple[str, ...] = ()
    """What lies behind the deflated stream and will not be written."""


@contextmanager
def open_source(path: Path, scratch: Path) -> Iterator[PixelSource]:
    """Open `path`; a deflated data set is first inflated into a temporary file in `scratch`.

    Raises InstanceError("damaged") when it is not a DICOM file or its header cannot be read, ScratchError when
    `scratch` is full. What is wrong with the pixel data alone is told by walk.survey.
    """
    with ExitStack() as stack:
        try:
            stream: BinaryIO = stack.enter_context(path.open("rb"))
            size = os.fstat(stream.fileno()).st_size
        except OSError as error:
            raise damaged("the file could not be opened") from error
        meta = read_file_meta(stream, size)
        syntax = ROUTES.get(meta.transfer_syntax_uid)
        start, dropped = meta.end, tuple[str, ...]()
        if syntax is not None and syntax.deflated:
            stream, dropped = stack.enter_context(_inflated(stream, meta.end, scratch))
            start, size = 0, os.fstat(stream.fileno()).st_size
        explicit = has_explicit_vr(stream, start)
        if explicit is None:
            raise damaged("the file has no data set")
        if syntax is not None and syntax.implicit is explicit:
            raise damaged("the data set is not encoded as its transfer syntax says: explicit or implicit VR")
        structure = Structure(stream, start, size, not explicit, syntax is not None and syntax.big_endian)
        with no_library_text():
            source = _read(path, structure, meta, dropped)
        yield source


def _read(path: Path, structure: Structure, meta: FileMeta, dropped: tuple[str, ...]) -> PixelSource:
    uid, stream = meta.transfer_syntax_uid, structure.stream
    syntax = ROUTES.get(uid)
    walked = walk_elements(structure, at_pixels)
    if walked.twice:  # PS3.5 7.1: once; readers differ in which of two they take
        raise damaged("a data element is there twice")
    element = structure.element(walked.end) if _has_pixels(structure, walked.end) else None
    header = data_set_of(structure, walked, meta)
    extended = _take_offsets(header, _EXTENDED_OFFSET_TABLE), _take_offsets(header, _EXTENDED_OFFSET_LENGTHS)
    header.pop(_TOTAL_LENGTH, None)  # optional, and no longer true once carriers are taken out
    layout, problem = None, None
    if element is not None and syntax is not None:
        try:
            layout = layout_of(
                walked.elements, element.tag, encapsulated=syntax.encapsulated, big_endian=syntax.big_endian
            )
        except InstanceError as error:
            problem = error
    return PixelSource(
        path, header, uid, syntax, stream, structure, walked, element, layout, problem, *extended, dropped
    )


def _has_pixels(structure: Structure, at: int) -> bool:
    return structure.end - at >= 8 and structure.tag_at(at) in PIXEL_TAGS


def _take_offsets(header: Dataset, tag: int) -> tuple[int, ...]:
    if tag not in header:
        return ()
    try:
        value = header[tag].value
        numbers = struct.unpack(f"<{len(value) // 8}Q", value) if isinstance(value, bytes) else ()
    except VALUE_ERRORS as error:
        raise damaged("the Extended Offset Table cannot be read") from error
    del header[tag]
    return tuple(int(number) for number in numbers)


@contextmanager
def _inflated(stream: BinaryIO, start: int, scratch: Path) -> Iterator[tuple[BinaryIO, tuple[str, ...]]]:
    """The data set of a deflated file (PS3.5 A.5) in a nameless temporary file, and what lay behind the stream."""
    try:
        output = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - closed below, opening has its own error
    except OSError as error:
        raise ScratchError("no temporary file could be made in the scratch folder", hint=_SCRATCH_HINT) from error
    with output:
        stream.seek(start)
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        while not inflate.eof:
            plain = _inflate(inflate, stream)
            try:
                output.write(plain)
            except OSError as error:
                raise ScratchError("the scratch folder is full: a file was not inflated", hint=_SCRATCH_HINT) from error
        # PS3.5 A.5: one zero byte may pad the stream to even length
        behind = inflate.unused_data + stream.read(2)
        output.flush()
        yield output, () if behind in (b"", b"\0") else ("bytes after the deflated data set",)


def _inflate(inflate: zlib._Decompress, stream: BinaryIO) -> bytes:
    data = inflate.unconsumed_tail
    try:
        data = data or stream.read(CHUNK)
        plain = inflate.decompress(data, CHUNK)
    except OSError as error:
        raise damaged("the file could not be read") from error
    except zlib.error as error:
        raise damaged("the deflated data set is not valid") from error
    if not data and not plain and not inflate.eof:
        raise damaged("the deflated data set is truncated")
    return plain
