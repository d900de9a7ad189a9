"""`accept`, as the owner of a clean project types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import STAGED, Typed
from tests.pipeline.conftest import CLEAN, MEMBER, OWNER, Site

TO = ("--to", f"xnat:{CLEAN}@PUBLIC")
OTHER = "a" * 26


def test_a_list_goes_from_nothing_to_one_entry_and_back(site: Site, typed: Typed) -> None:
    site.clean.add_project("NEW", owner=OWNER)
    to = ("--to", "xnat:NEW@PUBLIC")
    mine = site.fingerprint()
    assert typed("accept", "list", *to).out == "no accepts.json stored\n"
    said = typed("accept", "add", *to, *STAGED, "--note", "radiology")
    assert (said.status, said.out) == (0, f"NEW accepts {mine}: accepts.json version 1\n")
    assert typed("accept", "add", *to, str(mine)).out == f"NEW accepts {mine} already\n"
    assert "version 2" in typed("accept", "add", *to, str(mine), "--note", "the ward").out
    shown = typed("accept", "list", *to)
    assert str(mine) in shown.out
    assert "the ward" in shown.out
    assert "radiology" not in shown.out
    said = typed("accept", "remove", *to, *STAGED)
    assert (said.status, said.out) == (0, f"NEW no longer accepts {mine}: accepts.json version 3\n")
    assert typed("accept", "list", *to).out == "nothing is accepted\n"
    typed("accept", "remove", *to, str(mine)).refuses("does not list that fingerprint", "accept list")


def test_the_command_that_a_refused_run_names_is_the_one_to_type(site: Site, typed: Typed) -> None:
    site.accept(OTHER)
    said = typed("run", *STAGED)
    said.refuses("has not accepted this source", "an owner of CLEAN types")
    words = said.err.rpartition("types: xnat-pixelanon ")[2].split()
    assert typed(*words).status == 0
    assert typed("run", *STAGED).status == 0
    assert {OTHER, str(site.fingerprint())} <= set(typed("accept", "list", *TO).out.split())


def test_a_policy_that_is_shown_or_pushed_tells_the_fingerprint_on_stderr(
    site: Site, typed: Typed, tmp_path: Path
) -> None:
    mine = str(site.fingerprint())
    shown = typed("policy", "show", *STAGED)
    assert mine in shown.err
    assert mine not in shown.out
    path = tmp_path / "p.json"
    path.write_text(json.dumps(json.loads(shown.out) | {"settle_minutes": 3}))
    assert mine in typed("policy", "push", *STAGED, str(path)).err
    assert mine not in typed("templates", "history", *STAGED).err


def test_only_owners_of_the_clean_project_accept(site: Site, typed: Typed) -> None:
    for verb in ("add", "remove"):
        site.accept(OTHER if verb == "remove" else site.fingerprint())
        typed("accept", verb, *TO, OTHER, user=MEMBER).refuses("only an owner of project CLEAN may store accepts.json")


@pytest.mark.parametrize("words", [(), (OTHER, *STAGED)])
def test_exactly_one_way_to_name_the_key_is_wanted(typed: Typed, words: tuple[str, ...]) -> None:
    for verb in ("add", "remove"):
        said = typed("accept", verb, *TO, *words)
        assert said.status == 2
        assert "either a FINGERPRINT or --from" in said.err


def test_what_is_no_fingerprint_is_not_stored(site: Site, typed: Typed) -> None:
    typed("accept", "add", *TO, "not-one").refuses("$.accepts[1].fingerprint: expected the 26 characters")
    assert "not-one" not in typed("accept", "list", *TO).out


def test_a_staging_project_without_a_key_has_no_fingerprint(site: Site, typed: Typed) -> None:
    site.staging.add_project("FRESH", owner=OWNER)
    typed("accept", "add", *TO, "--from", "xnat:FRESH").refuses("xnat:FRESH has no key yet", "policy push")


def test_folders_have_no_list(typed: Typed, tmp_path: Path) -> None:
    typed("accept", "list", "--to", f"dir:{tmp_path}").refuses("XNAT projects only")
