"""docs/install.md, typed as it stands: from an XNAT without the tool to a session that is published by itself."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.install.conftest import ADMIN, Place
from tests.pipeline.conftest import (
    CLEAN,
    OWNER,
    PASSWORD,
    STAGING,
    Person,
    banner_template,
    clean_template,
    slices,
    ultrasound,
)
from xnat_pixelanon.archive import Credentials, connect
from xnat_pixelanon.sandbox.phantoms import save

GUIDE = (Path(__file__).parents[2] / "docs" / "install.md").read_text("utf-8")
ACCOUNTS = {"administrator": ADMIN, "owner": OWNER}
FENCE = re.compile(r"^```(\w+)(?: as (\w+)(?:, exit (\d))?)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROGRAM = "xnat-pixelanon"


@dataclass(frozen=True)
class Typed:
    section: str
    user: str
    status: int
    words: tuple[str, ...]


def typed_in_the_guide() -> Iterator[Typed]:
    for section in GUIDE.split("\n## ")[1:]:
        for kind, who, status, text in FENCE.findall(section):
            for line in text.splitlines() if kind == "sh" else ():
                program, *words = shlex.split(line)
                assert program == PROGRAM
                yield Typed(section.splitlines()[0], ACCOUNTS[who], int(status or 0), tuple(words))


def test_every_command_of_the_guide_stands_in_a_block_that_is_run() -> None:
    outside = FENCE.sub("", GUIDE)
    assert f"{PROGRAM} " not in outside
    assert {kind for kind, *_ in FENCE.findall(GUIDE)} == {"sh", "text"}
    assert len(list(typed_in_the_guide())) > 12


def arrives(place: Place, number: int, label: str) -> None:
    """A session is archived in staging, as a scanner's is."""
    person = Person.numbered(number)
    folder = place.site.root / "arriving" / label
    images = [ultrasound(person, study=number), *slices(person, 2, study=number)]
    files = [save(one, folder / f"{index}.dcm") for index, one in enumerate(images)]
    place.site.staging.seed_session(STAGING, person.id, label, files, announce=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("server", ["same", "PUBLIC"])
def test_the_guide_leads_from_nothing_to_the_first_automatic_run_and_back(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    staging = place.site.staging
    for project in (STAGING, CLEAN, "FRESH"):
        staging.add_project(project, owner=OWNER)  # STAGING once more: nothing is stored in it
    with place.as_(OWNER) as connection:
        for name in ("policy.json", "templates.json", "key"):
            connection.delete(f"/data/projects/{STAGING}/config/pixelanon/{name}", "taking it away", (200, 404))
    monkeypatch.chdir(tmp_path)
    policy = {"schema_version": 1, "destination": {"server": server, "project": CLEAN}, "settle_minutes": 1}
    templates = {"schema_version": 1, "templates": [banner_template(), clean_template()]}
    for name, document in (("policy.json", policy), ("templates.json", templates)):
        (tmp_path / name).write_text(json.dumps(document), "utf-8")
    staging.container_environment["PIXELANON_POLL"] = "0.1"

    place.site.accept()
    for name, value in (("host", place.site.clean.url), ("user", OWNER), ("pass", PASSWORD)):
        staging.set_system_property(f"pixelanon.public.{name}", value)

    first = True
    for one in typed_in_the_guide():
        if one.section.startswith("5.") and first:
            first = False
            arrives(place, 5, "ARRIVED")
            (container,) = staging.wait_for_containers(120)
            assert container.status == "Complete"
            assert len(published(place, server)) == 1
        said = place.typed(*one.words, user=one.user)
        assert said.status == one.status, (one, said.err, said.out)
    assert not first
    assert len(published(place, server)) == 1, "clean sessions stay, and a run by hand sent nothing again"
    assert place.commands() == {}
    assert place.subscriptions() == {}


def published(place: Place, server: str) -> list[str]:
    """Labels of the clean project's sessions; on the other server there is none."""
    found = {}
    for name, sandbox in (("same", place.site.staging), ("PUBLIC", place.site.clean)):
        with connect(Credentials(sandbox.url, OWNER, PASSWORD)) as connection:
            rows = connection.rows(f"/data/projects/{CLEAN}/experiments?columns=ID,label&format=json", "listing")
            found[name] = [row["label"] for row in rows]
    (other,) = set(found) - {server}
    assert found[other] == []
    return found[server]
