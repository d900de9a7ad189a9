"""Every file of a package through `run --from dir: --to dir:`, alone in a folder of its own, and judged.

What is kept of it is a record without any text of the file. The copies are judged at once and removed.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from .conformance import error_kinds
from .files import REPOSITORY, Sample, samples
from .judge import wrong_pixels

POLICY = {
    "schema_version": 1,
    "enabled": True,
    "mixed": "per-instance",
    "publish": "available-scans",
    "destination": {"server": "same", "project": "CLEAN"},
}
Group = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file. `end`: "written", a code of codes.py, or "stray: KIND" for what belongs to no study.

    `reached` is "worker" where the file has no Patient ID and the command line could not make a pseudonym.
    """

    name: str
    syntax: str
    status: int
    end: str
    reached: str = "command"
    proof: str = ""
    copies: int = 0
    findings: tuple[str, ...] = ()
    traceback: bool = False
    errors_before: Mapping[str, int] = field(default_factory=dict)
    errors_after: Mapping[str, int] = field(default_factory=dict)
    first_of_shape: bool = False


def outcomes(package: str, shared: Path, options: Sequence[str] = ()) -> list[Outcome]:
    """Of every file of `package`; worked out once for all test processes that share the folder `shared`.

    With options of the profile only of one written file of each shape of header: what these change lies in there.
    """
    chosen = None if not options else {one.name for one in outcomes(package, shared) if _is_first_of_shape(one)}
    name = "+".join((package, *options))
    kept = shared / f"{name}.json"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            folder = shared / name
            taken = [sample for sample in samples(package) if chosen is None or sample.name in chosen]
            found = _carried_out(taken, folder, options)
            shutil.rmtree(folder)
            kept.write_text(json.dumps([asdict(one) for one in found]))
    return [Outcome(**{**one, "findings": tuple(one["findings"])}) for one in json.loads(kept.read_text())]


def _is_first_of_shape(one: Outcome) -> bool:
    """Of the files that the command line wrote, the first of those with the same attributes and SOP class."""
    return one.end == "written" and one.reached == "command" and one.first_of_shape


def rules(folder: Path, files: Iterable[Path], options: Sequence[str] = ()) -> list[str]:
    """Templates with two boxes for every group of `files`, a policy and a key in `folder`: the words that name them."""
    groups = dict.fromkeys(group for path in files if (group := group_of(path)) is not None)
    templates = [template(number, group) for number, group in enumerate(groups)]
    (folder / "templates.json").write_text(json.dumps({"schema_version": 1, "templates": templates}))
    policy = {**POLICY, "headers": {"profile": "basic", "options": list(options)}}
    (folder / "policy.json").write_text(json.dumps(policy))
    names = {"--templates": "templates.json", "--policy": "policy.json", "--key": "key"}
    return [word for option, name in names.items() for word in (option, str(folder / name))]


def group_of(path: Path) -> Group | None:
    """Modality, SOP Class UID, rows and columns, as pydicom reads them; None where there is no size."""
    ds = header_of(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            rows, columns = int(ds.get("Rows") or 0), int(ds.get("Columns") or 0)
        except (TypeError, ValueError):
            return None
        words = str(ds.get("Modality", "")), str(ds.get("SOPClassUID", ""))
    return (*words, rows, columns) if rows and columns else None


def header_of(path: Path) -> Dataset:
    """The header, empty where pydicom cannot read it."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return dcmread(path, stop_before_pixels=True, force=True)
        except (InvalidDicomError, AttributeError, EOFError, NotImplementedError, TypeError, ValueError):
            return Dataset()


def template(number: int, group: Group) -> Mapping[str, Any]:
    """A box in the upper left corner, and one that begins at an odd column and ends in the last row and column."""
    modality, sop_class_uid, rows, columns = group
    match = {"modality": modality, "sop_class_uid": sop_class_uid, "rows": rows, "columns": columns}
    left = min(columns - 1, columns // 2 | 1)
    boxes = [
        {"top": 0, "left": 0, "bottom": max(1, rows // 5), "right": max(1, columns // 3)},
        {"top": rows - max(1, rows // 7), "left": left, "bottom": rows, "right": columns},
    ]
    named = {name: value for name, value in match.items() if value}
    return {"id": f"group-{number}", "match": named, "rectangles": boxes}


def environment() -> dict[str, str]:
    """That of a child process which imports this repository and its tests."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def _shape(ds: Dataset) -> tuple[Any, ...]:
    """Which attributes are there, at every depth, and which of them have a value."""
    return tuple(
        (int(one.tag), one.VR, bool(one.value), tuple(map(_shape, one.value)) if one.VR == "SQ" else ()) for one in ds
    )


def _shape_of(path: Path) -> str:
    """Shape and SOP class of the header, '' where pydicom cannot read all of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            header = header_of(path)
            return repr((header.get("SOPClassUID"), _shape(header)))
        except (AttributeError, NotImplementedError, TypeError, ValueError):
            return ""


def _carried_out(taken: Sequence[Sample], folder: Path, options: Sequence[str]) -> list[Outcome]:
    cases = {f"{number:03}": sample for number, sample in enumerate(taken)}
    for case, sample in cases.items():
        (folder / case / "in").mkdir(parents=True)
        sample.put(_source(folder / case))
    named = rules(folder, [_source(folder / case) for case in cases], options)
    words = {case: _words(folder / case, named) for case in cases}
    (folder / "cases.json").write_text(json.dumps(words))
    command = [sys.executable, "-m", "tests.corpus.drive", str(folder)]
    done = subprocess.run(command, env=environment(), cwd=folder, capture_output=True, check=False)
    # nothing is shown of it: it may quote a header
    assert (done.returncode, len(done.stdout), len(done.stderr)) == (0, 0, 0), "the driver or a worker of it failed"
    found = [_outcome(folder / case, sample) for case, sample in cases.items()]
    seen: set[str] = {""}
    marked = []
    for case, one in zip(cases, found, strict=True):
        shape = _shape_of(_source(folder / case)) if one.end == "written" else ""
        marked.append(replace(one, first_of_shape=shape not in seen))
        seen.add(shape)
    return marked


def _source(case: Path) -> Path:
    return case / "in" / "image.dcm"


def _words(case: Path, named: Sequence[str]) -> list[str]:
    where = ("--from", f"dir:{case / 'in'}", "--to", f"dir:{case / 'out'}", "--report", str(case / "report"))
    return ["run", *where, *named, "--workers", "1", "--json"]


def _outcome(case: Path, sample: Sample) -> Outcome:
    said = (case / "stdout").read_text() + (case / "stderr").read_text()
    report = json.loads((case / "report" / "report.json").read_text())
    meta = getattr(header_of(_source(case)), "file_meta", Dataset())
    known = Outcome(
        sample.name,
        str(meta.get("TransferSyntaxUID", "")),
        int((case / "status").read_text()),
        end="",
        traceback="Traceback" in said or "internal error" in said,
    )
    strays = [one["kind"] for one in report["strays"]]
    found = [one for session in report["sessions"] for scan in session["scans"] for one in scan["instances"]]
    assert len(strays) + len(found) == 1, f"{sample.name} is not in the report exactly once"
    if strays:
        return _with(known, case, end=f"stray: {strays[0]}")
    if (case / "worker.json").exists():
        return _judged(known, case, {**found[0], **json.loads((case / "worker.json").read_text())}, "worker")
    return _judged(known, case, found[0], "command")


def _judged(known: Outcome, case: Path, instance: Mapping[str, Any], reached: str) -> Outcome:
    copies = sorted((case / "out").rglob("*.dcm"))
    if instance["proof"] != "ok" or len(copies) != 1:
        return _with(known, case, end=instance["code"], reached=reached, proof=instance["proof"])
    return _with(
        known,
        case,
        end="written",
        reached=reached,
        proof="ok",
        findings=tuple(wrong_pixels(_source(case), copies[0], instance["asked"], instance["effective"])),
        errors_before=dict(error_kinds(_source(case))),
        errors_after=dict(error_kinds(copies[0])),
    )


def _with(known: Outcome, case: Path, **more: Any) -> Outcome:
    return Outcome(**{**asdict(known), "copies": len(list((case / "out").rglob("*.dcm"))), **more})


def census(found: Iterable[Outcome]) -> str:
    """How many files of each transfer syntax came to each end; nothing of any file."""
    counts = Counter((one.syntax or "none", one.end) for one in found)
    return "\n".join(f"{count:4} {syntax:24} {end}" for (syntax, end), count in sorted(counts.items()))
