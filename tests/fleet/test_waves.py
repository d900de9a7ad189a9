"""A session that comes in two waves: XNAT says CREATED for the first, and MERGED for the second."""

from __future__ import annotations

from .conftest import Fleet, outcomes


def test_the_event_of_each_wave_publishes_what_came_with_it(fleet: Fleet) -> None:
    fleet.archive(1, announce=True)
    fleet.ended()
    assert fleet.clean_scans() == [1]
    fleet.archive(1, wave=2, announce=True)
    assert outcomes(fleet.ended()) == {"Complete": 2}
    assert fleet.clean_scans() == [2]


def test_the_events_of_both_waves_may_come_in_the_wrong_order(fleet: Fleet) -> None:
    session = fleet.archive(1)
    fleet.archive(1, wave=2, announce=True)
    fleet.ended()
    assert fleet.clean_scans() == [2]
    before = fleet.clean_files()
    fleet.launch("run-session", session)  # as the event of the first wave does
    _, late = fleet.ended()
    assert (late.status, "unchanged" in late.stdout) == ("Complete", True)
    assert fleet.clean_files() == before


def test_the_containers_of_both_waves_may_run_at_once(fleet: Fleet) -> None:
    session = fleet.archive(1)
    fleet.archive(1, wave=2)
    fleet.bulk([session, session])
    assert outcomes(fleet.ended()) == {"Complete": 2}
    assert fleet.clean_scans() == [2]
    assert fleet.nothing_half_done()


def test_a_second_wave_that_comes_while_a_container_waits_is_not_kept_out_by_it(fleet: Fleet) -> None:
    """XNAT merges nothing into a session that has an open workflow, and the container's is one."""
    session = fleet.archive(1)
    address = fleet.to_prearchive(1, wave=2)
    fleet.launch("run-session", session)
    (first,) = fleet.ended()
    assert "more of it is in the prearchive" in first.stdout + first.stderr
    assert fleet.clean_scans() == []
    assert fleet.archive_entry(address).status_code == 200
    assert outcomes(fleet.ended()) == {"Complete": 2}
    assert fleet.clean_scans() == [2]


def test_a_second_wave_that_xnat_kept_out_stands_in_the_worklist_until_a_person_archives_it(fleet: Fleet) -> None:
    fleet.site.staging.container_environment["PIXELANON_POLL"] = "3"
    session = fleet.archive(1, announce=True)
    fleet.running()
    address = fleet.to_prearchive(1, wave=2)
    assert fleet.archive_entry(address).status_code != 200  # it is in CONFLICT now
    fleet.ended()
    fleet.launch("run")
    fleet.ended()
    (row,) = fleet.worklist()
    assert (row["session_id"], row["outcome"]) == (session, "waiting")
    assert "CONFLICT" in row["why"]
    assert "archive it" in row["what_to_do"]
    assert fleet.archive_entry(address).status_code == 200
    fleet.ended()
    assert fleet.clean_scans() == [2]
