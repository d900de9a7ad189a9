"""The proposal: what a person has to fill in, refused until it is, and valid when it is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.pipeline.conftest import Person, Site, banner_template, slices, ultrasound
from xnat_pixelanon.domain.documents import schema_problems
from xnat_pixelanon.domain.report import RunReport
from xnat_pixelanon.domain.templates import TemplateSet
from xnat_pixelanon.errors import DocumentError
from xnat_pixelanon.reports.proposal import LOOK, propose

STORED = {"schema_version": 1, "based_on": 3, "templates": [banner_template()], "exclusions": [], "overrides": []}


def report_of(site: Site) -> RunReport:
    return site.run(dry_run=True).report


def filled_in(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    for one in document["templates"]:
        if one["rectangles"] == LOOK:
            one["rectangles"] = []
    return document


@pytest.fixture
def report(armed: Site) -> RunReport:
    """Two sessions with ultrasound of a size without template, one of them with CT that a template calls clean."""
    for number in (1, 2):
        person = Person.numbered(number)
        still = ultrasound(person, rows=48, study=number)
        armed.seed(f"S{number}", [still, *slices(person, study=number)][: 5 - number * 2], person=person)
    return report_of(armed)


def test_each_undecided_group_has_one_entry_that_names_where_it_was_seen(report: RunReport) -> None:
    assert schema_problems("report", json.loads(json.dumps(report.as_dict()))) == []
    made = propose(STORED, report)
    document = json.loads(made.text)
    assert made.undecided == 1
    assert {key: document[key] for key in STORED if key != "templates"} == {
        key: STORED[key] for key in STORED if key != "templates"
    }
    old, new = document["templates"]
    assert old == banner_template()
    assert new == {
        "id": "us-48x96",
        "title": "",
        "match": {"modality": "US", "sop_class_uid": "1.2.840.10008.5.1.4.1.1.6.1", "rows": 48, "columns": 96},
        "rectangles": LOOK,
        "note": "seen in S1 scan 1, S2 scan 1",
    }


def test_it_is_refused_until_a_person_has_looked(report: RunReport) -> None:
    text = propose(STORED, report).text
    with pytest.raises(DocumentError) as caught:
        TemplateSet.from_text(text)
    assert caught.value.problems == ("$.templates[1].rectangles: expected array",)
    assert len(TemplateSet.from_document(filled_in(text)).templates) == 2


def test_where_nothing_is_undecided_it_is_what_is_stored(report: RunReport) -> None:
    decided = replace(report, sessions=())
    made = propose(STORED, decided)
    assert (json.loads(made.text), made.undecided) == (STORED, 0)
    assert TemplateSet.from_text(propose(None, decided).text) == TemplateSet()


def test_ids_are_new_and_valid_and_notes_short_whatever_the_header_says(report: RunReport) -> None:
    session = report.sessions[0]
    groups: tuple[dict[str, str | int], ...] = (
        {"modality": "US", "sop_class_uid": "1.2.3", "rows": 64, "columns": 96},
        {"modality": "US", "sop_class_uid": "1.2.4", "rows": 64, "columns": 96},
        {"modality": "Müller, Zoë " * 9, "rows": 64, "columns": 96},
        {"sop_class_uid": "1.2.5"},
    )
    scans = [replace(session.scans[0], id="x" * 64, undecided=groups) for _ in range(9)]
    sessions = [replace(session, label="y" * 255, scans=tuple(scans))] * 20
    stored = {**STORED, "templates": [banner_template(id="us-64x96")]}
    document = json.loads(propose(stored, replace(report, sessions=tuple(sessions))).text)
    new = document["templates"][1:]
    assert [one["match"] for one in new] == sorted(groups, key=lambda one: str(tuple(one.items())))
    assert len({one["id"] for one in document["templates"]}) == 5
    assert all(" and 175 scans more" in one["note"] for one in new)
    for one in new:
        one["rectangles"] = []
    problems = schema_problems("templates", document)
    assert problems == []
