"""The page with two thousand scans: it opens, and it scrolls."""

from __future__ import annotations

import copy
from typing import Any

from tests.review.chromium import Chromium
from tests.review.conftest import Opened, go, group_of

SCANS = 2000
SMOOTH = 33.0
"""Milliseconds of a frame."""

_SCROLL = """new Promise((done) => {
  const grid = document.querySelector(".grid"), steps = 120, times = [];
  let before = performance.now(), step = 0;
  function next(now) {
    times.push(now - before);
    before = now;
    if (++step > steps) return done(times.slice(1));
    grid.scrollTop = (grid.scrollHeight - grid.clientHeight) * step / steps;
    requestAnimationFrame(next);
  }
  requestAnimationFrame(next);
})"""


def large(survey: dict[str, Any]) -> dict[str, Any]:
    """The first ultrasound scan two thousand times, each with a picture of its own."""
    found = copy.deepcopy(survey)
    group = found["groups"][group_of(found, "US")]
    first = next(one for one in found["scans"] if one["group"] == group["id"])
    found["scans"] = []
    for number in range(SCANS):
        found["pictures"].append(dict(found["pictures"][first["thumbnail"]]))
        session = {"id": f"XNAT_E{number:05d}", "label": f"VISIT{number:05d}"}
        more = {"session": session, "thumbnail": len(found["pictures"]) - 1, "series_instance_uid": f"1.2.3.{number}"}
        found["scans"].append(first | more)
    group |= {"scans": SCANS, "sessions": SCANS}
    found["groups"] = [group]
    return found


def test_two_thousand_scans_scroll_smoothly(opened: Opened, survey: dict[str, Any], browser: Chromium) -> None:
    page = opened(large(survey))
    go(page, "group/0")
    page.wait("document.querySelector('.tile')")
    tries = [sorted(page.js(_SCROLL)) for _ in range(3)]
    frames = min(tries, key=lambda one: one[int(len(one) * 0.95)])  # other tests run beside this one
    assert frames[int(len(frames) * 0.95)] < SMOOTH
    assert page.js("document.querySelectorAll('.tile').length") < 200, "what is not seen is not there"
    assert "VISIT01999" in page.text(".grid")
