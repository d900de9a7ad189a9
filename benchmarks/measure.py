"""One measurement in a process of its own: `python -m benchmarks.measure ORDER.json`. Writes ORDER.json.result.

Imports are done, what a run does before is done, and one small file of the same kind was worked on before the clocks
start. Whatever ends the process with an exception is told by its name.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.contenders import CONTENDERS, Contender, Job
from benchmarks.process import confine, cpu_seconds, peak_bytes
from benchmarks.shapes import SHAPES, Shape


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds and bytes of one measurement. `import_bytes`: peak before the first file; 0 peak: of another program.

    `verdicts`: what the judge says of the copies, and of how many; empty where it was not asked.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    import_bytes: int
    verdicts: tuple[tuple[str, int], ...] = ()


def main(order_path: str) -> None:
    """Measure what the order says."""
    order = json.loads(Path(order_path).read_text("utf-8"))
    result = Path(order_path + ".result")
    sys.excepthook = _telling(result)
    sample = measure(order["corpus"], order["contender"], Path(order["folder"]), Path(order["scratch"]), order["judge"])
    result.write_text(json.dumps({"sample": asdict(sample)}), "utf-8")


def measure(corpus: str, name: str, folder: Path, scratch: Path, judged: bool) -> Sample:
    """Run one contender over one corpus; RuntimeError where it did not write a copy of every file."""
    contender, shape = CONTENDERS[name], SHAPES[corpus]
    confine(contender.cores)
    import_bytes = 0 if contender.in_pool else _warmed_up(contender, shape, folder, scratch)
    with ExitStack() as closing:
        job = Job(shape, folder / "files", _made(scratch / "out"), scratch, closing)
        timed = contender.prepare(job)
        wall, cpu = time.perf_counter(), cpu_seconds()
        elsewhere = timed()
        cpu = cpu_seconds() - cpu + elsewhere.cpu_seconds
        wall = time.perf_counter() - wall
        peak = elsewhere.peak_bytes or (0 if name == "cp" else peak_bytes())
        import_bytes = elsewhere.import_bytes or import_bytes
    copies = sorted(job.out.rglob("*.dcm"))
    if len(copies) != len(job.files):
        raise RuntimeError(f"{len(copies)} copies of {len(job.files)} files")
    return Sample(wall, cpu, peak, import_bytes, _judged(job, copies) if judged and name != "cp" else ())


def _warmed_up(contender: Contender, shape: Shape, folder: Path, scratch: Path) -> int:
    """Work on the small file; the peak before that."""
    with ExitStack() as closing:
        warm_up = contender.prepare(Job(shape, folder / "warm", _made(scratch / "warm-out"), scratch, closing))
        import_bytes = peak_bytes()
        warm_up()
    return import_bytes


def _judged(job: Job, copies: list[Path]) -> tuple[tuple[str, int], ...]:
    from benchmarks.judge import judge

    return tuple(Counter(judge(path, copy, job.boxes) for path, copy in zip(job.files, copies, strict=True)).items())


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _telling(result: Path) -> Any:
    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        code = getattr(error, "code", "")  # of InstanceError
        told = {"type": kind.__name__, "code": code if isinstance(code, str) else "", "text": str(error)[:500]}
        result.write_text(json.dumps({"error": told}), "utf-8")
        sys.__excepthook__(kind, error, trace)

    return tell


if __name__ == "__main__":
    main(sys.argv[1])
