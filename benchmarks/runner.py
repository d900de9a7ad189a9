"""The run: corpus by corpus, repeat by repeat, the contenders in turn, each measurement in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.contenders import running_on
from benchmarks.machine import machine
from benchmarks.results import Corpus, Results, Row
from benchmarks.shapes import SHAPES, Manifest, Shape

_ROOT = Path(__file__).parent.parent
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured. `contenders`: empty for all that run on a corpus. `folder`: where scratch is made.

    `parts`: whether the steps of `complete` are timed too, in one more process for each corpus.
    """

    corpora: Sequence[str] = tuple(SHAPES)
    contenders: Sequence[str] = ()
    scale: float = 1.0
    repeats: int = 5
    folder: Path | None = None
    parts: bool = True


def run(plan: Plan, tell: Tell) -> Results:
    """Measure; one corpus is on disk at a time, and the scratch folder is removed whatever happens."""
    corpora: list[Corpus] = []
    rows: list[Row] = []
    with TemporaryDirectory(prefix="pixelanon-bench-", dir=plan.folder) as name:
        scratch = Path(name)
        described = machine(scratch)
        for corpus in plan.corpora:
            with _written(SHAPES[corpus], scratch, plan.scale, tell) as (folder, manifest):
                corpora.append(Corpus(corpus, manifest, round(os.getloadavg()[0], 2)))
                rows += _measure_corpus(corpus, folder, scratch, plan, tell)
    return Results(described, plan.scale, plan.repeats, tuple(corpora), tuple(rows))


@contextmanager
def _written(shape: Shape, scratch: Path, scale: float, tell: Tell) -> Iterator[tuple[Path, Manifest]]:
    """The corpus on disk, written back so that the disk is at rest."""
    folder = scratch / shape.name
    tell(f"{shape.name}: writing the corpus")
    command = [sys.executable, "-m", "benchmarks.corpora", shape.name, str(folder), str(scale)]
    subprocess.run(command, check=True, env=_environment(scratch))
    os.sync()
    try:
        yield folder, Manifest.from_dict(json.loads((folder / "manifest.json").read_text("utf-8")))
    finally:
        shutil.rmtree(folder)


def _measure_corpus(corpus: str, folder: Path, scratch: Path, plan: Plan, tell: Tell) -> list[Row]:
    names = [name for name in running_on(corpus) if not plan.contenders or name in plan.contenders]
    samples: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    errors: dict[str, tuple[str, str]] = {}
    for repeat in range(plan.repeats):
        turn = repeat % len(names) if names else 0
        for name in names[turn:] + names[:turn]:  # nobody always follows the same one
            if name in errors:
                continue
            told = _measured(corpus, name, folder, scratch, judged=repeat == 0)
            if "sample" in told:
                samples[name].append(told["sample"])
                tell(f"{corpus}: {name}, {repeat + 1} of {plan.repeats}: {told['sample']['wall_seconds']:.2f} s")
            else:
                errors[name] = (_error_text(told["error"]), told["error"]["text"])
                tell(f"{corpus}: {name}: {errors[name][0]}")
    parted = plan.parts and "complete" in names and "complete" not in errors
    parts = _parts(corpus, folder, scratch) if parted else {}
    return [
        Row(corpus, name, (), *errors[name])
        if name in errors
        else Row(corpus, name, tuple(samples[name]), parts=parts if name == "complete" else {})
        for name in names
    ]


def _parts(corpus: str, folder: Path, scratch: Path) -> dict[str, float]:
    """CPU seconds of each step of `complete`, whose samples are there."""
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.parts", corpus, str(folder)],
        env=_environment(scratch),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    parts: dict[str, float] = json.loads(ended.stdout)
    return parts


def _measured(corpus: str, contender: str, folder: Path, scratch: Path, *, judged: bool) -> dict[str, Any]:
    """What the process of one measurement wrote: `sample`, or `error` with the type of what ended it."""
    with TemporaryDirectory(dir=scratch) as name:
        order = Path(name) / "order.json"
        asked = {"corpus": corpus, "contender": contender, "folder": str(folder), "scratch": name, "judge": judged}
        order.write_text(json.dumps(asked), "utf-8")
        ended = subprocess.run(
            [sys.executable, "-m", "benchmarks.measure", str(order)],
            env=_environment(scratch),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        result = Path(str(order) + ".result")
        if result.exists():
            told: dict[str, Any] = json.loads(result.read_text("utf-8"))
            return told
    how = signal.Signals(-ended.returncode).name if ended.returncode < 0 else f"exit status {ended.returncode}"
    return {"error": {"type": how, "code": "", "text": ""}}


def _error_text(error: dict[str, str]) -> str:
    """`refused: CODE` where this tool refuses by one of its codes; else the type of the exception or the signal."""
    return f"refused: {error['code']}" if error["code"] else error["type"]


def _environment(scratch: Path) -> dict[str, str]:
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    own = {"PYTHONPATH": os.pathsep.join(paths), "MPLCONFIGDIR": str(scratch / "matplotlib"), **_ONE_THREAD}
    return {**os.environ, **own}
