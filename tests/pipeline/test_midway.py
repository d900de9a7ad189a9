"""What changes in staging while a run is at work: it stops before the next session comes to be, and says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.pipeline.conftest import (
    OWNER,
    PASSWORD,
    QUICK,
    STAGING,
    InProcess,
    Site,
    banner_template,
    clean_template,
    slices,
    ultrasound,
)
from tests.pipeline.walk import Walk
from xnat_pixelanon.archive import Credentials, XnatLocation, connect
from xnat_pixelanon.pipeline.pool import Done
from xnat_pixelanon.pipeline.run import new_run_id, run
from xnat_pixelanon.pipeline.setup import RunOptions, prepared
from xnat_pixelanon.pipeline.work import clean, read
from xnat_pixelanon.sandbox.faults import Call, Fault
from xnat_pixelanon.sandbox.person import Person

ADA = Person.numbered(1)
UPLOAD = "/services/import"


def during(site: Site, change: Callable[[], object], *, path: str = UPLOAD, nth: int = 1) -> None:
    """Let something happen when a request comes to the clean server."""
    site.clean.faults.add(Fault(path, Call(change), nth=nth))


def disarm(site: Site) -> None:
    site.policy(enabled=False)


def waiting(site: Site) -> list[str]:
    with Walk(site, site.clean) as walk:
        return walk.waiting()


@pytest.mark.parametrize("change", ["public", "demoted"])
def test_a_staging_project_that_is_opened_or_a_launcher_that_is_demoted_stops_the_run(armed: Site, change: str) -> None:
    armed.seed("S1", slices(ADA), person=ADA)

    def happens() -> None:
        if change == "public":
            with connect(Credentials(armed.staging.url, OWNER, PASSWORD)) as connection:
                connection.put(f"/data/projects/{STAGING}/accessibility/public", "opening the project")
        else:
            armed.staging.set_role(STAGING, OWNER, "collaborator")

    during(armed, happens)
    ended = armed.attempt()
    assert ended.status == 3
    assert ("can be read by people outside" if change == "public" else "this account is collaborator") in ended.said
    assert armed.visible() == {}
    assert waiting(armed) == []


def test_a_policy_that_is_disarmed_at_any_writing_request_stops_before_anything_is_seen(armed: Site) -> None:
    ends = []
    with Walk(armed, armed.clean, writes=True) as walk:
        for case in walk.cases():
            fault = Fault(".*", Call(lambda: disarm(armed)), nth=case.request)
            ended = case.run([fault])
            state = case.state()
            if ended.status == 3:
                assert state == "before", case.what
                assert "armed" in ended.said, case.what
            else:
                assert (ended.status, state) == (0, "whole"), case.what
            assert walk.waiting() == [], case.what
            armed.policy()
            case.completes()
            ends.append((case.what.split(": ")[1].split(";")[0], ended.status))
    stopped = [what for what, status in ends if status == 3]
    assert any("services/import" in what for what in stopped)
    assert any("services/archive" in what for what in stopped)
    assert not any("/subjects/" in what for what in stopped)  # released: it was asked just before


def test_a_disarmed_policy_lets_what_was_sent_stand_and_stops_all_that_follow(site: Site) -> None:
    for number in (2, 3):
        site.seed(f"S{number}", slices(Person.numbered(number), 1, study=number), person=Person.numbered(number))
    during(site, lambda: disarm(site), nth=2)
    ended = site.attempt()
    assert (ended.status, ended.outcomes) == (3, ("published", "failed", "failed"))
    assert "the policy was disarmed" in ended.said
    assert "not started" in ended.said
    assert len(site.visible()) == 1
    assert waiting(site) == []
    site.policy()
    assert site.outcomes() == ["unchanged", "published", "published"]


def test_a_decision_that_changes_while_a_session_is_worked_on_stops_it(site: Site) -> None:
    gone = {"match": {"modality": "CT"}, "reason": "not any more"}
    during(site, lambda: site.templates(banner_template(), clean_template(), exclusions=[gone]))
    ended = site.attempt()
    assert (ended.status, ended.outcomes) == (1, ("failed",))
    assert "the decision for this session changed" in ended.said
    assert site.visible() == {}
    assert waiting(site) == []
    assert site.outcomes() == ["published"]
    assert list(site.visible().values()) == [["1"]]


def test_templates_that_change_without_changing_the_decision_stop_nothing(site: Site) -> None:
    during(site, lambda: site.templates(banner_template(note="looked again"), clean_template()))
    assert site.attempt().outcomes == ("published",)


def test_a_policy_that_names_another_destination_meanwhile_stops_the_session(site: Site) -> None:
    during(site, lambda: site.policy(destination={"server": "PUBLIC", "project": "ELSEWHERE"}))
    ended = site.attempt()
    assert (ended.status, ended.outcomes) == (1, ("failed",))
    assert "the policy changed" in ended.said
    assert site.visible() == {}


@pytest.mark.parametrize("how", ["deleted", "grown", "renamed"])
def test_a_session_that_changes_in_staging_while_it_is_worked_on_is_not_published(how: str, site: Site) -> None:
    (session,) = site.run(dry_run=True).report.sessions

    def delete() -> None:
        with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
            connection.delete(f"/data/projects/{STAGING}/experiments/{session.id}?removeFiles=true", "deleting")

    changes: dict[str, Callable[[], object]] = {
        "deleted": delete,
        "grown": lambda: site.seed("S1", slices(ADA, 1, series=7), person=ADA),
        "renamed": lambda: site.staging.rename_session(session.id, "RENAMED"),
    }
    during(site, changes[how])
    ended = site.attempt()
    assert (ended.status, ended.outcomes) == (1, ("failed",))
    assert "meanwhile" in ended.said
    assert site.visible() == {}
    assert waiting(site) == []
    again = site.attempt()
    assert again.status == 0
    wanted = {"deleted": [], "grown": [["1", "2", "7"]], "renamed": [["1", "2"]]}
    assert list(site.visible().values()) == wanted[how]


class OneDies(InProcess):
    """Workers of which one dies, twice, over the first task of a kind."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self._deadly = function

    def each(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Done[Any]]:
        if function is self._deadly:
            yield Done(0, None)
            yield from (Done(done.index + 1, done.result) for done in super().each(function, tasks[1:]))
        else:
            yield from super().each(function, tasks)


@pytest.mark.parametrize(("deadly", "code", "status"), [(read, "damaged", 0), (clean, "proof-failed", 5)])
def test_a_file_that_kills_its_worker_holds_its_scan_and_nothing_else(
    deadly: Callable[[Any], Any], code: str, status: int, site: Site
) -> None:
    site.policy(publish="available-scans")
    options = RunOptions(XnatLocation(STAGING))
    with prepared(options, site.environment(), QUICK) as plan:
        result = run(plan, OneDies(deadly), site.told, run_id=new_run_id())
    (session,) = result.report.sessions
    assert (session.outcome, result.report.exit_status) == ("published", status)
    held = {scan.id: scan.code for scan in session.scans if not scan.sent}
    assert set(held.values()) == {code}
    assert len(held) == 1
    assert list(site.visible().values()) == [sorted({"1", "2"} - held.keys())]


def one_scan_is_held(site: Site) -> None:
    site.policy(publish="available-scans")
    with prepared(RunOptions(XnatLocation(STAGING)), site.environment(), QUICK) as plan:
        run(plan, OneDies(clean), site.told, run_id=new_run_id())


def test_a_held_scan_is_added_when_its_worker_lives(armed: Site) -> None:
    armed.seed("S1", [ultrasound(ADA), ultrasound(ADA, series=2)], person=ADA)
    one_scan_is_held(armed)
    assert armed.outcomes() == ["grown"]
    assert list(armed.visible().values()) == [["1", "2"]]


def test_a_scan_of_another_modality_is_not_added_as_xnat_merges_none(site: Site) -> None:
    one_scan_is_held(site)
    before = site.visible()
    ended = site.attempt()
    assert (ended.status, ended.outcomes) == (1, ("failed",))
    assert "XNAT merges no scans of another modality" in ended.said
    assert site.visible() == before
    assert waiting(site) == []


def test_an_ultrasound_of_another_size_that_arrives_midway_is_not_sent_undecided(site: Site) -> None:
    late = ultrasound(ADA, rows=70, series=9)
    during(site, lambda: site.seed("S1", [late], person=ADA))
    assert site.attempt().outcomes == ("failed",)
    assert site.outcomes() == ["waiting"]
    assert site.visible() == {}
