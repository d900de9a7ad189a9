"""Mutations of stored values: boxes, frames, fills, bytes and bits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from xnat_pixelanon.domain.rectangle import Rectangle

from ..phantoms import BIG_ENDIAN
from .case import (
    BEHIND,
    COUNT,
    NOT_BLACK,
    NOT_ONE_VALUE,
    OUTSIDE,
    SPARE,
    UNBOXED,
    Case,
    Mutation,
    all_of,
    boxed,
    coloured,
    needs,
    sampled,
    several,
)
from .subjects import Subject

EVERY, LAST = slice(None), slice(-1, None)
_LENGTH = "the copy's pixel data have another length than its frames"
_EXTRA = (COUNT, _LENGTH)


def _missed(frame: int) -> Callable[[Case], None]:
    return lambda case: case.restore(slice(frame, frame + 1), *case.boxes)


def _only_last(case: Case) -> None:
    case.restore(slice(0, -1), *case.boxes)


def _one_box_missed(case: Case) -> None:
    case.restore(EVERY, case.boxes[-1])


def _strip(side: str) -> Callable[[Case], None]:
    """One row or column of the second box is as in the source, in the last frame."""

    def change(case: Case) -> None:
        case.restore(LAST, _side_of(case.boxes[-1], side))

    return change


def _side_of(box: Rectangle, side: str) -> Rectangle:
    return {
        "top": Rectangle(box.top, box.left, box.top + 1, box.right),
        "bottom": Rectangle(box.bottom - 1, box.left, box.bottom, box.right),
        "left": Rectangle(box.top, box.left, box.bottom, box.left + 1),
        "right": Rectangle(box.top, box.right - 1, box.bottom, box.right),
    }[side]


def _shifted(down: int, across: int) -> Callable[[Case], None]:
    """All boxes lie one off, in every frame."""

    def change(case: Case) -> None:
        fill = case.fill
        for box in case.boxes:
            case.cells[(EVERY, *box.slices)] = case.before[(EVERY, *box.slices)]
        for box in case.boxes:
            off = Rectangle(box.top + down, box.left + across, box.bottom + down, box.right + across)
            case.cells[(EVERY, *off.slices)] = fill
        case.put(case.cells)

    return change


def _one_pixel_left(case: Case) -> None:
    box = case.boxes[0]
    case.restore(LAST, Rectangle(box.bottom - 1, box.right - 1, box.bottom, box.right))


def _least_outside(case: Case) -> None:
    """By one, or in quantised data by what survives."""
    if case.subject.copy_coder == "jpeg-dct":
        case.cells[-1, 20, 20, 0] += 60
    else:
        case.cells[-1, 20, 20, 0] ^= 1
    case.put(case.cells)


def _neighbours_exchanged(case: Case) -> None:
    """Two pixels; in quantised data two blocks."""
    if case.subject.copy_coder == "jpeg-dct":
        case.cells[-1, 16:24, 16:32] = np.roll(case.cells[-1, 16:24, 16:32], 8, axis=1)
    else:
        case.cells[-1, 20, 20:24] = np.roll(case.cells[-1, 20, 20:24], 2, axis=0)
    case.put(case.cells)


def _brightest(case: Case) -> None:
    stored = case.subject.pixels.stored
    high = (1 << stored - case.subject.pixels.signed) - 1
    case.paint(EVERY, 0 if "inverse" in case.subject.name else high, *case.effective)


def _almost_black(case: Case) -> None:
    """One off the right value: a palette's second darkest entry too."""
    step = 24 if case.subject.copy_coder == "jpeg-dct" else 1
    fill = case.fill.astype(np.int64)
    fill[-1 if case.subject.copy_coder != "jpeg-dct" else 0] += -step if "inverse" in case.subject.name else step
    case.paint(EVERY, fill % (1 << 8 * case.cells.itemsize), *case.effective)


def _two_blacks(case: Case) -> None:
    """The last frame has another fill than the others, one that shows as black in other pixels."""
    step = 24 if case.subject.copy_coder == "jpeg-dct" else 1
    fill = case.fill.astype(np.int64)
    fill[0] += -step if "inverse" in case.subject.name else step
    case.paint(LAST, fill, *case.effective)


def _zero(case: Case) -> None:
    case.paint(EVERY, 0, *case.effective)


def _black_of_other_colours(case: Case) -> None:
    """RGB black in YCbCr cells, and the reverse."""
    case.paint(EVERY, [0, 0, 0] if case.fill[1] else [0, 128, 128], *case.effective)


def _frames(change: Callable[[list[int]], list[int]], *, told: bool = False) -> Callable[[Case], None]:
    """The frames of the copy in another order or number; `told`: Number of Frames too."""

    def mutate(case: Case) -> None:
        order = change(list(range(case.subject.frames)))
        if case.subject.native:
            case.put(case.cells[order])
        else:
            case.copy.frames = [case.copy.frames[number] for number in order]
        if told:
            case.copy.header.NumberOfFrames = len(order)

    return mutate


def _swapped_bytes(case: Case) -> None:
    if case.subject.pixels.allocated == 8:
        words = np.frombuffer(case.copy.value, np.uint16).byteswap()
        case.copy.value = words.tobytes()
    else:
        case.put(case.cells.byteswap())


def _high_bit_dropped(case: Case) -> None:
    case.put(case.cells & ~case.cells.dtype.type(1 << case.subject.pixels.stored - 1))


def _sign_dropped(case: Case) -> None:
    case.put(case.cells & case.cells.dtype.type((1 << case.subject.pixels.stored) - 1))


def _planes_exchanged(case: Case) -> None:
    case.cells[:] = case.cells[..., [0, 2, 1]]
    case.put(case.cells)


def _plane_in_spare_bits(case: Case) -> None:
    top = case.cells.dtype.type(1 << 8 * case.cells.itemsize - 1)
    case.cells[:, ::2, ::3] ^= top
    case.put(case.cells)


def _overlay_kept(case: Case) -> None:
    case.put(case.cells | (_source_plane(case)))


def _overlay_kept_in_box(case: Case) -> None:
    plane = _source_plane(case)
    for box in case.boxes:
        case.cells[(EVERY, *box.slices)] |= plane[(EVERY, *box.slices)]
    case.put(case.cells)


def _source_plane(case: Case) -> np.ndarray:
    cells = case.subject.pixels.cells.astype(case.cells.dtype)
    return cells & cells.dtype.type(0x8000)


def _whole_cells(subject: Subject) -> bool:
    return subject.native or subject.copy_form.precision == subject.pixels.allocated


_swappable = needs(
    lambda subject: (
        (_whole_cells(subject) and subject.pixels.allocated > 8)
        or (subject.syntax == BIG_ENDIAN and subject.vr == "OW")
    ),
    "cells of a byte, or bytes that its codec cannot hold the other way round",
)
_narrow = needs(
    lambda subject: _whole_cells(subject) and subject.pixels.stored < subject.pixels.allocated, "no spare bits"
)
_with_sign = needs(lambda subject: subject.pixels.signed and _whole_cells(subject), "no sign that is carried on")
_overlaid = needs(lambda subject: subject.overlaid, "no overlay in its cells")
_lowest_is_white = needs(
    lambda subject: "inverse" in subject.name or subject.pixels.signed or "palette" in subject.name, "0 is its black"
)
_three = needs(lambda subject: subject.frames > 2, "one frame")
_cellwise = all_of(boxed, sampled)
_not_paired = all_of(boxed, sampled, needs(lambda subject: "pairs" not in subject.name, "chroma of two pixels at once"))

CELLS = (
    Mutation("first frame missed", _missed(0), (NOT_ONE_VALUE, NOT_BLACK), boxed),
    Mutation("middle frame missed", _missed(1), (NOT_ONE_VALUE,), all_of(boxed, _three)),
    Mutation("last frame missed", lambda case: _missed(case.last)(case), (NOT_ONE_VALUE,), boxed),
    Mutation("all frames but the last missed", _only_last, (NOT_ONE_VALUE,), all_of(boxed, several)),
    Mutation("second box missed", _one_box_missed, (NOT_ONE_VALUE,), boxed),
    *(Mutation(f"one {'row' if side in ('top', 'bottom') else 'column'} short at the {side}", _strip(side),
               (NOT_ONE_VALUE,), boxed) for side in ("top", "bottom", "left", "right")),
    *(Mutation(f"boxes off by one {name}", _shifted(*by), (NOT_ONE_VALUE, OUTSIDE), _not_paired)
      for name, by in (("up", (-1, 0)), ("down", (1, 0)), ("left", (0, -1)), ("right", (0, 1)))),
    Mutation("one pixel of a box left", _one_pixel_left, (NOT_ONE_VALUE,), boxed),
    Mutation("box a row too large", Case.blacken_more, (OUTSIDE,), boxed),
    Mutation("a sample changed by the least", _least_outside, (OUTSIDE, UNBOXED), sampled),
    Mutation("two neighbours exchanged", _neighbours_exchanged, (OUTSIDE, UNBOXED), sampled),
    Mutation("box grey", Case.grey, (NOT_BLACK, NOT_ONE_VALUE), boxed),
    Mutation("box of the brightest value", _brightest, (NOT_BLACK,), _cellwise),
    Mutation("box of almost black, or the second darkest entry", _almost_black, (NOT_BLACK,), _cellwise),
    Mutation("another fill in the last frame", _two_blacks, (NOT_ONE_VALUE, NOT_BLACK), _cellwise),
    Mutation("box of zeros where zero is not black", _zero, (NOT_BLACK,), all_of(boxed, _lowest_is_white)),
    Mutation("black of RGB in YCbCr, or the reverse", _black_of_other_colours, (NOT_BLACK,),
             all_of(_cellwise, coloured)),
    Mutation("frames exchanged", _frames(lambda order: [1, 0, *order[2:]]), (OUTSIDE, UNBOXED), several),
    Mutation("a frame written twice", _frames(lambda order: [0, 0, *order[2:]]), (OUTSIDE, UNBOXED), several),
    Mutation("a frame left out", _frames(lambda order: order[:-1]), _EXTRA, several),
    Mutation("a frame left out and not counted", _frames(lambda order: order[:-1], told=True), (COUNT,), several),
    Mutation("a frame too many", _frames(lambda order: [*order, 0]), (*_EXTRA, BEHIND)),
    Mutation("a frame too many, and counted", _frames(lambda order: [*order, 0], told=True), (COUNT,)),
    Mutation("bytes exchanged", _swapped_bytes, (OUTSIDE, UNBOXED, NOT_BLACK), _swappable),
    Mutation("a high bit dropped", _high_bit_dropped, (OUTSIDE, UNBOXED), sampled),
    Mutation("the sign not carried on", _sign_dropped, (OUTSIDE, UNBOXED), _with_sign),
    Mutation("two colours exchanged", _planes_exchanged, (OUTSIDE, UNBOXED), all_of(coloured, sampled)),
    Mutation("a plane written into spare bits", _plane_in_spare_bits, (OUTSIDE, UNBOXED, NOT_ONE_VALUE), _narrow),
    Mutation("overlay kept in the cells", _overlay_kept, (OUTSIDE, UNBOXED, NOT_ONE_VALUE, SPARE), _overlaid),
    Mutation("overlay kept in the cells of a box", _overlay_kept_in_box, (NOT_ONE_VALUE,), all_of(_overlaid, boxed)),
)  # fmt: skip
