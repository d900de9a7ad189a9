"""A launch waits until a session is quiet, and no longer than it may."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from xnat_pixelanon.archive.quiet import Quiet
from xnat_pixelanon.domain.session import Contents, SourceFile, SourceScan, SourceSession
from xnat_pixelanon.pipeline.settling import Settling

SESSION = SourceSession("STAGE_E00001", "S1", "P1")


def listing(files: int) -> Contents:
    scan = SourceScan("1", tuple(SourceFile(f"SCANS/1/DICOM/{number}.dcm", 10, "") for number in range(files)))
    return Contents((scan,), ())


class Watched:
    """A session that is disturbed as often as `disturbed` says, and then lists so many files at each look."""

    def __init__(self, disturbed: Sequence[str], files: Sequence[int]) -> None:
        self._disturbed: Iterator[str] = iter(disturbed)
        self._files = list(files)
        self.looks = 0

    def disturbance(self, session: SourceSession) -> str:
        assert session is SESSION
        self.looks += 1
        return next(self._disturbed, "")

    def contents(self, session: SourceSession) -> Contents:
        return listing(self._files.pop(0) if len(self._files) > 1 else self._files[0])


def wait(watched: Watched, seconds: float, poll: float = 0.01) -> str:
    return Settling(watched, watched, seconds, poll).wait(SESSION)  # type: ignore[arg-type]


def test_a_quiet_session_is_taken_after_two_equal_looks() -> None:
    watched = Watched([], [3])
    assert wait(watched, 5.0) == ""
    assert watched.looks == 2


def test_files_that_still_arrive_are_waited_for() -> None:
    watched = Watched([], [1, 2, 3, 3])
    assert wait(watched, 5.0) == ""
    assert watched.looks == 4


def test_a_disturbance_starts_the_looks_anew() -> None:
    watched = Watched(["", "busy", "", ""], [3])
    assert wait(watched, 5.0) == ""
    assert watched.looks == 4


def test_what_still_goes_on_at_the_end_is_told() -> None:
    assert wait(Watched(["busy"] * 1000, [3]), 0.05) == "busy"
    assert wait(Watched([], list(range(1, 1000))), 0.05) == "its files still change"


def test_without_time_to_wait_one_look_decides() -> None:
    watched = Watched([], [3])
    assert wait(watched, 0.0) == ""
    assert watched.looks == 1
    assert wait(Watched(["busy"], [3]), 0.0) == "busy"


@pytest.mark.parametrize(
    ("row", "open_"),
    [
        ({"wfid": 7, "id": SESSION.id, "status": "Running", "pipelineName": "dcm2niix"}, True),
        ({"wfid": 7, "id": SESSION.id, "status": "_Queued", "pipelineName": "dcm2niix"}, True),
        ({"wfid": 7, "id": SESSION.id, "status": "Complete", "pipelineName": "Transferred"}, False),
        ({"wfid": 7, "id": SESSION.id, "status": "Failed (Kill)", "pipelineName": "dcm2niix"}, False),
        ({"wfid": 5, "id": SESSION.id, "status": "Running", "pipelineName": "anything"}, False),
        ({"wfid": 7, "id": SESSION.id, "status": "Running", "pipelineName": "run-session"}, False),
        ({"wfid": 7, "id": "STAGE_E00002", "status": "Running", "pipelineName": "dcm2niix"}, False),
        ({"wfid": 7, "id": SESSION.id, "status": None, "pipelineName": "dcm2niix"}, False),
    ],
)
def test_only_a_workflow_of_somebody_else_that_is_not_over_counts(row: dict[str, object], open_: bool) -> None:
    class Server:
        def get(self, uri: str, what: str) -> object:
            return _Rows()

        def post_json(self, uri: str, what: str, document: object, **more: object) -> object:
            assert uri == "/xapi/workflows"
            return _Rows([row])

    class _Rows:
        status = 200

        def __init__(self, found: list[dict[str, object]] | None = None) -> None:
            self._found = found or []

        def rows(self, what: str) -> list[dict[str, object]]:
            return self._found

        def json(self, what: str) -> list[dict[str, object]]:
            return self._found

    quiet = Quiet(Server(), "STAGING", "5", ("run-session",))  # type: ignore[arg-type]
    assert bool(quiet.disturbance(SESSION)) is open_
