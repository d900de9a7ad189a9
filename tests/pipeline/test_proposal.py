"""The proposal: what a person has to fill in, refused until it is, and valid when it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.pipeline.conftest import Person, Site, banner_template, slices, ultrasound
from xnat_pixelanon.domain.documents import schema_problems
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.domain.templates import TemplateSet
from xnat_pixelanon.errors import DocumentError
from xnat_pixelanon.reports import worklist
from xnat_pixelanon.reports.proposal import LOOK, propose

STORED = {"schema_version": 1, "based_on": 3, "templates": [banner_template()], "exclusions": [], "overrides": []}


def filled_in(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    for one in document["templates"]:
        if one["rectangles"] == LOOK:
            one["rectangles"] = []
    return document


Made = tuple[list[SourceSession], dict[str, Any]]


@pytest.fixture
def made(armed: Site) -> Made:
    """Two sessions with ultrasound of a size without template, one of them with CT that a template calls clean."""
    for number in (1, 2):
        person = Person.numbered(number)
        still = ultrasound(person, rows=48, study=number)
        armed.seed(f"S{number}", [still, *slices(person, study=number)][: 5 - number * 2], person=person)
    report = armed.run(dry_run=True).report
    sessions = [SourceSession(one.id, one.label, "", "") for one in report.sessions]
    return sessions, json.loads(json.dumps(report.as_dict()))


def test_each_undecided_group_has_one_entry_that_names_where_it_was_seen(made: Made) -> None:
    sessions, report = made
    assert schema_problems("report", report) == []
    proposal = propose(STORED, sessions, [report])
    document = json.loads(proposal.text)
    assert proposal.undecided == 1
    old, new = document.pop("templates")
    assert document | {"templates": [old]} == STORED
    assert new == {
        "id": "us-48x96",
        "title": "",
        "match": {"modality": "US", "sop_class_uid": "1.2.840.10008.5.1.4.1.1.6.1", "rows": 48, "columns": 96},
        "rectangles": LOOK,
        "note": "seen in S1 scan 1, S2 scan 1",
    }


def test_it_is_refused_until_a_person_has_looked(made: Made) -> None:
    sessions, report = made
    text = propose(STORED, sessions, [report]).text
    with pytest.raises(DocumentError) as caught:
        TemplateSet.from_text(text)
    assert caught.value.problems == ("$.templates[1].rectangles: expected array",)
    assert len(TemplateSet.from_document(filled_in(text)).templates) == 2


def test_where_nothing_is_undecided_it_is_what_is_stored(made: Made) -> None:
    sessions, report = made
    for known, reports in (([], [report]), (sessions, [])):
        proposal = propose(STORED, known, reports)
        assert (json.loads(proposal.text), proposal.undecided) == (STORED, 0)
    assert TemplateSet.from_text(propose(None, [], []).text) == TemplateSet()


def test_the_newest_report_about_a_session_counts_and_an_older_versions_is_read(made: Made) -> None:
    sessions, report = made
    newer = json.loads(json.dumps(report)) | {"sessions": report["sessions"][:1]}
    for scan in newer["sessions"][0]["scans"]:
        del scan["undecided"]
    (new,) = json.loads(propose(None, sessions, [newer, report]).text)["templates"]
    assert new["note"] == "seen in S2 scan 1"


def test_ids_are_new_and_valid_and_notes_short_whatever_the_header_says(made: Made) -> None:
    sessions, report = made
    groups = [
        {"modality": "US", "sop_class_uid": "1.2.3", "rows": 64, "columns": 96},
        {"modality": "US", "sop_class_uid": "1.2.4", "rows": 64, "columns": 96},
        {"modality": "A B_C D 0123", "rows": 64, "columns": 96},
        {"sop_class_uid": "1.2.5"},
    ]
    scans = [report["sessions"][0]["scans"][0] | {"id": "x" * 64, "undecided": groups} for _ in range(180)]
    report["sessions"][0]["scans"] = scans
    long = [SourceSession(sessions[0].id, "y" * 255, "", "")]
    stored = {**STORED, "templates": [banner_template(id="us-64x96")]}
    document = json.loads(propose(stored, long, [report]).text)
    new = document["templates"][1:]
    assert [one["match"] for one in new] == sorted(groups, key=lambda one: str(tuple(one.items())))
    assert len({one["id"] for one in document["templates"]}) == 5
    assert all(" and 175 scans more" in one["note"] for one in new)
    assert schema_problems("templates", filled_in(json.dumps(document))) == []


@pytest.mark.parametrize("modality", ["*", "U*", "*S", "Müller, Zoë", "us", "U" * 17, "US\\CT", "US\n"])
def test_a_modality_that_is_no_plain_one_gets_no_entry_and_is_said(made: Made, modality: str) -> None:
    sessions, report = made
    odd = {"modality": modality, "sop_class_uid": "1.2.3", "rows": 64, "columns": 96}
    report["sessions"][0]["scans"][0]["undecided"] = [odd]
    report["dry_run"] = False
    proposal = propose(STORED, sessions, [report])
    assert (proposal.undecided, proposal.by_hand) == (1, 1)
    assert [one["match"]["modality"] for one in json.loads(proposal.text)["templates"]] == ["US", "US"]
    assert "1 to look at; 1 with a header that no entry can name" in proposal.sentence
    first, second = worklist.rows(sessions, [report])
    assert "The proposal has no entry for scan 1" in first.what_to_do
    assert "by hand" not in second.what_to_do


@pytest.mark.parametrize("more", [{"sop_class_uid": "1.2.*"}, {"sop_class_uid": "1." * 40 + "1"}, {"image_type": "*"}])
def test_other_criteria_that_are_no_plain_values_get_no_entry(made: Made, more: dict[str, str]) -> None:
    sessions, report = made
    report["sessions"][0]["scans"][0]["undecided"] = [{"modality": "US", "rows": 64, "columns": 96} | more]
    assert propose(STORED, sessions, [report]).by_hand == 1
