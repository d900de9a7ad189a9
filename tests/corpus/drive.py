"""Types command lines in one process, one after the other: `python -m tests.corpus.drive FOLDER`.

FOLDER/cases.json lists the words of each; what a case says is kept beside it. All of them share one pool of workers,
so that starting Python is paid for once and not for each of some hundred files; all else is as in a process of its own.

A session of a folder needs a Patient ID, and some public files have none. What the decision table would have let
through is then given to the worker functions of the pipeline, so that such a file is cleaned, proved and judged too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import xnat_pixelanon.cli.run
from xnat_pixelanon.cli.main import status_of
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.headers import Identity
from xnat_pixelanon.pipeline.cleaning import header_request
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.work import CleanTask, Failed, ReadTask, clean, read


class Kept(Workers):
    """A pool that goes on when a run ends, but for a run that is interrupted."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            super().__exit__(kind, error, trace)


def drive(folder: Path) -> None:
    """Every case of `folder`: its exit status, stdout and stderr in files of its own."""
    pool = Kept(1)
    xnat_pixelanon.cli.run.Workers = lambda count: pool  # type: ignore[assignment,misc]
    try:
        for case, words in json.loads((folder / "cases.json").read_text()).items():
            _type(words, folder / case)
            _without_patient(pool, folder / case)
    finally:
        Workers.__exit__(pool, None, None, None)


def _type(words: list[str], case: Path) -> None:
    with ExitStack() as stack:
        out, err = (stack.enter_context((case / name).open("w")) for name in ("stdout", "stderr"))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        (case / "status").write_text(str(status_of(words)))


def _without_patient(pool: Workers, case: Path) -> None:
    """Leaves worker.json where the session failed and its only file would have been blackened."""
    report = case / "report" / "report.json"
    for session in json.loads(report.read_text())["sessions"] if report.is_file() else ():
        for scan in session["scans"] if session["outcome"] == "failed" else ():
            for instance in scan["instances"]:
                if instance["decision"] == "redact":
                    boxes = tuple(Rectangle(**box) for box in instance["asked"])
                    (case / "worker.json").write_text(json.dumps(_cleaned(pool, case, boxes)))


def _cleaned(pool: Workers, case: Path, boxes: tuple[Rectangle, ...]) -> Mapping[str, Any]:
    """What an instance of report.json would say, of a copy at out/copy.dcm."""
    (case / "out").mkdir(exist_ok=True)
    (source,) = (case / "in").iterdir()
    (found,) = pool.each(read, [ReadTask(source, source.name, case)])
    request = header_request(Identity.from_keys(bytes(range(32))), ("SUBJECT", "SESSION"), "CLEAN", ())
    assert found.result is not None
    task = CleanTask(found.result, boxes, replace(request, pixels_changed=True), case / "out" / "copy.dcm", case)
    (done,) = pool.each(clean, [task])
    if done.result is None or isinstance(done.result, Failed):
        return {"code": done.result.code if done.result else "worker-died", "proof": "", "effective": []}
    effective = [asdict(box) for box in done.result.effective]
    return {"code": "template", "proof": "ok", "effective": effective}


if __name__ == "__main__":
    drive(Path(sys.argv[1]))
