"""`labels: keep`: labels of staging that match the owner's pattern stay, and say nothing of the patient."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydicom
import pytest

from tests.pipeline.conftest import CLEAN, QUICK, STAGING, InProcess, Site, slices
from xnat_pixelanon.archive import DirLocation, XnatLocation
from xnat_pixelanon.pipeline.looking import look_up
from xnat_pixelanon.pipeline.rules import RuleFiles
from xnat_pixelanon.pipeline.withdrawing import withdraw
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import save

PERSON = Person.numbered(1)
KEPT = {
    "subject": "keep",
    "session": "keep",
    "subject_pattern": "STUDY7-###",
    "session_pattern": "STUDY7-###_V#+",
}
SUBJECT, SESSION = "STUDY7-012", "STUDY7-012_V1"


def seeded(site: Site, *, label: str = SESSION, subject: str = SUBJECT, **elements: Any) -> Site:
    images = slices(PERSON, 2)
    for ds in images:
        for keyword, value in elements.items():
            setattr(ds, keyword, value)
    site.seed(label, images, person=PERSON, subject=subject)
    site.policy(labels=KEPT)
    return site


def refused(site: Site, said: str) -> None:
    """In a dry run and in a run, with nothing sent."""
    for dry_run in (True, False):
        (session,) = site.run(dry_run=dry_run).report.sessions
        assert session.outcome == "failed"
        assert said in session.error
        assert SESSION not in session.error
    assert site.copies() == []


def test_labels_stay_and_stand_in_the_copies(armed: Site) -> None:
    site = seeded(armed)
    (session,) = site.run().report.sessions
    assert (session.outcome, session.clean_subject, session.clean_session) == ("published", SUBJECT, SESSION)
    assert set(site.visible()) == {SESSION}
    assert {str(pydicom.dcmread(path).PatientName) for path in site.copies()} == {SUBJECT}
    assert site.outcomes() == ["unchanged"]


def test_a_label_in_a_description_is_taken_out_there(armed: Site) -> None:
    site = seeded(armed, SeriesDescription=f"axial of {SESSION}")
    site.policy(labels=KEPT, headers={"options": ["clean-descriptors"]})
    assert site.outcomes() == ["published"]
    (description,) = {pydicom.dcmread(path).SeriesDescription for path in site.copies()}
    assert description.startswith("axial of")
    assert "STUDY7" not in description
    assert "012" not in description


def test_what_xnats_own_script_wrote_over_name_and_id_does_not_count(armed: Site) -> None:
    assert seeded(armed, PatientName=SUBJECT, PatientID=SESSION).outcomes() == ["published"]


@pytest.mark.parametrize(
    "wrong", [{"label": "STUDY7-012_V1B"}, {"subject": "STUDY7-12"}, {"label": "study7-012_V1"}], ids=str
)
def test_a_label_that_does_not_match_is_refused(armed: Site, wrong: dict[str, str]) -> None:
    refused(seeded(armed, **wrong), "does not match the pattern")


@pytest.mark.parametrize(
    ("elements", "where"),
    [
        ({"AccessionNumber": "STUDY7"}, "(0008,0050)"),
        ({"StudyID": "dy7-012"}, "(0020,0010)"),
        ({"ReferringPhysicianName": "Study7^Ada"}, "(0008,0090)"),
    ],
    ids=str,
)
def test_a_label_that_holds_what_a_header_says_is_refused(armed: Site, elements: dict[str, str], where: str) -> None:
    refused(seeded(armed, **elements), where)


def test_a_date_of_the_study_in_a_label_is_refused(armed: Site) -> None:
    site = seeded(armed, label="STUDY7-012_V20240517", StudyDate="20240517")
    refused(site, "a label that the policy keeps holds what stands in")


def test_the_owners_list_counts_too(armed: Site) -> None:
    site = seeded(armed)
    site.policy(labels=KEPT, headers={"identifiers": ["Study7"]})
    refused(site, "headers.identifiers")


def test_a_label_that_stands_there_with_another_session_is_a_conflict(armed: Site, tmp_path: Path) -> None:
    (image,) = slices(Person.numbered(2), 1)
    armed.clean.seed_session(CLEAN, "SOMEBODY", SESSION, [save(image, tmp_path / "other.dcm")])
    site = seeded(armed)
    (session,) = site.run().report.sessions
    assert session.outcome == "conflict"


def test_pseudonyms_do_not_turn_into_labels_beside_them(armed: Site) -> None:
    site = seeded(armed)
    site.policy()
    assert site.outcomes() == ["published"]
    site.policy(labels=KEPT)
    assert site.outcomes() == ["conflict"]
    assert SESSION not in site.visible()


def test_lookup_and_withdraw_know_the_label(armed: Site) -> None:
    site = seeded(armed)
    assert site.outcomes() == ["published"]
    found = look_up(XnatLocation(STAGING), SESSION, InProcess(), site.environment(), QUICK)
    assert (found.session.clean_session, found.session.outcome) == (SESSION, "unchanged")
    gone = withdraw(XnatLocation(STAGING), SESSION, "asked for", environment=site.environment(), pace=QUICK)
    assert gone.clean_session == SESSION
    assert site.visible() == {}
    assert site.outcomes() == ["withdrawn"]


def test_a_folder_has_no_labels(armed: Site, tmp_path: Path) -> None:
    site = seeded(armed)
    for name, document in (
        ("templates.json", {"schema_version": 1, "templates": []}),
        ("policy.json", {"schema_version": 1, "destination": {"server": "PUBLIC", "project": CLEAN}, "labels": KEPT}),
    ):
        (tmp_path / name).write_text(json.dumps(document))
    files = RuleFiles(tmp_path / "templates.json", tmp_path / "policy.json", tmp_path / "key")
    source = DirLocation(site.samples[0].files[0].parent)
    (session,) = site.run(source=source, files=files, dry_run=True).report.sessions
    assert "a folder has no labels" in session.hint
