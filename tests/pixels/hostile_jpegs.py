"""Damaged frames against the coefficient route: run as a program, since what it looks for may end the process."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator

import numpy as np

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.dct import blacken, effective_box, read_shape
from xnat_pixelanon.pixels.turbojpeg import Transformer

from .jpegs import by_cjpeg, encoded, raw

FLIPS = 1200


def frames() -> Iterator[tuple[str, bytes]]:
    yield "grey", encoded("grey", 24, 33, 60)
    yield "4:2:0", encoded("4:2:0", 33, 24, 60)
    yield "4:4:4, optimised", encoded("4:4:4", 20, 20, 60, True)
    yield "restart markers", by_cjpeg(24, 40, "-restart", "1")


def damaged_frames(data: bytes) -> Iterator[bytes]:
    """Every truncation, with EOI put behind it and without; random bits of the header and of the coded data."""
    for end in range(len(data)):
        yield data[:end]
        yield data[:end] + b"\xff\xd9"
    randomly = np.random.default_rng(11)
    header = data.index(b"\xff\xda") + 14
    for low, high in ((0, header), (header, len(data))):
        for _ in range(FLIPS):
            broken = bytearray(data)
            for at in randomly.integers(low, high, randomly.integers(1, 4)):
                broken[at] ^= 1 << randomly.integers(8)
            yield bytes(broken)


def outcome(transformer: Transformer, data: bytes) -> str:
    box = Rectangle(3, 5, 12, 13)
    try:
        shape = read_shape(data)
        colour = "grey" if len(shape.components) == 1 else "ybr"
        after = blacken(transformer, data, [box], colour=colour, white=False)  # type: ignore[arg-type]
    except InstanceError:
        return "refused"
    try:
        before = raw(data)
    except (ValueError, RuntimeError, AttributeError):
        return "no decoder reads the source"
    same = before == raw(after)
    if same.ndim == 3:
        same = same.all(axis=2)
    same[effective_box(shape, box).slices] = True
    return "edited" if same.all() else "changed outside"


def main() -> None:
    found = Counter[str]({"changed outside": 0})
    with Transformer() as transformer:
        for _, data in frames():
            assert outcome(transformer, data) == "edited"
            found.update(outcome(transformer, broken) for broken in damaged_frames(data))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
