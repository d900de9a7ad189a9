"""Runs whose policy keeps the labels of staging: what goes under them, and all that refuses one before it is sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
import pytest

from tests.pipeline.conftest import (
    CLEAN,
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
from tests.pipeline.test_scripts import store_script
from xnat_pixelanon.archive import Credentials, DirLocation, XnatDocumentStore, XnatLocation, connect
from xnat_pixelanon.domain.report import SessionReport
from xnat_pixelanon.errors import ConfigurationError, LabelError
from xnat_pixelanon.pipeline.looking import look_up
from xnat_pixelanon.pipeline.rules import KEY_DOCUMENT, RuleFiles, key_fingerprint, new_key
from xnat_pixelanon.pipeline.withdrawing import withdraw
from xnat_pixelanon.sandbox.faults import Call, Fault
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import save
from xnat_pixelanon.sandbox.sweep import Sweep

PERSON = Person.numbered(1)
SOURCE = XnatLocation(STAGING)
SUBJECT, SESSION = "PX-S017", "PX-S017-US1"
KEPT: dict[str, Any] = {
    "subject": "keep",
    "subject_pattern": "PX-S###",
    "session": "keep",
    "session_pattern": "PX-S###-@@#",
}
"""For a staging project whose XNAT has its own site script, as the stand-in has, which writes labels over headers."""


def without(*keys: str, **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in (KEPT | changes).items() if key not in keys}


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """Staging and its script as installed; the clean side's does not write over headers, so that ours is seen."""
    made = make_site(site_script_enabled=False)
    made.templates(banner_template(), clean_template())
    made.policy(labels=KEPT)
    made.seed(SESSION, [ultrasound(PERSON), *slices(PERSON)], person=PERSON, subject=SUBJECT)
    return made


def one(site: Site, **options: Any) -> SessionReport:
    (session,) = site.run(**options).report.sessions
    return session


def nothing_sent(site: Site) -> bool:
    return site.copies() == [] and site.reads_only()


# What goes


def test_a_session_goes_under_its_own_labels_and_nothing_else_of_it(site: Site) -> None:
    # Staging's script took the Patient ID away: where else it stands, only the owner's list knows it.
    site.policy(labels=KEPT, headers={"identifiers": [PERSON.id]})
    session = one(site)
    assert (session.outcome, session.clean_subject, session.clean_session) == ("published", SUBJECT, SESSION)
    assert list(site.visible()) == [SESSION]
    headers = [pydicom.dcmread(path) for path in site.copies()]
    assert {(str(ds.PatientName), str(ds.PatientID)) for ds in headers} == {(SUBJECT, SUBJECT)}
    unnamed = [replace(sample, label="", subject="") for sample in site.samples]
    assert Sweep(unnamed, (STAGING,)).of(site.clean.stored()).leaks == ()
    assert site.outcomes() == ["unchanged"]


def test_a_label_is_found_wherever_else_it_stands(site: Site) -> None:
    site.policy(labels=KEPT, headers={"options": ["clean-descriptors"]})
    images = slices(PERSON, 1, series=7)
    images[0].SeriesDescription = f"axial of {SUBJECT} in {SESSION}"
    site.seed(SESSION, images, person=PERSON, subject=SUBJECT)
    assert one(site).outcome == "published"
    said = {str(pydicom.dcmread(path).get("SeriesDescription", "")) for path in site.copies()}
    assert any(text.startswith("axial of") for text in said)
    assert not any("S017" in text for text in said)


@pytest.mark.parametrize("kind", ["subject", "session"])
def test_one_label_is_kept_and_the_other_is_a_pseudonym(site: Site, kind: str) -> None:
    other = {"subject": "session", "session": "subject"}[kind]
    if kind == "session":  # its label must not hold that of its subject
        site.staging.rename_session("STAGE_E00001", "VISIT-0001")
    labels = without(other, f"{other}_pattern", session_pattern="VISIT-####")
    site.policy(labels=labels if kind == "session" else without("session", "session_pattern"))
    session = one(site)
    assert session.outcome == "published"
    assert (session.clean_subject == SUBJECT) is (kind == "subject")
    assert (session.clean_session == "VISIT-0001") is (kind == "session")
    assert site.outcomes() == ["unchanged"]


def test_more_scans_and_more_sessions_of_the_subject_follow(site: Site) -> None:
    assert one(site).outcome == "published"
    site.seed(SESSION, slices(PERSON, 1, series=7), person=PERSON, subject=SUBJECT)
    site.seed("PX-S017-CT2", slices(PERSON, 1, study=2), person=PERSON, subject=SUBJECT)
    assert site.outcomes() == ["grown", "published"]
    assert site.outcomes() == ["unchanged", "unchanged"]
    assert sorted(site.visible()) == ["PX-S017-CT2", SESSION]


def test_a_session_is_looked_up_and_withdrawn_and_stays_away(site: Site) -> None:
    site.seed("PX-S017-CT2", slices(PERSON, 1, study=2), person=PERSON, subject=SUBJECT)
    assert look_up(SOURCE, SESSION, InProcess(), site.environment(), QUICK).session.outcome == "planned"
    site.run()
    found = look_up(SOURCE, SESSION, InProcess(), site.environment(), QUICK).session
    assert (found.outcome, found.clean_session) == ("unchanged", SESSION)
    done = withdraw(SOURCE, SESSION, "", site.environment(), QUICK)
    assert done.taken is not None
    assert (done.clean_session, done.taken.subject_label) == (SESSION, SUBJECT)
    assert list(site.visible()) == ["PX-S017-CT2"]
    assert sorted(site.outcomes()) == ["unchanged", "withdrawn"]


def test_a_session_that_staging_no_longer_has_is_withdrawn_by_its_id(site: Site) -> None:
    session = one(site)
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as owner:
        owner.delete(f"/data/experiments/{session.id}?removeFiles=true", "deleting", (200,))
    assert withdraw(SOURCE, session.id, "", site.environment(), QUICK).taken is not None
    assert site.visible() == {}


def test_a_session_that_was_renamed_in_staging_is_a_conflict_and_can_be_withdrawn(site: Site) -> None:
    session = one(site)
    site.staging.rename_session(session.id, "PX-S017-US9")
    assert one(site).outcome == "conflict"
    assert withdraw(SOURCE, session.id, "", site.environment(), QUICK).taken is not None
    assert site.visible() == {}


def test_a_script_writes_kept_labels_over_name_and_id_as_xnats_own_does_and_nowhere_else(site: Site) -> None:
    site.policy(labels=KEPT, headers={"script": "script"})
    store_script(site, "(0010,0010) := subject\n(0010,0020) := session\n")
    assert one(site).outcome == "published"
    headers = [pydicom.dcmread(path) for path in site.copies()]
    assert {(str(ds.PatientName), str(ds.PatientID)) for ds in headers} == {(SUBJECT, SESSION)}
    assert site.outcomes() == ["unchanged"]
    for elsewhere in ("(0008,1030) := session", "(0010,0020) := (0008,0050)", "(0010,0020) := concatenate[session, 7]"):
        store_script(site, elsewhere)
        assert {scan.code for scan in one(site, replace=True).scans} == {"header-refused"}


# What is refused


_HEADER = "a label that the policy keeps holds what stands in"
_REFUSED: list[tuple[str, str, dict[str, Any], dict[str, Any], str]] = [
    (SUBJECT, "PX-S17-US1", KEPT, {}, "session label does not match the pattern"),
    ("PX-017", SESSION, KEPT, {}, "subject label does not match the pattern"),
    (SUBJECT, SESSION, without("subject", "subject_pattern"), {}, "a label that becomes a pseudonym"),
    (SUBJECT, SESSION, KEPT, {"identifiers": ["S017"]}, r"a word of headers\.identifiers"),
    (SUBJECT, SESSION, KEPT, {"identifiers": ["x-s"]}, r"a word of headers\.identifiers"),
    (SUBJECT, "STAGE_E00001", without(session_pattern="STAGE_E#+"), {}, "holds what is not to be kept"),
    (SUBJECT, "PX-20230612", without(session_pattern="PX-########"), {}, rf"{_HEADER} \(0008,0020\)"),
    (SUBJECT, "PX-INVENTOR-1", without(session_pattern="PX-@+-1"), {}, rf"{_HEADER} \(0008,0090\)"),
    (SUBJECT, "ACC-TEST-0001", without(session_pattern="ACC-TEST-####"), {}, rf"{_HEADER} \(0008,0050\)"),
]


@pytest.mark.parametrize(("subject", "label", "labels", "headers", "problem"), _REFUSED)
def test_a_label_that_is_not_to_be_seen_is_refused_before_anything_is_sent(
    make_site: Callable[..., Site],
    capfd: pytest.CaptureFixture[str],
    subject: str,
    label: str,
    labels: dict[str, Any],
    headers: dict[str, Any],
    problem: str,
) -> None:
    site = make_site()
    site.templates(banner_template(), clean_template())
    site.policy(labels=labels, headers=headers)
    site.seed(label, [ultrasound(PERSON), *slices(PERSON)], person=PERSON, subject=subject)
    site.seed("PX-S018-CT1", slices(Person.numbered(2), 1, study=2), person=Person.numbered(2), subject="PX-S018")
    for options in ({"dry_run": True}, {}):
        refused, other = sorted(site.run(**options).report.sessions, key=lambda one: one.id)
        if labels == KEPT and not headers:
            assert other.outcome == ("planned" if options else "published")
        assert refused.outcome == "failed"
        assert re.search(problem, refused.error)
        assert "staging" in refused.hint
        assert label not in refused.error + refused.hint
        assert subject not in refused.error + refused.hint
    assert label not in site.visible()
    with pytest.raises(LabelError):
        look_up(SOURCE, refused.id, InProcess(), site.environment(), QUICK)
    assert site.command("run", "--from", f"xnat:{STAGING}", "--session", refused.id) == 1
    told = "".join(capfd.readouterr())
    assert refused.error in told
    assert (label in told and label != refused.id, subject in told) == (False, False)


def test_an_identifier_in_any_file_refuses_the_label_also_where_the_file_is_not_sent(site: Site) -> None:
    images = slices(PERSON, 1, series=7)
    images[0].Modality = "MR"  # no template is for it, and it is left out
    images[0].OtherPatientNames = "Quixley^S017"
    site.templates(banner_template(), clean_template(), exclusions=[{"match": {"modality": "MR"}}])
    site.seed(SESSION, images, person=PERSON, subject=SUBJECT)
    site.clean.clear_requests()
    session = one(site)
    assert (session.outcome, nothing_sent(site)) == ("failed", True)
    assert "holds what stands in (0010,1001)" in session.error


def test_a_session_without_anything_to_send_is_no_failure(site: Site) -> None:
    site.policy(labels=without(session_pattern="OTHER"))
    site.templates(exclusions=[{"match": {"modality": "*"}}])
    assert [one(site).outcome, one(site, dry_run=True).outcome] == ["nothing-to-send"] * 2


@pytest.mark.parametrize(("on_change", "outcome"), [("report", "no-longer-allowed"), ("withdraw", "withdrawn")])
def test_what_stands_under_a_label_that_is_no_longer_kept_is_told_or_taken_back(
    site: Site, on_change: str, outcome: str
) -> None:
    assert one(site).outcome == "published"
    site.policy(labels=without(session_pattern="OTHER"), on_change=on_change)
    assert look_up(SOURCE, SESSION, InProcess(), site.environment(), QUICK).session.outcome == "no-longer-allowed"
    assert one(site).outcome == outcome
    assert (site.visible() == {}) is (on_change == "withdraw")


def test_a_policy_that_changes_its_labels_while_a_session_is_on_its_way_stops_it(site: Site) -> None:
    change = Call(lambda: site.policy(labels=without(session_pattern="PX-S017-US#")))
    site.clean.faults.add(Fault("/services/import", change, times=1))
    session = one(site)
    assert (session.outcome, site.visible()) == ("failed", {})
    assert "policy changed" in session.error


def test_folders_have_no_labels_to_keep(site: Site, tmp_path: Path) -> None:
    save(slices(PERSON, 1)[0], tmp_path / "in" / "a.dcm")
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        store = XnatDocumentStore(connection, STAGING)
        for name in ("templates.json", "policy.json"):
            stored = store.load(name)
            assert stored is not None
            (tmp_path / name).write_text(stored.text)
    files = RuleFiles(tmp_path / "templates.json", tmp_path / "policy.json", tmp_path / "key")
    for dry_run in (True, False):
        with pytest.raises(ConfigurationError, match="a folder has none"):
            site.run(
                source=DirLocation(tmp_path / "in"),
                destination=None if dry_run else DirLocation(tmp_path / "out"),
                files=files,
                dry_run=dry_run,
            )
    assert not (tmp_path / "out").exists()


def test_an_xnat_project_goes_to_a_folder_under_its_labels(site: Site, tmp_path: Path) -> None:
    out = DirLocation(tmp_path / "out")
    assert one(site, destination=out).outcome == "published"
    assert [path.name for path in (tmp_path / "out" / SUBJECT).iterdir()] == [SESSION]
    assert one(site, destination=out).outcome == "unchanged"
    (tmp_path / "out" / SUBJECT / "SOMEBODYS").mkdir()
    site.seed("PX-S017-CT2", slices(PERSON, 1, study=2), person=PERSON, subject=SUBJECT)
    assert site.outcomes(destination=out) == ["unchanged", "conflict"]


# Whose label it is


def other_key(site: Site) -> None:
    """As if the labels were those of another staging project: its key, and the clean project takes from it too."""
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        store = XnatDocumentStore(connection, STAGING)
        before, stored = key_fingerprint(store, STAGING), store.load(KEY_DOCUMENT)
        store.push(KEY_DOCUMENT, new_key(), stored.version if stored else None)
        site.accept(before, key_fingerprint(store, STAGING))


def test_two_subjects_of_one_label_are_a_conflict(site: Site) -> None:
    assert one(site).outcome == "published"
    other_key(site)
    site.seed("PX-S017-CT2", slices(PERSON, 1, study=2), person=PERSON, subject=SUBJECT)
    first, second = site.run().report.sessions
    assert (first.outcome, second.outcome) == ("conflict", "conflict")
    assert "not known to be the same person" in second.error
    assert list(site.visible()) == [SESSION]


def test_a_subject_of_that_label_with_somebodys_session_is_a_conflict_and_an_empty_one_is_not(site: Site) -> None:
    theirs = save(slices(Person.numbered(2), 1, study=9)[0], site.root / "theirs.dcm")
    site.clean.seed_session(CLEAN, SUBJECT.lower(), "THEIRS", [theirs])
    site.clean.clear_requests()
    assert one(site).outcome == "conflict"
    assert site.reads_only()
    with connect(Credentials(site.clean.url, OWNER, PASSWORD)) as owner:
        owner.delete(f"/data/projects/{CLEAN}/experiments/THEIRS?removeFiles=true", "deleting", (200,))
    assert one(site).outcome == "published"


@pytest.mark.parametrize("on_change", ["replace", "withdraw"])
def test_what_stands_there_is_changed_and_taken_back_whoever_came_under_its_subject(
    site: Site, on_change: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for destination in (None, DirLocation(out)):
        assert one(site, destination=destination).outcome == "published"
    theirs = save(slices(Person.numbered(2), 1, study=9)[0], site.root / "theirs.dcm")
    site.clean.seed_session(CLEAN, SUBJECT, "THEIRS", [theirs])
    (out / SUBJECT / "THEIRS").mkdir()
    site.seed(SESSION, slices(PERSON, 1, series=7), person=PERSON, subject=SUBJECT)
    for destination in (None, DirLocation(out)):
        assert one(site, destination=destination).outcome == "grown"
    site.policy(labels=KEPT, on_change=on_change)
    site.templates(clean_template(), exclusions=[{"match": {"modality": "US"}}])
    for destination in (None, DirLocation(out)):
        assert one(site, destination=destination).outcome == {"replace": "published"}.get(on_change, "withdrawn")
    assert sorted(site.visible()) == sorted(["THEIRS", *([SESSION] if on_change == "replace" else [])])
    assert (out / SUBJECT / SESSION).exists() is (on_change == "replace")
    assert {str(pydicom.dcmread(path).Modality) for path in site.copies()} == {"CT"}


def test_somebodys_session_under_the_label_is_a_conflict_and_none_of_a_withdrawals(site: Site) -> None:
    theirs = save(slices(Person.numbered(2), 1, study=9)[0], site.root / "theirs.dcm")
    site.clean.seed_session(CLEAN, "SOMEBODY", SESSION, [theirs])
    site.clean.clear_requests()
    session = one(site)
    assert (session.outcome, site.reads_only()) == ("conflict", True)
    done = withdraw(SOURCE, SESSION, "", site.environment(), QUICK)
    assert (done.taken, list(site.visible())) == (None, [SESSION])


def test_a_subject_that_comes_while_ours_is_archived_keeps_ours_hidden(site: Site) -> None:
    theirs = save(slices(Person.numbered(2), 1, study=9)[0], site.root / "theirs.dcm")
    comes = Call(lambda: site.clean.seed_session(CLEAN, SUBJECT, "THEIRS", [theirs]))
    site.clean.faults.add(Fault("/services/archive", comes, times=1))
    session = one(site)
    assert session.outcome == "failed"
    assert "stays hidden" in session.error
    assert SUBJECT not in session.error
    assert list(site.visible()) == ["THEIRS"]
    assert one(site).outcome == "conflict"
