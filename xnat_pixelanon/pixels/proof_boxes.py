"""What the proof looks for in a frame: equal outside the boxes, one black inside, whatever the pixels are stored in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xnat_pixelanon.domain.rectangle import Rectangle

Octets = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Boxes:
    """`free`: where the copy may differ from the source. `dark`: where it has to be black; each lies in a free one."""

    free: tuple[Rectangle, ...]
    dark: tuple[Rectangle, ...]


@dataclass(slots=True)
class Comparison:
    """What a comparison found; `taken_out`: the copy lacks carriers that the source has in its pixel element.

    `digest`: of the copy's values, as value_digest.begin gives it; updated while they are read.
    """

    digest: hashlib._Hash
    findings: list[str] = field(default_factory=list)
    frames: int = 0
    taken_out: bool = False

    def add(self, finding: str) -> None:
        if finding not in self.findings:
            self.findings.append(finding)


@dataclass(frozen=True, slots=True)
class Seen:
    """Of some rows of a plane: what is wrong, and the octets of the cell that all dark boxes hold, if any lie here."""

    findings: tuple[str, ...]
    black: bytes | None


def look(before: Octets, after: Octets, boxes: Boxes, first_row: int = 0, columns: int = 1) -> Seen:
    """Compare rows of source and copy, each (rows, cells, octets of a cell); `before` is overwritten.

    `first_row`: the place of the rows in their frame. `columns`: columns that share a cell (2 in native 4:2:2).
    """
    findings, black = [], None
    for box in boxes.dark:
        inside = after[_window(box, first_row, len(after), columns)]
        if not inside.size:
            continue
        black = inside[0, 0].tobytes() if black is None else black
        if not _constant(inside, black):
            findings.append("a box is not of one value in every frame")
    for box in boxes.free:
        window = _window(box, first_row, len(after), columns)
        before[window] = after[window]
    if not equal(before, after):
        findings.append("pixels outside the boxes differ from the source's")
    return Seen(tuple(findings), black)


def equal(one: Octets, other: Octets) -> bool:
    """Whether two contiguous arrays of one shape hold the same; eight octets at a time, which is far faster."""
    if one.shape != other.shape:
        return False
    flat, beside = one.reshape(-1), other.reshape(-1)
    words = len(flat) // 8 * 8
    return np.array_equal(flat[words:], beside[words:]) and np.array_equal(
        flat[:words].view(np.uint64), beside[:words].view(np.uint64)
    )


def _window(box: Rectangle, first_row: int, rows: int, columns: int) -> tuple[slice, slice]:
    top, bottom = max(box.top - first_row, 0), min(box.bottom - first_row, rows)
    return slice(top, max(bottom, top)), slice(box.left // columns, -(-box.right // columns))


def _constant(inside: Octets, black: bytes) -> bool:
    """Whether every cell is `black`; the first row is compared with it, and all others with the first."""
    first = np.frombuffer(black * inside.shape[1], np.uint8).reshape(inside.shape[1:])
    return bool((inside == first).all())
