"""Boxes on a tablet, by finger."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.chromium import Page
from tests.review.conftest import Opened, document, go, group_of

Box = dict[str, int]
SMALL = """[...document.querySelectorAll("button, a, input, select, textarea, summary, [role=option], .reach")]
  .filter((one) => one.checkVisibility())
  .filter((one) => {
    const target = one.type === "checkbox" || one.type === "radio" ? one.closest(".field, label") ?? one : one;
    const area = target.getBoundingClientRect();
    return Math.min(area.width, area.height) < 23.9 && getComputedStyle(one).display !== "inline";
  })
  .map((one) => one.outerHTML.slice(0, 120))"""


@pytest.fixture
def tablet(opened: Opened, survey: dict[str, Any]) -> Page:
    """The drawing screen, on a tablet held upright."""
    page = opened(survey)
    page.resize(820, 1180)
    go(page, f"draw/{group_of(survey, 'US')}/new")
    return page


def at(page: Page, *places: tuple[float, float]) -> list[tuple[float, float]]:
    """Points of the screen, of fractions of the picture."""
    page.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return [page.point(".drawing", at=one) for one in places]


def boxes(page: Page) -> list[Box]:
    """As the panel shows them."""
    found: list[Box] = page.js(
        "[...document.querySelectorAll('.boxes li')].map((row) =>"
        " Object.fromEntries([...row.querySelectorAll('input')].map((one) => [one.name, Number(one.value)])))"
    )
    return found


def near(box: Box, **wanted: int) -> bool:
    """Within two pixels: a finger is put down on whole pixels of the screen."""
    return all(abs(box[name] - value) <= 2 for name, value in wanted.items())


def test_a_finger_draws_moves_resizes_and_deletes_a_box(tablet: Page) -> None:
    tablet.touch(*at(tablet, (0.25, 0.25), (0.3, 0.3), (0.5, 0.5)))
    (drawn,) = boxes(tablet)
    assert near(drawn, top=120, left=160, bottom=240, right=320)
    tablet.touch(*at(tablet, (0.375, 0.375), (0.4, 0.4), (0.625, 0.5)))
    (moved,) = boxes(tablet)
    assert near(moved, top=180, left=320, bottom=300, right=480)
    tablet.touch(*at(tablet, (0.75, 0.625), (0.8, 0.7), (0.875, 0.75)))
    (resized,) = boxes(tablet)
    assert near(resized, top=180, left=320, bottom=360, right=560)
    tablet.touch(*at(tablet, (0.0, 0.9), (0.2, 0.95), (1.0, 1.0)))
    assert len(boxes(tablet)) == 2
    tablet.touch(tablet.point("button", "Delete box 2"))
    tablet.wait("document.querySelectorAll('.boxes li').length === 1", 5)
    assert boxes(tablet) == [resized]
    tablet.touch(tablet.point("button", "Keep template"))
    tablet.wait("document.querySelectorAll('.tile').length")
    (template,) = document(tablet)["templates"]
    assert template["rectangles"] == [resized]


def test_a_finger_at_a_corner_reaches_it_within_twelve_pixels(tablet: Page) -> None:
    tablet.touch(*at(tablet, (0.25, 0.25), (0.3, 0.3), (0.5, 0.5)))
    (corner,) = at(tablet, (0.5, 0.5))
    start = (corner[0] + 10, corner[1] + 10)
    tablet.touch(start, (start[0] + 20, start[1] + 20), (start[0] + 60, start[1] + 60))
    (found,) = boxes(tablet)
    assert near(found, top=120, left=160)
    assert found["bottom"] > 270
    assert found["right"] > 350


def test_a_tap_draws_nothing_and_an_empty_place_lets_go(tablet: Page) -> None:
    tablet.touch(*at(tablet, (0.7, 0.7)))
    assert boxes(tablet) == []
    tablet.touch(*at(tablet, (0.25, 0.25), (0.3, 0.3), (0.5, 0.5)))
    assert tablet.js("document.querySelectorAll('.box.picked').length") == 1
    tablet.touch(*at(tablet, (0.8, 0.8)))
    assert tablet.js("document.querySelectorAll('.box.picked').length") == 0
    assert len(boxes(tablet)) == 1


def test_what_a_finger_has_to_hit_is_large_enough(tablet: Page, survey: dict[str, Any]) -> None:
    tablet.touch(*at(tablet, (0.25, 0.25), (0.3, 0.3), (0.5, 0.5)))
    assert tablet.js(SMALL) == []
    for place in ("groups", f"group/{group_of(survey, 'CT')}", "policy", "rules", "summary"):
        go(tablet, place)
        assert tablet.js(SMALL) == [], place
