"""Faults by rule, seen from the client's side."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests
from conftest import Stage, Study

from xnat_pixelanon.errors import ConfigurationError
from xnat_pixelanon.sandbox.faults import Call, Cut, CutBody, CutUpload, Delay, Fault, HtmlPage, Status
from xnat_pixelanon.sandbox.server import Sandbox, run_sandbox

MakeStage = Callable[..., Stage]
PROJECT = "/data/projects/P"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.invalid", ""])
def test_it_refuses_to_bind_anything_but_loopback(tmp_path, host: str) -> None:
    with pytest.raises(ConfigurationError):
        Sandbox(tmp_path, host=host)


@pytest.mark.parametrize("label", ["%2e%2e", "a%2Fb", "a%5Cb"])
def test_no_path_leads_out_of_its_folder(stage: MakeStage, label: str) -> None:
    corner = stage().as_user("owner")
    url = f"{corner.client.server.rstrip('/')}{PROJECT}/resources/{label}"
    prepared = corner.client.interface.prepare_request(requests.Request("PUT", url))
    prepared.url = url  # requests would resolve the dots by itself
    assert corner.client.interface.send(prepared).status_code in (400, 404)


def test_two_servers_run_side_by_side(tmp_path) -> None:
    staging, clean = run_sandbox(tmp_path)
    try:
        assert staging.url != clean.url
        assert all(requests.get(s.url, timeout=10).status_code == 200 for s in (staging, clean))
    finally:
        staging.stop()
        clean.stop()


def test_a_stopped_server_goes_on_where_it_was(stage: MakeStage) -> None:
    site = stage()
    url = site.sandbox.url
    site.sandbox.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=10)
    site.sandbox.start()
    assert site.sandbox.url == url
    assert site.as_user("owner").experiments() == []


def test_the_nth_request_of_a_route_is_struck_and_no_other(stage: MakeStage) -> None:
    site = stage()
    corner = site.as_user("owner")
    site.sandbox.faults.add(Fault(path=r"/experiments$", nth=2, times=2, action=Status(503, "busy")))
    statuses = [corner.raw("GET", f"{PROJECT}/experiments").status_code for _ in range(4)]
    assert statuses == [200, 503, 503, 200]
    assert corner.raw("GET", f"{PROJECT}/subjects").status_code == 200


def test_a_fault_can_name_method_and_query(stage: MakeStage) -> None:
    site = stage()
    corner = site.as_user("owner")
    site.sandbox.faults.add(Fault(method="GET", path=r"columns=ID", nth=None, action=Status(500)))
    assert corner.raw("GET", f"{PROJECT}/experiments").status_code == 200
    assert corner.raw("GET", f"{PROJECT}/experiments?columns=ID").status_code == 500
    site.sandbox.faults.clear()
    assert corner.raw("GET", f"{PROJECT}/experiments?columns=ID").status_code == 200


def test_a_cut_connection_is_no_answer(stage: MakeStage) -> None:
    site = stage()
    corner = site.as_user("owner")
    site.sandbox.faults.add(Fault(path=r"/config/", action=Cut()))
    with pytest.raises(requests.ConnectionError):
        corner.raw("PUT", f"{PROJECT}/config/pixelanon/key", data=b"x", headers={"Content-Type": "text/plain"})
    assert corner.raw("GET", f"{PROJECT}/config/pixelanon/key").status_code == 404


def test_a_lost_answer_was_carried_out(stage: MakeStage) -> None:
    site = stage()
    corner = site.as_user("owner")
    site.sandbox.faults.add(Fault(path=r"/config/", action=Cut(), when="after"))
    with pytest.raises(requests.ConnectionError):
        corner.raw("PUT", f"{PROJECT}/config/pixelanon/key", data=b"x", headers={"Content-Type": "text/plain"})
    assert corner.raw("GET", f"{PROJECT}/config/pixelanon/key?contents=true").text == "x"


@pytest.mark.parametrize("query", ["", "?format=zip"])
def test_a_download_can_break_half_way(stage: MakeStage, study: Study, query: str) -> None:
    site = stage()
    study.series(1, count=3)
    session = site.sandbox.seed_session("P", "S", "L", study.files)
    corner = site.as_user("collaborator")
    path = f"/data/experiments/{session}/scans/1/files"
    if not query:
        path = corner.rows(path)[0]["URI"]
    site.sandbox.faults.add(Fault(path=r"/files", action=CutBody(100)))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        corner.raw("GET", f"{path}{query}")


def test_a_login_page_may_come_in_place_of_a_file_with_status_200(stage: MakeStage) -> None:
    site = stage()
    corner = site.as_user("owner")
    site.sandbox.add_resource_file("P", None, "R", "a.bin", b"\0\1")
    site.sandbox.faults.add(Fault(path=r"a\.bin", action=HtmlPage()))
    answer = corner.raw("GET", f"{PROJECT}/resources/R/files/a.bin")
    assert (answer.status_code, answer.text[:9]) == (200, "<!DOCTYPE")


def test_a_delay_is_waited_for(stage: MakeStage) -> None:
    site = stage()
    corner = site.as_user("owner")
    site.sandbox.faults.add(Fault(path=r"/experiments", action=Delay(0.3)))
    start = time.monotonic()
    corner.experiments()
    assert time.monotonic() - start >= 0.3


def test_a_callable_changes_the_world_in_front_of_a_request(stage: MakeStage) -> None:
    site = stage()
    corner = site.as_user("member")
    site.sandbox.faults.add(
        Fault(path=r"/experiments", nth=2, action=Call(lambda: site.sandbox.set_role("P", "member", None)))
    )
    assert corner.raw("GET", f"{PROJECT}/experiments").status_code == 200
    assert corner.raw("GET", f"{PROJECT}/experiments").status_code == 404


def test_a_cut_upload_leaves_what_had_arrived(stage: MakeStage, study: Study) -> None:
    site = stage()
    study.series(1, count=5)
    body = study.zip()
    site.sandbox.faults.add(Fault(path=r"/import", action=CutUpload(body.stat().st_size // 2)))
    corner = site.as_user("owner")
    with pytest.raises(requests.ConnectionError):
        corner.to_prearchive(body, session="HALF")
    (row,) = corner.prearchive()
    assert (row["name"], row["status"]) == ("HALF", "RECEIVING")
    folder = site.sandbox.root / "prearchive"
    assert 0 < len(list(folder.rglob("*.dcm"))) < 5


def test_requests_are_kept_in_order_with_their_user(stage: MakeStage) -> None:
    site = stage()
    corner = site.as_user("owner")
    site.sandbox.clear_requests()
    corner.raw("GET", f"{PROJECT}/experiments?columns=ID")
    corner.raw("PUT", f"{PROJECT}/resources/R")
    first, second = site.sandbox.requests
    assert (first.method, first.path, first.query, first.status, first.user) == (
        "GET",
        f"{PROJECT}/experiments",
        "columns=ID",
        200,
        "owner",
    )
    assert (second.method, second.n) == ("PUT", first.n + 1)
