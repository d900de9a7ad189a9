"""Two thousand scans in one group."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from tests.review.conftest import Opened, go, group_of


def test_two_thousand_scans_scroll_without_a_jerk(opened: Opened, survey: dict[str, Any], tmp_path: Path) -> None:
    many = copy.deepcopy(survey)
    us = group_of(survey, "US")
    one = next(scan for scan in many["scans"] if scan["attributes"]["modality"] == "US")
    for number in range(2000):
        session = {"id": f"X{number:04d}", "label": f"MANY_{number:04d}"}
        many["scans"].append(one | {"session": session, "series_instance_uid": f"1.2.{number}"})
    page = opened(many)
    go(page, f"group/{us}")
    page.click("button", "Nothing burned in")
    page.click("dialog button", "Nothing burned in")
    assert page.js("document.querySelectorAll('.tile').length") < 100, "only the rows in sight are in the page"
    # The time that each frame works, on a machine that others use too: from one frame's start to the next task.
    worked = page.js(
        """new Promise((done) => {
          const grid = document.querySelector(".grid");
          const times = [];
          const channel = new MessageChannel();
          let began = 0;
          channel.port1.onmessage = () => {
            times.push(performance.now() - began);
            if (times.length < 200) requestAnimationFrame(step);
            else done(times);
          };
          const step = () => {
            began = performance.now();
            grid.scrollTop += 300;
            channel.port2.postMessage(0);
          };
          requestAnimationFrame(step);
        })"""
    )
    assert sorted(worked)[int(0.95 * len(worked))] < 33
    page.js("document.querySelector('.grid').scrollTop = 1e9")
    page.wait("[...document.querySelectorAll('.tile-name')].some((one) => one.textContent.startsWith('MANY_1999'))")
    page.click("button", "Select all")
    page.click("[aria-label='For the selected scans'] button", "Exclude…")
    page.fill("Reason", "all of them")
    page.click("dialog button", "Exclude")
    assert page.js("review.state.templates.overrides.length") == 2003
