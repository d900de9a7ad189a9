"""The items of encapsulated pixel data (PS3.5 A.4), read byte by byte, and whether their offset tables are true."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"


@dataclass(frozen=True, slots=True)
class Fragments:
    """The Basic Offset Table, and where each fragment's item begins behind it, with the fragment's bytes."""

    basic: tuple[int, ...]
    starts: tuple[int, ...]
    pieces: tuple[bytes, ...]


def extended_table(ds: Dataset) -> tuple[bytes, bytes] | None:
    if "ExtendedOffsetTable" not in ds:
        return None
    return bytes(ds.ExtendedOffsetTable), bytes(ds.ExtendedOffsetTableLengths)


def fragments_of(ds: Dataset) -> Fragments:
    """AssertionError where an item is out of shape."""
    value, at, items = bytes(ds.PixelData), 0, []
    value = value.removesuffix(_DELIMITER)
    while at < len(value):
        assert value[at : at + 4] == _ITEM, "something other than an item among the fragments"
        (length,) = struct.unpack("<L", value[at + 4 : at + 8])
        assert length % 2 == 0, "a fragment of odd length"
        assert at + 8 + length <= len(value), "a fragment longer than the element"
        items.append((at, value[at + 8 : at + 8 + length]))
        at += 8 + length
    (_, table), pieces = items[0], items[1:]
    assert len(table) % 4 == 0, "a Basic Offset Table of broken length"
    first = 8 + len(table)
    return Fragments(
        struct.unpack(f"<{len(table) // 4}L", table),
        tuple(start - first for start, _ in pieces),
        tuple(piece for _, piece in pieces),
    )


def check_tables(path: Path, ds: Dataset) -> None:
    """Every table that is there says where each frame begins; the element ends with its delimiter, the file with it."""
    frames = int(ds.get("NumberOfFrames") or 1)
    found, extended = fragments_of(ds), extended_table(ds)
    assert path.read_bytes().endswith(_DELIMITER), "the sequence of fragments does not end the file"
    assert all(found.pieces), "an empty fragment"
    assert len(found.pieces) >= frames, "fewer fragments than frames"
    if found.basic:
        assert len(found.basic) == frames, "the Basic Offset Table has another length than the frames"
        assert found.basic[0] == 0, "a Basic Offset Table that does not begin at the first fragment"
        assert list(found.basic) == sorted(set(found.basic)), "offsets out of order"
        assert set(found.basic) <= set(found.starts), "a basic offset that is no fragment's"
    if extended is None:
        return
    assert not found.basic, "a Basic and an Extended Offset Table"
    offsets, lengths = (struct.unpack(f"<{len(one) // 8}Q", one) for one in extended)
    assert offsets == found.starts, "the Extended Offset Table is not that of the fragments"
    assert len(offsets) == frames, "the Extended Offset Table has another length than the frames"
    for length, piece in zip(lengths, found.pieces, strict=True):
        assert 0 <= len(piece) - length <= 1, "an extended length that is not the fragment's"
