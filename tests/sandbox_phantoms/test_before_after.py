from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from xnat_pixelanon.sandbox.phantoms import phantom
from xnat_pixelanon.sandbox.pictures import before_after


def test_both_pictures_stand_side_by_side_at_readme_width(tmp_path: Path) -> None:
    before = phantom("US", rows=120, columns=160, burned=("PHANTOM ADA", (4, 4), 16)).pixel_array
    after = before.copy()
    after[:30] = 0
    out = tmp_path / "docs" / "pair.png"
    before_after(before, after, out)

    with Image.open(out) as page:
        assert page.width == 1200
        left, right = (np.asarray(page.convert("L"))[40:135, x : x + 500].max() for x in (40, 640))
    assert left > 200
    assert right < 30


def test_twelve_bit_pictures_share_one_grey_scale(tmp_path: Path) -> None:
    before = np.full((50, 60), 1000, np.uint16)
    before[0, 0], before[25:, :] = 4095, 0
    out = tmp_path / "pair.png"
    before_after(before, np.where(before == 4095, 0, before).astype(np.uint16), out)

    with Image.open(out) as page:
        grey = np.asarray(page.convert("L"))
    assert abs(int(grey[150, 300]) - int(grey[150, 900])) <= 1
