"""Worker processes over files. A process that dies takes one file with it, not the run."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """The result of task number `index`; None when its worker process died twice over it."""

    index: int
    result: Result | None


def default_workers() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def _quiet() -> None:
    # Ctrl-C is the parent's to handle: it stops the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Workers:
    """A pool of `count` processes; tasks and results are plain records."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop(kill=kind is not None)

    def each(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Done[Result]]:
        """Results as they come, a bounded number under way; a task that breaks a worker is tried once more, alone."""
        waiting = list(enumerate(tasks))[::-1]
        suspects: list[tuple[int, Task]] = []
        running: dict[Future[Result], tuple[int, Task]] = {}
        while waiting or running:
            while waiting and len(running) < 2 * self._count:
                index, task = waiting.pop()
                running[self._running_pool().submit(function, task)] = (index, task)
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                index, task = running.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    suspects.append((index, task))
                    self._stop(kill=True)
                else:
                    yield Done(index, result)
        for index, task in sorted(suspects, key=lambda pair: pair[0]):
            yield self._alone(function, index, task)

    def _alone(self, function: Callable[[Task], Result], index: int, task: Task) -> Done[Result]:
        try:
            return Done(index, self._running_pool().submit(function, task).result())
        except BrokenProcessPool:
            self._stop(kill=True)
            return Done(index, None)

    def _running_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # spawn: no lock or connection of the parent is copied into a worker
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._count, mp_context=context, initializer=_quiet)
        return self._pool

    def _stop(self, *, kill: bool) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        processes = list((pool._processes or {}).values()) if kill else []
        pool.shutdown(wait=not kill, cancel_futures=True)
        for process in processes:
            process.kill()
