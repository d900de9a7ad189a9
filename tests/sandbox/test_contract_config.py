"""The config service (section 2.6 of the wire contract)."""

from __future__ import annotations

import json

import pytest
from conftest import Corner

pytestmark = pytest.mark.live
TEXT = {"Content-Type": "text/plain"}


def document(corner: Corner, name: str = "templates.json") -> str:
    return f"/data/projects/{corner.id}/config/pixelanon/{name}"


def test_versions_count_from_one_and_the_same_text_makes_none(corner: Corner) -> None:
    path = document(corner)
    assert corner.raw("PUT", path, data=b'{"a": 1}', headers=TEXT).status_code == 201
    assert corner.raw("PUT", path, data=b'{"a": 2}', headers=TEXT).status_code == 200
    assert corner.raw("PUT", path, data=b'{"a": 2}', headers=TEXT).status_code == 200
    (row,) = corner.rows(path)
    assert (row["version"], row["contents"], row["status"]) == ("2", '{"a": 2}', "enabled")
    assert corner.raw("GET", path, params={"contents": "true", "version": "1"}).text == '{"a": 1}'
    assert [row["version"] for row in corner.rows(path, action="getHistory")] == ["1", "2"]


def test_a_row_names_its_author_and_meta_leaves_the_text_out(corner: Corner) -> None:
    path = document(corner)
    corner.raw("PUT", path, data=b"text", headers=TEXT)
    (row,) = corner.rows(path, meta="true")
    assert row["user"] == corner.client.logged_in_user
    assert "contents" not in row


def test_a_json_body_is_a_flat_map_and_not_a_document(corner: Corner) -> None:
    path = document(corner)
    flat = json.dumps({"contents": "inside", "status": "enabled"})
    assert corner.raw("PUT", path, data=flat, headers={"Content-Type": "application/json"}).status_code == 201
    assert corner.raw("GET", path, params={"contents": "true"}).text == "inside"
    nested = json.dumps({"templates": [{"id": "t"}]})
    assert corner.raw("PUT", path, data=nested, headers={"Content-Type": "application/json"}).status_code == 500


def test_a_disabled_document_has_no_contents(corner: Corner) -> None:
    path = document(corner)
    corner.raw("PUT", path, data=b"text", headers=TEXT)
    assert corner.raw("PUT", f"{path}?status=disabled").status_code == 200
    assert corner.raw("GET", path, params={"contents": "true"}).status_code == 404
    assert corner.rows(path)[0]["status"] == "disabled"
    assert corner.raw("PUT", f"{path}?status=enabled").status_code == 200
    assert corner.raw("GET", path, params={"contents": "true"}).text == "text"


def test_an_absent_document_is_404_or_204_when_that_is_accepted(corner: Corner) -> None:
    path = document(corner, "absent.json")
    assert corner.raw("GET", path, params={"contents": "true"}).status_code == 404
    assert corner.raw("GET", path, params={"contents": "true", "accept-not-found": "true"}).status_code == 204


def test_blank_contents_are_a_fault(corner: Corner) -> None:
    assert corner.raw("PUT", document(corner), data=b"  \n", headers=TEXT).status_code == 500


def test_unicode_survives(corner: Corner) -> None:
    text = "Röntgen, 超音波"
    corner.raw("PUT", document(corner), data=text.encode(), headers={"Content-Type": "text/plain; charset=UTF-8"})
    answer = corner.raw("GET", document(corner), params={"contents": "true"})
    assert answer.content.decode("utf-8") == text


def test_the_project_script_is_read_and_switched_by_xapi(corner: Corner) -> None:
    path = f"/xapi/anonymize/projects/{corner.id}"
    assert corner.raw("GET", path).status_code == 204
    script = 'version "6.1"\n(0008,0080) := "INVENTED"\n'
    assert corner.raw("PUT", path, data=script.encode(), headers=TEXT).status_code == 200
    assert corner.raw("GET", path).text == script
    switch = {"headers": {"Content-Type": "application/json"}}
    assert corner.raw("PUT", f"{path}/enabled?enable=false", **switch).status_code == 200
    assert corner.raw("GET", f"{path}/enabled").text == "false"
