"""Bad input: a clear sentence, what to do next, the right exit status, nothing half sent."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import PERSON, STAGED, Said, Typed, silent
from tests.pipeline.conftest import (
    CLEAN,
    MEMBER,
    OWNER,
    PASSWORD,
    STAGING,
    Site,
    banner_template,
    clean_template,
    slices,
    ultrasound,
)
from xnat_pixelanon.archive import Credentials, XnatDocumentStore, connect
from xnat_pixelanon.pipeline.rules import new_key
from xnat_pixelanon.sandbox.faults import Call, Cut, Fault, HtmlPage, Status
from xnat_pixelanon.sandbox.phantoms import save

NOBODY = 65534


@pytest.fixture
def run(typed: Typed, site: Site) -> Callable[..., Said]:
    """`run --from xnat:STAGING`, after which nothing may have been sent."""

    def run_(*words: str, command: str = "run", **who: str) -> Said:
        site.clean.clear_requests()
        said = typed(command, *STAGED, *words, **who)
        assert site.reads_only()
        return said

    return run_


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder source with the documents it needs beside it: `in`, `t.json`, `p.json`; the key is not made yet."""
    save(ultrasound(PERSON), tmp_path / "in" / "us.dcm")
    for number, image in enumerate(slices(PERSON)):
        save(image, tmp_path / "in" / "ct" / f"{number}.dcm")
    rules = {"schema_version": 1, "templates": [banner_template(), clean_template()]}
    policy = {"schema_version": 1, "enabled": True, "destination": {"server": "same", "project": CLEAN}}
    (tmp_path / "t.json").write_text(json.dumps(rules))
    (tmp_path / "p.json").write_text(json.dumps(policy))
    return tmp_path


def folder_words(folder: Path, **changes: str) -> list[str]:
    options = {
        "from": f"dir:{folder}/in",
        "to": f"dir:{folder}/out",
        "templates": f"{folder}/t.json",
        "policy": f"{folder}/p.json",
        "key": f"{folder}/key",
    }
    return ["run", *(word for name, value in (options | changes).items() if value for word in (f"--{name}", value))]


@contextmanager
def as_nobody(*folders: Path) -> Iterator[None]:
    """Without root's way around permissions, where the tests run as root; the folders are handed over."""
    if os.geteuid() != 0:
        yield
        return
    for path in (one for top in folders for one in (top, *top.rglob("*"))):
        os.chown(path, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def open_folder(folder: Path) -> Iterator[Path]:
    """A copy of `folder` that another account can reach."""
    top = Path(tempfile.mkdtemp(prefix="pxa-test-"))
    shutil.copytree(folder, top / "case")
    top.chmod(0o755)
    yield top / "case"
    shutil.rmtree(top)


# Projects and rights


def test_an_empty_project_is_done_and_says_so(make_site: Callable[..., Site], typed: Typed, site: Site) -> None:
    site.staging.add_project("EMPTY", owner=OWNER)
    said = typed("plan", "--from", "xnat:EMPTY")
    assert said.status == 0
    assert "the source holds no session" in said.err
    assert "sessions: none" in said.out


@pytest.mark.parametrize("command", ["run", "plan"])
def test_an_unknown_project_is_named_as_absent_or_unreadable(typed: Typed, site: Site, command: str) -> None:
    said = typed(command, "--from", "xnat:NOPE")
    said.refuses("project NOPE is absent, or not readable", "check its ID")


def test_documents_of_an_unknown_project_are_not_there(typed: Typed, tmp_path: Path) -> None:
    for group in ("templates", "policy"):
        typed(group, "show", "--from", "xnat:NOPE").refuses("project NOPE is absent")


@pytest.mark.parametrize("role", ["collaborator", "member"])
def test_only_owners_launch_unless_the_policy_says_otherwise(site: Site, run: Callable[..., Said], role: str) -> None:
    site.staging.set_role(STAGING, MEMBER, role)
    run(user=MEMBER).refuses(f"this account is {role} of STAGING", "ask an owner")


def test_a_member_may_launch_where_the_policy_says_so_but_has_to_own_the_clean_project(
    site: Site, run: Callable[..., Said]
) -> None:
    site.policy(launchers="members")
    run(user=MEMBER).refuses("the account is member of the clean project CLEAN", "ask an owner")
    site.clean.set_role(CLEAN, MEMBER, "owner")
    assert site.command("run", *STAGED, user=MEMBER) == 0
    assert len(site.visible()) == 1


def test_somebody_with_no_right_in_staging_learns_nothing_of_it(site: Site, run: Callable[..., Said]) -> None:
    site.staging.set_role(STAGING, MEMBER, None)
    run(user=MEMBER).refuses("project STAGING is absent, or not readable")
    run(user=MEMBER, command="plan").refuses("project STAGING is absent, or not readable")


@pytest.mark.parametrize("accessibility", ["public", "protected"])
@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_staging_project_that_is_not_private_is_refused(
    site: Site, run: Callable[..., Said], accessibility: str, command: str
) -> None:
    site.staging.set_accessibility(STAGING, accessibility)
    run(command=command).refuses(f"the staging project STAGING is {accessibility}", "makes it private")


# Logins and servers


@pytest.mark.parametrize("variable", ["XNAT_PASS", "PIXELANON_PUBLIC_PASS"])
def test_a_wrong_password_is_refused_by_either_server(run: Callable[..., Said], variable: str) -> None:
    said = run(**{variable: "not-the-word"})
    said.refuses("does not accept the login", "password")
    assert "not-the-word" not in said.err


def test_a_revoked_token_is_refused(site: Site, run: Callable[..., Said]) -> None:
    alias, secret = site.staging.issue_token(OWNER)
    site.staging.revoke_token(alias)
    said = run(XNAT_USER=alias, XNAT_PASS=secret)
    said.refuses("does not accept the login", "alias token")
    assert alias not in said.err
    assert secret not in said.err


@pytest.mark.parametrize(
    ("server", "path"),
    [
        ("staging", r"/scans/1/resources/\d+/files/"),
        ("staging", r"/config/pixelanon/policy\.json"),
        ("clean", r"/services/import"),
        ("clean", r"/services/archive"),
    ],
)
def test_a_token_that_dies_midway_stops_the_run_and_leaves_nothing_visible(
    site: Site, typed: Typed, server: str, path: str
) -> None:
    theirs = getattr(site, server)
    alias, secret = theirs.issue_token(OWNER)

    def die() -> None:
        theirs.revoke_token(alias)
        theirs.kill_sessions()

    nth = 2 if "policy" in path else 1
    theirs.faults.add(Fault(path, Call(die), nth=nth))
    prefix = "XNAT" if server == "staging" else "PIXELANON_PUBLIC"
    said = typed("run", *STAGED, "--json", **{f"{prefix}_USER": alias, f"{prefix}_PASS": secret})
    assert said.status == 3
    assert said.of("summary")[0]["exit_status"] == 3
    assert [line["outcome"] for line in said.of("session")] == ["failed"]
    assert "no longer accepts the login" in said.of("error")[0]["message"]
    assert said.of("error")[0]["hint"]
    assert site.visible() == {}
    theirs.faults.clear()
    assert site.command("run", *STAGED) == 0
    assert len(site.visible()) == 1


def test_sessions_that_a_stopped_run_did_not_start_are_told_too(site: Site, typed: Typed) -> None:
    for number in (2, 3):
        site.seed(f"{PERSON.id}_MORE-{number}", slices(PERSON, 1, study=number), person=PERSON)
    site.clean.faults.add(Fault("activate=true", Call(lambda: site.policy(enabled=False)), method="PUT"))
    said = typed("run", *STAGED, "--json")
    assert said.status == 3
    site.clean.faults.clear()
    assert [line["outcome"] for line in said.of("session")] == ["published", "failed", "failed"]
    assert [line["error"].split(":")[0] for line in said.of("session")] == [
        "",
        "the policy was disarmed while the run was at work; nothing more is published",
        "not started",
    ]
    assert said.of("summary")[0]["outcomes"] == {"published": 1, "failed": 2}
    assert "the policy was disarmed" in said.of("error")[0]["message"]
    assert len(site.visible()) == 1


def test_a_server_that_is_not_there_is_told_with_its_address(run: Callable[..., Said]) -> None:
    run(XNAT_HOST="http://127.0.0.1:9").refuses("cannot reach the server at http://127.0.0.1:9", status=1)


@pytest.mark.parametrize("address", ["staging.example", "ftp://staging.example", "https://user:word@staging.example"])
def test_an_address_that_is_none_is_refused_and_not_repeated(run: Callable[..., Said], address: str) -> None:
    said = run(XNAT_HOST=address)
    said.refuses("the address of the XNAT server is not usable", "https://host")
    assert "word" not in said.err


def test_a_login_page_in_place_of_data_is_noticed(site: Site, run: Callable[..., Said]) -> None:
    site.staging.faults.add(Fault("/experiments", HtmlPage(), nth=None))
    run().refuses("a web page came in place of data", status=1)


def test_a_server_that_fails_costs_the_session_and_the_next_run_goes_on(site: Site, typed: Typed) -> None:
    site.clean.faults.add(Fault("/services/import", Status(400, f"cannot take {PERSON.name}"), nth=None))
    said = typed("run", *STAGED, "--json")
    assert said.status == 1
    assert [(line["outcome"], bool(line["error"] and line["hint"])) for line in said.of("session")] == [
        ("failed", True)
    ]
    assert site.visible() == {}
    site.clean.faults.clear()
    assert site.command("run", *STAGED) == 0


def test_missing_variables_are_all_named(run: Callable[..., Said]) -> None:
    run(XNAT_USER="", XNAT_PASS="").refuses("XNAT_USER, XNAT_PASS", "set them")
    run(PIXELANON_PUBLIC_HOST="").refuses("PIXELANON_PUBLIC_HOST", "set them")


def test_an_interrupted_run_ends_with_130_and_says_what_is_left(site: Site, typed: Typed) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        site.clean.faults.clear()
        site.clean.faults.add(Fault("/services/import", Call(lambda n=number: os.kill(os.getpid(), n))))
        before = signal.getsignal(signal.SIGTERM)
        said = typed("run", *STAGED)
        assert signal.getsignal(signal.SIGTERM) == before
        assert said.status == 130
        assert "interrupted" in said.err
        assert site.visible() == {}
    assert site.command("run", *STAGED) == 0
    assert len(site.visible()) == 1


# Locations and options


@pytest.mark.parametrize("text", ["STAGING", "xnat:", "xnat:A B", "xnat:A@", "xnat:A@1", "dir:", "ftp:X", "xnat:../x"])
def test_a_malformed_location_is_a_usage_error(typed: Typed, text: str) -> None:
    said = typed("run", "--from", text)
    assert said.status == 2
    assert "give xnat:PROJECT, xnat:PROJECT@NAME or dir:PATH" in " ".join(said.err.split())


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["run", *STAGED, "--workers", "0"],
        ["run", *STAGED, "--nope"],
        ["nope"],
        ["policy", "nope"],
        ["plan", "x"],
    ],
)
def test_a_command_line_that_is_not_right_is_a_usage_error(typed: Typed, words: list[str]) -> None:
    said = typed(*words)
    assert (said.status, said.out) == (2, "")
    assert "Error: " in said.err


def test_a_usage_error_with_json_is_one_line_too(typed: Typed) -> None:
    said = typed("run", "--json")
    assert said.status == 2
    assert [line["exit_status"] for line in said.of("error")] == [2]


def test_a_server_name_without_variables_is_told(typed: Typed) -> None:
    typed("run", "--from", "xnat:STAGING@OTHER").refuses("PIXELANON_OTHER_HOST, PIXELANON_OTHER_USER")


def test_an_unknown_session_is_refused_without_repeating_what_was_typed(site: Site, run: Callable[..., Said]) -> None:
    wanted = site.samples[0].label
    said = run("--session", wanted, "--session", "NOPE-NOPE")
    said.refuses("wanted session number 2", "experiment ID or exact label")
    assert "NOPE-NOPE" not in said.err
    assert wanted not in said.err


def test_source_and_destination_may_not_be_the_same_project(site: Site, run: Callable[..., Said]) -> None:
    site.policy(destination={"server": "same", "project": STAGING})
    run().refuses("same project", "another clean project")
    site.policy(destination={"server": "ALIAS", "project": STAGING})
    again = {"PIXELANON_ALIAS_HOST": site.staging.url, "PIXELANON_ALIAS_USER": OWNER, "PIXELANON_ALIAS_PASS": PASSWORD}
    run(**again).refuses("same project")
    other_name = site.staging.url.replace("127.0.0.1", "localhost")
    run(**(again | {"PIXELANON_ALIAS_HOST": other_name})).refuses("has a pixelanon policy of its own")


def test_a_destination_other_than_the_policys_is_refused(site: Site, run: Callable[..., Said]) -> None:
    site.clean.add_project("OTHER", owner=OWNER)
    run("--to", "xnat:OTHER@PUBLIC").refuses(
        "--to xnat:OTHER@PUBLIC is not the destination of the stored policy", "it names xnat:CLEAN@PUBLIC"
    )
    run("--to", "xnat:CLEAN").refuses("is not the destination")
    assert site.command("run", *STAGED, "--to", "xnat:CLEAN@public") == 0


@pytest.mark.parametrize("option", ["--templates", "--policy"])
def test_rules_from_files_do_not_publish_from_a_project(folder: Path, run: Callable[..., Said], option: str) -> None:
    path = folder / ("t.json" if option == "--templates" else "p.json")
    run(option, str(path)).refuses("decided by its stored documents", "--dry-run")
    run("--key", str(folder / "key")).refuses("--key is for a dir: source")
    assert not (folder / "key").exists()


def test_a_clean_project_with_a_policy_of_its_own_is_refused(site: Site, run: Callable[..., Said]) -> None:
    with connect(Credentials(site.clean.url, OWNER, PASSWORD)) as connection:
        XnatDocumentStore(connection, CLEAN).push("policy.json", "{}", None)
    run().refuses("the destination CLEAN has a pixelanon policy of its own", "only a destination")


@pytest.mark.parametrize(
    "line",
    [
        'alterPixels["rectangle", "l=0, t=0, r=9, b=9", "solid", "v=0"]',
        "(0008,0018) := hashUID[(0008,0018)]",
        "-(7FE0,0010)",
    ],
)
def test_a_clean_script_that_edits_pixels_or_uids_is_refused(site: Site, run: Callable[..., Said], line: str) -> None:
    with connect(Credentials(site.clean.url, OWNER, PASSWORD)) as connection:
        script = f'version "6.1"\n{line}\n'.encode()
        uri = f"/xapi/anonymize/projects/{CLEAN}"
        connection.put(uri, "script", script, content_type="text/plain")
        connection.put(f"{uri}/enabled?enable=true", "enabling")
    run().refuses("the clean project's anonymisation script edits pixels or UIDs", "line 2", "take these lines out")


# Documents and keys


def test_a_policy_that_is_not_armed_publishes_nothing(site: Site, run: Callable[..., Said]) -> None:
    site.policy(enabled=False)
    run().refuses("the policy is not armed", "policy arm")
    assert run(command="plan").status == 0


def test_a_project_without_a_policy_publishes_nothing(make_site: Callable[..., Site], typed: Typed, site: Site) -> None:
    site.staging.add_project("BARE", owner=OWNER)
    typed("run", "--from", "xnat:BARE").refuses("has no policy.json: nothing may leave it", "policy push")
    assert typed("plan", "--from", "xnat:BARE").status == 0


def test_a_project_without_a_key_publishes_nothing(typed: Typed, site: Site) -> None:
    site.staging.add_project("KEYLESS", owner=OWNER)
    policy = {"schema_version": 1, "enabled": True, "destination": {"server": "PUBLIC", "project": CLEAN}}
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        XnatDocumentStore(connection, "KEYLESS").push("policy.json", json.dumps(policy), None)
    typed("run", "--from", "xnat:KEYLESS").refuses("has no key for pseudonyms and UIDs", "policy push")


@pytest.mark.parametrize("text", ["not base64!", "c2hvcnQ="])
def test_a_stored_key_that_is_none_is_refused(typed: Typed, site: Site, text: str) -> None:
    site.staging.add_project("BADKEY", owner=OWNER)
    policy = {"schema_version": 1, "enabled": True, "destination": {"server": "PUBLIC", "project": CLEAN}}
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        store = XnatDocumentStore(connection, "BADKEY")
        store.push("policy.json", json.dumps(policy), None)
        store.push("key", text, None)
    said = typed("run", "--from", "xnat:BADKEY")
    said.refuses("the stored key is not 32 bytes in base64", "backup")
    assert text not in said.err


def test_a_site_key_that_is_none_is_refused(run: Callable[..., Said]) -> None:
    said = run(PIXELANON_SITE_KEY="a-secret-but-no-key")
    said.refuses("PIXELANON_SITE_KEY is not 32 bytes in base64")
    assert "a-secret" not in said.err


BROKEN = {
    "schema_version": 1,
    "templates": [
        banner_template(rectangles=[{"top": 9, "left": 0, "bottom": 9, "right": 97}]),
        {"id": "us-banner", "match": {"modality": "US"}, "rectangles": []},
        {"id": "plain", "match": {"modality": "US"}, "rectangles": [{"top": 0, "left": 0, "bottom": 1, "right": 1}]},
    ],
}
PATHS = (
    "$.templates[0].rectangles[0]: expected top < bottom",
    "$.templates[0].rectangles[0].right: expected at most 96",
    "$.templates[1].id",
    "$.templates[1].match",
    "$.templates[2].match: a template with rectangles names rows and columns",
)


def test_all_errors_of_a_templates_file_are_named_at_once_with_their_paths(folder: Path, typed: Typed) -> None:
    (folder / "t.json").write_text(json.dumps(BROKEN))
    for words in (
        ["templates", "check", f"{folder}/t.json"],
        ["templates", "push", *STAGED, f"{folder}/t.json"],
        ["plan", *STAGED, "--templates", f"{folder}/t.json"],
        folder_words(folder),
    ):
        typed(*words).refuses("t.json is not valid", *PATHS, "correct each line")
    assert not (folder / "out").exists()


def test_all_unknown_keys_and_wrong_types_are_named_at_once(folder: Path, typed: Typed) -> None:
    wrong = {"schema_version": 2, "templates": [{"id": 7, "match": {"modalty": "US"}, "rectangles": [{"top": "0"}]}]}
    (folder / "t.json").write_text(json.dumps(wrong))
    typed("templates", "check", f"{folder}/t.json").refuses(
        "$.schema_version", "$.templates[0].id", "$.templates[0].match", "unknown key modalty", "rectangles[0]"
    )


def test_stored_templates_with_a_rectangle_off_the_image_are_refused(site: Site, run: Callable[..., Said]) -> None:
    site.templates(banner_template(rectangles=[{"top": 0, "left": 0, "bottom": 65, "right": 96}]))
    said = run()
    said.refuses("stored templates.json, version 2 is not valid", "$.templates[0].rectangles[0].bottom", "at most 64")


def test_a_template_that_matches_nothing_is_said_out_loud(site: Site, typed: Typed) -> None:
    site.templates(banner_template(), clean_template(), banner_template(id="us-other", match=_other_size()))
    said = typed("plan", *STAGED, "--json")
    assert said.of("summary")[0]["notes"] == ["template us-other matched no image of this run"]
    assert "note: template us-other matched no image of this run" in said.err
    named = typed("plan", *STAGED, "--session", f"{PERSON.id}_VISIT", "--json")
    assert named.of("summary")[0]["notes"] == [], "one session says nothing of templates for others"


def _other_size() -> dict[str, Any]:
    return {"modality": "US", "rows": 480, "columns": 640}


@pytest.mark.parametrize("option", ["templates", "policy", "key"])
def test_missing_and_malformed_files_are_named(folder: Path, typed: Typed, option: str) -> None:
    gone = f"{folder}/gone/{option}"
    said = typed(*folder_words(folder, **{option: gone}))
    said.refuses(gone)
    binary = folder / "binary"
    binary.write_bytes(b"\xff\xfe\0")
    typed(*folder_words(folder, **{option: str(binary)})).refuses(str(binary))
    assert not (folder / "out").exists()


@pytest.mark.parametrize("text", ["", "{", '{"schema_version": 1, "schema_version": 1}', "[]", "NaN", "[" * 100000])
def test_a_document_that_is_no_json_object_is_refused(folder: Path, typed: Typed, text: str) -> None:
    for name, option in (("t.json", "templates"), ("p.json", "policy")):
        (folder / "bad.json").write_text(text)
        typed(*folder_words(folder, **{option: f"{folder}/bad.json"})).refuses("bad.json is not valid")
        typed(option, "check", f"{folder}/bad.json").refuses("bad.json is not valid")
        assert (folder / name).exists()


def test_a_key_file_that_is_no_key_is_refused_and_left_alone(folder: Path, typed: Typed) -> None:
    (folder / "key").write_text("not a key\n")
    typed(*folder_words(folder)).refuses("key is not 32 bytes in base64", "backup")
    assert (folder / "key").read_text() == "not a key\n"


@pytest.mark.parametrize("left_out", ["templates", "policy", "key", "to"])
def test_a_folder_run_says_what_it_still_needs(folder: Path, typed: Typed, left_out: str) -> None:
    typed(*folder_words(folder, **{left_out: ""})).refuses("give", f"--{left_out}")
    assert not (folder / "out").exists()
    assert not (folder / "key").exists()


def test_a_folder_run_needs_an_armed_policy_that_agrees_with_its_destination(folder: Path, typed: Typed) -> None:
    policy = {"schema_version": 1, "destination": {"server": "PUBLIC", "project": CLEAN}}
    (folder / "p.json").write_text(json.dumps(policy))
    typed(*folder_words(folder)).refuses("not armed", '"enabled": true')
    (folder / "p.json").write_text(json.dumps(policy | {"enabled": True}))
    typed(*folder_words(folder, to="xnat:OTHER@PUBLIC")).refuses("not the destination of the policy file")


@pytest.mark.parametrize("to", ["in", "in/deeper", "."])
def test_a_destination_folder_inside_the_source_or_around_it_is_refused(folder: Path, typed: Typed, to: str) -> None:
    words = folder_words(folder, to=f"dir:{folder}/{to}", key=f"{folder}-key")
    typed(*words).refuses("one is inside the other")


def test_a_source_folder_that_is_not_there_is_named(folder: Path, typed: Typed) -> None:
    typed(*folder_words(folder, **{"from": f"dir:{folder}/gone"})).refuses(f"{folder}/gone is not there")


# Files


def test_a_file_that_cannot_be_read_stops_a_folder_run(open_folder: Path, typed: Typed) -> None:
    assert typed("plan", *folder_words(open_folder, to="", policy="", key="")[1:]).status == 0
    with as_nobody(open_folder):
        (open_folder / "in" / "ct" / "1.dcm").chmod(0)
        typed(*folder_words(open_folder)).refuses("in/ct/1.dcm cannot be read: Permission denied", "make it readable")
        (open_folder / "in" / "ct").chmod(0)
        typed(*folder_words(open_folder)).refuses("in/ct cannot be read", "make it readable")
        assert not (open_folder / "out").exists()
        (open_folder / "in" / "ct").chmod(0o755)


def test_folders_that_cannot_be_written_are_refused_before_anything_is_done(open_folder: Path, typed: Typed) -> None:
    locked = open_folder / "locked"
    locked.mkdir()
    with as_nobody(open_folder):
        locked.chmod(0o555)
        typed(*folder_words(open_folder, to=f"dir:{locked}/out")).refuses("locked/out cannot be written")
        typed(*folder_words(open_folder, report=f"{locked}/report")).refuses("locked/report", "--report")
        typed(*folder_words(open_folder, key=f"{locked}/key")).refuses("locked/key cannot be made", "--key")
        typed("templates", "pull", *STAGED, f"{locked}/t.json").refuses("locked/t.json cannot be written")
        assert not (open_folder / "out").exists()
        locked.chmod(0o755)


@pytest.mark.parametrize("what", ["cut", "frames"])
def test_truncated_pixels_and_a_lying_frame_count_are_held_as_damaged(site: Site, typed: Typed, what: str) -> None:
    """A scan of three instances, of which one is bad, is held whole; its session waits."""
    good = slices(PERSON, 3, series=5, rows=48)
    files = [save(ds, site.root / "bad" / f"{number}.dcm") for number, ds in enumerate(good)]
    if what == "cut":
        files[1].write_bytes(files[1].read_bytes()[:-700])
    else:
        good[1].NumberOfFrames = 3
        save(good[1], files[1])
    site.staging.seed_session(STAGING, PERSON.id, site.samples[0].label, files)
    said = typed("run", *STAGED, "--json")
    assert said.status == 0
    held = {line["scan"]: (line["decision"], line["code"], bool(line["remedy"])) for line in said.of("scan")}
    assert held["5"] == ("hold", "damaged", True)
    assert [line["outcome"] for line in said.of("session")] == ["waiting"]
    assert typed("run", *STAGED, "--strict").status == 4
    assert site.visible() == {}
    assert site.reads_only()


# Disk


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Writes beyond `size` fail with an OSError, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [1000, 4500, 8000])
def test_a_disk_that_fills_up_fails_the_session_and_leaves_nothing_behind(
    site: Site, folder: Path, typed: Typed, tmp_path: Path, size: int
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    words = folder_words(folder)
    (folder / "key").write_text(new_key())
    with no_file_beyond(size):
        said = typed(*words, "--json", TMPDIR=str(scratch))
    assert said.status == 1
    (session,) = said.of("session")
    assert session["outcome"] == "failed"
    assert "scratch folder" in session["error"]
    assert session["hint"]
    assert list(scratch.iterdir()) == []
    assert [path for path in (folder / "out").rglob("*") if path.is_file()] == []
    assert site.command(*words) == 0


def test_a_disk_that_fills_up_while_a_project_is_read_fails_the_session(site: Site, tmp_path: Path) -> None:
    """The real command with its worker processes; what all of them say is looked at."""
    (tmp_path / "scratch").mkdir()
    said = real_process(site, "run", *STAGED, "--json", limit=8000, TMPDIR=str(tmp_path / "scratch"))
    assert said.status == 1
    assert "cannot write into the scratch folder" in said.of("session")[0]["error"]
    assert list((tmp_path / "scratch").iterdir()) == []
    assert site.visible() == {}
    said = real_process(site, "run", *STAGED, "--json", "--workers", "1", TMPDIR=str(tmp_path / "scratch"))
    assert said.status == 0
    assert [line["outcome"] for line in said.of("session")] == ["published"]
    assert list((tmp_path / "scratch").iterdir()) == []


def real_process(site: Site, *words: str, limit: int = 0, **variables: str) -> Said:
    """The command line in a process of its own, in which no file may grow beyond `limit` bytes."""

    def confine() -> None:
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-m", "xnat_pixelanon", *words],
        env=os.environ | site.environment() | variables,
        preexec_fn=confine,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert silent(done.stdout + done.stderr, site, words)
    return Said(done.returncode, done.stdout, done.stderr)


def test_a_session_larger_than_the_scratch_space_is_not_begun(folder: Path, typed: Typed) -> None:
    with (folder / "in" / "us.dcm").open("r+b") as sparse:
        sparse.truncate(4 << 40)
    said = typed(*folder_words(folder), "--json")
    assert said.status == 1
    assert "MiB free, this session needs" in said.of("session")[0]["error"]
    assert "TMPDIR" in said.of("session")[0]["hint"]
    assert not (folder / "out").exists()


def test_a_scratch_folder_that_is_absent_or_not_writable_is_not_replaced_by_another(
    open_folder: Path, typed: Typed
) -> None:
    absent = str(open_folder / "absent")
    typed(*folder_words(open_folder), TMPDIR=absent).refuses(f"scratch folder {absent} cannot be used", "set TMPDIR")
    locked = open_folder / "locked"
    locked.mkdir()
    with as_nobody(open_folder):
        locked.chmod(0o555)
        said = typed(*folder_words(open_folder), TMPDIR=str(locked))
        said.refuses(f"scratch folder {locked} cannot be used", "set TMPDIR")
        locked.chmod(0o755)
    assert not (open_folder / "out").exists()


def test_a_report_folder_that_is_none_is_refused_before_anything_is_sent(
    site: Site, run: Callable[..., Said], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    run("--report", str(tmp_path / "file" / "below")).refuses("the report cannot be written", "--report")
    assert site.visible() == {}


def test_a_report_that_cannot_be_kept_does_not_hide_what_was_done(site: Site, typed: Typed) -> None:
    site.staging.faults.add(Fault("/resources/PIXELANON", Cut(), nth=None))
    said = typed("run", *STAGED)
    assert said.status == 0
    assert "not stored in the staging project" in said.out
    assert "sessions: published 1" in said.out


def test_a_made_key_is_for_its_owner_alone(folder: Path, typed: Typed) -> None:
    assert typed(*folder_words(folder)).status == 0
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
