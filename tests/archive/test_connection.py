"""Logging in, and the ways in which an answer is none."""

from __future__ import annotations

import hashlib
import logging
import threading

import pytest

from xnat_pixelanon.archive import Credentials, Timeouts, connect
from xnat_pixelanon.archive.answers import LoginLost, LostAnswer, OtherBytes, looks_like_html
from xnat_pixelanon.errors import (
    ConfigurationError,
    LoginError,
    NotFoundError,
    RightsError,
    ScratchError,
    TransferError,
)
from xnat_pixelanon.sandbox.faults import Cut, CutBody, Delay, Fault, HtmlPage, Status
from xnat_pixelanon.sandbox.settings import Settings

WHAT = "asking"


def test_a_password_and_an_alias_token_both_log_in(world):
    assert world.connect("owner").user == "owner"
    alias, secret = world.sandbox.issue_token("member")
    with connect(Credentials(world.sandbox.url, alias, secret)) as connection:
        assert connection.user == "member"


@pytest.mark.parametrize("dead", ["401", "html", "guest"])
@pytest.mark.parametrize("user", ["owner", "12345678-1234-1234-1234-123456789abc"])
def test_wrong_credentials_are_a_login_error_without_the_password(dead, user, new_world, capfd, caplog):
    world = new_world(Settings(dead_session=dead))
    with pytest.raises(LoginError) as caught:
        connect(Credentials(world.sandbox.url, user, "wrong-secret"))
    assert caught.value.hint
    said = str(caught.value) + "".join(capfd.readouterr()) + caplog.text
    assert "wrong-secret" not in said
    assert user not in said


def test_credentials_do_not_show_when_printed():
    assert "secret" not in repr(Credentials("http://x.invalid", "user-secret", "pw-secret"))


@pytest.mark.parametrize("server", ["", "xnat.invalid", "ftp://xnat.invalid", "https://u:p@xnat.invalid", "https://"])
def test_an_address_that_is_none_is_refused(server):
    with pytest.raises(ConfigurationError):
        connect(Credentials(server, "user", "password"))


def test_empty_credentials_never_fall_back_to_the_environment(world, monkeypatch):
    monkeypatch.setenv("XNAT_USER", "owner")
    monkeypatch.setenv("XNAT_PASS", "owner-pw")
    with pytest.raises(LoginError):
        connect(Credentials(world.sandbox.url, "", ""))


def test_a_server_that_is_not_there_is_a_transfer_error():
    with pytest.raises(TransferError, match="cannot reach"):
        connect(Credentials("http://127.0.0.1:9", "user", "password"), Timeouts(connect=1.0))


def test_closing_logs_out_and_may_be_done_twice(world):
    connection = world.connect()
    connection.close()
    connection.close()
    assert [r.method for r in world.sandbox.requests if r.path == "/data/JSESSION"][-1] == "DELETE"
    assert not world.sandbox._accounts.logins


def test_closing_after_the_server_is_gone_is_quiet(world, capfd):
    connection = world.connect()
    world.sandbox.faults.add(Fault("JSESSION", Cut(), nth=None))
    connection.close()
    assert "".join(capfd.readouterr()) == ""


def test_the_client_says_nothing_on_its_own(world, capfd, caplog):
    caplog.set_level(logging.INFO)
    connection = world.connect()
    with pytest.raises(TransferError):
        connection.get("/data/projects/CLEAN?format=json", WHAT, accepted=(299,))
    assert "".join(capfd.readouterr()) == ""
    assert "xnatpy" not in caplog.text
    assert "CLEAN" not in caplog.text


def test_the_agent_is_none_that_a_server_answers_with_login_pages(world):
    agent = world.connect()._interface.headers["User-Agent"]
    assert not any(word in agent for word in ("Mozilla", "MSIE", "AppleWebKit", "Opera"))


@pytest.mark.parametrize("fault", [Cut(), Status(503), Status(500), CutBody(3)])
def test_a_reading_request_is_repeated_and_a_fault_that_stays_is_told(world, fault):
    connection = world.connect()
    world.sandbox.faults.add(Fault("accessibility", fault, times=2))
    assert connection.get("/data/projects/CLEAN/accessibility", WHAT).content == b"private"
    world.sandbox.faults.add(Fault("accessibility", fault, nth=None))
    with pytest.raises(TransferError, match=WHAT):
        connection.get("/data/projects/CLEAN/accessibility", WHAT)


def test_a_writing_request_is_sent_once(world):
    connection = world.connect()
    world.sandbox.faults.add(Fault("config", Cut(), nth=None))
    world.sandbox.clear_requests()
    with pytest.raises(LostAnswer):
        connection.put("/data/projects/CLEAN/config/t/p", WHAT, b"x", content_type="text/plain")
    assert len(world.sandbox.requests) == 1


def test_no_call_waits_for_ever(world):
    connection = world.connect(timeouts=Timeouts(read=0.1, work=0.1, pauses=()))
    world.sandbox.faults.add(Fault("CLEAN", Delay(0.5), nth=None))
    with pytest.raises(LostAnswer):
        connection.get("/data/projects/CLEAN", WHAT)
    with pytest.raises(LostAnswer):
        connection.post("/data/services/archive?src=CLEAN", WHAT)


@pytest.mark.parametrize("status", [200, 403])
def test_a_web_page_in_place_of_an_answer_is_noticed(world, status):
    connection = world.connect()
    world.sandbox.faults.add(Fault("projects/CLEAN", HtmlPage(status), nth=None))
    with pytest.raises((TransferError, RightsError)):
        connection.get("/data/projects/CLEAN?format=json", WHAT)


def test_refusals_are_told_apart(world):
    connection = world.connect("reader")
    with pytest.raises(NotFoundError):
        connection.get("/data/projects/NOWHERE", WHAT)
    with pytest.raises(RightsError):
        connection.put("/data/projects/CLEAN/resources/X", WHAT)


@pytest.mark.parametrize("dead", ["401", "html", "guest"])
def test_a_login_that_dies_is_told_whatever_the_server_answers_then(dead, new_world):
    world = new_world(Settings(dead_session=dead))
    world.sandbox.set_accessibility("CLEAN", "public")
    connection = world.connect()
    world.sandbox.kill_sessions()
    with pytest.raises(LoginLost, match="no longer accepts"):
        connection.get("/data/projects/STAGING", WHAT)
    with pytest.raises(LoginLost, match="no longer accepts"):
        connection.rows("/data/projects/CLEAN/experiments?format=json", WHAT)


def test_a_revoked_token_goes_on_while_its_session_lives_and_then_is_told(world):
    alias, secret = world.sandbox.issue_token("owner")
    with connect(Credentials(world.sandbox.url, alias, secret), Timeouts(pauses=())) as connection:
        world.sandbox.revoke_token(alias)
        connection.check_login()
        world.sandbox.kill_sessions()
        with pytest.raises(LoginLost):
            connection.get("/data/projects/CLEAN", WHAT)


CONTENT = bytes(range(256)) * 40
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@pytest.fixture
def stored(world):
    world.sandbox.add_resource_file("CLEAN", None, "DATA", "file.bin", CONTENT)
    return "/data/projects/CLEAN/resources/DATA/files/file.bin"


def test_a_download_is_the_file_to_the_last_byte(world, stored, tmp_path):
    world.connect().download(stored, tmp_path / "f", WHAT, size=len(CONTENT), md5=MD5.upper())
    assert (tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.parametrize(("size", "md5"), [(-1, ""), (1, ""), (0, "0" * 32)])
def test_a_download_of_another_size_or_digest_is_refused(world, stored, tmp_path, size, md5):
    with pytest.raises(OtherBytes):
        world.connect().download(stored, tmp_path / "f", WHAT, size=len(CONTENT) + size, md5=md5)
    assert not (tmp_path / "f").exists()


def test_a_broken_download_is_repeated_and_leaves_no_part_when_it_stays_broken(world, stored, tmp_path):
    connection = world.connect()
    world.sandbox.faults.add(Fault("file.bin", CutBody(100), times=2))
    connection.download(stored, tmp_path / "f", WHAT, size=len(CONTENT), md5="")
    world.sandbox.faults.add(Fault("file.bin", CutBody(100), nth=None))
    with pytest.raises(LostAnswer):
        connection.download(stored, tmp_path / "g", WHAT, size=len(CONTENT), md5=MD5)
    assert not (tmp_path / "g").exists()


def test_a_login_page_in_place_of_a_file_is_refused_also_when_nothing_is_known_of_the_file(world, stored, tmp_path):
    connection = world.connect()
    world.sandbox.faults.add(Fault("file.bin", HtmlPage(), nth=None))
    for size in (10, len(CONTENT), 100_000):
        with pytest.raises(TransferError):
            connection.download(stored, tmp_path / "f", WHAT, size=size)
    assert not (tmp_path / "f").exists()


def test_a_web_page_that_really_is_the_file_is_proved_by_its_digest_alone(world, tmp_path):
    page = b"<!DOCTYPE html><html></html>"
    world.sandbox.add_resource_file("CLEAN", None, "DATA", "page.html", page)
    connection, uri = world.connect(), "/data/projects/CLEAN/resources/DATA/files/page.html"
    with pytest.raises(TransferError, match="web page"):
        connection.download(uri, tmp_path / "f", WHAT, size=len(page))
    connection.download(uri, tmp_path / "f", WHAT, size=len(page), md5=hashlib.md5(page).hexdigest())
    assert (tmp_path / "f").read_bytes() == page


def test_a_missing_file_and_a_missing_folder_are_told_apart(world, stored, tmp_path):
    connection = world.connect()
    with pytest.raises(NotFoundError):
        connection.download(f"{stored}x", tmp_path / "f", WHAT, size=1)
    with pytest.raises(ScratchError):
        connection.download(stored, tmp_path / "none" / "f", WHAT, size=len(CONTENT))


@pytest.mark.parametrize(
    "start",
    [b"<html>", b"\n <!DOCTYPE HTML PUBLIC", b"\xef\xbb\xbf<!doctype html>", b'<?xml version="1.0"?>\n<!DOCTYPE html>',
     b"<!-- comment --><HTML lang='en'>"],
)  # fmt: skip
def test_pages_are_known_by_their_first_bytes(start):
    assert looks_like_html(start)


@pytest.mark.parametrize("start", [b"", b"{}", b'<?xml version="1.0"?>\n<cat:Catalog', b"\0" * 128 + b"DICM", b"<h"])
def test_data_are_not_taken_for_pages(start):
    assert not looks_like_html(start)


def test_a_heartbeat_keeps_the_login_alive_and_survives_a_fault(new_world):
    world = new_world(Settings(session_timeout=0.5))
    connection = world.connect(timeouts=Timeouts(keepalive=0.1, pauses=()))
    world.sandbox.faults.add(Fault("JSESSION", Cut(), times=2))
    connection._heart.join(1.2)
    assert connection._heart.is_alive()
    connection.check_login()


def test_a_project_whose_name_speaks_of_login_is_no_login_page(world):
    world.sandbox.add_project("LOGIN", owner="owner")
    connection = world.connect()
    world.sandbox.faults.add(Fault("projects/LOGIN$", Status(404)))
    with pytest.raises(NotFoundError):
        connection.get("/data/projects/LOGIN", WHAT)


def test_a_login_that_can_neither_be_finished_nor_ended_leaves_no_thread_behind(world):
    before = {thread for thread in threading.enumerate() if thread.name == "XNATpyKeepAliveThread"}
    world.sandbox.faults.add(Fault("/data/JSESSION", Cut(), nth=None))
    with pytest.raises(TransferError):
        connect(Credentials(world.sandbox.url, "owner", "owner-pw"))
    assert {thread for thread in threading.enumerate() if thread.name == "XNATpyKeepAliveThread"} <= before
