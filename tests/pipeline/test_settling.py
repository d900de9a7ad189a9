"""A launch waits until a session is quiet, and no longer than it may."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
import pytest
import requests

from tests.pipeline.conftest import OWNER, PASSWORD, QUICK, STAGING, slices
from xnat_pixelanon.archive import Credentials, XnatConnection, connect
from xnat_pixelanon.archive.quiet import Disturbance, Quiet
from xnat_pixelanon.domain.session import Contents, SourceFile, SourceScan, SourceSession
from xnat_pixelanon.pipeline.settling import Settling
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import save
from xnat_pixelanon.sandbox.server import Sandbox
from xnat_pixelanon.sandbox.settings import Settings

SESSION = SourceSession("STAGE_E00001", "S1", "P1")


def listing(files: int) -> Contents:
    scan = SourceScan("1", tuple(SourceFile(f"SCANS/1/DICOM/{number}.dcm", 10, "") for number in range(files)))
    return Contents((scan,), ())


class Watched:
    """A session that is disturbed as often as `disturbed` says, and then lists so many files at each look."""

    def __init__(self, disturbed: Sequence[Disturbance | None], files: Sequence[int]) -> None:
        self._disturbed: Iterator[Disturbance | None] = iter(disturbed)
        self._files = list(files)
        self.looks = 0

    def disturbance(self, session: SourceSession) -> Disturbance | None:
        assert session is SESSION
        self.looks += 1
        return next(self._disturbed, None)

    def contents(self, session: SourceSession) -> Contents:
        return listing(self._files.pop(0) if len(self._files) > 1 else self._files[0])


BUSY = Disturbance("busy")


def wait(watched: Watched, seconds: float, poll: float = 0.01) -> str:
    found = Settling(watched, watched, seconds, poll).wait(SESSION)  # type: ignore[arg-type]
    return "" if found is None else found.why


def test_a_quiet_session_is_taken_after_two_equal_looks() -> None:
    watched = Watched([], [3])
    assert wait(watched, 5.0) == ""
    assert watched.looks == 2


def test_files_that_still_arrive_are_waited_for() -> None:
    watched = Watched([], [1, 2, 3, 3])
    assert wait(watched, 5.0) == ""
    assert watched.looks == 4


def test_a_disturbance_starts_the_looks_anew() -> None:
    watched = Watched([None, BUSY], [3])
    assert wait(watched, 5.0) == ""
    assert watched.looks == 4


def test_what_still_goes_on_at_the_end_is_told() -> None:
    assert wait(Watched([BUSY] * 1000, [3]), 0.05) == "busy"
    assert wait(Watched([], list(range(1, 1000))), 0.05) == "its files still change"


def test_what_waits_for_our_own_workflow_is_not_waited_for() -> None:
    """XNAT would not merge the second wave while this container has the session."""
    watched = Watched([Disturbance("more of it is coming", waits_for_us=True)] * 9, [3])
    assert wait(watched, 60.0, poll=30.0) == "more of it is coming"
    assert watched.looks == 1


def test_without_time_to_wait_one_look_decides() -> None:
    watched = Watched([], [3])
    assert wait(watched, 0.0) == ""
    assert watched.looks == 1
    assert wait(Watched([BUSY], [3]), 0.0) == "busy"


OURS = "run-session"


@dataclass
class Staging:
    """A session of a stand-in XNAT, and a look at it through a real login."""

    sandbox: Sandbox
    session: SourceSession
    connection: XnatConnection

    def workflow(self, status: str, name: str = "dcm2niix", item: str = "", days_ago: float = 0.0) -> str:
        return self.sandbox.add_workflow(item or self.session.id, STAGING, name, status, days_ago=days_ago)

    def disturbance(self, own_workflow: str = "") -> str:
        found = Quiet(self.connection, STAGING, own_workflow, (OURS,)).disturbance(self.session)
        return "" if found is None else found.why


@pytest.fixture
def make_staging(tmp_path: Path) -> Iterator[Callable[..., Staging]]:
    with ExitStack() as stack:

        def make(**settings: Any) -> Staging:
            sandbox = stack.enter_context(Sandbox(tmp_path / "staging", settings=Settings(**settings)))
            sandbox.add_user(OWNER, PASSWORD)
            sandbox.add_project(STAGING, owner=OWNER)
            files = [save(ds, tmp_path / f"{n}.dcm") for n, ds in enumerate(slices(Person.numbered(1), 1))]
            study = str(pydicom.dcmread(files[0]).StudyInstanceUID)
            session = SourceSession(sandbox.seed_session(STAGING, "P1", "S1", files), "S1", "P1", study=study)
            connection = stack.enter_context(connect(Credentials(sandbox.url, OWNER, PASSWORD), QUICK.timeouts))
            return Staging(sandbox, session, connection)

        yield make


@pytest.fixture
def staging(make_staging: Callable[..., Staging]) -> Staging:
    return make_staging()


@pytest.mark.parametrize(
    ("status", "more", "is_open"),
    [
        ("Running", {}, True),
        ("_Queued", {}, True),
        ("Complete", {}, False),
        ("Failed (Kill)", {}, False),
        ("Running", {"name": OURS}, False),
        ("Running", {"item": "STAGE_E00099"}, False),
        ("Running", {"days_ago": 6.5}, True),
        ("Running", {"days_ago": 7.5}, False),
    ],
)
def test_only_a_workflow_of_somebody_else_that_is_neither_over_nor_forgotten_counts(
    staging: Staging, status: str, more: dict[str, Any], is_open: bool
) -> None:
    assert staging.disturbance() == ""
    staging.workflow(status, **more)
    assert bool(staging.disturbance()) is is_open


def test_a_session_is_quiet_again_when_the_workflow_on_it_is_over(staging: Staging) -> None:
    workflow = staging.workflow("Running")
    assert staging.disturbance() == "a workflow of the server works on it"
    staging.sandbox.set_workflow(workflow, "Failed")
    assert staging.disturbance() == ""


def test_the_workflow_that_we_run_under_does_not_count(staging: Staging) -> None:
    assert staging.disturbance(own_workflow=staging.workflow("Running", "something")) == ""


def test_an_open_workflow_behind_many_that_are_over_is_seen(staging: Staging) -> None:
    staging.workflow("Running", days_ago=1)
    for _ in range(450):
        staging.workflow("Complete", "Uploaded file")
    assert staging.disturbance()


def test_where_the_site_lists_no_workflows_the_files_alone_decide(make_staging: Callable[..., Staging]) -> None:
    staging = make_staging(batch_launch=False)
    staging.workflow("Running")
    assert staging.disturbance() == ""


@pytest.mark.parametrize(
    ("label", "same_study", "is_twin"), [("S1", False, True), ("S9", True, True), ("S9", False, False)]
)
def test_a_prearchive_twin_of_the_label_or_of_the_study_counts(
    staging: Staging, tmp_path: Path, label: str, same_study: bool, is_twin: bool
) -> None:
    more = {} if same_study else {"study": 2}
    file = save(slices(Person.numbered(1), 2, **more)[1], tmp_path / "late.dcm")
    answer = requests.post(
        f"{staging.sandbox.url}/data/services/import", data=file.read_bytes(), auth=(OWNER, PASSWORD), timeout=20,
        headers={"Content-Type": "application/dicom"},
        params={"project": STAGING, "dest": f"/prearchive/projects/{STAGING}", "session": label, "rename": "true"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert (staging.disturbance() == "more of it is in the prearchive") is is_twin
