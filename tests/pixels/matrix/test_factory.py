"""The phantoms and their judges before anything is done to them: every judge sees the truth in every cell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xnat_pixelanon.pixels.routes import ROUTES

from .cell import short_name
from .cells import ALL_SYNTAXES, LARGE, cells_of
from .factory import phantom
from .judges import judged, opened
from .streams import check_tables
from .truth import placed, stored_values


def test_every_transfer_syntax_with_a_route_has_cells() -> None:
    assert set(ALL_SYNTAXES) == set(ROUTES)
    for syntax in ALL_SYNTAXES:
        cells = cells_of(syntax)
        assert len({str(cell) for cell in cells}) == len(cells) > 80
        assert {cell.frames for cell in cells} == {1, 2, 3}
        assert any(cell.rows * cell.columns > 1 << 20 for cell in cells), LARGE
        if not cells[0].native:
            assert {cell.table for cell in cells} == {"none", "basic", "extended"}


@pytest.mark.filterwarnings("ignore:The decoded RLE segment contains non-conformant padding")
@pytest.mark.parametrize("syntax", ALL_SYNTAXES, ids=short_name)
def test_every_judge_decodes_every_phantom_to_its_truth(tmp_path: Path, syntax: str) -> None:
    """Of a lossy phantom the judges know the truth: they agree to the bit, and it is near to what was encoded."""
    for cell in cells_of(syntax):
        made = phantom(tmp_path / "phantom.dcm", cell)
        file = opened(made.path, tmp_path)
        if not cell.native:
            check_tables(made.path, file.ds)
        # pylibjpeg-rle takes bytes behind the last run of a source for a broken run
        seen = judged(file, without=["pylibjpeg-rle"] if "excess" in cell.words else [])
        first = next(iter(seen.values()))
        for name, cells in seen.items():
            if "440" in cell.words:  # libjpeg 6b repeats lines of chroma where its successor interpolates
                cells, first = cells[..., :1], first[..., :1]
            np.testing.assert_array_equal(cells, first if made.lossy else made.truth, f"{cell} by {name}")
        assert first.any(), cell


@pytest.mark.parametrize("syntax", ALL_SYNTAXES, ids=short_name)
def test_noise_reaches_every_bit_of_every_sample(syntax: str) -> None:
    for cell in cells_of(syntax):
        if cell.floating or cell.rows * cell.columns < 1000:
            continue
        cells = placed(stored_values(cell), cell)
        stored = ((1 << cell.stored) - 1) << cell.shift
        for sample in range(cell.samples):
            plane = cells[..., sample]
            assert int(np.bitwise_or.reduce(plane, axis=None)) & stored == stored, cell
            assert int(np.bitwise_and.reduce(plane, axis=None)) & stored == 0, cell


@pytest.mark.parametrize("syntax", ALL_SYNTAXES, ids=short_name)
def test_no_judge_takes_one_phantom_for_another(tmp_path: Path, syntax: str) -> None:
    """A judge that gives the same for anything proves nothing."""
    cell = next(one for one in cells_of(syntax) if 500 < one.rows * one.columns < 10000)
    one = phantom(tmp_path / "one.dcm", cell)
    other = phantom(tmp_path / "other.dcm", replace(cell, variant="+".join([*cell.words, "other-noise"])))
    seen, seen_of_other = (judged(opened(made.path, tmp_path)) for made in (one, other))
    assert seen
    assert all((cells != seen_of_other[name]).any() for name, cells in seen.items())
