"""A copy under mutation beside its source, and the strokes that mutations are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from xnat_pixelanon.domain.rectangle import Rectangle

from .coders import Cells, transplanted, wiped
from .parts import Parts, cells_of, put_cells, take_apart
from .subjects import Subject

NOT_ONE_VALUE = "a box is not of one value in every frame"
NOT_BLACK = "a box does not show as black"
OUTSIDE = "pixels outside the boxes differ from the source's"
UNBOXED = "differ"
BESIDE = "still has text or bytes beside its image"
COLOURS = "says other things of its colours or bits"
SPARE = "something in bits that hold no pixel value"
COUNT = "Number of Frames"
BEHIND = "something lies behind the copy's pixel data"
_UNIT = (0, 0, 16, 16)
"""A minimum coded unit of 4:2:0, inside the first box."""


class Case:
    """`copy` is what a mutation changes; cells are (frames, rows, columns, samples), of source and copy alike."""

    def __init__(self, subject: Subject, source: Path, out: Path, effective: tuple[Rectangle, ...]) -> None:
        self.subject = subject
        self.source = take_apart(source)
        self.copy: Parts = take_apart(out)
        self.effective = effective
        self._paths = source, out

    @property
    def last(self) -> int:
        return self.subject.frames - 1

    @property
    def boxes(self) -> tuple[Rectangle, ...]:
        return self.subject.boxes

    @cached_property
    def before(self) -> Cells:
        """The source's cells without planes that are not image."""
        subject = self.subject
        cells = cells_of(self._paths[0], self.source, subject.coder, subject.form)
        return cells & cells.dtype.type((1 << subject.pixels.stored) - 1) if subject.overlaid else cells

    @cached_property
    def cells(self) -> Cells:
        return cells_of(self._paths[1], self.copy, self.subject.copy_coder, self.subject.copy_form)

    def put(self, cells: Cells) -> None:
        put_cells(self.copy, cells, self.subject.copy_coder, self.subject.copy_form)

    def restore(self, frames: slice, *boxes: Rectangle) -> None:
        """The source's cells where a box is; in subsampled JPEG those of the whole unit at the upper left."""
        if self.subject.subsampled:
            for number in range(self.subject.frames)[frames]:
                donor = self.source.frames[number]
                self._set_frame(number, transplanted(self.copy.frames[number], donor, unit=_UNIT, at=(0, 0)))
            return
        for box in boxes:
            self.cells[(frames, *box.slices)] = self.before[(frames, *box.slices)]
        self.put(self.cells)

    def paint(self, frames: slice, values: object, *boxes: Rectangle) -> None:
        for box in boxes:
            self.cells[(frames, *box.slices)] = np.asarray(values, self.cells.dtype)
        self.put(self.cells)

    def blacken_more(self) -> None:
        """A row and a column too many of the fill, in the last frame."""
        if self.subject.subsampled:
            frame = self.copy.frames[self.last]
            self._set_frame(self.last, transplanted(frame, frame, unit=_UNIT, at=(16, 16)))
            return
        box = self.effective[0]
        below = Rectangle(box.bottom, box.left, box.bottom + 1, box.right)
        self.paint(slice(self.last, None), self.fill, below)

    def grey(self) -> None:
        """Every box in the middle of the range."""
        if self.subject.subsampled:
            self.copy.frames = [wiped(frame, _UNIT) for frame in self.copy.frames]
            return
        middle = 1 << self.subject.pixels.stored - 1
        self.paint(slice(None), 0 if self.subject.pixels.signed else middle, *self.effective)

    def _set_frame(self, number: int, frame: bytes) -> None:
        self.copy.frames[number] = frame

    @property
    def fill(self) -> Cells:
        """The samples of a blackened pixel."""
        box = self.boxes[0]
        return self.cells[0, box.top, box.left].copy()


@dataclass(frozen=True)
class Mutation:
    """`why_not(subject)` is empty where it applies; one of `found` has to be among the findings."""

    name: str
    change: Callable[[Case], None]
    found: tuple[str, ...]
    why_not: Callable[[Subject], str] = lambda subject: ""


def needs(holds: Callable[[Subject], bool], otherwise: str) -> Callable[[Subject], str]:
    return lambda subject: "" if holds(subject) else otherwise


def all_of(*conditions: Callable[[Subject], str]) -> Callable[[Subject], str]:
    return lambda subject: next((why for condition in conditions if (why := condition(subject))), "")


boxed = needs(lambda subject: bool(subject.boxes), "no box")
several = needs(lambda subject: subject.frames > 1, "one frame")
sampled = needs(lambda subject: not subject.subsampled, "chroma of several pixels at once")
coloured = needs(lambda subject: subject.colour, "grey")
encapsulated = needs(lambda subject: not subject.native, "native")
native = needs(lambda subject: subject.native, "encapsulated")
