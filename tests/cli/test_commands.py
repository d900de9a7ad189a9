"""Every command as an owner types it: what it does, what it prints, where it prints it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement

from tests.cli.conftest import PERSON, STAGED, Typed
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
from xnat_pixelanon import __version__
from xnat_pixelanon.archive import Credentials, XnatDocumentStore, connect
from xnat_pixelanon.cli.main import EXIT_STATUS, cli, status_of
from xnat_pixelanon.domain.codes import CODES, OUTCOMES, Outcome
from xnat_pixelanon.domain.documents import schema_problems
from xnat_pixelanon.pipeline.rules import KEY_DOCUMENT

TEMPLATES = {"schema_version": 1, "templates": [banner_template()]}
POLICY = {"schema_version": 1, "destination": {"server": "PUBLIC", "project": CLEAN}}
FRESH = ("--from", "xnat:FRESH")


@pytest.fixture
def fresh(site: Site) -> Site:
    """A second staging project, with nothing stored."""
    site.staging.add_project("FRESH", owner=OWNER)
    site.staging.set_role("FRESH", MEMBER, "member")
    return site


def written(path: Path, document: dict[str, object]) -> str:
    path.write_text(json.dumps(document), "utf-8")
    return str(path)


def all_commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from all_commands(command, *path, name)
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", list(all_commands(cli)), ids=lambda path: " ".join(path) or "all")
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_explains_itself(
    path: tuple[str, ...], option: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert status_of([*path, option]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Usage: {' '.join(('xnat-pixelanon', *path))}")
    assert err == ""
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or (parameter.help and parameter.opts[-1] in out)


def test_help_lists_every_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for status, meaning in EXIT_STATUS.items():
        assert f"{status} {meaning}" in said


def test_the_version_is_told(typed: Typed) -> None:
    said = typed("--version")
    assert (said.status, said.out) == (0, f"xnat-pixelanon, version {__version__}\n")


# Documents


@pytest.mark.parametrize(("group", "document"), [("templates", TEMPLATES), ("policy", POLICY)])
def test_a_document_goes_round_from_check_to_history(
    fresh: Site, typed: Typed, tmp_path: Path, group: str, document: dict[str, object]
) -> None:
    path = written(tmp_path / "mine.json", document)
    assert typed(group, "check", path).out == f"{path} is valid\n"
    assert typed(group, "history", *FRESH).out == f"no {group}.json stored\n"
    typed(group, "show", *FRESH).refuses(f"no {group}.json stored", "push FILE")
    typed(group, "pull", *FRESH, str(tmp_path / "x.json")).refuses(f"no {group}.json stored")
    assert not (tmp_path / "x.json").exists()

    said = typed(group, "push", *FRESH, path)
    assert (said.status, said.out) == (0, f"{group}.json stored as version 1\n")
    shown = typed(group, "show", *FRESH)
    assert json.loads(shown.out) == {**document, "based_on": 1}
    assert f"version 1, by {OWNER}" in shown.err

    pulled = tmp_path / "pulled.json"
    assert typed(group, "pull", *FRESH, str(pulled)).out == f"version 1 written to {pulled}\n"
    assert json.loads(pulled.read_text()) == {**document, "based_on": 1}
    typed(group, "pull", *FRESH, str(pulled)).refuses("exists", "--force")
    assert typed(group, "pull", *FRESH, str(pulled), "--force").status == 0
    assert typed(group, "check", str(pulled)).status == 0

    changed = json.loads(pulled.read_text()) | (
        {"templates": []} if group == "templates" else {"mixed": "per-instance"}
    )
    assert typed(group, "push", *FRESH, written(pulled, changed)).out == f"{group}.json stored as version 2\n"
    rows = [line.split() for line in typed(group, "history", *FRESH).out.splitlines() if OWNER in line]
    assert [row[1 if row[0] == "│" else 0] for row in rows] == ["2", "1"]


@pytest.mark.parametrize(("group", "document"), [("templates", TEMPLATES), ("policy", POLICY)])
def test_of_two_editors_the_second_has_to_pull_again(
    fresh: Site, typed: Typed, tmp_path: Path, group: str, document: dict[str, object]
) -> None:
    typed(group, "push", *FRESH, written(tmp_path / "first.json", document))
    ada, bob = tmp_path / "ada.json", tmp_path / "bob.json"
    for path in (ada, bob):
        typed(group, "pull", *FRESH, str(path))
    key = "exclusions" if group == "templates" else "publish"
    theirs = [{"match": {"modality": "SR"}}] if group == "templates" else "available-scans"
    assert typed(group, "push", *FRESH, written(ada, {**json.loads(ada.read_text()), key: theirs})).status == 0
    mine = {**json.loads(bob.read_text()), "settle_minutes": 3} if group == "policy" else json.loads(bob.read_text())
    said = typed(group, "push", *FRESH, written(bob, mine))
    said.refuses(f"{group}.json is based on version 1, but the newest is version 2", "pull again")
    typed(group, "push", *FRESH, written(tmp_path / "none.json", document)).refuses("names no version")
    assert json.loads(typed(group, "show", *FRESH).out)[key] == theirs


@pytest.mark.parametrize(("group", "document"), [("templates", TEMPLATES), ("policy", POLICY)])
@pytest.mark.parametrize("role", ["member", "collaborator"])
def test_only_owners_push(
    fresh: Site, typed: Typed, tmp_path: Path, group: str, document: dict[str, object], role: str
) -> None:
    fresh.staging.set_role("FRESH", MEMBER, role)
    path = written(tmp_path / "mine.json", document)
    typed(group, "push", *FRESH, path, user=MEMBER).refuses("only an owner of project FRESH may store", "ask an owner")
    typed(group, "show", *FRESH, user=MEMBER).refuses("stored")
    assert stored(fresh, KEY_DOCUMENT) is None


def test_only_owners_arm_and_disarm(site: Site, typed: Typed) -> None:
    for verb in ("arm", "disarm"):
        site.policy(enabled=verb == "disarm")
        typed("policy", verb, *STAGED, user=MEMBER).refuses("only an owner of project STAGING may store policy.json")
        assert json.loads(typed("policy", "show", *STAGED).out)["enabled"] is (verb == "disarm")


def test_a_document_that_is_not_valid_is_not_pushed(fresh: Site, typed: Typed, tmp_path: Path) -> None:
    path = written(tmp_path / "bad.json", {**POLICY, "enabled": "yes", "send_headers_only": ["1.2.3"]})
    typed("policy", "push", *FRESH, path).refuses("$.enabled: expected boolean")
    path = written(tmp_path / "bad.json", {**POLICY, "headers": {"profile": "none"}, "send_headers_only": ["1.2.3"]})
    typed("policy", "push", *FRESH, path).refuses("$.headers.profile", "$.send_headers_only")
    path = written(tmp_path / "bad.json", {**POLICY, "destination": {"server": "same", "project": "FRESH"}})
    typed("policy", "push", *FRESH, path).refuses("the staging project itself", "name the clean project")
    assert stored(fresh, "policy.json") is None
    assert stored(fresh, KEY_DOCUMENT) is None


def stored(site: Site, name: str, project: str = "FRESH") -> str | None:
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        found = XnatDocumentStore(connection, project).load(name)
        return found.text if found else None


def test_the_first_push_of_a_policy_makes_the_key_and_no_other_does(fresh: Site, typed: Typed, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    said = typed("policy", "push", *FRESH, written(path, POLICY))
    assert "key for pseudonyms and UIDs was made" in said.err
    key = stored(fresh, KEY_DOCUMENT)
    assert key
    assert key not in said.out + said.err
    again = typed("policy", "push", *FRESH, written(path, {**POLICY, "based_on": 1, "settle_minutes": 1}))
    assert "was made" not in again.err
    assert stored(fresh, KEY_DOCUMENT) == key


def test_arming_and_disarming_change_that_alone_and_can_be_repeated(fresh: Site, typed: Typed, tmp_path: Path) -> None:
    typed("policy", "arm", *FRESH).refuses("no policy.json stored", "push FILE")
    typed("policy", "push", *FRESH, written(tmp_path / "p.json", {**POLICY, "publish": "available-scans"}))
    steps = [
        ("arm", "policy armed: version 2"),
        ("arm", "the policy is armed already"),
        ("disarm", "policy disarmed: version 3"),
        ("disarm", "the policy is not armed already"),
    ]
    for verb, words in steps:
        assert typed("policy", verb, *FRESH).out == f"{words}\n"
        shown = json.loads(typed("policy", "show", *FRESH).out)
        assert (shown["enabled"], shown["publish"]) == (verb == "arm", "available-scans")


def test_documents_are_kept_in_xnat_only(typed: Typed, tmp_path: Path) -> None:
    typed("templates", "show", "--from", f"dir:{tmp_path}").refuses("XNAT projects only", "--from xnat:PROJECT")


# plan and run


def test_a_plan_shows_what_a_run_does_and_writes_nothing(site: Site, typed: Typed, tmp_path: Path) -> None:
    site.seed(f"{PERSON.id}_ODD", [ultrasound(PERSON, rows=70, study=2)], person=PERSON)
    site.staging.clear_requests()
    site.clean.clear_requests()
    planned = typed("plan", *STAGED, "--json", "--report", str(tmp_path / "plan"))
    assert (planned.status, [line["outcome"] for line in planned.of("session")]) == (0, ["planned", "waiting"])
    assert {one.method for one in site.staging.requests if one.path != "/data/services/auth"} == {"GET", "DELETE"}
    assert site.clean.requests == []
    same = typed("run", *STAGED, "--dry-run", "--json")
    assert same.of("scan") == planned.of("scan")
    assert site.visible() == {}
    done = typed("run", *STAGED, "--json")
    keys = ("session", "scan", "groups", "decision", "code", "instances", "rectangles")
    assert [[line[key] for key in keys] for line in done.of("scan")] == [
        [line[key] for key in keys] for line in planned.of("scan")
    ]
    assert [line["outcome"] for line in done.of("session")] == ["published", "waiting"]
    report = json.loads((tmp_path / "plan" / "report.json").read_text())
    assert (report["dry_run"], report["destination"]) == (True, "")


def test_a_plan_tries_files_before_they_are_stored(site: Site, typed: Typed, tmp_path: Path) -> None:
    site.templates()
    assert {line["code"] for line in typed("plan", *STAGED, "--json").of("scan")} == {"no-template"}
    wanted = {"schema_version": 1, "templates": [banner_template(), clean_template()]}
    path = written(tmp_path / "t.json", wanted)
    said = typed("plan", *STAGED, "--templates", path, "--json")
    assert {line["code"] for line in said.of("scan")} == {"template", "looked-at-clean"}
    assert typed("plan", *STAGED, "--policy", written(tmp_path / "p.json", POLICY)).status == 0


def test_a_run_prints_a_table_and_says_where_the_report_is(site: Site, typed: Typed, tmp_path: Path) -> None:
    said = typed("run", *STAGED, "--report", str(tmp_path / "out" / "report"))
    assert said.status == 0
    for words in ("US 64x96", "redact: template", "pass: looked-at-clean", "sessions: published 1", "yes"):
        assert words in said.out
    assert "report: project STAGING, resource PIXELANON, reports/" in said.out
    names = ("report.json", "scans.csv", "report.html", "contact-sheet.png")
    for name in names:
        assert f"report: {tmp_path}/out/report/{name}" in said.out
        assert (tmp_path / "out" / "report" / name).is_file()
    assert "session STAGE_E00001: published" in said.err
    assert "proof ok" in said.err
    run = json.loads((tmp_path / "out" / "report" / "report.json").read_text())["run"]
    kept = {
        item.where for item in site.staging.stored() if item.kind == "file-name" and f"reports/{run}/" in item.where
    }
    assert {where.rpartition("/")[2] for where in kept} == set(names)


def test_a_member_who_launches_is_told_that_the_report_is_not_kept(site: Site, typed: Typed, tmp_path: Path) -> None:
    site.policy(launchers="members")
    site.clean.set_role(CLEAN, MEMBER, "owner")
    said = typed("run", *STAGED, "--report", str(tmp_path / "report"), user=MEMBER)
    assert said.status == 0
    assert (tmp_path / "report" / "report.json").is_file()
    assert "report: " in said.out


def test_with_json_every_line_of_stdout_is_valid_and_nothing_else_is_there(site: Site, typed: Typed) -> None:
    site.seed(f"{PERSON.id}_MORE", slices(PERSON, study=2), person=PERSON)
    said = typed("run", *STAGED, "--json")
    types = [line["type"] for line in said.lines]
    assert types == ["scan", "scan", "session", "scan", "session", "summary"]
    assert "report: project STAGING" in said.err
    (summary,) = said.of("summary")
    assert summary["outcomes"] == {"published": 2}
    assert summary["decisions"] == {"redact": 1, "pass": 2}
    for line in said.of("scan"):
        assert line["remedy"] == CODES[line["code"]].remedy
    for line in said.of("session"):
        assert line["remedy"] == OUTCOMES[Outcome(line["outcome"])].remedy
    site.policy(enabled=False)
    refused = typed("run", *STAGED, "--json")
    assert refused.status == 3
    assert [line["type"] for line in refused.lines] == ["error"]
    assert schema_problems("line", {"type": "scan"}) != []


def test_strict_tells_done_from_left_over(site: Site, typed: Typed) -> None:
    assert typed("run", *STAGED, "--strict").status == 0
    site.seed(f"{PERSON.id}_ODD", [ultrasound(PERSON, rows=70, study=2)], person=PERSON)
    assert typed("run", *STAGED).status == 0
    assert typed("run", *STAGED, "--strict").status == 4
    assert typed("plan", *STAGED, "--strict").status == 4
    site.templates(banner_template(), clean_template(), exclusions=[{"match": {"modality": "US", "rows": 70}}])
    assert typed("run", *STAGED, "--strict").status == 0


def test_sessions_are_chosen_by_id_or_label(site: Site, typed: Typed) -> None:
    other = site.seed(f"{PERSON.id}_MORE", slices(PERSON, study=2), person=PERSON)
    by_id = typed("plan", *STAGED, "--session", other, "--json")
    by_label = typed("plan", *STAGED, "--session", f"{PERSON.id}_MORE", "--json")
    assert [line["session"] for line in by_id.of("session")] == [other]
    assert by_label.of("session") == by_id.of("session")
    both = typed("plan", *STAGED, "--session", other, "--session", f"{PERSON.id}_VISIT", "--json")
    assert len(both.of("session")) == 2


def test_a_disarmed_policy_stops_the_next_run(site: Site, typed: Typed) -> None:
    assert typed("policy", "disarm", *STAGED).status == 0
    typed("run", *STAGED).refuses("not armed")
    assert typed("policy", "arm", *STAGED).status == 0
    assert typed("run", *STAGED).status == 0


@pytest.mark.parametrize("hostile", ["PHANTOM^ADA", "Adelheid", "1.2.840.10008.1.1", "2.25.12345"])
def test_a_modality_that_is_no_code_is_not_printed(site: Site, typed: Typed, hostile: str) -> None:
    image = ultrasound(PERSON, study=3)
    image.add(DataElement("Modality", "CS", hostile, validation_mode=IGNORE))
    site.seed(f"{PERSON.id}_ODD", [image], person=PERSON)
    for words in (["plan", *STAGED], ["run", *STAGED, "--json"]):
        said = typed(*words)
        assert said.status == 0
        assert hostile not in said.out + said.err
        assert "??" in said.out
        assert "??" in said.err


def test_a_scan_that_is_called_by_its_uid_is_shown_shortened(site: Site, typed: Typed) -> None:
    site.seed(f"{PERSON.id}_ODD", slices(PERSON, study=3, SeriesNumber=None), person=PERSON)
    said = typed("run", *STAGED, "--json")
    assert any(line["scan"].startswith("...") for line in said.of("scan"))
    assert STAGING in said.err
