"""Who a session is on the other side: told to owners, in the words of a run, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import (
    CLEAN,
    MEMBER,
    QUICK,
    STAGING,
    InProcess,
    Site,
    banner_template,
    clean_template,
    slices,
    ultrasound,
)
from xnat_pixelanon.archive import DirLocation, XnatLocation
from xnat_pixelanon.errors import NotFoundError, RefusedError, RightsError
from xnat_pixelanon.pipeline.looking import LookedUp, look_up
from xnat_pixelanon.pipeline.withdrawing import withdraw
from xnat_pixelanon.sandbox.faults import Cut, Fault
from xnat_pixelanon.sandbox.person import Person

PERSON = Person.numbered(1)
SOURCE = XnatLocation(STAGING)


def looked_up(site: Site, wanted: str = "S1", **who: str) -> LookedUp:
    """A lookup, after which nothing may have been written on either side."""
    site.clean.clear_requests()
    site.staging.clear_requests()
    found = look_up(SOURCE, wanted, InProcess(), site.environment(**who), QUICK)
    assert site.reads_only()
    assert {one.method for one in site.staging.requests if one.path != "/data/services/auth"} == {"GET", "DELETE"}
    assert [one.path for one in site.staging.requests if one.method == "DELETE"] == ["/data/JSESSION"]
    return found


def outcome(site: Site, wanted: str = "S1") -> str:
    return looked_up(site, wanted).session.outcome


def test_a_session_is_found_by_id_label_and_clean_label(site: Site) -> None:
    site.seed("S2", slices(PERSON, 1, study=2), person=PERSON)
    published = site.run().report.sessions[0]
    for wanted in (published.id, "S1", published.clean_session):
        found = looked_up(site, wanted)
        assert (found.session.id, found.session.clean_subject, found.session.clean_session) == (
            published.id,
            published.clean_subject,
            published.clean_session,
        )
        assert (found.session.outcome, found.destination) == ("unchanged", "xnat:CLEAN@PUBLIC")


def test_labels_are_told_before_anything_is_sent_and_they_are_those_that_a_run_gives(site: Site) -> None:
    before = looked_up(site).session
    assert before.outcome == "planned"
    published = site.run().report.sessions[0]
    assert (before.clean_subject, before.clean_session) == (published.clean_subject, published.clean_session)


def test_how_it_stands_is_told_in_the_words_of_a_run(site: Site) -> None:
    site.run()
    larger = banner_template(rectangles=[{"top": 0, "left": 0, "bottom": 40, "right": 96}])
    steps: list[tuple[Callable[[], object], str]] = [
        (lambda: site.seed("S1", slices(PERSON, 1, series=7), person=PERSON), "grown"),
        (lambda: site.templates(larger, clean_template()), "stale"),
        (lambda: site.templates(banner_template()), "no-longer-allowed"),
    ]
    for step, expected in steps:
        step()
        assert outcome(site) == expected
    site.policy(on_change="replace")
    assert outcome(site) == "no-longer-allowed"


def test_sessions_that_wait_or_have_nothing_to_send_say_so(armed: Site) -> None:
    armed.seed("HELD", [ultrasound(PERSON, rows=70)], person=PERSON)
    assert outcome(armed, "HELD") == "waiting"
    armed.templates(exclusions=[{"match": {"modality": "US"}}])
    assert outcome(armed, "HELD") == "nothing-to-send"


def test_a_withdrawn_session_is_told_and_what_still_stands_there_too(site: Site) -> None:
    session = site.run().report.sessions[0]
    whole = {"session": {"id": session.id}, "action": "exclude"}
    site.templates(banner_template(), clean_template(), overrides=[whole])
    found = looked_up(site, session.clean_session).session
    assert (found.outcome, found.note) == ("withdrawn", "the clean session still stands there: a run takes it back")
    withdraw(SOURCE, session.id, "", site.environment(), QUICK)
    found = looked_up(site, session.clean_session).session
    assert (found.id, found.outcome, found.note) == (session.id, "withdrawn", "")


def test_a_hidden_session_is_told_as_hidden_and_stays_so(site: Site) -> None:
    site.clean.faults.add(Fault("activate", Cut(), method="PUT", times=100))
    site.clean.faults.add(Fault(r"experiments/CLEAN_E\d+$", Cut(), method="PUT", times=100))
    assert site.attempt().outcomes == ("failed",)
    site.clean.faults.clear()
    found = looked_up(site).session
    assert (found.outcome, found.note) == ("unchanged", "it is hidden: a run finishes it, or makes it anew")
    assert site.visible() == {}


def test_a_foreign_session_in_our_place_is_a_conflict(site: Site) -> None:
    site.run()
    site.clean.seed_session(CLEAN, "SOMEBODY", "THEIRS", site.copies()[:1])
    found = looked_up(site).session
    assert found.outcome == "conflict"
    assert "several sessions" in found.error


def test_a_label_of_an_earlier_prefix_still_leads_to_its_session(site: Site) -> None:
    published = site.run().report.sessions[0]
    site.policy(labels={"prefix": "NEW-"})
    assert looked_up(site, published.clean_session).session.id == published.id


def test_only_owners_of_both_projects_look(site: Site) -> None:
    site.run()
    with pytest.raises(RightsError, match="member of the staging project"):
        looked_up(site, user=MEMBER)
    site.staging.set_role(STAGING, MEMBER, "owner")
    with pytest.raises(RightsError, match="member of the clean project"):
        looked_up(site, user=MEMBER)


@pytest.mark.parametrize("wanted", ["NOPE", "A", "", "MFRGGZDFMZTWQ2LK"])
def test_what_stands_for_no_session_is_not_found(site: Site, wanted: str) -> None:
    with pytest.raises(NotFoundError, match="no image session of that ID or label"):
        looked_up(site, wanted)


def test_folders_are_refused_with_a_hint(tmp_path: Path) -> None:
    nobody: Any = {}
    with pytest.raises(RefusedError) as caught:
        look_up(DirLocation(tmp_path), "1.2.3", InProcess(), nobody, QUICK)
    assert "report.json" in caught.value.hint
