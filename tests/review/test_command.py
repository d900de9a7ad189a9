"""`review`: what it refuses, and that it serves the survey that it was given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.pipeline.conftest import Site
from tests.review.conftest import make_site
from xnat_pixelanon.review.server import ReviewServer

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
