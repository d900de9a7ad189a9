"""Read what the files of a session say, and what the project's script says of them: all that decisions stand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from xnat_pixelanon.archive.ports import Source
from xnat_pixelanon.domain.consistency import mark_inconsistent
from xnat_pixelanon.domain.decisions import ScanFacts
from xnat_pixelanon.domain.session import Contents
from xnat_pixelanon.headers import HeaderRequest
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.progress import Progress
from xnat_pixelanon.pipeline.work import UNANSWERED, ReadFile, ReadTask, ScriptTask, ask_script, read, unread

Files = tuple[tuple[ReadFile, ...], ...]
"""Of each scan, in the order of the contents."""


def read_files(
    source: Source, contents: Contents, folder: Path, workers: Workers, progress: Progress
) -> tuple[Files, tuple[ScanFacts, ...]]:
    """Fetch and read every file of a session."""
    scans = contents.scans
    tasks = [ReadTask(source.fetch(file, folder), file.name, folder) for scan in scans for file in scan.files]
    progress.step_starts("read", len(tasks))
    found: dict[int, ReadFile] = {}
    for done in workers.each(read, tasks):
        found[done.index] = done.result or unread(tasks[done.index])
        progress.file_done("read")
    numbers = iter(range(len(tasks)))
    files = tuple(tuple(found[next(numbers)] for _ in scan.files) for scan in scans)
    facts = [ScanFacts(scan.id, tuple(file.facts for file in own)) for scan, own in zip(scans, files, strict=True)]
    return files, tuple(mark_inconsistent(facts))


def with_script(
    files: Files,
    scans: Sequence[ScanFacts],
    request: HeaderRequest,
    folder: Path,
    workers: Workers,
    progress: Progress,
) -> tuple[ScanFacts, ...]:
    """The facts with what the script of `request` says of each readable file."""
    places = [
        (index, position)
        for index, scan in enumerate(scans)
        for position, facts in enumerate(scan.instances)
        if not facts.damage
    ]
    tasks = [ScriptTask(files[index][position].path, request, folder) for index, position in places]
    progress.step_starts("script", len(tasks))
    instances = [list(scan.instances) for scan in scans]
    for done in workers.each(ask_script, tasks):
        index, position = places[done.index]
        said = done.result or UNANSWERED
        instances[index][position] = replace(instances[index][position], script=said)
        progress.file_done("script")
    return tuple(ScanFacts(scan.id, tuple(found)) for scan, found in zip(scans, instances, strict=True))
