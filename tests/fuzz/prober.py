"""Gives files to a process of target.py, and sees when one of them ends it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.corpus.runs import environment
from xnat_pixelanon.domain.codes import CODES

WALL_SECONDS = 90.0
"""Against a process that waits for ever, which costs no processor time."""
TARGET = (sys.executable, "-m", "tests.fuzz.target")
CLEAN = frozenset(
    {code for code, row in CODES.items() if not row.kind.sends} - {"proof-failed"} | {"written", "unjudged", "disputed"}
)


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of one file: `end` is one that target.outcome tells of, "died" or "hung"."""

    end: str
    detail: str = ""

    @property
    def bad(self) -> bool:
        """Not a clean refusal and not a good copy.

        A proof that fails is a fault of the writer, unless the search for identifiers was all that failed: that is
        written twice so that one sees what the other does not.
        """
        if self.end == "proof-failed":
            return any(not one.endswith(": identifier") for one in self.detail.split("; "))
        return self.end not in CLEAN


class Prober:
    """One process at a time; a new one after each that died."""

    def __init__(self, folder: Path, command: Sequence[str] = TARGET, wall_seconds: float = WALL_SECONDS) -> None:
        self._folder, self._command, self._wall_seconds = folder, command, wall_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._said = b""
        self.counts: Counter[str] = Counter()

    def __enter__(self) -> Prober:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def probe(self, data: bytes) -> Ending:
        """The ending of a file with these bytes."""
        path = self._folder / "work" / "source.dcm"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        process = self._running()
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it died: there will be no answer
            process.stdin.write(f"{path}\n".encode())
            process.stdin.flush()
        judging = False
        while (said := self._answer(process)) is not None and said.end == "judging":
            judging = True
        if said is None or said.end == "hung":
            died = self._end()
            said = Ending("unjudged", "the judge failed") if judging else said or died
        self.counts[said.end] += 1
        return said

    def _answer(self, process: subprocess.Popen[bytes]) -> Ending | None:
        assert process.stdout is not None
        while b"\n" not in self._said:
            ready, _, _ = select.select([process.stdout], [], [], self._wall_seconds)
            if not ready:
                process.kill()
                return Ending("hung", "no answer")
            more = os.read(process.stdout.fileno(), 1 << 16)
            if not more:
                return None
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        return Ending(**json.loads(line))

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                env={**environment(), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process

    def _end(self) -> Ending:
        process, self._process, self._said = self._process, None, b""
        if process is None:
            return Ending("died")
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.close()
        try:
            status = process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return Ending("hung", "no answer")
        finally:
            process.stdout.close()
        if status == -signal.SIGPROF:
            return Ending("hung", "too much processor time")
        return Ending("died", f"status {status}")
