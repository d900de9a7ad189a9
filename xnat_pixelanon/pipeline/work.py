"""What a worker process does with one file: read its facts, or write a clean copy and prove it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from xnat_pixelanon.domain.header_rules import HeaderRules
from xnat_pixelanon.domain.instance import InstanceFacts, ScriptFacts
from xnat_pixelanon.domain.pictures import Look, Shots
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError, ScratchError
from xnat_pixelanon.headers import (
    HeaderAction,
    HeaderMemory,
    HeaderRequest,
    ProofMemory,
    carriers_of,
    held_in_labels,
    prove_bytes,
    prove_header,
    scripted,
    write_header,
)
from xnat_pixelanon.pipeline.scratch import DISK_FULL
from xnat_pixelanon.pixels import (
    Reopened,
    ScanPictures,
    Shown,
    open_source,
    plan_pixels,
    prove_opened,
    read_facts,
    reopened,
    scan_pictures,
    shots,
    write_instance,
)
from xnat_pixelanon.pixels.facts import text_of

_EDGE = 1 << 16
_HEADERS, _PROOFS = HeaderMemory(), ProofMemory()
"""What this process remembers of the headers it has cleaned, and of those it has proved; the two share nothing."""
Stamp = tuple[int, int]
"""Size and modification time of a file: a source that changes while we work is noticed."""


@dataclass(frozen=True, slots=True)
class ReadTask:
    """Read the facts of one file."""

    path: Path
    name: str
    scratch: Path


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file's facts, and where and how it was when they were read."""

    path: Path
    stamp: Stamp
    facts: InstanceFacts


@dataclass(frozen=True, slots=True)
class ScriptTask:
    """Ask the project's script about one file, which it does not change."""

    path: Path
    request: HeaderRequest
    scratch: Path


@dataclass(frozen=True, slots=True)
class PicturesTask:
    """Show the files of one group of a scan; `longest` and `whole` as for `scan_pictures`."""

    files: tuple[Shown, ...]
    longest: int
    whole: bool
    scratch: Path


@dataclass(frozen=True, slots=True)
class LookTask:
    """Show one frame of a file and of its copy, of those that are wanted; `longest` as for `shots`."""

    before: Path | None
    after: Path | None
    frame: int
    longest: int
    scratch: Path


@dataclass(frozen=True, slots=True)
class LabelTask:
    """Look whether labels hold what identifies in the header of one file."""

    path: Path
    labels: tuple[str, ...] = field(repr=False)
    rules: HeaderRules
    scratch: Path


@dataclass(frozen=True, slots=True)
class CleanTask:
    """Write a clean copy of one file to `out` and prove it."""

    file: ReadFile
    rectangles: tuple[Rectangle, ...]
    request: HeaderRequest
    out: Path
    scratch: Path
    threads: int = 1
    """How many may work on the frames of this one file."""
    headers_only: bool = False
    """It goes because it has no pixels, and must have none."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """One proved copy."""

    sop_instance_uid: str
    pixel_digest: str
    route: str
    fill: str
    effective: tuple[Rectangle, ...]
    scrubbed: tuple[str, ...]
    note: str
    header_actions: int
    series_number: str
    """As it is in the copy: its scan ID comes from it, there as in XNAT."""
    modality: str
    """As it is in the copy, for the same reason."""
    script: tuple[str, ...] = ()
    """What the project's script did: its line and column, path, action."""


@dataclass(frozen=True, slots=True)
class Failed:
    """No copy: a code of domain/codes.py and what was found."""

    code: str
    detail: str


def read(task: ReadTask) -> ReadFile:
    """Facts of one file; whatever is wrong with it stands in the facts."""
    return _quietly(lambda: ReadFile(task.path, _stamp(task.path), read_facts(task.path, task.name, task.scratch)))


def unread(task: ReadTask) -> ReadFile:
    """What stands for a file whose reading ended its worker process, twice: it is held."""
    damage = "unreadable: the worker process ended while it read the file"
    return ReadFile(task.path, _stamp(task.path), InstanceFacts(task.name, 0, "", damage=damage))


UNANSWERED = ScriptFacts(failed="script: the worker process ended while it ran")
"""What stands for a file at which the script ended its worker process, twice."""


def ask_script(task: ScriptTask) -> ScriptFacts:
    """What the script says of one file, before anything is decided; what is wrong stands in the answer."""
    return _quietly(lambda: _asked(task))


def _asked(task: ScriptTask) -> ScriptFacts:
    try:
        with open_source(task.path, task.scratch) as source:
            found = scripted(source.header, task.request)
    except InstanceError as error:
        return ScriptFacts(failed=error.detail)
    return ScriptFacts(found.rectangles, found.rejected)


def show(task: PicturesTask) -> ScanPictures:
    """Pictures of one group of a scan."""
    return _quietly(lambda: scan_pictures(task.files, task.scratch, longest=task.longest, whole=task.whole))


def look(task: LookTask) -> Look:
    """Pictures for the report; where a frame cannot be decoded there is none."""

    def shown(path: Path | None) -> Shots | None:
        return None if path is None else shots(path, task.frame, task.scratch, longest=task.longest)

    return _quietly(lambda: Look(shown(task.before), shown(task.after)))


def look_for_labels(task: LabelTask) -> str:
    """The path of an element of which a label holds the value, '' where there is none."""

    def looked() -> str:
        try:
            with open_source(task.path, task.scratch) as source:
                return held_in_labels(source.header, task.labels, task.rules)
        except InstanceError:
            return ""  # refused when it is cleaned, for the same reason

    return _quietly(looked)


def clean(task: CleanTask) -> Cleaned | Failed:
    """Write, reopen, prove. A copy that is not proved is removed."""
    try:
        return _quietly(lambda: _clean(task))
    except InstanceError as error:
        task.out.unlink(missing_ok=True)
        return Failed(error.code, error.detail)


def _clean(task: CleanTask) -> Cleaned:
    path = task.file.path
    if _stamp(path) != task.file.stamp:
        raise InstanceError("damaged", "the source file changed while it was worked on")
    try:
        with open_source(path, task.scratch) as source:
            plan = plan_pixels(source, task.rectangles)
            request = replace(
                task.request, transfer_syntax_uid=plan.transfer_syntax_uid, pixel_description=plan.description
            )
            cleaned = write_header(source.header, request, _HEADERS)
            if not set(cleaned.rectangles) <= set(task.rectangles):
                raise InstanceError("header-refused", "the script asks for other rectangles than when it was decided")
            written = write_instance(source, plan, cleaned.head + cleaned.body, task.out, threads=task.threads)
        with reopened(path, task.out, task.scratch) as (before, after):
            headers = prove_header(before.header, after.header, request, _PROOFS)
            net = prove_bytes(before.header, request, after.stream, _spans(after), _PROOFS)
            pixels = prove_opened(
                before, after, task.rectangles, written.effective, scrubbed=written.scrubbed, threads=task.threads
            )
            hidden = task.headers_only and (before.has_pixels or after.has_pixels)
            sop_instance_uid = text_of(after.header, "SOPInstanceUID")
            series_number, modality = text_of(after.header, "SeriesNumber"), text_of(after.header, "Modality")
            carriers = carriers_of(cleaned.actions, before.header)
    except OSError as error:
        if error.errno in DISK_FULL:
            raise ScratchError("the scratch folder is full", hint="set TMPDIR to a folder with more space") from None
        raise
    findings = (*pixels.findings, *headers.findings, *net.findings)
    if hidden:
        findings = (*findings, "pixels in an object that goes for its header only")
    if findings or not (pixels.ok and headers.ok and net.ok):
        raise InstanceError("proof-failed", "; ".join(findings[:20]))
    return Cleaned(
        sop_instance_uid=sop_instance_uid,
        pixel_digest=pixels.digest,
        route=written.route,
        fill=written.fill,
        effective=written.effective,
        scrubbed=(*written.scrubbed, *carriers),
        note=written.note,
        header_actions=len(cleaned.actions),
        series_number=series_number,
        modality=modality,
        script=_lines(cleaned.actions) if request.script else (),
    )


def _lines(actions: Sequence[HeaderAction]) -> tuple[str, ...]:
    """What the project's script did, with its line and column."""
    return tuple(f"{one.rule}: {one.tag} {one.action}" for one in actions if one.rule.startswith("script "))


def _spans(copy: Reopened) -> list[tuple[int, int]]:
    """Where a pixel element may hold text: compressed everywhere; of native cells, which are all image, the edges."""
    begin, end = copy.begin, copy.size
    if not copy.has_pixels or copy.encapsulated:
        return [(begin, end)]
    return [(begin, min(end, begin + _EDGE)), (max(begin, end - _EDGE), end)]


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return (-1, -1)
    return (status.st_size, status.st_mtime_ns)


_Made = TypeVar("_Made")


def _quietly(make: Callable[[], _Made]) -> _Made:
    """Run without the libraries' warnings: their texts quote header values."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()
