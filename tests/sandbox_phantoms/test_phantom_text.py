from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xnat_pixelanon.sandbox.drawing import LEGIBLE, PICTURES, Burned, burn, draw, text_box, text_score
from xnat_pixelanon.sandbox.phantoms import text_seen

BANNER = "PHANTOM, ADELHEID  TEST-0001"
KINDS = [kind for kind in PICTURES if kind != "labels"]


def _burned(kind: str, at: tuple[int, int] = (20, 30), size: int = 16) -> tuple[np.ndarray, Burned]:
    picture = draw(kind, 200, 360, seed=5)
    burned = Burned(BANNER, at, size)
    burn(picture, burned)
    return picture[0], burned


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [(4, 4), (20, 90), (10, 170)])
@pytest.mark.parametrize("size", [12, 16, 20])
def test_text_is_seen_before_and_not_after_blackening(kind: str, at: tuple[int, int], size: int) -> None:
    picture, burned = _burned(kind, at, size)
    assert text_seen(picture, *burned)
    top, left, bottom, right = text_box(burned)
    picture[top:bottom, left:right] = 0
    assert not text_seen(picture, *burned)


@pytest.mark.parametrize("fill", [0.0, 1.0, 0.4])
def test_any_constant_hides_the_text(fill: float) -> None:
    picture, burned = _burned("ultrasound")
    picture[:] = fill
    assert text_score(picture, *burned) == 0


def test_a_few_letters_left_are_still_seen() -> None:
    picture, burned = _burned("ultrasound")
    top, left, bottom, right = text_box(burned)
    picture[top:bottom, left : right - 45] = 0
    assert text_seen(picture, *burned)


def test_the_lower_half_of_the_letters_is_still_seen() -> None:
    picture, burned = _burned("ct-axial", (4, 4))
    top, left, bottom, right = text_box(burned)
    picture[top : (top + bottom) // 2, left:right] = 0
    assert text_seen(picture, *burned)


@pytest.mark.parametrize("kind", KINDS)
def test_polarity_scale_sign_and_colour_do_not_matter(kind: str) -> None:
    picture, burned = _burned(kind)
    plain = text_score(picture, *burned)
    assert text_score(4095 - picture * 4095, *burned) == pytest.approx(plain, abs=1e-3)
    assert text_score(picture * 200 - 1000, *burned) == pytest.approx(plain, abs=1e-3)
    assert text_score(np.repeat(picture[..., None], 3, axis=2), *burned) == pytest.approx(plain, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    at=st.tuples(st.integers(0, 100), st.integers(0, 180)),
    size=st.sampled_from([12, 16, 22]),
    seed=st.integers(0, 50),
)
def test_no_text_is_seen_where_none_was_burned(kind: str, at: tuple[int, int], size: int, seed: int) -> None:
    assert text_score(draw(kind, 200, 360, seed=seed)[0], BANNER, at, size) < LEGIBLE


def test_frames_of_a_cine_differ_and_stay_in_range() -> None:
    frames = draw("ultrasound", 64, 64, frames=4)
    assert frames.shape == (4, 64, 64)
    assert all((frames[index] != frames[index + 1]).any() for index in range(3))
    assert frames.min() >= 0
    assert frames.max() <= 1
