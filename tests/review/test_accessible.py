"""axe-core finds nothing on any screen: a judge of accessibility that is not ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import Site
from tests.review.chromium import Chromium, Page
from tests.review.conftest import go, group_of
from tests.review.screens import screens
from tests.review.test_live import served, small

AXE = Path(__file__).parents[2] / "build" / "axe-core-4.10.3" / "package" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES = pytest.mark.parametrize("size", [(1280, 720), (820, 1180)], ids=["desktop", "tablet"])


def load_axe(page: Page) -> None:
    """Into a page, by the developer tools: its Content-Security-Policy lets no script in."""
    if not AXE.is_file():
        raise FileNotFoundError("the npm package axe-core is missing: `make unit` fetches it")
    page.js(AXE.read_text("utf-8") + "; true")


def violations(page: Page) -> dict[str, list[str]]:
    """What axe-core objects to, by rule: the elements."""
    only = json.dumps({"runOnly": {"type": "tag", "values": RULES}})
    page.js("Promise.allSettled(document.getAnimations().map((one) => one.finished)).then(() => true)")
    found: list[dict[str, Any]] = page.js(
        f"axe.run(document, {only}).then((found) => JSON.parse(JSON.stringify(found.violations)))"
    )
    return {one["id"]: [node["html"][:150] for node in one["nodes"]] for one in found}


@SIZES
def test_axe_finds_nothing_on_any_screen(browser: Chromium, tmp_path: Path, size: tuple[int, int]) -> None:
    found: dict[str, dict[str, list[str]]] = {}
    for name, page in screens(browser, tmp_path, size):
        if not found:
            load_axe(page)
        found[name] = violations(page)
    assert {name: one for name, one in found.items() if one} == {}
    assert list(found) == ["groups", "group", "unsupported", "drawing", "rules", "policy", "summary"]


@SIZES
def test_axe_finds_nothing_while_boxes_are_drawn_and_in_dialogs(
    browser: Chromium, make_site: Callable[..., Site], survey: dict[str, Any], size: tuple[int, int]
) -> None:
    site = make_site()
    with served(site, survey) as server:
        page = browser.page(server.url)
        page.ready()
        page.resize(*size)
        load_axe(page)
        found = {}
        go(page, f"draw/{group_of(survey, 'US')}/new")
        page.drag(".drawing", (0.0, 0.0), (1.0, 0.1))
        page.wait("document.querySelector('.box.picked')")
        found["a picked box"] = violations(page)
        page.click("button", "Keep template")
        page.click(".tile", "US_1")
        found["a scan selected"] = violations(page)
        page.click("[aria-label='For the selected scans'] button", "Exclude…")
        found["a question"] = violations(page)
        page.click("dialog button", "Cancel")
        site.templates(small("theirs"))
        page.click("#top button", "Save")
        page.wait("document.querySelector('dialog[open]')")
        found["merge"] = violations(page)
        page.close()
    assert {name: one for name, one in found.items() if one} == {}


def test_axe_finds_a_control_without_a_name(browser: Chromium) -> None:
    page = browser.page("about:blank")
    load_axe(page)
    page.js("document.body.append(document.createElement('button')); true")
    assert "button-name" in violations(page)
    page.close()
