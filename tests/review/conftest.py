"""A browser, and pages of phantoms to open in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import make_site
from tests.review.chromium import Chromium, Page
from tests.review.surveys import survey_of
from xnat_pixelanon.review.build import page
from xnat_pixelanon.sandbox.phantoms import Person, phantom, save

__all__ = ["make_site"]

Opened = Callable[..., Page]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Files by session label: three of ultrasound of two makers, one of CT, one with a structured report."""
    folder = tmp_path_factory.mktemp("phantoms")
    made: dict[str, list[Path]] = {}
    for number, maker in enumerate(("Acme Imaging", "Acme Imaging", "Borealis Medical"), 1):
        person = Person.numbered(number)
        burned = (person.banner, (10, 10), 18)
        ds = phantom("US", person=person, rows=480, columns=640, frames=3, burned=burned, Manufacturer=maker)
        made[f"US_{number}"] = [save(ds, folder / f"us{number}.dcm")]
    person = Person.numbered(4)
    made["CT_1"] = [save(phantom("CT", person=person, rows=128, columns=128), folder / "ct.dcm")]
    made["SR_1"] = [save(phantom("SR", person=Person.numbered(5)), folder / "sr.dcm")]
    return made


@pytest.fixture(scope="session")
def survey(phantoms: dict[str, list[Path]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return survey_of(phantoms, tmp_path_factory.mktemp("scratch"))


@pytest.fixture
def opened(browser: Chromium, tmp_path: Path) -> Iterator[Opened]:
    """Opens a survey as a file; at the end no page may have thrown anything, or asked for what it may not have."""
    pages: list[Page] = []

    def open_(survey: dict[str, Any]) -> Page:
        file = tmp_path / f"review{len(pages)}.html"
        file.write_text(page(survey), "utf-8")
        found = browser.page(file.as_uri())
        pages.append(found)
        assert found.ready() == "file"
        return found

    yield open_
    for found in pages:
        found.js("0")
        trouble = list(found.trouble)
        found.close()
        assert trouble == []


def document(page: Page, name: str = "templates") -> Any:
    """One of the documents as the page has it."""
    return json.loads(page.js(f"JSON.stringify(review.state.{name})"))


def group_of(survey: dict[str, Any], modality: str) -> int:
    return next(at for at, one in enumerate(survey["groups"]) if one["modality"] == modality)


def go(page: Page, place: str) -> None:
    page.js(f"location.hash = '#/{place}'")
    page.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
