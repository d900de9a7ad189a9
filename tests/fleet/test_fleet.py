"""Many sessions, each in a container of its own; some containers end in the middle of their work."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.pipeline.conftest import ultrasound
from xnat_pixelanon.sandbox.cs_runner import Run, Runner
from xnat_pixelanon.sandbox.person import Person

from .conftest import Fleet, outcomes


class Deadly(Runner):
    """Kills each third container, whatever it is at, some time after it began."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.struck = 0

    def start(self, run: Run) -> subprocess.Popen[bytes]:
        process = super().start(run)
        if run.id % 3 == 0:
            timer = threading.Timer(self._random.uniform(0.2, 6.0), self._strike, [process])
            timer.daemon = True
            timer.start()
        return process

    def _strike(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
                self.struck += 1


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(3600)])])
def test_sessions_launched_in_bulk_are_all_published_once_though_containers_are_killed(
    fleet: Fleet, count: int
) -> None:
    deadly = Deadly(seed=count)
    fleet.site.staging.runner = deadly
    for number in range(1, count + 1):
        fleet.archive(number)
    fleet.bulk(fleet.sessions)
    first = outcomes(fleet.ended(timeout=3000.0))
    assert first.total() == count
    assert deadly.struck >= count // 10, "too few were killed to say anything"
    fleet.site.staging.runner = Runner()
    fleet.launch("run")
    last = fleet.ended(timeout=1200.0)[-1]
    assert last.status == "Complete", last.stderr
    assert fleet.all_there_once()
    assert fleet.worklist() == []


def test_a_fan_out_launches_each_session_and_ends_so_that_one_slot_of_a_cluster_is_enough(
    make_fleet: Callable[..., Fleet],
) -> None:
    fleet = make_fleet(slots=1, fan_out=True)
    for number in range(1, 4):
        fleet.archive(number)
    fleet.launch("run")
    parent, *others = fleet.ended()
    assert outcomes([parent, *others]) == {"Complete": 4}
    assert "3 sessions launched" in parent.stdout
    assert fleet.all_there_once()
    assert [row["outcome"] for row in fleet.worklist()] == ["not seen"] * 3


def test_what_containers_of_a_fan_out_left_waiting_is_listed_by_the_next_project_run(
    make_fleet: Callable[..., Fleet],
) -> None:
    fleet = make_fleet(fan_out=True)
    fleet.archive(1)
    held = fleet.archive(2, images=[ultrasound(Person.numbered(2), rows=48, study=2)])
    for _ in range(2):
        fleet.launch("run")
        fleet.ended()
    (row,) = fleet.worklist()
    assert (row["session_id"], row["outcome"]) == (held, "waiting")
    assert "no template" in row["why"].casefold()
