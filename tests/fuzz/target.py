"""Reads, cleans and judges the files whose names come on stdin: `python -m tests.fuzz.target`, a process of its own.

It may die of what it is given: its memory is limited, and a file that takes too much processor time ends it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.corpus.judge import open_picture, wrong_pixels
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.headers import Identity
from xnat_pixelanon.pipeline.cleaning import header_request
from xnat_pixelanon.pipeline.work import Cleaned, CleanTask, Failed, ReadFile, ReadTask, clean, read
from xnat_pixelanon.pixels import open_source
from xnat_pixelanon.pixels.codecs import decode
from xnat_pixelanon.pixels.walk import survey, walk_frames

SECONDS = 10.0
"""Processor time for one file."""
MEMORY = 1 << 30
"""Address space beyond that of a process which has read nothing yet."""
RESIDENT = 300 << 10
"""KiB that a file may make the process grow by: the seeds are of a few KiB, none of their lies may cost more."""
_REQUEST = header_request(Identity.from_keys(bytes(range(32))), ("SUBJECT", "SESSION"), "CLEAN", ())
Said = Mapping[str, Any]


def outcome(path: Path, say: Callable[[Said], None]) -> Said:
    """How one file ended: a code, "written", or what must not be: "exception", "wrong", "memory".

    Also "unjudged", where the judge cannot read the source, and "disputed", where it reads it otherwise than the tool's
    decoder: a damaged codestream may have no one meaning, and a copy can have only one.
    """
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        said = _carried_out(path, say)
    except Exception as error:  # that there is none is what is tested
        frames = traceback.extract_tb(error.__traceback__)
        own = [one for one in frames if "xnat_pixelanon" in one.filename] or frames
        where = f"{Path(own[-1].filename).name}:{own[-1].lineno}"
        return {"end": "exception", "detail": f"{type(error).__name__} at {where}"}
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"end": "memory", "detail": f"{grown >> 10} MiB"} if grown > RESIDENT else said


def _carried_out(path: Path, say: Callable[[Said], None]) -> Said:
    file = read(ReadTask(path, path.name, path.parent))
    if file.facts.damage is not None:
        return {"end": "damaged", "detail": file.facts.damage}
    copied = _cleaned(file, (), path.with_name("copied.dcm"))
    if isinstance(copied, Failed) and copied.code == "proof-failed":
        return {"end": copied.code, "detail": copied.detail}
    boxes = _boxes(file)
    if not file.facts.has_pixel_data or not boxes:
        return {"end": "no-pixel-data", "detail": ""}
    blackened = _cleaned(file, boxes, path.with_name("copy.dcm"))
    if isinstance(blackened, Failed):
        return {"end": blackened.code, "detail": blackened.detail}
    say({"end": "judging", "detail": ""})
    return _judged(path, boxes, blackened)


def _cleaned(file: ReadFile, boxes: tuple[Rectangle, ...], out: Path) -> Cleaned | Failed:
    return clean(CleanTask(file, boxes, replace(_REQUEST, pixels_changed=bool(boxes)), out, out.parent))


def _boxes(file: ReadFile) -> tuple[Rectangle, ...]:
    rows, columns = file.facts.rows, file.facts.columns
    if not (rows > 0 and columns > 0):
        return ()
    low = Rectangle(top=rows - 1 - rows // 7, left=columns // 2, bottom=rows, right=columns)
    return Rectangle(top=0, left=0, bottom=max(1, rows // 5), right=max(1, columns // 3)), low


def _judged(path: Path, boxes: tuple[Rectangle, ...], copy: Cleaned) -> Said:
    try:
        asked, effective = ([asdict(box) for box in some] for some in (boxes, copy.effective))
        findings = wrong_pixels(path, path.with_name("copy.dcm"), asked, effective)
    except Exception as error:  # the judge reads less than the tool does
        return {"end": "unjudged", "detail": type(error).__name__}
    end = "written" if not findings else "disputed" if _read_otherwise(path) else "wrong"
    return {"end": end, "detail": "; ".join(findings)}


def _read_otherwise(path: Path) -> bool:
    """Whether the tool's decoder gives other frames of the source than the judge's."""
    with open_source(path, path.parent) as source:
        found = survey(source)
        assert source.syntax is not None
        assert source.layout is not None
        if not source.syntax.encapsulated:
            return False
        for frame, other in zip(
            walk_frames(source, source.layout, found.divided), open_picture(path).each(), strict=True
        ):
            cells = decode(source.syntax.codec, b"".join(frame.pieces), frame.form, source.layout)
            if not np.array_equal(cells, other):
                return True
    return False


def main() -> None:
    """One line of JSON for each name; libraries that print go elsewhere."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def say(said: Said) -> None:
        print(json.dumps(said), file=answers, flush=True)

    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # its signal ends the process, also in a library
        said = outcome(path, say)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for left in path.parent.iterdir():
            left.unlink()
        say(said)


if __name__ == "__main__":
    main()
