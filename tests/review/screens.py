"""Pictures of the page and of a report for the docs, of phantoms only: `python -m tests.review.screens docs`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.review.chromium import Chromium, Page
from tests.review.reports import report_of_samples
from tests.review.surveys import survey_of
from xnat_pixelanon.review.build import page as build
from xnat_pixelanon.sandbox.samples import sample_policy, sample_sessions, sample_templates


def screens(browser: Chromium, folder: Path, size: tuple[int, int] = (1280, 720)) -> Iterator[tuple[str, Page]]:
    """Each screen of the page by name, as it is shown to somebody who works on the samples."""
    samples = sample_sessions(folder / "samples", public=False)
    rules = sample_templates(samples)
    files = {one.label: one.files for one in samples}
    survey = survey_of(files, folder, templates=rules, policy=sample_policy("CLEAN", "same"))
    file = folder / "review.html"
    file.write_text(build(survey), "utf-8")
    unsupported = next(at for at, one in enumerate(survey["groups"]) if one["code"])
    page = browser.page(file.as_uri())
    page.ready()
    page.resize(*size)
    for name, place in (
        ("groups", "groups"),
        ("group", "group/0"),
        ("unsupported", f"group/{unsupported}"),
        ("drawing", "draw/0/us-borealis-cine/1"),
        ("rules", "rules"),
        ("policy", "policy"),
        ("summary", "summary"),
    ):
        page.js(f"location.hash = '#/{place}'")
        page.js("new Promise((done) => setTimeout(done, 300))")
        yield name, page
    page.close()


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, Chromium(Path(folder) / "profile") as browser:
        for name, page in screens(browser, Path(folder)):
            if name in ("groups", "drawing", "summary"):
                print(_at_rest(page, target / f"review-{name}.png"))
        report = browser.page((report_of_samples(Path(folder)) / "report.html").as_uri())
        report.wait("document.getElementById('filter')?.hidden === false")
        report.resize(1280, 1000)
        report.fill("Search", "us 480x640")
        report.js("document.getElementById('filter').scrollIntoView()")
        print(_at_rest(report, target / "report.png"))


def _at_rest(page: Page, path: Path) -> Path:
    """Without the ring around what the keyboard is at."""
    page.js("document.activeElement.blur()")
    return page.picture(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
