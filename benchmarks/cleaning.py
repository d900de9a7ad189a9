"""How the benchmark drives this tool: every use of its inner interfaces stands here, in one function each."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.contenders import Job
from benchmarks.process import peak_bytes
from benchmarks.shapes import Box
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers import Identity
from xnat_pixelanon.pipeline import worker_memory
from xnat_pixelanon.pipeline.cleaning import header_request
from xnat_pixelanon.pipeline.digests import rectangles_digest
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.work import Cleaned, CleanTask, Failed, ReadFile, ReadTask, clean, read
from xnat_pixelanon.pixels import open_source, plan_pixels, write_instance

_KNOWN = ("TEST-BENCH-SUBJECT", "TEST-BENCH-SESSION", "TEST_E00001")
"""What an XNAT would call subject and session: looked for in every copy, as in a run."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One task in a worker process: which one, its CPU seconds, its peak resident bytes before and after."""

    worker: int
    cpu_seconds: float
    bytes_before: int
    peak_bytes: int
    result: Cleaned | Failed


def as_a_worker() -> None:
    """What the pool of a run sets in each of its processes."""
    worker_memory.settle()


def write_pixels_only(path: Path, boxes: Sequence[Box], out: Path, scratch: Path) -> None:
    """The boxes blackened; all bytes before the pixel element as they are in the source.

    InstanceError where a copy would need another header: such a syntax has no figure for the pixels alone.
    """
    rectangles = [Rectangle(*box) for box in boxes]
    with open_source(path, scratch) as source:
        plan = plan_pixels(source, rectangles)
        assert source.element is not None
        source.stream.seek(0)
        header = source.stream.read(source.element.offset)
        write_instance(source, plan, header, out)


def read_all(job: Job) -> list[ReadFile]:
    """The facts of every file of the corpus."""
    return [read(task) for task in _read_tasks(job)]


def read_in_pool(workers: Workers, job: Job) -> list[ReadFile]:
    """As `read_all`, in worker processes."""
    found: dict[int, ReadFile] = {}
    for done in workers.each(read, _read_tasks(job)):
        assert done.result is not None
        found[done.index] = done.result
    return [found[index] for index in sorted(found)]


def _read_tasks(job: Job) -> list[ReadTask]:
    return [ReadTask(path, path.name, job.scratch) for path in job.files]


def tasks_for(files: Sequence[ReadFile], job: Job) -> list[CleanTask]:
    """What a run would hand to its workers."""
    identity = Identity.from_keys(bytes(range(32)))
    rectangles = tuple(Rectangle(*box) for box in job.boxes)
    request = header_request(identity, ("BENCHSUBJECT", "BENCHSESSION"), "BENCHCLEAN", _KNOWN)
    request = replace(request, pixels_changed=True, template_digest=rectangles_digest(rectangles))
    return [CleanTask(file, rectangles, request, job.copy_of(file.path), job.scratch) for file in files]


def clean_all(tasks: Sequence[CleanTask]) -> None:
    """Clean and prove one after the other, in this process; InstanceError for the first without a copy."""
    for task in tasks:
        _accept(clean(task))


def clean_in_pool(workers: Workers, tasks: Sequence[CleanTask]) -> list[Counted]:
    """Clean and prove in worker processes; InstanceError as `clean_all`."""
    counted = []
    for done in workers.each(_counted, tasks):
        if done.result is None:
            raise InstanceError("proof-failed", "the worker process ended while it worked")
        _accept(done.result.result)
        counted.append(done.result)
    return counted


def start(workers: Workers, count: int, job: Job) -> int:
    """Let every worker process start, import what it needs, and clean the small file; the copy is thrown away.

    Returns the peak resident bytes of a worker that has imported what it needs and has worked on nothing yet.
    """
    warm = replace(job, folder=job.warm)
    task = tasks_for(read_all(warm), warm)[0]
    least: dict[int, int] = {}
    while len(least) < count:
        for done in workers.each(_warmed, [task] * (2 * count)):
            assert done.result is not None
            least[done.result.worker] = min(
                done.result.bytes_before, least.get(done.result.worker, done.result.bytes_before)
            )
    return max(least.values())


def _accept(result: Cleaned | Failed) -> None:
    if isinstance(result, Failed):
        raise InstanceError(result.code, result.detail)


def _counted(task: CleanTask) -> Counted:
    bytes_before, before = peak_bytes(), time.process_time()
    result = clean(task)
    return Counted(os.getpid(), time.process_time() - before, bytes_before, peak_bytes(), result)


def _warmed(task: CleanTask) -> Counted:
    out = task.scratch / f"warm-{os.getpid()}.dcm"
    counted = _counted(replace(task, out=out))
    out.unlink(missing_ok=True)
    time.sleep(0.05)  # leaves the next task to another worker
    return counted
