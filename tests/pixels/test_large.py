"""Files at and beyond 4 GiB: what 32 bits can count and what they cannot, in a memory that does not grow with the file.

Sources are sparse. What has to read or write all of their bytes is marked `long` and stands behind `make long`.
"""

from __future__ import annotations

import io
import resource
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pipeline import work
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.work import Cleaned, CleanTask, Failed, ReadTask
from xnat_pixelanon.pixels import open_source, plan_pixels
from xnat_pixelanon.pixels.encapsulated import write_frames
from xnat_pixelanon.pixels.fragments import divide, read_fragments
from xnat_pixelanon.pixels.sink import Sink
from xnat_pixelanon.pixels.walk import survey, walk_frames

from .mutation.cleaning import REQUEST
from .mutation.coders import CODERS, Form
from .phantoms import EXPLICIT, IMPLICIT, RLE, Pixels, data_set, encode_header, pixel_element

MOST = (1 << 32) - 2
"""The largest value that a length of 32 bits can tell; all ones say "undefined"."""
BOX = Rectangle(3, 5, 9, 21)
ROWS, COLUMNS = 512, 1024
FRAMES = 8191
PADDED = (64 << 20) + (1 << 19)
"""Bytes of a compressed frame with its padding, which decoders pass over."""
MANY = 65
DELIMITER = b"\xfe\xff\xdd\xe0\0\0\0\0"


def sparse_native(path: Path, shape: tuple[int, int, int], syntax: str = EXPLICIT, *, length: int = 0) -> int:
    """A file of zeros that take no room; where its value begins."""
    frames, rows, columns = shape
    grey = Pixels(np.zeros((1, 1, 1, 1)))
    header = encode_header(data_set(grey, Rows=rows, Columns=columns, NumberOfFrames=frames), syntax)
    size = frames * rows * columns
    length = length or size + size % 2
    header += pixel_element(syntax, "OW", length)
    path.write_bytes(header)
    with path.open("r+b") as stream:
        stream.truncate(len(header) + length)
    return len(header)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize("shape", [(FRAMES, ROWS, COLUMNS), (1, 65535, 65535), (65535, 1, 65535)])
def test_native_data_of_almost_4_gib_can_be_planned(tmp_path: Path, syntax: str, shape: tuple[int, int, int]) -> None:
    begin = sparse_native(tmp_path / "source.dcm", shape, syntax)
    box = Rectangle(0, 0, 1, 7)
    with open_source(tmp_path / "source.dcm", tmp_path) as source:
        plan = plan_pixels(source, (box,))
        assert source.element is not None
        assert source.layout is not None
        assert (plan.route, plan.effective) == ("native", (box,))
        assert source.element.value_offset == begin
        assert source.layout.value_bytes == shape[0] * shape[1] * shape[2]
        assert MOST - source.layout.value_bytes < 1 << 20


@pytest.mark.parametrize(("frames", "length"), [(8192, MOST), (1 << 30, MOST), (8193, 512)])
def test_more_frames_than_32_bits_can_hold_are_damage(tmp_path: Path, frames: int, length: int) -> None:
    """512 x 1024 x 8192 is 4 GiB, two bytes more than can be told; a length that wrapped around is short."""
    sparse_native(tmp_path / "source.dcm", (frames, ROWS, COLUMNS), length=length)
    with open_source(tmp_path / "source.dcm", tmp_path) as source, pytest.raises(InstanceError) as refused:
        survey(source)
    assert refused.value.code == "damaged"


# Encapsulated


def padded_frame() -> bytes:
    """An RLE frame of noise; zeros behind it are padding."""
    cells = np.random.default_rng(9).integers(0, 256, (ROWS, COLUMNS, 1)).astype(np.uint8)
    return CODERS["rle"].encode(cells, Form(8), b"")


def sparse_encapsulated(path: Path, frames: int) -> tuple[list[int], list[int]]:
    """Each fragment is a frame and a hole; with an Extended Offset Table, whose offsets and lengths are given."""
    frame = padded_frame()
    grey = Pixels(np.zeros((1, ROWS, COLUMNS, 1)))
    offsets, lengths = [number * (PADDED + 8) for number in range(frames)], [PADDED] * frames
    header = encode_header(data_set(grey, NumberOfFrames=frames), RLE)
    for number, values in ((1, offsets), (2, lengths)):
        header += struct.pack(f"<HH2sHL{frames}Q", 0x7FE0, number, b"OV", 0, 8 * frames, *values)
    header += pixel_element(RLE, "OB", 0xFFFFFFFF) + b"\xfe\xff\x00\xe0\0\0\0\0"
    with path.open("wb") as stream:
        stream.write(header)
        for offset in offsets:
            stream.seek(len(header) + offset)
            stream.write(b"\xfe\xff\x00\xe0" + struct.pack("<L", PADDED) + frame)
        stream.seek(len(header) + frames * (PADDED + 8))
        stream.write(DELIMITER)
    return offsets, lengths


def test_frames_beyond_4_gib_are_found_by_their_extended_offsets(tmp_path: Path) -> None:
    offsets, lengths = sparse_encapsulated(tmp_path / "source.dcm", MANY)
    assert offsets[-1] > 1 << 32
    with open_source(tmp_path / "source.dcm", tmp_path) as source:
        assert source.element is not None
        assert source.layout is not None
        assert (list(source.extended_offsets), list(source.extended_lengths)) == (offsets, lengths)
        table = read_fragments(source.structure, source.element, MANY)
        divided = divide(table, MANY, (offsets, lengths), None)
        assert table.fragments[-1].offset - table.fragments[0].offset == offsets[-1]
        (last,) = walk_frames(source, source.layout, divided[-1:])
    assert b"".join(last.pieces)[: len(padded_frame())] == padded_frame()


class Hole(io.RawIOBase):
    """A stream that keeps what is small, and of what is large only its place and length."""

    def __init__(self) -> None:
        self.kept: dict[int, bytes] = {}
        self._at = self._end = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (self._end if whence == 2 else 0)
        return self._at

    def write(self, data: Any) -> int:
        count = len(data)
        self.kept[self._at] = bytes(data) if count < 4096 else bytes(data[:8])
        self._at += count
        self._end = max(self._end, self._at)
        return count


def large_frames(count: int) -> Iterator[bytes]:
    frame = bytes(PADDED)
    for _ in range(count):
        yield frame


def test_offsets_beyond_4_gib_are_written_in_an_extended_table() -> None:
    hole = Hole()
    write_frames(large_frames(MANY), MANY, Sink(hole), basic=False, extended=True, largest=MANY * PADDED * 2)  # type: ignore[arg-type]
    table = hole.kept[0]
    offsets = struct.unpack(f"<{MANY}Q", table[12 : 12 + 8 * MANY])
    lengths = struct.unpack(f"<{MANY}Q", table[24 + 8 * MANY :])
    assert offsets == tuple(number * (PADDED + 8) for number in range(MANY))
    assert offsets[-1] > 1 << 32
    assert lengths == (PADDED,) * MANY
    first = min(at for at, data in hole.kept.items() if data == b"\xfe\xff\x00\xe0" + struct.pack("<L", PADDED))
    assert [hole.kept[first + offset][4:8] for offset in offsets] == [struct.pack("<L", PADDED)] * MANY


@pytest.mark.parametrize(("largest", "told"), [(MOST - 16 - 24, True), (1 << 32, False), (1 << 40, False)])
def test_a_basic_table_is_left_empty_where_32_bits_may_not_do(largest: int, told: bool) -> None:
    """One fragment for each frame tells the frames as well (PS3.5 A.4)."""
    hole = Hole()
    write_frames([b"ab", b"cd", b"ef"], 3, Sink(hole), basic=True, extended=False, largest=largest)  # type: ignore[arg-type]
    table = hole.kept[20] if told else b""
    assert table == (struct.pack("<3L", 0, 10, 20) if told else b"")
    assert hole.kept[12][:8] == b"\xfe\xff\x00\xe0" + struct.pack("<L", 12 if told else 0)


class Huge(bytes):
    """As long as a fragment cannot be."""

    def __len__(self) -> int:
        return MOST


def test_a_frame_that_no_fragment_can_hold_is_refused() -> None:
    with pytest.raises(InstanceError) as refused:
        write_frames([Huge()], 1, Sink(Hole()), basic=False, extended=True, largest=MOST)  # type: ignore[arg-type]
    assert refused.value.code == "pixel-format"


# All of it


def clean_in_worker(task: tuple[Path, Path, tuple[Rectangle, ...]]) -> tuple[Cleaned | Failed, int]:
    """In a process of its own: the copy, and how far its memory grew beyond that of a small file."""
    path, out, boxes = task
    small = path.with_name("small.dcm")
    sparse_native(small, (2, 64, 64))
    _clean(small, out, boxes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = _clean(path, out, boxes)
    return result, 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


def _clean(path: Path, out: Path, boxes: Sequence[Rectangle]) -> Cleaned | Failed:
    read = work.read(ReadTask(path, path.name, path.parent))
    request = replace(REQUEST, pixels_changed=bool(boxes))
    return work.clean(CleanTask(read, tuple(boxes), request, out, path.parent))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Emptied at once: pytest keeps what tests leave."""
    yield tmp_path
    for path in tmp_path.iterdir():
        path.unlink()


def cleaned(folder: Path, boxes: tuple[Rectangle, ...]) -> tuple[Path, int]:
    with Workers(1) as workers:
        (done,) = workers.each(clean_in_worker, [(folder / "source.dcm", folder / "out.dcm", boxes)])
    assert done.result is not None
    result, grown = done.result
    assert isinstance(result, Cleaned), result
    return folder / "out.dcm", grown


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("shape", [(FRAMES, ROWS, COLUMNS), (1, 65535, 65535)], ids=["frames", "one frame"])
def test_native_data_of_almost_4_gib_are_cleaned_and_proved(folder: Path, shape: tuple[int, int, int]) -> None:
    frames, rows, columns = shape
    begin = sparse_native(folder / "source.dcm", shape)
    boxes = (BOX, Rectangle(rows - 4, columns - 6, rows, columns))
    inside, outside = (rows - 1) * columns + columns - 1, (rows - 5) * columns + columns - 1
    last = begin + (frames - 1) * rows * columns
    with (folder / "source.dcm").open("r+b") as stream:
        for at in (inside, outside, BOX.top * columns + BOX.left):
            stream.seek(last + at)
            stream.write(b"\xaa")
    out, grown = cleaned(folder, boxes)
    assert grown < 64 << 20
    copy = dcmread(out, defer_size=1 << 20, stop_before_pixels=True)
    assert copy.get("NumberOfFrames", 1) == frames
    with out.open("rb") as stream:
        end = stream.seek(0, 2)
        first = end - frames * rows * columns - frames * rows * columns % 2 + (frames - 1) * rows * columns
        seen = []
        for at in (inside, outside, BOX.top * columns + BOX.left):
            stream.seek(first + at)
            seen.append(stream.read(1))
    assert seen == [b"\0", b"\xaa", b"\0"]


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("boxes", [(BOX,), ()], ids=["boxes", "no box"])
def test_encapsulated_data_beyond_4_gib_are_cleaned_and_proved(folder: Path, boxes: tuple[Rectangle, ...]) -> None:
    """Without a box the copy is as large as its source; with one its frames have no padding."""
    offsets, lengths = sparse_encapsulated(folder / "source.dcm", MANY)
    out, grown = cleaned(folder, boxes)
    assert grown < (64 << 20) + 4 * PADDED
    copy = dcmread(out, defer_size=1 << 20)
    told = struct.unpack(f"<{MANY}Q", copy.ExtendedOffsetTable)
    if not boxes:
        assert list(told) == offsets
        assert list(struct.unpack(f"<{MANY}Q", copy.ExtendedOffsetTableLengths)) == lengths
        assert out.stat().st_size > 1 << 32
        return
    with out.open("rb") as stream:
        data = stream.read()
    assert len(data) < MANY * (2 << 20)
    at = data.index(b"\xfe\xff\x00\xe0\0\0\0\0") + 8 + told[-1]
    (length,) = struct.unpack("<L", data[at + 4 : at + 8])
    like = np.zeros((ROWS, COLUMNS, 1), np.uint8)
    cells = CODERS["rle"].decode(data[at + 8 : at + 8 + length], like, Form(8))
    before = CODERS["rle"].decode(padded_frame(), like, Form(8))
    assert not cells[BOX.slices].any()
    before[BOX.slices] = 0
    np.testing.assert_array_equal(cells, before)
