"""Sound files made unsound by a few changes, all drawn from a source of numbers: they can be repeated."""

from __future__ import annotations

import struct
from collections.abc import Callable

from tests.pixels.phantoms import BIG_ENDIAN, IMPLICIT

from .seeds import Seed, Spot

Choose = Callable[[int], int]
"""A number from 0 to one less than the one given."""
_TEXTS = (
    b"0",
    b"-1",
    b"1",
    b"3",
    b"65535",
    b"2147483647",
    b"99999999999999",
    b"1e400",
    b"nan",
    b"1\\2",
    b"",
    b"\xff\0",
)


def mutated(seed: Seed, choose: Choose) -> bytes:
    """A file with up to three things wrong."""
    data = seed.data
    for _ in range(1 + choose(3)):
        data = _CHANGES[choose(len(_CHANGES))](seed, data, choose)
    if choose(20) == 0:
        return _flip(seed, seed.packed(data), choose)
    return seed.packed(data)


def truncations(seed: Seed) -> list[bytes]:
    """Cut at every edge, just before and just behind it."""
    places = sorted({edge + more for edge in seed.edges for more in (-1, 0, 1)} | {0, 1, 131, 132, len(seed.data) - 1})
    return [seed.packed(seed.data[:place]) for place in places if 0 <= place < len(seed.data)]


def lies(seed: Seed) -> list[bytes]:
    """Every number that is believed, changed in every way."""
    return [
        seed.packed(_with(seed.data, spot, value))
        for spot in seed.spots
        for value in _other_values(seed.data, spot)
        if value != seed.data[spot.at : spot.at + spot.size]
    ]


def _other_values(data: bytes, spot: Spot) -> list[bytes]:
    if spot.order == "text":
        return [text[: spot.size].ljust(spot.size) for text in _TEXTS]
    now, most = int.from_bytes(data[spot.at : spot.at + spot.size], spot.order), (1 << 8 * spot.size) - 1
    near = (now - 2, now - 1, now + 1, now + 2, 2 * now, now // 2, len(data) - spot.at, len(data))
    numbers = dict.fromkeys((0, 1, 2, 4, most, most - 1, most >> 1, (most >> 1) + 1, *(one & most for one in near)))
    return [number.to_bytes(spot.size, spot.order) for number in numbers]


def _with(data: bytes, spot: Spot, value: bytes) -> bytes:
    return data[: spot.at] + value + data[spot.at + spot.size :]


def _cut(seed: Seed, data: bytes, choose: Choose) -> bytes:
    return data[: seed.edges[choose(len(seed.edges))] if choose(2) else choose(len(data) + 1)]


def _flip(seed: Seed, data: bytes, choose: Choose) -> bytes:
    changed = bytearray(data)
    for _ in range(1 + choose(4) if data else 0):
        changed[choose(len(data))] ^= 1 << choose(8)
    return bytes(changed)


def _lie(seed: Seed, data: bytes, choose: Choose) -> bytes:
    spot = seed.spots[choose(len(seed.spots))]
    values = _other_values(seed.data, spot)
    return _with(data, spot, values[choose(len(values))])


def _copy(seed: Seed, data: bytes, choose: Choose) -> bytes:
    """Elements, items or segments once more, at some edge."""
    first, last, target = _range(seed, choose), choose(4) + 1, seed.edges[choose(len(seed.edges))]
    end = seed.edges[min(first + last, len(seed.edges) - 1)]
    return data[:target] + data[seed.edges[first] : end] + data[target:]


def _drop(seed: Seed, data: bytes, choose: Choose) -> bytes:
    first = _range(seed, choose)
    return data[: seed.edges[first]] + data[seed.edges[min(first + 1 + choose(4), len(seed.edges) - 1)] :]


def _range(seed: Seed, choose: Choose) -> int:
    return choose(len(seed.edges))


def _nest(seed: Seed, data: bytes, choose: Choose) -> bytes:
    """Sequences in sequences, some deeper than a reader can follow, some that never end."""
    depth, closed = (3, 60, 500, 5000)[choose(4)], choose(3) > 0
    order = ">" if seed.syntax == BIG_ENDIAN else "<"
    head = struct.pack(f"{order}HH", 0x0008, 0x2112)
    length = b"\xff\xff\xff\xff"
    head += length if seed.syntax == IMPLICIT else b"SQ\0\0" + length
    item, item_end, end = (struct.pack(f"{order}HHL", 0xFFFE, one, 0) for one in (0xE000, 0xE00D, 0xE0DD))
    deep = (head + item[:4] + length) * depth + (item_end + end) * (depth if closed else choose(depth))
    at = seed.edges[choose(len(seed.edges))]
    return data[:at] + deep + data[at:]


def _noise(seed: Seed, data: bytes, choose: Choose) -> bytes:
    """A stretch of bytes that says nothing."""
    at, size = choose(len(data) + 1), 1 + choose(64)
    return data[:at] + bytes([choose(256)]) * size + data[at + (size if choose(2) else 0) :]


_CHANGES = (_cut, _flip, _flip, _lie, _lie, _lie, _copy, _drop, _nest, _noise)
