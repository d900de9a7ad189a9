"""Where `complete` spends its time: CPU seconds of each step of a clean. `python -m benchmarks.parts CORPUS FOLDER`.

A timer stands around each step that pipeline.work calls; it costs some microseconds, so the sum is a little more than
that of the row. What no timer stands around is `between`. Prints one line of JSON.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from benchmarks.contenders import Job, complete
from benchmarks.process import confine
from benchmarks.shapes import SHAPES
from xnat_pixelanon.pipeline import work

STEPS: Mapping[str, str] = MappingProxyType(
    {
        "open_source": "open the source",
        "plan_pixels": "walk and plan",
        "write_header": "write the header",
        "write_instance": "write the pixels",
        "reopened": "reopen both",
        "prove_header": "prove the header",
        "prove_bytes": "search for names",
        "prove_opened": "prove the pixels",
    }
)
"""What pipeline.work calls, by its name there, in the order of a clean."""
BETWEEN = "between"
Spent = defaultdict[str, float]


def time_parts(corpus: str, folder: Path) -> dict[str, float]:
    """CPU seconds of each step over all files of the corpus, after one small file."""
    confine(1)
    spent: Spent = defaultdict(float)
    with ExitStack() as stack:
        for name, step in STEPS.items():
            stack.callback(setattr, work, name, getattr(work, name))
            setattr(work, name, _timed(getattr(work, name), step, spent))
        _prepared(corpus, folder / "warm", stack)()
        timed = _prepared(corpus, folder / "files", stack)
        spent.clear()
        before = time.process_time()
        timed()
        whole = time.process_time() - before
    parts = {step: spent[step] for step in STEPS.values()}
    return {**parts, BETWEEN: max(0.0, whole - sum(parts.values()))}


def _prepared(corpus: str, files: Path, stack: ExitStack) -> Callable[[], object]:
    scratch = Path(stack.enter_context(TemporaryDirectory(dir=files.parent)))
    (scratch / "out").mkdir()
    return complete(Job(SHAPES[corpus], files, scratch / "out", scratch, stack))


def _timed(function: Callable[..., Any], step: str, spent: Spent) -> Callable[..., Any]:
    @functools.wraps(function)
    def timed(*arguments: Any, **named: Any) -> Any:
        before = time.process_time()
        result = function(*arguments, **named)
        spent[step] += time.process_time() - before
        return _entered(result, step, spent) if isinstance(result, AbstractContextManager) else result

    return timed


@contextmanager
def _entered(context: AbstractContextManager[Any], step: str, spent: Spent) -> Iterator[Any]:
    """Opening a context is part of the step; what happens inside it is not."""
    before = time.process_time()
    with context as value:
        spent[step] += time.process_time() - before
        yield value


if __name__ == "__main__":
    print(json.dumps(time_parts(sys.argv[1], Path(sys.argv[2]))))
