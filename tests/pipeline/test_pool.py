"""Worker processes: every task has one result, whatever becomes of the workers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from xnat_pixelanon.pipeline.pool import Workers


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(2) as two:
        yield two


def square(number: int) -> int:
    if number < 0:
        os.kill(os.getpid(), signal.SIGSEGV)
    return number * number


@pytest.mark.parametrize("count", [0, 1, 5, 63, 64, 257])
def test_every_task_has_its_result_whether_they_are_handed_out_one_by_one_or_several(
    count: int, workers: Workers
) -> None:
    done = sorted((one.index, one.result) for one in workers.each(square, range(count)))
    assert done == [(number, number * number) for number in range(count)]


@pytest.mark.parametrize("count", [5, 100])
def test_a_task_that_ends_its_worker_has_no_result_and_costs_no_other_task_its_own(
    count: int, workers: Workers
) -> None:
    # Python 3.11 may fail in a thread of its own where a worker dies while another is only being started.
    list(workers.each(square, range(16)))
    tasks = list(range(count))
    tasks[3] = -1
    done = {one.index: one.result for one in workers.each(square, tasks)}
    assert done == {number: None if number == 3 else number * number for number in range(count)}
