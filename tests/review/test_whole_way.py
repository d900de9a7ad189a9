"""From a survey of the staging project to the clean one, as an owner goes: look, draw, save, arm, run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest

from tests.pipeline.conftest import CLEAN, InProcess, Site
from tests.review.chromium import Chromium
from tests.review.conftest import Opened, go
from tests.review.test_live import served, stored
from xnat_pixelanon.cli.main import status_of
from xnat_pixelanon.cli.review import _read
from xnat_pixelanon.sandbox.phantoms import Person, phantom
from xnat_pixelanon.sandbox.samples import sample_sessions, sample_templates


def test_a_run_blackens_what_was_drawn_and_nothing_else(
    make_site: Callable[..., Site], browser: Chromium, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_pixelanon.cli.survey.Workers", InProcess)
    site = make_site()
    sources = {}
    for number in (1, 2, 3):
        person = Person.numbered(number)
        ds = phantom(
            "US", study=number, person=person, rows=120, columns=160, frames=2, burned=(person.banner, (4, 4), 10)
        )
        sources[f"S{number}"] = ds
        site.seed(f"S{number}", [ds], person=person)
    site.seed("S4", [phantom("CT", study=4, person=Person.numbered(4), rows=64, columns=64)], person=Person.numbered(4))
    assert site.command("survey", "--from", "xnat:STAGING", "--report", str(tmp_path / "survey"), "--no-cache") == 0
    survey = _read(tmp_path / "survey")
    with served(site, survey) as server:
        page = browser.page(server.url)
        page.ready()
        us = next(at for at, one in enumerate(survey["groups"]) if one["modality"] == "US")
        go(page, f"draw/{us}/new")
        page.drag(".drawing", (0.0, 0.0), (1.0, 0.25))
        page.drag(".drawing", (0.5, 0.75), (1.0, 1.0))
        page.click("button", "Keep template")
        page.click(".tile", "S3")
        page.click("[aria-label='For the selected scans'] button", "Exclude…")
        page.fill("Reason", "a face")
        page.click("dialog button", "Exclude")
        go(page, f"group/{1 - us}")
        page.click("button", "Nothing burned in")
        page.click("dialog button", "Nothing burned in")
        go(page, "policy")
        page.click("button", "Write a policy")
        page.fill("Clean project", CLEAN)
        page.fill("Server", "PUBLIC")
        page.click("label", "Armed")
        page.click("button", "Save")
        page.wait("document.querySelector('.next')?.innerText.includes('3 sessions are ready')")
        page.close()
    assert stored(site, "policy.json")["enabled"]
    site.accept(site.fingerprint())
    outcomes = {one.label: one.outcome for one in site.run().report.sessions}
    assert outcomes == {"S1": "published", "S2": "published", "S3": "nothing-to-send", "S4": "published"}
    expected = []
    for name in ("S1", "S2"):
        pixels = sources[name].pixel_array.copy()
        pixels[:, :30] = 0
        pixels[:, 90:, 80:] = 0
        expected.append(pixels)
    copies = [pydicom.dcmread(path) for path in site.clean.root.rglob("*.dcm")]
    found = [one.pixel_array for one in copies if one.Modality == "US"]
    assert len(found) == 2
    assert all(any(np.array_equal(one, other) for other in expected) for one in found)
    ct = [one for one in copies if one.Modality == "CT"]
    assert len(ct) == 1


def test_the_page_decides_as_the_survey_did(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xnat_pixelanon.cli.survey.Workers", InProcess)
    samples = sample_sessions(tmp_path / "samples", public=False)
    rules, report = tmp_path / "templates.json", tmp_path / "survey"
    rules.write_text(json.dumps(sample_templates(samples)), "utf-8")
    source = ["--from", f"dir:{tmp_path / 'samples'}", "--templates", str(rules)]
    assert not status_of(["survey", *source, "--report", str(report), "--no-cache"])
    survey = _read(report)
    page = opened(survey)
    found = json.loads(page.js("JSON.stringify(review.decideAll(review.state.templates, review.state.policy))"))
    wrong = [
        (scan["session"]["label"], scan["scan"], scan["code"], one["code"])
        for one, scan in zip(found, survey["scans"], strict=True)
        if (one["code"], one["boxes"]) != (scan["code"], scan["boxes"])
    ]
    assert wrong == []
