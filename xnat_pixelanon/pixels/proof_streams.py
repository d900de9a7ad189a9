"""Compare encapsulated pixel data: equal to the byte, or equal but for what carries text beside the image."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator, Sequence

from xnat_pixelanon.pixels.proof_boxes import Comparison
from xnat_pixelanon.pixels.proof_read import Reopened, Unreadable

_RLE = "1.2.840.10008.1.2.5"
_JPEG2000 = ("1.2.840.10008.1.2.4.9", "1.2.840.10008.1.2.4.20")
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""In entropy-coded data: no stuffed byte, no RSTm, no fill byte (ISO 10918-1 B.1.1)."""
_MARKER_OF_JPEG_LS = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")
"""JPEG-LS stuffs a bit (ISO 14495-1 A.1)."""
_BLOCK = 1 << 20
Item = tuple[int, int]


def compare_streams(source: Reopened, written: Reopened, result: Comparison) -> None:
    """Fragments of two files in one transfer syntax; every frame of the copy is free of carriers."""
    before, after = items_of(source), items_of(written)
    identical = _same_bytes(source, before, written, after)
    source_frames, written_frames = frames_of(source, before[1:]), frames_of(written, after[1:])
    if not check_fragments(source, source_frames, written, after, written_frames, result):
        return
    for one, other in zip(source_frames, written_frames, strict=True):
        carriers, kept = essence(written, join(written, other))
        if carriers:
            result.add("a frame of the copy still has text or bytes beside its image")
        if not identical and kept != essence(source, join(source, one))[1]:
            result.add("a frame of the copy differs from the source's")
        result.frames += 1
    result.taken_out = not identical


def check_fragments(
    source: Reopened,
    source_frames: Sequence[Sequence[Item]],
    written: Reopened,
    after: Sequence[Item],
    written_frames: Sequence[Sequence[Item]],
    result: Comparison,
) -> bool:
    """As many frames as there have to be, tables that point to them, nothing behind them; hashes the fragments."""
    if after[-1][0] + after[-1][1] + 8 != written.size:
        result.add("something lies behind the copy's pixel data")
    if len(source_frames) != source.frames or len(written_frames) != source.frames:
        result.add("source or copy has not as many frames as Number of Frames")
        return False
    _check_tables(written, after, written_frames, result)
    for at, length in after[1:]:
        _hash(written, at, length, result)
    return True


def _hash(written: Reopened, at: int, length: int, result: Comparison) -> None:
    """A pad byte behind the last marker of a JPEG or JPEG 2000 stream is not part of the frame."""
    end = at + length
    if length >= 3 and written.read(end - 3, 3) == b"\xff\xd9\0":
        end -= 1
    while at < end:
        data = written.read(at, min(_BLOCK, end - at))
        result.digest.update(data)
        at += len(data)


def items_of(opened: Reopened) -> list[Item]:
    """Place and length of the value of every item, the Basic Offset Table first."""
    if opened.length != -1:
        raise Unreadable("compressed pixel data are not encapsulated")
    items: list[Item] = []
    at = opened.begin
    while (head := opened.read(at, 8))[:4] == b"\xfe\xff\x00\xe0":
        (length,) = struct.unpack("<L", head[4:])
        items.append((at + 8, length))
        at += 8 + length
    if head != b"\xfe\xff\xdd\xe0\0\0\0\0" or len(items) < 2:
        raise Unreadable("the fragments of source or copy are not well-formed")
    return items


def _same_bytes(source: Reopened, before: Sequence[Item], written: Reopened, after: Sequence[Item]) -> bool:
    if [length for _, length in before] != [length for _, length in after]:
        return False
    at, other, left = before[0][0], after[0][0], before[-1][0] + before[-1][1] - before[0][0]
    while left > 0:
        count = min(_BLOCK, left)
        if source.read(at, count) != written.read(other, count):
            return False
        at, other, left = at + count, other + count, left - count
    return True


def frames_of(opened: Reopened, items: Sequence[Item]) -> list[list[Item]]:
    """A frame begins where a codestream begins; RLE frames are one fragment each (PS3.5 A.4.2)."""
    frames: list[list[Item]] = []
    for at, length in items:
        head = opened.read(at, min(length, 12))
        starts = head.startswith((b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "))
        if starts or opened.transfer_syntax_uid == _RLE or not frames:
            frames.append([])
        frames[-1].append((at, length))
    return frames


def _check_tables(
    written: Reopened, items: Sequence[Item], frames: Sequence[Sequence[Item]], result: Comparison
) -> None:
    """The offset tables of the copy point to the item tags of its frames."""
    first = items[1][0]
    wanted = [frame[0][0] - first for frame in frames]
    at, length = items[0]
    basic = list(struct.unpack(f"<{length // 4}L", written.read(at, length // 4 * 4)))
    if length % 4 or (basic and basic != wanted):
        result.add("the copy's Basic Offset Table does not point to its frames")
    offsets, lengths = (written.tables.get((0x7FE0, number)) for number in (1, 2))
    if offsets is not None and list(struct.unpack(f"<{len(frames)}Q", offsets.value)) != wanted:
        result.add("the copy's Extended Offset Table does not point to its frames")
    if (lengths is None) is not (offsets is None):
        result.add("the copy has one of the two elements of an Extended Offset Table")
    elif lengths is not None:
        told = struct.unpack(f"<{len(frames)}Q", lengths.value)
        stored = [sum(count for _, count in frame) for frame in frames]
        if any(not count - 1 <= said <= count for said, count in zip(told, stored, strict=True)):
            result.add("the copy's Extended Offset Table Lengths are not those of its frames")


def join(opened: Reopened, frame: Sequence[Item]) -> bytes:
    return b"".join(opened.read(at, length) for at, length in frame)


def essence(opened: Reopened, data: bytes) -> tuple[bool, bytes]:
    """Whether a frame has carriers, and a digest of all the rest."""
    digest, carriers = hashlib.sha256(), False
    for carrier, part in _parts(opened, data):
        carriers = carriers or carrier
        digest.update(b"" if carrier else part)
    return carriers, digest.digest()


def has_carriers(opened: Reopened, data: bytes) -> bool:
    """As `essence` says it, where the rest is compared in another way."""
    return any(carrier for carrier, _ in _parts(opened, data))


def _parts(opened: Reopened, data: bytes) -> Iterator[tuple[bool, bytes]]:
    """Whether it is a carrier, and its bytes, of all that a frame is made of."""
    uid = opened.transfer_syntax_uid
    if uid == _RLE:
        return _rle(data, opened.number("Rows") * opened.number("Columns"))
    if uid.startswith(_JPEG2000):
        return _jp2(data) if data.startswith(b"\0\0\0\x0c") else _jpeg2000(data)
    return _jpeg(data, _MARKER_OF_JPEG_LS if uid.startswith("1.2.840.10008.1.2.4.8") else _MARKER)


def _rle(data: bytes, pixels: int) -> Iterator[tuple[bool, bytes]]:
    """The runs of each segment up to its last pixel, and what is left of the segment."""
    count, *offsets = struct.unpack("<16L", data[:64])
    yield False, data[:4]
    yield any(offsets[count:]) or offsets[:1] != [64], b""
    for start, stop in zip(offsets[:count], [*offsets[1:count], len(data)], strict=True):
        at, hidden = run_end(data, start, pixels)
        yield hidden, data[start:at]
        yield data[at:stop].strip(b"\0") not in (b"", b"\xff"), b""


def run_end(data: bytes, at: int, pixels: int) -> tuple[int, bool]:
    """Where the run with the last of `pixels` ends, of a segment that begins at `at`; whether it hides more bytes."""
    left = pixels
    while left > 0:
        run = data[at]
        # -1 to -127: one byte repeated; 0 to 127: bytes as they are; -128: nothing
        at, left = (at + 2 + run, left - 1 - run) if run < 128 else (at + 1 + (run > 128), left - (257 - run) % 129)
    return at, left < 0 and run < 128


def _jpeg(data: bytes, marker_of_end: re.Pattern[bytes]) -> Iterator[tuple[bool, bytes]]:
    """Segments and entropy-coded data in turn, which go on to the next `marker_of_end`."""
    yield False, data[:2]
    at = 2
    while data[at + 1] != 0xD9:
        if data[at] != 0xFF:
            raise Unreadable("a JPEG frame is not well-formed")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1  # a fill byte
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield from _segment(marker, data[at:end])
        at = end
        if marker == 0xDA:
            found = marker_of_end.search(data, at)
            if found is None:
                raise Unreadable("a JPEG frame is not well-formed")
            yield False, data[at : found.start()]
            at = found.start()
    yield False, b"\xff\xd9"
    yield data[at + 2 :].strip(b"\0") not in (b"", b"\xff"), b""


def _segment(marker: int, segment: bytes) -> Iterator[tuple[bool, bytes]]:
    """Colour markers count up to what decides on colour; all other application segments and comments are carriers."""
    kept = 0
    if (marker == 0xE0 and segment[4:9] == b"JFIF\0" and len(segment) >= 18) or (
        marker == 0xEE and segment[4:9] == b"Adobe"
    ):
        kept = 16
    elif marker == 0xE8 and segment[4:8] == b"mrfx" and len(segment) == 9:
        kept = 9
    elif marker != 0xFE and not 0xE0 <= marker <= 0xEF:
        yield False, segment
        return
    yield False, segment[4:kept]
    rest = segment[kept:] if kept else segment
    yield rest not in (b"", b"\0\0") or (marker != 0xE0 and rest != b""), b""


def _jpeg2000(data: bytes) -> Iterator[tuple[bool, bytes]]:
    """The main header without comments, then all tile-parts to EOC, whose headers may hold comments too."""
    yield False, data[:2]
    at = 2
    while data[at : at + 2] != b"\xff\x90":
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at] != 0xFF or end > len(data):
            raise Unreadable("a JPEG 2000 frame is not well-formed")
        yield data[at + 1] == 0x64, data[at:end]
        at = end
    start = at
    while data[at : at + 2] == b"\xff\x90":
        yield _comment_in_tile_part(data, at + 12), b""
        length = int.from_bytes(data[at + 6 : at + 10], "big")
        at = at + length if length else data.index(b"\xff\xd9", at)
    yield False, data[start:at]
    yield data[at : at + 2] != b"\xff\xd9" or data[at + 2 :].strip(b"\0") not in (b"", b"\xff"), b""


def _comment_in_tile_part(data: bytes, at: int) -> bool:
    """Whether there is one between SOT and SOD."""
    while data[at : at + 2] not in (b"\xff\x93", b"\xff\x64"):
        if data[at : at + 1] != b"\xff":
            raise Unreadable("a JPEG 2000 frame is not well-formed")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data[at : at + 2] == b"\xff\x64"


def _jp2(data: bytes) -> Iterator[tuple[bool, bytes]]:
    at, wanted = 0, {b"jP  ", b"ftyp", b"jp2h"}
    while at + 8 <= len(data):
        length, kind = struct.unpack(">L4s", data[at : at + 8])
        head = 8
        if length == 1:
            head, length = 16, int.from_bytes(data[at + 8 : at + 16], "big")
        end = at + length if length else len(data)
        if length and length < head:
            raise Unreadable("a JP2 box is not well-formed")
        if kind == b"jp2c":
            yield from _jpeg2000(data[at + head : end])
        else:
            yield kind not in wanted, kind + data[at + head : end]
            wanted.discard(kind)
        at = end
    yield data[at:].strip(b"\0") != b"", b""
