"""Command lines typed at a small site; all that they say is searched for what must not be said."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import (
    InProcess,
    Site,
    banner_template,
    clean_template,
    make_site,
    slices,
    told_in,
    ultrasound,
)
from xnat_pixelanon.domain.documents import schema_problems
from xnat_pixelanon.sandbox.person import Person

__all__ = ["make_site"]

PERSON = Person.numbered(1)
STAGED = ("--from", "xnat:STAGING")


@dataclass(frozen=True)
class Said:
    """What a command line ended with and said."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of --json; every one of stdout has to be one, and to be valid."""
        found = [json.loads(line) for line in self.out.splitlines()]
        assert [problem for line in found for problem in schema_problems("line", line)] == []
        return found

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["type"] == kind]

    def refuses(self, *words: str, status: int = 3) -> None:
        """The last thing said is one error with these words, and what to do next; nothing else came out."""
        assert self.status == status, self.err
        message, *hints = self.err[self.err.rindex("error: ") :].strip().splitlines()
        assert hints, "no hint"
        assert all(hint.startswith("  ") for hint in hints)
        for word in words:
            assert word in " ".join((message, *hints)), self.err
        assert self.out == ""


Typed = Callable[..., Said]
Survey = dict[str, Any]
Surveyed = Callable[..., Survey]


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """Templates, an armed policy and one session under a label that would be noticed."""
    made = make_site()
    made.seed(f"{PERSON.id}_VISIT", [ultrasound(PERSON), *slices(PERSON)], person=PERSON)
    made.templates(banner_template(), clean_template())
    made.policy()
    return made


@pytest.fixture
def typed(
    site: Site, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Typed:
    """Types a command line at the site, with the workers in this process."""
    monkeypatch.setattr("xnat_pixelanon.cli.run.Workers", InProcess)
    caplog.set_level(logging.INFO)

    def type_(*words: str, **who: str) -> Said:
        capsys.readouterr()
        status = site.command(*words, **who)
        out, err = capsys.readouterr()
        assert silent(out + err + caplog.text, site, words)
        return Said(status, out, err)

    return type_


def silent(said: str, site: Site, words: tuple[str, ...] = ()) -> bool:
    """No traceback, no word of a header or label, and no UID but those that were typed."""
    for word in words:
        said = said.replace(word, "")
    return not told_in(said, site.samples) and not re.search(r"Traceback|\b2\.25\.\d|\b1\.2\.840", said)


@pytest.fixture
def surveyed(typed: Typed, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Surveyed:
    """Survey the site and read what was written; the cache is that of this test."""
    monkeypatch.setattr("xnat_pixelanon.cli.survey.Workers", InProcess)

    def survey(*words: str, source: tuple[str, ...] = STAGED, cache: str = "cache") -> Survey:
        said: Said = typed(
            "survey", *source, "--report", str(tmp_path / "out"), "--cache", str(tmp_path / cache), *words
        )
        assert said.status == 0, said.err
        found: Survey = json.loads((tmp_path / "out" / "survey.json").read_text("utf-8"))
        assert schema_problems("survey", found) == []
        return found

    return survey


def scan(survey: Survey, modality: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in survey["scans"] if one["attributes"].get("modality") == modality)
    return found


def reads(site: Site) -> int:
    """Downloads of files of sessions since the log was cleared."""
    return sum("/files/" in one.path and one.path.endswith(".dcm") for one in site.staging.requests)
