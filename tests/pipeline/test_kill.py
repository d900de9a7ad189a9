"""A run that is killed (SIGKILL) at any request of the clean server: nothing comes to be seen, or all of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.pipeline.conftest import (
    QUICK,
    STAGING,
    Attempt,
    Site,
    attempt,
)
from tests.pipeline.walk import Case, Walk
from xnat_pixelanon.archive import XnatLocation
from xnat_pixelanon.errors import ScratchError
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.scratch import Scratch
from xnat_pixelanon.pipeline.setup import RunOptions
from xnat_pixelanon.sandbox.faults import Call, Fault, Status

KILLED = Attempt(-signal.SIGKILL, "killed", (), ())


def run_in_child(environment: dict[str, str], session: str, scratch: str) -> None:
    """What the process that is killed does."""
    os.environ["TMPDIR"] = scratch
    ended = attempt(RunOptions(XnatLocation(STAGING), sessions=(session,)), environment, QUICK)
    os._exit(ended.status)


@pytest.fixture(scope="session")
def processes() -> ForkServerContext:
    """Starts processes that have all modules loaded, and no thread of this one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


class Killing:
    """Kills one process, called from the server when a request has come."""

    def __init__(
        self,
        context: ForkServerContext,
        environment: dict[str, str],
        scratch: Path,
        does: Callable[[dict[str, str], str, str], None] = run_in_child,
    ) -> None:
        self._context = context
        self._does = does
        self._environment = environment
        self._scratch = scratch
        self._started = threading.Event()
        self._pid = 0

    def __call__(self) -> None:
        assert self._started.wait(20)
        os.kill(self._pid, signal.SIGKILL)

    def run(self, case: Case) -> Attempt:
        """A run in a process of its own until it is killed, and the server is done with its last request."""
        process = self._context.Process(
            target=self._does, args=(self._environment, case.session, str(self._scratch)), daemon=True
        )
        process.start()
        assert process.pid is not None
        self._pid = process.pid
        self._started.set()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL, process.exitcode
        process.close()
        until(lambda: case.walk.server.requests[case.request - 1].status != 0)
        return KILLED


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that takes a moment."""
    limit = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.005)


def killed_before(kill: Killing, request: int) -> list[Fault]:
    """The request came, and is not carried out."""
    return [Fault(".*", Call(kill), nth=request), Fault(".*", Status(500), nth=request)]


def killed_after(kill: Killing, request: int) -> list[Fault]:
    """The request was carried out."""
    return [Fault(".*", Call(kill), nth=request, when="after")]


def ends_well(
    walk: Walk, faults: Callable[[Killing, int], list[Fault]], processes: ForkServerContext, scratch: Path
) -> None:
    """Walk the requests with a run that is killed at each."""
    for case in walk.cases():
        kill = Killing(processes, walk.site.environment(), scratch)
        case.watched(faults(kill, case.request), lambda kill=kill, case=case: kill.run(case))
        case.state()
        case.completes()
        assert len(walk.waiting()) <= 1, case.what


@pytest.mark.parametrize("writes", [True, pytest.param(False, marks=pytest.mark.long)], ids=["writing", "any"])
def test_a_run_that_is_killed_at_a_request_leaves_all_or_nothing(
    writes: bool, armed: Site, processes: ForkServerContext, scratch: Path
) -> None:
    """Between two writing requests nothing changes on the server: to be killed at one that reads is a long test."""
    with Walk(armed, armed.clean, writes=writes) as walk:
        ends_well(walk, killed_before, processes, scratch)


@pytest.mark.parametrize("grown", [False, True], ids=["new", "grown"])
def test_a_run_that_is_killed_when_a_writing_request_was_carried_out_leaves_all_or_nothing(
    grown: bool, armed: Site, processes: ForkServerContext, scratch: Path
) -> None:
    with Walk(armed, armed.clean, grown=grown, writes=True) as walk:
        ends_well(walk, killed_after, processes, scratch)


def test_the_scratch_of_killed_runs_is_purged_by_the_next_run(
    armed: Site, processes: ForkServerContext, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Walk(armed, armed.clean, writes=True) as walk:
        case = next(one for one in walk.cases() if one.request > 5)
        kill = Killing(processes, armed.environment(), scratch)
        case.watched(killed_before(kill, case.request), lambda: kill.run(case))
        (left,) = scratch.iterdir()
        assert list(left.rglob("*.dcm")) != []
        monkeypatch.setenv("TMPDIR", str(scratch))
        case.completes()
    assert list(scratch.iterdir()) == []


def test_the_scratch_of_a_live_run_is_left_alone(scratch: Path) -> None:
    with Scratch(scratch) as first:
        (first.root / "work").touch()
        with Scratch(scratch) as second:
            assert second.root != first.root
        assert (first.root / "work").exists()
    assert list(scratch.iterdir()) == []
    with pytest.raises(ScratchError):
        _ = Scratch(scratch).root


# A worker that dies


def dies_at_two(number: int) -> int:
    """A task for worker processes."""
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def pid_of_worker(_number: int) -> int:
    return os.getpid()


def start_and_tell(box: Path) -> None:
    """Start workers, tell their process numbers, and wait to be killed."""
    with Workers(2) as workers:
        pids = {done.result for done in workers.each(pid_of_worker, range(8))}
        box.write_text(" ".join(str(pid) for pid in pids))
        box.rename(box.with_suffix(".done"))
        time.sleep(60)


@pytest.fixture
def workers() -> Iterator[Workers]:
    with Workers(2) as pool:
        yield pool


def test_a_worker_that_dies_costs_one_file_and_not_the_run(workers: Workers) -> None:
    results = {done.index: done.result for done in workers.each(dies_at_two, range(9))}
    assert results == {number: None if number == 2 else number * number for number in range(9)}
    assert [done.result for done in workers.each(dies_at_two, [5])] == [25]


def test_a_worker_that_dies_while_nothing_is_asked_of_it_costs_nothing(workers: Workers) -> None:
    for done in workers.each(pid_of_worker, range(2)):
        assert done.result is not None
        os.kill(done.result, signal.SIGKILL)
        break
    time.sleep(0.3)
    assert {done.result for done in workers.each(dies_at_two, [3, 4])} == {9, 16}


def test_workers_end_with_a_parent_that_is_killed(processes: ForkServerContext, tmp_path: Path) -> None:
    box = tmp_path / "pids"
    parent = processes.Process(target=start_and_tell, args=(box,))
    parent.start()
    done = box.with_suffix(".done")
    until(done.exists)
    assert parent.pid is not None
    os.kill(parent.pid, signal.SIGKILL)
    parent.join()
    pids = done.read_text().split()
    assert pids != []
    until(lambda: not any(Path("/proc", pid).exists() for pid in pids))
