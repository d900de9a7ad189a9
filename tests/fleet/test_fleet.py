"""Many sessions, each in a container of its own."""

from __future__ import annotations

from collections.abc import Callable

from .conftest import Fleet, outcomes


def test_twenty_sessions_launched_in_bulk_are_all_published_once(fleet: Fleet) -> None:
    for number in range(1, 21):
        fleet.archive(number)
    fleet.bulk(fleet.sessions)
    assert outcomes(fleet.ended()) == {"Complete": 20}
    assert fleet.all_there_once()


def test_a_project_run_with_fan_out_launches_each_session_and_ends(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet(fan_out=True)
    for number in range(1, 4):
        fleet.archive(number)
    fleet.launch("run")
    parent, *others = fleet.ended()
    assert outcomes([parent, *others]) == {"Complete": 4}
    assert "3 sessions launched" in parent.stdout
    assert fleet.all_there_once()
