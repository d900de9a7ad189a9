"""`review`: what it refuses, and that it serves the survey that it was given."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.pipeline.conftest import InProcess, Site, ultrasound
from tests.review.chromium import Chromium
from tests.review.conftest import make_site
from xnat_pixelanon.review.server import ReviewServer
from xnat_pixelanon.sandbox.person import Person

__all__ = ["make_site"]


@pytest.fixture
def folder(survey: dict[str, Any], tmp_path: Path) -> Path:
    (tmp_path / "survey.json").write_text(json.dumps(survey), "utf-8")
    return tmp_path


def test_it_serves_the_page_at_an_address_that_it_prints(
    make_site: Callable[..., Site], folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ReviewServer.run

    def stopped(server: ReviewServer) -> None:
        server.stop()
        run(server)

    monkeypatch.setattr(ReviewServer, "run", stopped)
    site = make_site()
    assert site.command("review", "--from", "xnat:STAGING", "--survey", str(folder), "--no-browser") == 0
    url = capsys.readouterr().out.strip()
    assert url.startswith("http://127.0.0.1:")
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


@pytest.mark.parametrize(
    ("source", "text", "words"),
    [
        ("dir:.", None, "XNAT projects only"),
        ("xnat:OTHER", None, "another project"),
        ("xnat:STAGING", "[]", "not a survey"),
        ("xnat:STAGING", "{", "not JSON"),
    ],
)
def test_it_refuses_what_is_no_survey_of_the_project(
    make_site: Callable[..., Site],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    source: str,
    text: str | None,
    words: str,
) -> None:
    if text is not None:
        (folder / "survey.json").write_text(text, "utf-8")
    assert make_site().command("review", "--from", source, "--survey", str(folder), "--no-browser") == 3
    assert words in capsys.readouterr().err


def test_a_folder_without_a_survey_is_told(
    make_site: Callable[..., Site], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make_site().command("review", "--from", "xnat:STAGING", "--survey", str(tmp_path)) == 3
    assert "survey.json cannot be read" in capsys.readouterr().err


def test_without_a_survey_it_makes_one_of_the_project_and_serves_it(
    make_site: Callable[..., Site],
    browser: Chromium,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, shown = ReviewServer.run, dict[str, Any]()

    def looked_at(server: ReviewServer) -> None:
        def look() -> None:
            while not server.started:
                time.sleep(0.005)
            try:
                page = browser.page(server.url)
                shown.update(kind=page.ready(), text=page.text("main"))
                page.close()
            finally:
                server.stop()

        person = threading.Thread(target=look)
        person.start()
        run(server)
        person.join()

    monkeypatch.setattr(ReviewServer, "run", looked_at)
    monkeypatch.setattr("xnat_pixelanon.cli.survey.Workers", InProcess)
    site = make_site()
    site.seed("S1", [ultrasound(Person.numbered(1))], person=Person.numbered(1))
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert site.command("review", "--from", "xnat:STAGING", "--no-browser", **cache) == 0
    assert shown["kind"] == "live"
    assert "1 scan in 1 session" in shown["text"]
    assert "US 64x96" in shown["text"]
    said = capsys.readouterr()
    assert said.out.startswith("http://127.0.0.1:")
    assert "surveyed 1 of 1 sessions" in said.err
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept
    assert {path.stat().st_mode & 0o077 for path in kept} == {0}
