"""Whether two commands are the same: what a Container Service adds is no difference, and nothing else is overlooked."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from xnat_pixelanon.install.commands import commands
from xnat_pixelanon.install.comparing import SITE_KEYS, differences, updated
from xnat_pixelanon.sandbox.cs_bind import bind_command
from xnat_pixelanon.sandbox.cs_records import as_document

NAMES = list(commands())


def stored(name: str) -> dict[str, Any]:
    """As a Container Service gives the command back: with numbers, defaults and nulls, and in another order."""
    found: Any = as_document(bind_command(dict(commands()[name]), creating=True))
    found |= {"id": 7, "hash": "sha256:0", "index": None, "info-url": None, "ports": {}, "auto-remove": False}
    for number, wrapper in enumerate(found["xnat"]):
        wrapper |= {"id": number, "output-handlers": []}
        for key in ("external-inputs", "derived-inputs"):
            for one in wrapper[key]:
                one |= {"id": 3, "matcher": None, "sensitive": None, "replacement-key": f"#{one['name']}#"}
                one.setdefault("label", None)
    for key in ("xnat", "inputs", "mounts"):
        found[key].reverse()
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, (*path, key))
    elif isinstance(value, list) and value:
        for index, part in enumerate(value):
            yield from leaves(part, (*path, index))
    else:
        yield path


def parent_of(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        document = document[key]
    return document


@pytest.mark.parametrize("name", NAMES)
def test_what_the_service_adds_is_no_difference(name: str) -> None:
    assert differences(commands()[name], stored(name)) == []
    assert differences(commands()[name], commands()[name]) == []


@pytest.mark.parametrize("name", NAMES)
def test_each_value_of_the_file_counts(name: str) -> None:
    """Every leaf, changed and taken away one by one; what the site may tune is the only exception."""
    for path in leaves(commands()[name]):
        changed = copy.deepcopy(dict(commands()[name]))
        holder = parent_of(changed, path)
        before = holder[path[-1]]
        holder[path[-1]] = (not before) if isinstance(before, bool) else [1] if before == [] else f"{before} other"
        found = differences(commands()[name], changed)
        assert bool(found) is (path[0] not in SITE_KEYS), path


@pytest.mark.parametrize("name", NAMES)
def test_what_somebody_adds_counts(name: str) -> None:
    wanted = commands()[name]
    for change in (
        {"environment-variables": {**wanted["environment-variables"], "hash": "x"}},
        {"working-directory": "/tmp"},
        {"visibility": "private"},
        {"secrets": [*wanted.get("secrets", []), {"source": {"identifier": "x"}, "destination": {"identifier": "Y"}}]},
        {"mounts": [*wanted["mounts"], {"name": "more", "path": "/more", "writable": True}]},
        {"xnat": wanted["xnat"][1:]},
        {"xnat": [*wanted["xnat"], {**wanted["xnat"][0], "name": "another"}]},
    ):
        assert differences(wanted, {**wanted, **change}), change


def test_a_difference_is_named_by_its_place() -> None:
    wanted = commands()[NAMES[0]]
    changed = copy.deepcopy(dict(wanted))
    (run,) = [one for one in changed["xnat"] if one["name"] == "run"]
    run["external-inputs"][1]["default-value"] = "withdraw"
    assert differences(wanted, changed) == ["xnat.run.external-inputs.menu-action.default-value"]


def test_what_the_site_has_tuned_is_kept() -> None:
    wanted = commands()[NAMES[0]]
    tuned = {**stored(NAMES[0]), "limit-memory": 9999, "network": "lab", "command-line": "old", "limit-cpu": None}
    assert differences(wanted, tuned) == ["command-line"]
    sent = updated(wanted, tuned)
    assert (sent["limit-memory"], sent["network"], sent["command-line"]) == (9999, "lab", "launch")
    assert sent["limit-cpu"] == wanted["limit-cpu"]
    assert differences(wanted, sent) == []


def secret(destination: dict[str, Any]) -> dict[str, Any]:
    return {"source": {"type": "system-property", "identifier": "lab.key"}, "destination": destination}


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_for_the_site_key_is_the_sites_and_no_other_is(name: str) -> None:
    wanted = commands()[name]
    kept = secret({"type": "environment-variable", "identifier": "PIXELANON_SITE_KEY"})
    with_key = {**stored(name), "secrets": [*stored(name).get("secrets", []), kept]}
    assert differences(wanted, with_key) == []
    assert updated(wanted, with_key)["secrets"] == [*wanted.get("secrets", []), kept]
    for other in ("PIXELANON_SITE_KEYS", "pixelanon_site_key", "PIXELANON_PUBLIC_HOST", "XNAT_PASS", "LD_PRELOAD"):
        more = secret({"type": "environment-variable", "identifier": other})
        added = {**with_key, "secrets": [*with_key["secrets"], more]}
        assert differences(wanted, added), other
        assert more not in updated(wanted, added)["secrets"]
        assert kept in updated(wanted, added)["secrets"]
    in_clear = {**with_key, "environment-variables": {**wanted["environment-variables"], "PIXELANON_SITE_KEY": "x"}}
    assert differences(wanted, in_clear) == ["environment-variables.PIXELANON_SITE_KEY"]


def test_the_order_of_lists_is_none() -> None:
    wanted = commands()[NAMES[1]]
    shuffled = copy.deepcopy(dict(wanted))
    draw = random.Random(7)
    for found in (shuffled["secrets"], shuffled["xnat"], *(one["external-inputs"] for one in shuffled["xnat"])):
        draw.shuffle(found)
    assert differences(wanted, shuffled) == []
