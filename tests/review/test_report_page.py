"""The report in a browser: search, filter, print; nothing runs or loads that should not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.pipeline.test_report import HOSTILE, made_up
from tests.review.chromium import Chromium, Page
from tests.review.reports import report_of_samples
from tests.review.test_accessible import load_axe, violations
from tests.review.test_screens import CUT_OFF, FAINT, TWICE, UNNAMED
from xnat_pixelanon.domain.pictures import Look, Pictures, Shots
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.pixels.pictures import encoded
from xnat_pixelanon.reports.write import render

BRIGHTEST = """(() => {
  const value = (one, names) => names.map((name) => one[name].baseVal.value);
  const brightest = async (pair) => {
    const [before, after] = pair.querySelectorAll("svg");
    const picture = new Image();
    picture.src = after.querySelector("image").getAttribute("href");
    await picture.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [picture.width, picture.height];
    const sheet = canvas.getContext("2d");
    sheet.drawImage(picture, 0, 0);
    const {width, height} = after.viewBox.baseVal;
    const [across, down] = [picture.width / width, picture.height / height];
    return [...before.querySelectorAll("rect")].map((one) => {
      const [x, y, w, h] = value(one, ["x", "y", "width", "height"]);
      const inner = sheet.getImageData(x * across + 1, y * down + 1, w * across - 3, h * down - 3).data;
      return inner.filter((_, at) => at % 4 < 3).reduce((a, b) => Math.max(a, b), 0);
    });
  };
  const pairs = [...document.querySelectorAll(".pictures")].filter((one) => one.children.length === 2);
  return Promise.all(pairs.map(brightest));
})()"""
SIZES = pytest.mark.parametrize("size", [(1280, 720), (820, 1180)], ids=["desktop", "tablet"])
SHOWN = "[...document.querySelectorAll('.session')].filter((one) => one.checkVisibility())"
GROUPS = "[...document.querySelectorAll('.group')].filter((one) => one.checkVisibility())"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report_of_samples(tmp_path_factory.mktemp("report"))


@pytest.fixture
def page(browser: Chromium, folder: Path) -> Iterator[Page]:
    found = browser.page((folder / "report.html").as_uri())
    found.wait("document.getElementById('filter')?.hidden === false")
    yield found
    found.js("0")
    trouble = list(found.trouble)
    found.close()
    assert trouble == []


def labels(page: Page) -> list[str]:
    found = page.js(f"{SHOWN}.map((one) => one.querySelector('h3').firstChild.textContent.trim())")
    return sorted(str(one).partition("_")[2] for one in found)


def said(page: Page) -> str:
    return page.text("#filter output")


def choose(page: Page, name: str, value: str) -> None:
    page.js(
        f"""(() => {{ const one = document.querySelector("#filter select[name={name}]"); one.value = "{value}";
        one.dispatchEvent(new Event("input", {{bubbles: true}})); }})()"""
    )


def test_search_leaves_the_sessions_and_groups_that_have_all_words(page: Page) -> None:
    everything = len(labels(page))
    assert said(page) == f"{everything} of {everything} sessions"
    page.fill("Search", "us acme")
    assert labels(page) == ["US-CINE-A", "US-JPEG", "US-STILL"]
    assert said(page) == f"3 of {everything} sessions"
    assert page.js(f"{GROUPS}.every((one) => one.textContent.includes('US '))")
    page.fill("Search", "no such thing")
    assert labels(page) == []
    assert page.js(f"{GROUPS}.length") == 0
    page.click("#filter button")
    page.wait(f"{SHOWN}.length === {everything}")


def test_a_decision_leaves_only_its_scans(page: Page) -> None:
    choose(page, "decision", "unsupported: annotation")
    assert labels(page) == ["KO-SEG", "RT"]
    rows = page.js(
        """[...document.querySelectorAll(".session tr[data-decision]")].filter((one) => one.checkVisibility())
        .map((one) => one.dataset.decision)"""
    )
    assert set(rows) == {"unsupported: annotation"}
    choose(page, "outcome", "waiting")
    assert labels(page) == []


def test_an_outcome_leaves_only_its_sessions(page: Page) -> None:
    choose(page, "outcome", "waiting")
    assert labels(page) == ["CR-YES", "CT-SCOUT-INSIDE", "DAMAGED", "XA"]


def test_groups_are_those_of_the_sessions_that_are_left(page: Page) -> None:
    """Also where the example of a group is of another session, and where only the outcome is asked for."""
    cases = """[...document.querySelectorAll(".case")].filter((one) => one.checkVisibility())
        .map((one) => one.dataset.case)"""
    rows = """[...document.querySelectorAll(".session tr[data-case]")].filter((one) => one.checkVisibility())
        .map((one) => one.dataset.case)"""
    everything = page.js(f"{cases}.length")
    for label in labels(page):
        page.fill("Search", label)
        assert page.js(f"{rows}.length") > 0
        assert set(page.js(rows)) <= set(page.js(cases)), label
    page.fill("Search", "")
    choose(page, "outcome", "waiting")
    assert set(page.js(cases)) == set(page.js(rows))
    assert 0 < page.js(f"{cases}.length") < everything


def test_what_a_file_is_called_is_found_too(page: Page) -> None:
    page.fill("Search", "TEST-0001 000")
    assert labels(page) == ["US-CINE-A"]


def test_a_link_to_a_session_that_is_hidden_shows_it(page: Page) -> None:
    page.fill("Search", "no such thing")
    page.click("a[href^='#s']")
    page.wait(f"{SHOWN}.length > 10")


def test_the_keyboard_reaches_search_filters_and_files(page: Page) -> None:
    page.js("document.querySelector('#filter input').focus()")
    page.type("damaged")
    assert labels(page) == ["DAMAGED"]
    for name in ("outcome", "decision"):
        page.key("Tab")
        assert page.js("document.activeElement.name") == name
    page.key("Tab")
    assert page.focused() == "Show all"
    page.key("Enter")
    page.wait(f"{SHOWN}.length > 10")


def test_in_print_everything_is_open_and_the_filter_is_not_there(page: Page) -> None:
    page.ask("Page.printToPDF")
    assert page.js("[...document.querySelectorAll('details')].every((one) => one.open)")
    page.ask("Emulation.setEmulatedMedia", media="print")
    assert not page.js("document.getElementById('filter').checkVisibility()")
    assert page.js("document.documentElement.scrollWidth <= innerWidth")


def test_boxes_lie_where_the_copy_is_black(page: Page) -> None:
    """Each box that is drawn over a picture of staging, on the copy beside it, read by the browser."""
    found = page.js(BRIGHTEST)
    assert len(found) == page.js("""document.querySelectorAll(".case[data-decision^='redact']").length""") == 8
    assert all(brightest < 24 for boxes in found for brightest in boxes)
    assert all(boxes for boxes in found)


@SIZES
def test_nothing_is_cut_off_faint_or_without_a_name(page: Page, size: tuple[int, int]) -> None:
    page.resize(*size)
    assert page.js("document.documentElement.scrollWidth <= innerWidth")
    for check in (CUT_OFF, UNNAMED, TWICE, FAINT):
        assert page.js(check) == [], check
    assert page.js("document.querySelectorAll('h1').length") == 1
    load_axe(page)
    assert violations(page) == {}


def test_no_text_of_staging_runs_or_becomes_part_of_the_page(browser: Chromium, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    hostile = f"</script></svg>--><svg onload=alert(1)> {HOSTILE}"
    picture = Shots(1, 1, *[encoded(np.zeros((1, 1), np.uint8), 1)] * 2)
    pictures = Pictures({(hostile, f"{hostile}0"): Look(picture, picture, (Rectangle(0, 0, 1, 1),))})
    path.write_bytes(render(made_up(hostile), pictures)["report.html"])
    page = browser.page(path.as_uri())
    page.wait("document.getElementById('filter')?.hidden === false")
    assert page.js("document.querySelectorAll('script').length") == 1
    assert page.js("document.querySelectorAll('img').length") == 1
    assert page.js("document.querySelectorAll('svg').length") == 2
    assert page.js("document.querySelectorAll('[onload], [onerror]').length") == 0
    assert page.js('document.querySelectorAll(\'tr[data-case="0"], .case[data-case="0"]\').length') == 2
    page.fill("Search", "<script>alert(1)</script>")
    assert page.js(f"{SHOWN}.length") == 1
    assert page.trouble == []
    page.close()
