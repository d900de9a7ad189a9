"""The judge sees one wrong cell: it would be no judge otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.pixels.phantoms import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, Pixels, random_pixels, write_native

from .judge import wrong_pixels

BOX = {"top": 1, "left": 2, "bottom": 4, "right": 6}
INSIDE = (slice(None), slice(1, 4), slice(2, 6))


def blackened(pixels: Pixels, value: int | list[int] = 0) -> Pixels:
    cells = pixels.cells.copy()
    cells[INSIDE] = value
    return replace(pixels, cells=cells)


def judged(folder: Path, source: Pixels, copy: Pixels, syntax: str = EXPLICIT, vr: str = "") -> list[str]:
    paths = [write_native(folder / name, one, syntax, vr=vr) for name, one in (("a.dcm", source), ("b.dcm", copy))]
    return wrong_pixels(*paths, [BOX], [BOX])


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, DEFLATED, BIG_ENDIAN])
@pytest.mark.parametrize(
    ("source", "black"),
    [
        (random_pixels("MONOCHROME2", columns=9), 0),
        (random_pixels("MONOCHROME1", allocated=16, stored=12), 4095),
        (random_pixels("MONOCHROME2", allocated=16, signed=True), 0x8000),
        (random_pixels("RGB", planar=1), 0),
        (random_pixels("YBR_FULL"), [0, 128, 128]),
        (random_pixels("YBR_FULL_422"), [0, 128, 128]),
    ],
    ids=lambda value: value.photometric if isinstance(value, Pixels) else "",
)
def test_the_judge_finds_each_single_cell_that_is_wrong(
    tmp_path: Path, source: Pixels, black: int | list[int], syntax: str
) -> None:
    copy = blackened(source, black)
    vr = "OW" if syntax == BIG_ENDIAN else ""
    assert judged(tmp_path, source, copy, syntax, vr) == []
    for place, finding in (
        ((1, 0, 1, 0), "cells differ outside the effective boxes"),
        ((0, 6, 8, 0), "cells differ outside the effective boxes"),
        ((1, 3, 5, 0), "a box is not of one value"),
    ):
        wrong = replace(copy, cells=copy.cells.copy())
        wrong.cells[place] ^= np.uint64(1)
        assert finding in judged(tmp_path, source, wrong, syntax, vr)
    grey = blackened(source, [1, 128, 128] if source.cells.shape[3] == 3 else 77)
    assert judged(tmp_path, source, grey, syntax, vr) == ["a box is not black"]


def test_a_box_that_is_not_the_one_asked_for_is_found(tmp_path: Path) -> None:
    source = random_pixels()
    path = write_native(tmp_path / "a.dcm", source)
    copy = write_native(tmp_path / "b.dcm", blackened(source))
    assert wrong_pixels(path, copy, [BOX], [{**BOX, "right": 5}])
    assert wrong_pixels(path, copy, [BOX], [{**BOX, "right": 7}])
    assert wrong_pixels(path, copy, [BOX], [])
