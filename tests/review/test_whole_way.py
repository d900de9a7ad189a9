"""From a survey of the staging project to the clean one, as an owner goes: look, draw, save, arm, run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import data_store
import numpy as np
import pydicom
import pydicom.data
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.launches.browser import Browser
from tests.pipeline.conftest import CLEAN, OWNER, PASSWORD, STAGING, InProcess, Site
from tests.review.chromium import Chromium, Page
from tests.review.conftest import Opened, go
from tests.review.test_inside_xnat import opened as opened_inside
from tests.review.test_live import served, stored
from xnat_pixelanon.cli.main import status_of
from xnat_pixelanon.cli.review import _read
from xnat_pixelanon.install.commands import SAME_SERVER
from xnat_pixelanon.sandbox.phantoms import Person
from xnat_pixelanon.sandbox.samples import sample_sessions, sample_templates
from xnat_pixelanon.sandbox.settings import Settings

_PYDICOM = Path(pydicom.data.__file__).parent / "test_files"
_MORE = Path(data_store.__file__).parent / "data"
REAL = {
    "S1": _MORE / "US1_UNCI.dcm",
    "S2": _PYDICOM / "examples_jpeg2k.dcm",
    "S3": _MORE / "US1_UNCR.dcm",
    "S4": _PYDICOM / "examples_rgb_color.dcm",
}
"""Ultrasound of real scanners by session: three stills of one group, native and in JPEG 2000, and one of another."""
TOP, CORNER = (0, 0, 120, 640), (360, 320, 480, 640)
"""The boxes that are drawn: top, left, bottom, right of 480 rows and 640 columns."""


def of_an_invented_patient(path: Path, number: int) -> Dataset:
    """A real file as if of its own study; whom it was made of stays in the package."""
    ds = pydicom.dcmread(path)
    person = Person.numbered(number)
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = person.name, person.id, "19500101"
    ds.AccessionNumber, ds.StudyID = f"A{number}", str(number)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(ds, keyword, generate_uid(entropy_srcs=[keyword, str(number)]))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds


def real_site(make_site: Callable[..., Site]) -> tuple[Site, Mapping[str, Dataset]]:
    """Staging with the real sessions, in an XNAT that shows HTML files of a project."""
    site = make_site(staging=Settings(site_id="STAGE", html_resources=True))
    sources = {label: of_an_invented_patient(path, at) for at, (label, path) in enumerate(REAL.items(), 1)}
    for number, (label, ds) in enumerate(sources.items(), 1):
        site.seed(label, [ds], person=Person.numbered(number))
    return site, sources


def in_menu(site: Site) -> Browser:
    """The owner at XNAT's own pages; an administrator has installed the tool."""
    site.staging.add_user("admin", PASSWORD, admin=True)
    assert site.command("install", user="admin") == 0
    owner = Browser(site.staging, OWNER, STAGING)
    owner.switch_on(SAME_SERVER)
    return owner


def downloaded(folder: Path, name: str) -> bytes:
    """What the page let the browser download."""
    limit = time.monotonic() + 20
    while not (folder / name).exists() and time.monotonic() < limit:
        time.sleep(0.05)
    return (folder / name).read_bytes()


@contextmanager
def page_of(mode: str, browser: Chromium, site: Site, folder: Path) -> Iterator[Page]:
    """The page of the survey in `folder`: served by `review`, put into the project, or opened as it lies there."""
    if mode == "live":
        with served(site, _read(folder)) as server:
            page = browser.page(server.url)
            yield page
            page.close()
        return
    if mode == "xnat":
        site.staging.add_resource_file(STAGING, None, "PIXELANON", "review.html", (folder / "review.html").read_bytes())
        page = opened_inside(browser, site)
    else:
        page = browser.page((folder / "review.html").as_uri())
        browser.ask("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    yield page
    page.close()


def decide(page: Page, survey: Mapping[str, Any]) -> None:
    """Two boxes for all of one group but one scan, which never goes; the other group is clean; a policy."""
    large = next(at for at, one in enumerate(survey["groups"]) if one["rows"] == 480)
    go(page, f"draw/{large}/new")
    page.drag(".drawing", (0.0, 0.0), (1.0, 0.25))
    page.drag(".drawing", (0.5, 0.75), (1.0, 1.0))
    page.click("button", "Keep template")
    page.click(".tile", "S3")
    page.click("[aria-label='For the selected scans'] button", "Exclude…")
    page.fill("Reason", "a face")
    page.click("dialog button", "Exclude")
    go(page, f"group/{1 - large}")
    page.click("button", "Nothing burned in")
    page.click("dialog button", "Nothing burned in")
    go(page, "policy")
    page.click("button", "Write a policy")
    page.fill("Clean project", CLEAN)
    page.fill("Server", "PUBLIC")


def save_and_arm(mode: str, page: Page, site: Site, folder: Path) -> None:
    """As the page tells: on it, or by the menu entries that take what it let one download."""
    page.click("#top button", "Save")
    if mode == "file":
        page.wait("document.querySelector('.next')?.innerText.includes('3 Store documents')")
        owner = in_menu(site)
        for name in ("templates.json", "policy.json"):
            owner.upload("PIXELANON_DOCUMENTS", name, downloaded(folder, name))
        for entry in ("3 Store documents", "4 Arm publishing"):
            assert owner.launch(entry).status == "Complete", entry
        return
    page.wait("document.querySelector('.next')?.innerText.includes('3 sessions are ready')")
    assert not stored(site, "policy.json")["enabled"], "what was saved first is not armed yet"
    page.click(".next button", "To the policy")
    page.click("label", "Armed")
    page.click("#top button", "Save")
    page.wait("document.querySelector('.next')?.innerText.includes('To publish')")


def judged(copy: Dataset, source: Dataset) -> tuple[int, int]:
    """Samples inside the boxes that are not black, and samples outside that differ; decoded by pydicom's plugins."""
    found, before = copy.pixel_array, source.pixel_array
    inside = np.zeros(before.shape[:2], bool)
    for top, left, bottom, right in (TOP, CORNER):
        inside[top:bottom, left:right] = True
    return int(found[inside].any(axis=-1).sum()), int((found[~inside] != before[~inside]).sum())


@pytest.mark.parametrize("mode", ["live", "xnat", "file"])
def test_a_run_blackens_what_was_drawn_on_real_ultrasound_and_nothing_else(
    mode: str, make_site: Callable[..., Site], browser: Chromium, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_pixelanon.cli.survey.Workers", InProcess)
    site, sources = real_site(make_site)
    folder = tmp_path / "survey"
    assert site.command("survey", "--from", "xnat:STAGING", "--report", str(folder), "--no-cache") == 0
    with page_of(mode, browser, site, folder) as page:
        assert page.ready() == mode
        decide(page, _read(folder))
        save_and_arm(mode, page, site, folder)
        assert page.trouble == []
    assert stored(site, "policy.json")["enabled"]
    site.accept(site.fingerprint())
    outcomes = {one.label: one.outcome for one in site.run().report.sessions}
    assert outcomes == {"S1": "published", "S2": "published", "S3": "nothing-to-send", "S4": "published"}
    by_kind = {(one.file_meta.TransferSyntaxUID, one.Rows): one for one in map(pydicom.dcmread, site.copies())}
    kinds = {label: (ds.file_meta.TransferSyntaxUID, ds.Rows) for label, ds in sources.items() if label != "S3"}
    assert len(site.copies()) == 3
    assert set(by_kind) == set(kinds.values())
    for label in ("S1", "S2"):
        assert judged(sources[label], sources[label])[0] > 10_000, "there was something under the boxes"
        assert judged(by_kind[kinds[label]], sources[label]) == (0, 0), label
    same = by_kind[kinds["S4"]].PixelData == sources["S4"].PixelData
    assert same, "a group without boxes keeps its pixels to the bit"


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
