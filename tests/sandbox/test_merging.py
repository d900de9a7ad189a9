"""What archiving into a session that is there already refuses, what it overrides, and what stays behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Corner, Stage, Study
from container_kit import MakeStage, MakeStudy

BUSY = "Session processing may already be in progress: dcm2niix.  Concurrent modification is discouraged."


@pytest.fixture
def one(stage: MakeStage) -> Stage:
    return stage(rebuild_interval=0.2, rebuild_repeat=0.05)


@pytest.fixture
def corner(one: Stage) -> Corner:
    return one.as_user("owner")


@pytest.fixture
def session(corner: Corner, study: Study) -> str:
    study.series(1, count=1)
    return corner.publish(study.zip())


@pytest.fixture
def late(study: Study, session: str, new_study: MakeStudy) -> Callable[..., Study]:
    def make(number: int = 2, **attributes: Any) -> Study:
        more = new_study()
        more.uid = study.uid
        more.series(number, count=1, **attributes)
        return more

    return make


def scans(corner: Corner, session: str) -> list[str]:
    return sorted(row["ID"] for row in corner.rows(f"/data/experiments/{session}/scans"))


def status_of(corner: Corner, url: str) -> str:
    rows = corner.rows(url)
    return rows[0]["status"] if rows else "gone"


def test_an_open_workflow_keeps_a_merge_out_until_it_is_over(
    one: Stage, corner: Corner, session: str, late: Callable[..., Study]
) -> None:
    events: list[str] = []
    one.sandbox._state.listeners.append(lambda event: events.append(event.status))
    workflow = one.sandbox.add_workflow(session, "P", "dcm2niix", "Running")
    url = corner.to_prearchive(late().zip())
    answer = corner.archive(url)
    assert answer.status_code == 500
    assert BUSY in answer.text
    assert status_of(corner, url) == "CONFLICT"
    assert scans(corner, session) == ["1"]
    one.sandbox.set_workflow(workflow, "Complete")
    time.sleep(0.5)
    assert status_of(corner, url) == "CONFLICT"
    assert events == []
    assert corner.archive(url).status_code == 200
    assert (status_of(corner, url), scans(corner, session), events) == ("gone", ["1", "2"], ["MERGED"])


@pytest.mark.parametrize(
    ("status", "is_open"),
    [("_Queued", True), ("Killed", True), ("Complete", False), ("Complete (Old)", True), ("Failed (Upload)", False)],
)
def test_only_complete_and_failed_workflows_are_over(
    one: Stage, corner: Corner, session: str, late: Callable[..., Study], status: str, is_open: bool
) -> None:
    one.sandbox.add_workflow(session, "P", "dcm2niix", status)
    assert corner.archive(corner.to_prearchive(late().zip())).status_code == (500 if is_open else 200)


@pytest.mark.parametrize(("overwrite", "taken"), [("append", True), ("delete", True), ("none", False), ("", False)])
def test_overwrite_of_the_archive_call_overrides_an_open_workflow(
    one: Stage, corner: Corner, session: str, late: Callable[..., Study], overwrite: str, taken: bool
) -> None:
    one.sandbox.add_workflow(session, "P", "dcm2niix", "Running")
    url = corner.to_prearchive(late().zip())
    assert corner.archive(url, overwrite=overwrite).status_code == (200 if taken else 500)


def test_overwrite_of_the_import_is_forgotten_by_the_archive_call(
    one: Stage, corner: Corner, session: str, late: Callable[..., Study]
) -> None:
    one.sandbox.add_workflow(session, "P", "dcm2niix", "Running")
    url = corner.to_prearchive(late().zip(), overwrite="delete")
    assert corner.archive(url).status_code == 500


@pytest.mark.parametrize(("overwrite", "status"), [("append", 400), ("delete", 200), ("override", 200)])
def test_an_import_that_archives_overrides_with_delete_only(
    one: Stage, corner: Corner, session: str, late: Callable[..., Study], overwrite: str, status: int
) -> None:
    one.sandbox.add_workflow(session, "P", "dcm2niix", "Running")
    answer = corner.send(late().zip(), dest="/archive/projects/P", project="P", subject="SUBJ", session="SESS",
                         rename="true", overwrite=overwrite)  # fmt: skip
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("code", [4, 5])
def test_a_project_that_archives_by_itself_overrides_no_workflow(
    one: Stage, corner: Corner, session: str, late: Callable[..., Study], code: int
) -> None:
    corner.raw("PUT", f"/data/projects/P/prearchive_code/{code}")
    workflow = one.sandbox.add_workflow(session, "P", "dcm2niix", "Running")
    assert corner.send(late().zip(), project="P", subject="SUBJ", session="SESS").status_code == 200
    limit = time.monotonic() + 10
    while corner.prearchive()[0]["status"] != "CONFLICT":
        assert time.monotonic() < limit
        time.sleep(0.02)
    assert scans(corner, session) == ["1"]
    one.sandbox.set_workflow(workflow, "Failed")
    assert corner.archive(corner.prearchive()[0]["url"]).status_code == 303
    assert scans(corner, session) == ["1", "2"]


@pytest.mark.parametrize("overwrite", ["", "delete"])
def test_nothing_lets_a_session_change_its_subject_or_its_kind(
    corner: Corner, session: str, late: Callable[..., Study], overwrite: str
) -> None:
    url = corner.to_prearchive(late().zip(), subject="OTHER")
    answer = corner.archive(url, subject="OTHER", overwrite=overwrite)
    assert "Invalid modification of session subject via archive process" in answer.text
    corner.raw("DELETE", url)
    url = corner.to_prearchive(late(Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4").zip())
    answer = corner.archive(url, overwrite=overwrite)
    assert "Invalid modification of session modality via archive process" in answer.text
    assert status_of(corner, url) == "CONFLICT"
    assert scans(corner, session) == ["1"]


def test_a_site_may_let_modalities_mix(stage: MakeStage, study: Study, new_study: MakeStudy) -> None:
    corner = stage(prevent_cross_modality=False).as_user("owner")
    study.series(1, count=1)
    session = corner.publish(study.zip())
    other = new_study()
    other.uid = study.uid
    other.series(2, count=1, Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4")
    assert corner.archive(corner.to_prearchive(other.zip())).status_code == 200
    assert scans(corner, session) == ["1", "2"]


def test_another_study_is_merged_only_with_overwrite(corner: Corner, session: str, new_study: MakeStudy) -> None:
    other = new_study()
    other.series(2, count=1)
    url = corner.to_prearchive(other.zip())
    assert "different study UID" in corner.archive(url).text
    assert corner.archive(url, overwrite="append").status_code == 200
    assert scans(corner, session) == ["1", "2"]


def test_a_merge_is_a_workflow_from_its_beginning_and_a_failed_one_says_why(
    one: Stage, corner: Corner, session: str, study: Study, late: Callable[..., Study]
) -> None:
    seen: list[list[str]] = []
    state = one.sandbox._state
    state.listeners.append(lambda event: seen.append([w.pipeline for w in state.open_workflows(session)]))
    assert corner.archive(corner.to_prearchive(late().zip())).status_code == 200
    assert seen == [["Merged"]]
    assert corner.archive(corner.to_prearchive(study.zip())).status_code == 500
    last = [w for w in state.workflow if w.item == session][-1]
    assert (last.pipeline, last.status) == ("Merged", "Failed")
    assert "matching files" in last.details
    assert state.open_workflows(session) == []


def test_a_refusal_for_a_workflow_makes_no_subject(
    one: Stage, corner: Corner, session: str, late: Callable[..., Study]
) -> None:
    one.sandbox.add_workflow(session, "P", "dcm2niix", "Running")
    corner.archive(corner.to_prearchive(late().zip(), subject="NEW"), subject="NEW")
    assert [row["label"] for row in corner.rows("/data/projects/P/subjects")] == ["SUBJ"]
