"""Projects with a DicomEdit script: the page decides as the survey does, also after templates were changed in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import InProcess, Site, banner_template, clean_template, slices, ultrasound
from tests.pipeline.test_scripts import SCRIPTED, store_script
from tests.review.conftest import Opened
from xnat_pixelanon.cli.review import _read
from xnat_pixelanon.sandbox.person import Person

BOX = 'alterPixels["rectangle", "l=2, t=3, r=8, b=9", "solid", "v=0"]'


@pytest.mark.parametrize("mixed", ["unsupported", "per-instance"])
def test_the_page_decides_a_scripted_project_as_the_survey_would(
    make_site: Callable[..., Site],
    opened: Opened,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mixed: str,
) -> None:
    monkeypatch.setattr("xnat_pixelanon.cli.survey.Workers", InProcess)
    site = make_site()
    one, two, three, four, five = map(Person.numbered, range(1, 6))
    odd, twice = slices(three, 3, study=3), slices(four, 3, study=4)
    sessions = {
        "REJECTED": ([ultrasound(one, study=1)], one),
        "BLACKENED": (slices(two, 2, study=2), two),
        "ONE_REJECTED": (odd, three),
        "ONE_BLACKENED": (twice, four),
        "FAILED": (slices(five, 2, study=5), five),
    }
    ids = {name: site.seed(name, images, person=person) for name, (images, person) in sessions.items()}
    uid = "(0008,0018)"
    store_script(
        site,
        "\n".join(
            (
                f'(0020,000D) = "{sessions["REJECTED"][0][0].StudyInstanceUID}" ? reject[]',
                f'(0020,000D) = "{sessions["BLACKENED"][0][0].StudyInstanceUID}" ? {BOX}',
                f'{uid} = "{odd[1].SOPInstanceUID}" ? reject[]',
                f'{uid} = "{twice[1].SOPInstanceUID}" ? {BOX}',
                f'(0020,000D) = "{sessions["FAILED"][0][0].StudyInstanceUID}" ? (0020,000E) := "1.2.3"',
            )
        ),
    )
    site.policy(**SCRIPTED, mixed=mixed)

    def surveyed(document: dict[str, Any]) -> dict[str, Any]:
        site.store("templates.json", document)
        place = tmp_path / "survey"
        words = ("--from", "xnat:STAGING", "--report", str(place), "--cache", str(tmp_path / "cache"))
        assert site.command("survey", *words) == 0
        found: dict[str, Any] = _read(place)
        return found

    rules = {"schema_version": 1, "templates": [banner_template(), clean_template()], "exclusions": []}
    by_session = {scan["session"]["label"]: scan for scan in surveyed(rules)["scans"]}
    codes = {name: scan["code"] for name, scan in by_session.items()}
    assert (codes["REJECTED"], codes["BLACKENED"], codes["FAILED"]) == (
        "script-reject",
        "script-redact",
        "header-refused",
    )
    assert (codes["ONE_REJECTED"] == "mixed-decision") is (mixed == "unsupported")

    def override(name: str, **more: Any) -> dict[str, Any]:
        series = by_session[name]["series_instance_uid"]
        return {"session": {"id": ids[name]}, "series_instance_uid": series, "reason": "", **more}

    boxes = [{"top": 3, "left": 2, "bottom": 9, "right": 8}]
    covering = {
        "id": "ct-box",
        "match": {"modality": "CT", "rows": 32, "columns": 32},
        "rectangles": boxes,
    }
    documents = [
        rules,
        {"schema_version": 1, "templates": []},
        rules | {"templates": [banner_template(), covering]},
        rules | {"exclusions": [{"match": {"modality": "CT"}, "reason": "x"}]},
        rules | {"overrides": [override("REJECTED", action="pass"), override("BLACKENED", action="exclude")]},
        rules | {"overrides": [override("ONE_BLACKENED", action="pass"), override("ONE_REJECTED", action="pass")]},
        rules | {"overrides": [override("REJECTED", action="templates", templates=["us-banner"])]},
    ]
    page = opened(surveyed({"schema_version": 1, "templates": []}))  # under other rules than those below
    policy = {"schema_version": 1, "destination": {"server": "same", "project": "C"}, "mixed": mixed, **SCRIPTED}
    for document in documents:
        full = {"exclusions": [], "overrides": [], **document}
        found = json.loads(page.js(f"JSON.stringify(review.decideAll({json.dumps(full)}, {json.dumps(policy)}))"))
        expected = surveyed(document)["scans"]
        told = [(one["code"], one["templates"], one["boxes"]) for one in found]
        assert told == [(one["code"], one["templates"], one["boxes"]) for one in expected]
    without = json.loads(page.js(f"JSON.stringify(review.decideAll({json.dumps(rules | {'overrides': []})}, null))"))
    assert {one["code"] for one in without} == {"template", "looked-at-clean"}
