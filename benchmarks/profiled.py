"""The functions in which a contender spends its CPU time: `python -m benchmarks.profiled CORPUS [CONTENDER] [SCALE]`.

Python's profiler makes many small calls look dearer than they are; for shares of the whole see parts.py.
"""

from __future__ import annotations

import cProfile
import pstats
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contenders import CONTENDERS, Job
from benchmarks.process import confine
from benchmarks.shapes import SHAPES

_FUNCTIONS = 30


def main(corpus: str, contender: str = "complete", scale: str = "0.1") -> None:
    """Print the functions that cost most by themselves, and those that cost most with what they call."""
    confine(CONTENDERS[contender].cores)
    with TemporaryDirectory(prefix="pixelanon-bench-") as name, ExitStack() as closing:
        scratch = Path(name)
        command = [sys.executable, "-m", "benchmarks.corpora", corpus, str(scratch / "corpus"), scale]
        subprocess.run(command, check=True)
        for files in ("warm", "files"):
            out = scratch / f"out-{files}"
            out.mkdir()
            timed = CONTENDERS[contender].prepare(
                Job(SHAPES[corpus], scratch / "corpus" / files, out, scratch, closing)
            )
            if files == "warm":
                timed()
        profile = cProfile.Profile(time.process_time)
        profile.runcall(timed)
        for order in ("tottime", "cumtime"):
            pstats.Stats(profile).strip_dirs().sort_stats(order).print_stats(_FUNCTIONS)


if __name__ == "__main__":
    main(*sys.argv[1:])
