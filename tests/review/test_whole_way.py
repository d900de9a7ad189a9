"""The whole way of an owner: survey, look, draw, say, save, arm; then a run blackens exactly those pixels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from tests.pipeline.conftest import InProcess, Site, slices
from tests.review.chromium import Chromium
from tests.review.conftest import go, group_of
from tests.review.test_live import served, stored
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import phantom

ROWS, COLUMNS = 240, 320


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """Three sessions of ultrasound with the name burned in, one of them with CT slices; no rules at all."""
    made = make_site()
    for number in (1, 2, 3):
        person = Person.numbered(number)
        burned = (person.banner, (4, 6), 12)
        still = phantom("US", person=person, rows=ROWS, columns=COLUMNS, burned=burned, seed=str(number), study=number)
        more = slices(person, 2) if number == 1 else []
        for ds in more:
            ds.StudyInstanceUID = still.StudyInstanceUID
        made.seed(f"VISIT{number}", [still, *more], person=person)
    return made


@pytest.fixture
def survey(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """As the command writes it."""
    monkeypatch.setattr("xnat_pixelanon.cli.survey.Workers", InProcess)
    assert site.command("survey", "--from", "xnat:STAGING", "--report", str(tmp_path / "out"), "--no-cache") == 0
    found: dict[str, Any] = json.loads((tmp_path / "out" / "survey.json").read_text("utf-8"))
    return found


def test_what_an_owner_draws_is_black_in_the_clean_project_and_nothing_else(
    site: Site, survey: dict[str, Any], browser: Chromium
) -> None:
    with served(site, survey) as server:
        page = browser.page(server.url)
        assert page.ready() == "live"
        us = group_of(survey, "US")
        go(page, f"draw/{us}/new")
        page.drag(".drawing", (0.0, 0.0), (1.0, 0.1))
        page.drag(".drawing", (0.5, 0.9), (1.0, 1.0))
        page.fill("Title", "Name and scale")
        page.click("button", "Keep template")
        page.wait("document.querySelectorAll('.tile .shade').length === 6")
        page.click(".tile", "VISIT2")
        page.click(".actions button", "Exclude…")
        page.fill("Reason", "a face")
        page.click("dialog button", "Exclude")
        go(page, f"group/{group_of(survey, 'CT')}")
        page.click("button", "Nothing burned in")
        page.click("dialog button", "Nothing burned in")
        go(page, "policy")
        page.click("button", "Write a policy")
        page.fill("Server", "PUBLIC")
        page.fill("Clean project", "CLEAN")
        page.click("button", "Save")
        page.wait("document.querySelector('.stored').textContent === 'templates version 1 · policy version 1'")
        site.accept(site.fingerprint())
        assert site.attempt().said == ""
        assert site.copies() == [], "not armed"
        page.click("label", "Armed")
        page.click("button", "Save")
        page.wait("document.querySelector('.stored').textContent.includes('policy version 2')")
        page.close()
    boxes = stored(site)["templates"][0]["rectangles"]
    assert boxes == [
        {"top": 0, "left": 0, "bottom": 24, "right": 320},
        {"top": 216, "left": 160, "bottom": 240, "right": 320},
    ]
    outcomes = [one.outcome for one in site.run().report.sessions]
    assert sorted(outcomes) == ["nothing-to-send", "published", "published"]
    sources = {
        (ds.Modality, ds.pixel_array[100:].tobytes()): ds.pixel_array
        for sample in site.samples
        for path in sample.files
        for ds in [pydicom.dcmread(path)]
    }
    copies = [pydicom.dcmread(path) for path in site.copies()]
    assert sorted(ds.Modality for ds in copies) == ["CT", "CT", "US", "US"]
    for ds in copies:
        pixels = ds.pixel_array
        if ds.Modality == "CT":
            assert any(np.array_equal(pixels, source) for (kind, _), source in sources.items() if kind == "CT")
            continue
        fits = [source for (kind, _), source in sources.items() if kind == "US" and _same_outside(source, pixels, boxes)]
        assert len(fits) == 1
    assert site.sweep().leaks == ()


def _same_outside(source: np.ndarray, copy: np.ndarray, boxes: list[dict[str, int]]) -> bool:
    """Black in every box, the source everywhere else."""
    wanted = source.copy()
    for box in boxes:
        wanted[box["top"] : box["bottom"], box["left"] : box["right"]] = 0
    return np.array_equal(wanted, copy)
