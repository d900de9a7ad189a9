"""What a run does when something is there already."""

from __future__ import annotations

from tests.pipeline.conftest import CLEAN, OWNER, PASSWORD, Site, banner_template, clean_template, slices, ultrasound
from xnat_pixelanon.archive import Credentials, connect
from xnat_pixelanon.domain.receipt import RESOURCE
from xnat_pixelanon.sandbox.faults import Call, Cut, Fault
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import save

PERSON = Person.numbered(1)


def writes(site: Site) -> set[str]:
    """Requests that reached the clean server and were not reading ones."""
    return {f"{one.method} {one.path}" for one in site.clean.requests if one.method != "GET"}


def test_a_session_is_published_whole_and_seen_by_members(site: Site) -> None:
    result = site.run()
    (session,) = result.report.sessions
    assert (session.outcome, result.report.exit_status) == ("published", 0)
    assert site.visible() == {session.clean_session: ["1", "2"]}
    assert len(site.copies()) == 4
    assert site.sweep().leaks == ()


def test_a_second_run_is_unchanged_and_sends_nothing_but_login_and_logout(site: Site) -> None:
    site.run()
    site.clean.clear_requests()
    assert site.outcomes() == ["unchanged"]
    assert writes(site) == {"PUT /data/services/auth", "DELETE /data/JSESSION"}


def test_a_scan_that_was_added_in_staging_is_added_alone(site: Site) -> None:
    site.run()
    before = {path: path.stat().st_mtime_ns for path in site.copies()}
    site.seed("S1", slices(PERSON, 2, series=7), person=PERSON)
    result = site.run()
    (session,) = result.report.sessions
    assert session.outcome == "grown"
    assert {scan.id: scan.sent for scan in session.scans} == {"1": False, "2": False, "7": True}
    assert site.visible() == {session.clean_session: ["1", "2", "7"]}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert site.outcomes() == ["unchanged"]


def test_an_added_scan_that_is_held_makes_a_published_session_wait_and_changes_nothing(site: Site) -> None:
    site.run()
    site.seed("S1", [ultrasound(PERSON, rows=70, series=9)], person=PERSON)
    site.clean.clear_requests()
    assert site.outcomes() == ["waiting"]
    assert writes(site) == {"PUT /data/services/auth", "DELETE /data/JSESSION"}


def test_a_changed_rectangle_makes_what_was_sent_stale(site: Site) -> None:
    site.run()
    site.templates(banner_template(rectangles=[{"top": 0, "left": 0, "bottom": 30, "right": 96}]), clean_template())
    assert site.outcomes() == ["stale"]


def hide(site: Site) -> None:
    """An owner of the clean project quarantines what is there."""
    with connect(Credentials(site.clean.url, OWNER, PASSWORD)) as connection:
        (row,) = connection.rows(f"/data/projects/{CLEAN}/experiments?columns=ID&format=json", "listing")
        connection.put(f"/data/experiments/{row['ID']}?quarantine=true", "hiding a session")


def test_a_copy_that_was_hidden_because_its_rectangle_was_too_small_is_not_shown_again(site: Site) -> None:
    site.run()
    hide(site)
    site.templates(banner_template(rectangles=[{"top": 0, "left": 0, "bottom": 30, "right": 96}]), clean_template())
    assert site.outcomes() == ["conflict"]
    assert site.visible() == {}


def test_a_copy_that_a_person_hid_stays_hidden_whatever_is_to_be_done_about_it(site: Site) -> None:
    site.run()
    hide(site)
    assert site.outcomes() == ["conflict"]
    site.seed("S1", slices(PERSON, series=9), person=PERSON)
    assert site.outcomes() == ["conflict"]
    assert site.visible() == {}


def test_a_hidden_copy_is_not_finished_once_the_policy_is_disarmed(site: Site) -> None:
    site.clean.faults.add(Fault("activate=true", Cut(), nth=None, times=99))
    site.attempt()
    site.clean.faults.clear()
    assert site.visible() == {}
    site.clean.faults.add(Fault("/receipt.json", Call(lambda: site.policy(enabled=False)), nth=1))
    ended = site.attempt()
    assert (ended.status, "disarmed" in ended.said) == (3, True)
    assert site.visible() == {}
    site.policy(enabled=True)
    assert site.outcomes() == ["published"]


def test_what_an_interrupted_run_left_hidden_is_made_anew_where_it_would_be_made_differently_now(site: Site) -> None:
    site.clean.faults.add(Fault("activate=true", Cut(), nth=None, times=99))
    site.attempt()
    site.clean.faults.clear()
    assert site.visible() == {}
    site.templates(banner_template(rectangles=[{"top": 0, "left": 0, "bottom": 30, "right": 96}]), clean_template())
    assert site.outcomes() == ["published"]
    assert len(site.visible()) == 1
    assert site.outcomes() == ["unchanged"]


def test_a_new_title_or_id_of_a_template_changes_nothing(site: Site) -> None:
    site.run()
    site.templates(banner_template(id="other", title="a better name", note="looked again"), clean_template())
    assert site.outcomes() == ["unchanged"]


def test_something_sent_that_is_excluded_now_is_no_longer_allowed(site: Site) -> None:
    site.run()
    exclusion = {"match": {"modality": "CT"}, "reason": "not any more"}
    site.templates(banner_template(), clean_template(), exclusions=[exclusion])
    result = site.run(strict=True)
    assert [session.outcome for session in result.report.sessions] == ["no-longer-allowed"]
    assert result.report.exit_status == 4


def test_something_sent_that_no_template_covers_now_is_no_longer_allowed(site: Site) -> None:
    site.run()
    site.templates(banner_template())
    assert site.outcomes() == ["no-longer-allowed"]


def test_a_renamed_session_and_a_reused_label_change_nothing(site: Site) -> None:
    first = site.run().report.sessions[0]
    site.staging.rename_session(first.id, "RENAMED")
    other = Person.numbered(2)
    site.seed("S1", slices(other, study=2), person=other)
    reports = site.run().report.sessions
    assert {one.label: one.outcome for one in reports} == {"RENAMED": "unchanged", "S1": "published"}
    assert len({one.clean_session for one in reports}) == 2


def test_an_override_follows_the_experiment_not_the_label(site: Site) -> None:
    first = site.run(dry_run=True).report.sessions[0]
    series = site.samples[0].uids[0]
    gone = {"session": {"id": first.id, "label": "S1"}, "series_instance_uid": "2.25.404", "action": "pass"}
    site.templates(banner_template(), clean_template(), overrides=[gone])
    held = site.run()
    assert [one.outcome for one in held.report.sessions] == ["waiting"]
    assert {scan.code for scan in held.report.sessions[0].scans} == {"override-mismatch"}
    other = {**gone, "session": {"id": "STAGE_E77777", "label": "S1"}, "series_instance_uid": series}
    site.templates(banner_template(), clean_template(), overrides=[other])
    assert site.outcomes() == ["published"]


def test_two_sessions_of_one_subject_come_under_one_pseudonym(site: Site) -> None:
    site.seed("S2", slices(PERSON, study=2), person=PERSON)
    first, second = site.run().report.sessions
    assert first.clean_subject == second.clean_subject
    assert first.clean_session != second.clean_session


def test_a_shared_session_is_never_sent(site: Site) -> None:
    site.staging.add_project("OTHER", owner="owner")
    person = Person.numbered(3)
    files = [save(ds, site.root / f"{number}.dcm") for number, ds in enumerate(slices(person, study=5))]
    theirs = site.staging.seed_session("OTHER", person.id, "O1", files)
    site.staging.share_session(theirs, "STAGING")
    outcomes = {one.id: one.outcome for one in site.run().report.sessions}
    assert outcomes[theirs] == "shared"
    assert len(site.visible()) == 1


def test_the_receipt_is_the_only_resource_and_names_nothing_of_staging(site: Site) -> None:
    site.run()
    kinds = [item.where for item in site.clean.stored() if item.kind == "file" and "RESOURCES" in item.where]
    assert all(f"RESOURCES/{RESOURCE}/" in where for where in kinds)
    assert any(where.endswith("receipt.json") for where in kinds)


def test_a_foreign_session_under_our_study_is_a_conflict_and_left_alone(site: Site) -> None:
    ours = site.run().report.sessions[0].clean_session
    site.clean.seed_session(CLEAN, "SOMEBODY", "THEIRS", site.copies()[:1])
    result = site.run()
    assert (result.report.sessions[0].outcome, result.report.exit_status) == ("conflict", 1)
    assert set(site.visible()) == {ours, "THEIRS"}


def test_held_scans_make_a_session_wait_unless_the_policy_sends_what_it_can(site: Site) -> None:
    site.templates(clean_template())
    assert site.outcomes() == ["waiting"]
    assert site.visible() == {}
    site.policy(publish="available-scans")
    assert site.outcomes() == ["published"]
    assert list(site.visible().values()) == [["2"]]
