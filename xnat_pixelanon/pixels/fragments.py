"""The sequence of fragments of encapsulated pixel data (PS3.5 A.4) and how it divides into frames."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from xnat_pixelanon.pixels.structure import ITEM, SEQUENCE_END, Element, Structure, damaged, read_exactly


@dataclass(frozen=True, slots=True)
class Fragment:
    """`offset` of the item tag, `value_offset` and `length` of the bytes; both count from the stream's beginning."""

    offset: int
    value_offset: int
    length: int


@dataclass(frozen=True, slots=True)
class FragmentTable:
    """All fragments, the entries of the Basic Offset Table and where the sequence ends, behind its delimiter."""

    basic_offsets: tuple[int, ...]
    fragments: tuple[Fragment, ...]
    end: int


def read_fragments(structure: Structure, element: Element, frames: int) -> FragmentTable:
    """Walk the items to the delimiter. InstanceError("damaged") for anything that is not such a sequence.

    No more than 64 fragments a frame (and 65536 in all) are followed: a longer table is not one that equipment makes.
    """
    if not element.undefined:
        raise damaged("the pixel data are not encapsulated although the transfer syntax is")
    limit = max(65536, 64 * frames)
    items: list[Fragment] = []
    at = element.value_offset
    while True:
        tag, length = _item_header(structure, at)
        if tag == SEQUENCE_END:
            if length:
                raise damaged("the sequence delimiter of the pixel data has a length")
            break
        if tag != ITEM or length % 2 or at + 8 + length > structure.end:
            raise damaged("the fragments of the pixel data are not well-formed or end too early")
        if items and not length:
            raise damaged("a fragment of the pixel data is empty")
        items.append(Fragment(at, at + 8, length))
        if len(items) > limit:
            raise damaged("the pixel data have more fragments than their frames can need")
        at += 8 + length
    if len(items) < 2:
        raise damaged("the pixel data hold no fragment")
    return FragmentTable(_basic_offsets(structure, items[0]), tuple(items[1:]), at + 8)


def _item_header(structure: Structure, at: int) -> tuple[int, int]:
    if at + 8 > structure.end:
        raise damaged("the file ends inside the pixel data")
    structure.stream.seek(at)
    group, number, length = struct.unpack("<HHL", read_exactly(structure.stream, 8))
    return int(group) << 16 | int(number), int(length)


def _basic_offsets(structure: Structure, item: Fragment) -> tuple[int, ...]:
    if item.length % 4:
        raise damaged("the Basic Offset Table has a broken length")
    structure.stream.seek(item.value_offset)
    return struct.unpack(f"<{item.length // 4}L", read_exactly(structure.stream, item.length))


def divide(
    table: FragmentTable,
    frames: int,
    extended: tuple[Sequence[int], Sequence[int]],
    begins: Callable[[Fragment], bool] | None,
) -> tuple[Sequence[Fragment], ...]:
    """The fragments of each frame, as many as `frames`, or InstanceError("damaged").

    By the Extended or the Basic Offset Table; without one, by `begins`, which tells whether a fragment starts a
    codestream (None: in this transfer syntax a frame is one fragment).
    """
    fragments = table.fragments
    if len(fragments) < frames:
        raise damaged("there are fewer fragments than Number of Frames")
    if begins is None and len(fragments) != frames:
        raise damaged("there are more fragments than Number of Frames")
    if any(extended):
        divided = _by_extended_offsets(table, frames, *extended)
    elif table.basic_offsets:
        divided = _at_starts(fragments, _starts_by_offset(fragments, table.basic_offsets), frames)
    elif begins is None:
        divided = tuple((fragment,) for fragment in fragments)
    else:
        divided = _at_starts(fragments, [index for index, one in enumerate(fragments) if begins(one)], frames)
    if begins is not None and any(begins(one) for frame in divided for one in frame[1:]):
        raise damaged("there are more frames in the pixel stream than Number of Frames")
    return divided


def _starts_by_offset(fragments: Sequence[Fragment], offsets: Sequence[int]) -> list[int]:
    first = fragments[0].offset
    index_at = {fragment.offset - first: index for index, fragment in enumerate(fragments)}
    if any(offset not in index_at for offset in offsets):
        raise damaged("the offset table points to something that is not a fragment")
    return [index_at[offset] for offset in offsets]


def _at_starts(fragments: Sequence[Fragment], starts: Sequence[int], frames: int) -> tuple[Sequence[Fragment], ...]:
    if len(starts) != frames:
        raise damaged("the frames of the pixel stream are not as many as Number of Frames")
    if starts[0] != 0 or any(later <= earlier for earlier, later in pairwise(starts)):
        raise damaged("the frames of the pixel stream are not in order")
    ends = [*starts[1:], len(fragments)]
    return tuple(fragments[start:end] for start, end in zip(starts, ends, strict=True))


def _by_extended_offsets(
    table: FragmentTable, frames: int, offsets: Sequence[int], lengths: Sequence[int]
) -> tuple[Sequence[Fragment], ...]:
    """PS3.5 A.4: an Extended Offset Table wants an empty Basic Offset Table and one fragment for each frame."""
    if table.basic_offsets or len(offsets) != frames or len(lengths) != frames or len(table.fragments) != frames:
        raise damaged("the Extended Offset Table does not fit the fragments")
    first = table.fragments[0].offset
    for fragment, offset, length in zip(table.fragments, offsets, lengths, strict=True):
        if fragment.offset - first != offset or not 0 <= fragment.length - length <= 1:
            raise damaged("the Extended Offset Table does not fit the fragments")
    return tuple((fragment,) for fragment in table.fragments)
