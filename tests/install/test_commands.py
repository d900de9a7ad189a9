"""The command files say what the container does, and nothing that a launch could use to widen it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from xnat_pixelanon import __version__
from xnat_pixelanon.install.commands import SAME_SERVER, SECOND_SERVER, command_for, commands, label

REPOSITORY = Path(__file__).parents[2]
NAMES = (SAME_SERVER, SECOND_SERVER)
SHELL = re.compile(r";|&&|\|\||`|\(")
OWN = {"XNAT_HOST", "XNAT_USER", "XNAT_PASS", "XNAT_WORKFLOW_ID", "XNAT_EVENT_ID"}


def wrappers(name: str) -> Mapping[str, Mapping[str, Any]]:
    return {wrapper["name"]: wrapper for wrapper in commands()[name]["xnat"]}


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    elif isinstance(value, str):
        yield value


def test_the_files_at_the_top_are_the_ones_in_the_package() -> None:
    for file, name in (("command.json", SAME_SERVER), ("command-second-server.json", SECOND_SERVER)):
        assert json.loads((REPOSITORY / file).read_text()) == commands()[name]


def test_the_label_holds_both_commands_on_one_line() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "xnat_pixelanon.install.commands"], capture_output=True, text=True, check=True
    ).stdout
    assert printed == label() + "\n"
    assert json.loads(label()) == list(commands().values())
    assert "\n" not in label()


@pytest.mark.parametrize("name", NAMES)
def test_version_and_image_are_those_of_the_package(name: str) -> None:
    assert commands()[name]["version"] == __version__
    assert commands()[name]["image"] == f"xnat-pixelanon:{__version__}"


def test_the_two_commands_differ_in_server_secrets_and_words_only() -> None:
    same, second = commands()[SAME_SERVER], commands()[SECOND_SERVER]
    assert "secrets" not in same
    assert {one["destination"]["identifier"] for one in second["secrets"]} == {
        "PIXELANON_PUBLIC_HOST",
        "PIXELANON_PUBLIC_USER",
        "PIXELANON_PUBLIC_PASS",
    }
    assert [wrapper["name"] for wrapper in same["xnat"]] == [wrapper["name"] for wrapper in second["xnat"]]
    one, other = (dict(command["environment-variables"]) for command in (same, second))
    assert (one.pop("PIXELANON_SERVER"), other.pop("PIXELANON_SERVER")) == ("same", "PUBLIC")
    assert one == other
    assert command_for("same") is same
    assert command_for("PUBLIC") is second


@pytest.mark.parametrize("name", NAMES)
def test_no_shell_no_output_and_no_word_of_a_user_on_the_command_line(name: str) -> None:
    command = commands()[name]
    assert command["command-line"] == "launch"
    assert command["override-entrypoint"] is False
    assert command["outputs"] == []
    assert not OWN & set(command["environment-variables"])
    given = [one.get("default-value", "") for one in command["inputs"]]
    given += [one.get("default-value", "") for w in command["xnat"] for one in w["external-inputs"]]
    assert not [value for value in given if SHELL.search(value)]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_launch_is_told_comes_from_ids_never_from_labels(name: str) -> None:
    for wrapper in wrappers(name).values():
        derived = {one["derived-from-xnat-object-property"] for one in wrapper["derived-inputs"]}
        assert derived <= {"id", "project-id"}
        root = wrapper["external-inputs"][0]
        assert root["type"] in ("Project", "Session")
        assert [one["type"] for one in wrapper["external-inputs"][1:]] == ["string"] * len(
            wrapper["external-inputs"][1:]
        )


@pytest.mark.parametrize("name", NAMES)
def test_only_set_up_asks_its_user_anything(name: str) -> None:
    asked = {one["name"] for one in commands()[name]["inputs"]} - {"action", "project-id", "session-id"}
    for wrapper in wrappers(name).values():
        provided = {one.get("provides-value-for-command-input") for one in wrapper["external-inputs"]}
        assert asked & provided == (set() if wrapper["name"] == "set-up" else asked)
        assert not [one for one in wrapper["external-inputs"] if one["user-settable"]]


@pytest.mark.parametrize("name", NAMES)
def test_every_text_for_people_is_there(name: str) -> None:
    command = commands()[name]
    described = [command, *command["inputs"], *command["xnat"]]
    described += [one for w in command["xnat"] for one in (*w["external-inputs"], *w["derived-inputs"])]
    assert all(one["description"].strip() for one in described)
    assert all(wrapper["label"].strip() and wrapper["contexts"] for wrapper in command["xnat"])
    assert len({wrapper["label"] for wrapper in command["xnat"]}) == len(command["xnat"])
    assert max(len(text) for text in texts([w["label"] for w in command["xnat"]])) <= 255


@pytest.mark.parametrize("name", NAMES)
def test_the_archive_is_mounted_read_only_and_memory_is_reserved(name: str) -> None:
    command = commands()[name]
    mounts = {one["name"]: one for one in command["mounts"]}
    assert mounts["input"] == {"name": "input", "writable": False, "path": "/input"}
    fed = {one.get("provides-files-for-command-mount") for w in command["xnat"] for one in w["external-inputs"]}
    assert fed - {None} == {"input"}, "the mount for scratch is fed by nothing: the archive is never copied into it"
    assert 0 < command["reserve-memory"] <= command["limit-memory"]
