"""templates.json and policy.json: what is accepted, and how errors are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from xnat_pixelanon.domain.codes import CODES, OUTCOMES, Outcome
from xnat_pixelanon.domain.criteria import CRITERIA
from xnat_pixelanon.domain.documents import schema
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.domain.templates import TemplateSet
from xnat_pixelanon.errors import DocumentError


def template(**changes: Any) -> dict[str, Any]:
    return {
        "id": "us",
        "match": {"modality": "US", "rows": 768, "columns": 1024},
        "rectangles": [{"top": 0, "left": 0, "bottom": 52, "right": 1024}],
    } | changes


def document(*templates: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"schema_version": 1, "templates": list(templates)} | changes


def problems(found: Any) -> tuple[str, ...]:
    with pytest.raises(DocumentError) as caught:
        TemplateSet.from_document(found)
    assert caught.value.exit_code == 3
    return caught.value.problems


def test_every_error_is_named_with_its_path_at_once() -> None:
    bad = template(rectangles=[{"top": "0", "left": 0, "bottom": 5}, {"top": -1, "left": 0, "bottom": 5, "right": 5}])
    found = problems(document(bad, {"id": "UPPER", "match": {"Modality": "US"}, "rectangles": []}))
    assert found == (
        "$.templates[0].rectangles[0]: expected the key right",
        "$.templates[0].rectangles[0].top: expected integer",
        "$.templates[0].rectangles[1].top: expected a number of at least 0",
        "$.templates[1].id: expected 1 to 64 of a-z, 0-9, dot, dash and underscore, starting with a letter or digit",
        f"$.templates[1].match: unknown key Modality; expected {', '.join(CRITERIA)}",
    )


@pytest.mark.parametrize(
    ("rectangle", "told"),
    [
        ({"top": 0, "left": 0, "bottom": 769, "right": 1024}, ".bottom: expected at most 768"),
        ({"top": 0, "left": 0, "bottom": 768, "right": 1025}, ".right: expected at most 1024"),
        ({"top": 5, "left": 0, "bottom": 5, "right": 9}, "expected top < bottom"),
        ({"top": 5, "left": 9, "bottom": 7, "right": 3}, "expected left < right"),
    ],
)
def test_a_rectangle_off_the_image_or_turned_around_is_refused(rectangle: dict[str, int], told: str) -> None:
    assert told in problems(document(template(rectangles=[rectangle])))[0]


def test_a_template_with_rectangles_names_rows_and_columns() -> None:
    assert "columns missing" in problems(document(template(match={"modality": "US", "rows": 768})))[0]


def test_a_template_without_rectangles_names_more_than_modality_and_sop_class() -> None:
    match = {"modality": "CT", "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2"}
    assert "at least one more" in problems(document(template(match=match, rectangles=[])))[0]
    TemplateSet.from_document(document(template(match=match | {"image_type": "*AXIAL*"}, rectangles=[])))


def test_ids_are_unique_and_overrides_name_templates_that_exist() -> None:
    override = {"session": {"id": "E1"}, "series_instance_uid": "1.2.3", "action": "templates", "templates": ["gone"]}
    found = problems(document(template(), template(), overrides=[override, override]))
    assert found == (
        "$.templates[1].id: expected an id that no other template has",
        "$.overrides[0].templates[0]: expected the id of a template of this document",
        "$.overrides[1]: expected one override for each series of a session",
        "$.overrides[1].templates[0]: expected the id of a template of this document",
    )


def test_text_that_is_not_json_is_refused_with_line_and_column() -> None:
    with pytest.raises(DocumentError, match="line 2, column 3"):
        TemplateSet.from_text("{\n  templates: []}")


def test_a_key_given_twice_is_refused_not_overridden() -> None:
    with pytest.raises(DocumentError, match="given twice"):
        TemplateSet.from_text('{"schema_version": 1, "templates": [], "templates": []}')


def test_the_schema_and_the_criteria_table_name_the_same_criteria() -> None:
    assert list(schema("templates")["$defs"]["match"]["properties"]) == list(CRITERIA)


def test_the_report_schema_knows_every_code_and_outcome() -> None:
    definitions = schema("report")["$defs"]
    assert definitions["code"]["enum"] == list(CODES)
    assert definitions["session"]["properties"]["outcome"]["enum"] == [outcome.value for outcome in Outcome]
    assert set(OUTCOMES) == set(Outcome)


def test_a_policy_starts_disarmed_with_the_documented_defaults() -> None:
    policy = Policy.from_document({"schema_version": 1, "destination": {"server": "same", "project": "CLEAN"}})
    assert not policy.enabled
    assert (policy.publish, policy.on_change, policy.mixed) == ("complete-sessions", "report", "unsupported")


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        ({"subject": "keep"}, "$.labels.subject_pattern"),
        ({"session": "keep", "subject_pattern": "AB#"}, "$.labels.subject_pattern"),
        ({"session": "keep", "session_pattern": "#+"}, "$.labels.session_pattern"),
        ({"session": "keep", "session_pattern": "@+_#"}, "$.labels.session_pattern"),
        ({"session": "keep", "session_pattern": "AB*"}, "$.labels.session_pattern"),
        ({"session": "keep", "session_pattern": "AB+"}, "$.labels.session_pattern"),
        ({"subject": "keep", "subject_pattern": "AB#", "subject_from": "patient_id"}, "$.labels.subject"),
    ],
)
def test_a_label_is_kept_by_a_pattern_that_a_hospitals_numbers_do_not_match(
    labels: dict[str, Any], problem: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        Policy.from_document(policy_with({"labels": labels}))
    assert any(said.startswith(problem) for said in caught.value.problems)


def policy_with(setting: dict[str, Any]) -> dict[str, Any]:
    return {"schema_version": 1, "destination": {"server": "same", "project": "C"}} | setting


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({"url_hosts": ["example.org"]}, "$.headers.url_hosts"),
        ({"profile": "none"}, "$.headers.profile"),
        ({"profile": "none", "script": "script", "options": ["retain-uids"]}, "$.headers.options"),
        (
            {
                "profile": "none",
                "script": "script",
                "exceptions": [{"tag": "(0018,1030)", "action": "keep"}],
            },
            "$.headers.exceptions",
        ),
        ({"script": "mine"}, "$.headers.script"),
        ({"script": "script", "url_hosts": ["example.org:80"]}, "$.headers.url_hosts[0]"),
    ],
)
def test_a_script_is_asked_for_where_only_it_gives_a_setting_its_meaning(headers: dict[str, Any], problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        Policy.from_document(policy_with({"headers": headers}))
    (said,) = caught.value.problems
    assert said.startswith(problem)


def test_a_policy_names_the_script_and_whom_it_may_ask() -> None:
    policy = Policy.from_document(policy_with({"headers": {"script": "script", "url_hosts": ["Example.org"]}}))
    assert (policy.script, policy.url_hosts, policy.headers.script_alone) == (True, ("example.org",), False)


def test_a_policy_without_destination_or_with_unknown_keys_is_refused() -> None:
    with pytest.raises(DocumentError) as caught:
        Policy.from_text(json.dumps({"schema_version": 2, "enable": True}))
    assert len(caught.value.problems) == 3
