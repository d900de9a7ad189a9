"""Worker processes over files. A process that dies takes one file with it, not the run."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Generic, TypeVar

from xnat_pixelanon.pipeline import worker_memory

Task = TypeVar("Task")
Result = TypeVar("Result")
_TOGETHER, _MANY = 4, 32
_HELD = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """The result of task number `index`; None when its worker process died twice over it."""

    index: int
    result: Result | None


def default_workers() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def _in_worker() -> None:
    # Ctrl-C is the parent's to handle: it stops the workers. Should it be killed itself, they end with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
    worker_memory.settle()
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class Workers:
    """A pool of `count` processes; tasks and results are plain records."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop(kill=kind is not None)

    def each(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Done[Result]]:
        """Results as they come, a bounded number under way; a task that breaks a worker is tried once more, alone.

        Handing out a task costs a tenth of what a small file does: of many tasks a worker gets several at a time.
        """
        step = _TOGETHER if len(tasks) >= _MANY * self.count else 1
        numbered = list(enumerate(tasks))
        waiting = [numbered[at : at + step] for at in range(0, len(tasks), step)][::-1]
        suspects: list[tuple[int, Task]] = []
        running: dict[Future[list[Result]], tuple[list[tuple[int, Task]], ProcessPoolExecutor]] = {}
        several = partial(_several, function)
        while waiting or running:
            while waiting and len(running) < 2 * self.count:
                batch = waiting.pop()
                future, pool = self._submit(several, [task for _, task in batch])
                running[future] = (batch, pool)
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                batch, pool = running.pop(future)
                try:
                    results = future.result()
                except (BrokenProcessPool, CancelledError):
                    suspects += batch
                    if pool is self._pool:
                        self._stop(kill=True)
                else:
                    yield from (Done(index, result) for (index, _), result in zip(batch, results, strict=True))
        for index, task in sorted(suspects, key=lambda pair: pair[0]):
            yield self._alone(function, index, task)

    def _alone(self, function: Callable[[Task], Result], index: int, task: Task) -> Done[Result]:
        future, _ = self._submit(function, task)
        try:
            return Done(index, future.result())
        except BrokenProcessPool:
            self._stop(kill=True)
            return Done(index, None)

    def _submit(self, function: Callable[[Task], Result], task: Task) -> tuple[Future[Result], ProcessPoolExecutor]:
        """A task under way, and the pool that it is in. Starts a new pool where a worker died while idle."""
        try:
            pool = self._running_pool()
            return _submitted(pool, function, task), pool
        except BrokenProcessPool:
            self._stop(kill=True)
            pool = self._running_pool()
            return _submitted(pool, function, task), pool

    def _running_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # spawn: no lock or connection of the parent is copied into a worker
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.count, mp_context=context, initializer=_in_worker)
        return self._pool

    def _stop(self, *, kill: bool) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        # Killed first: one that is only starting would complain that the queues are gone.
        for process in list((pool._processes or {}).values()) if kill else ():
            process.kill()
        pool.shutdown(wait=not kill, cancel_futures=True)


def _several(function: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
    return [function(task) for task in tasks]


def _submitted(pool: ProcessPoolExecutor, function: Callable[[Task], Result], task: Task) -> Future[Result]:
    with _interrupts_held():
        return pool.submit(function, task)  # may start a worker


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Interrupts come afterwards: none loses a worker that is just started, or reaches it before it can ignore it.

    A signal that is blocked here stays so in a process that is started. Blocking is not enough for ourselves: another
    thread may take the signal, and Python runs its handler in the main one.
    """
    came: list[int] = []
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _HELD}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for interrupt in came:
            signal.raise_signal(interrupt)
