"""The goals as data: per row what is measured, the least that it has to reach, and the aim; and what a run reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from benchmarks.results import MIB, Results, Row
from benchmarks.shapes import SHAPES

How = Literal["least", "median"]
Value = float | str
"""A number, or why there is none."""
_READ_AND_CLEAN = ("complete", "with reading", "1 worker", "2 workers")


@dataclass(frozen=True, slots=True)
class Goal:
    """`peer`: what XNAT's own engine does, as measured elsewhere, without a proof and with uncompressed output."""

    title: str
    unit: str
    floor: float
    aim: float
    value: Callable[[Results, How], Value]
    more_is_better: bool = True
    peer: str = ""

    def reaches(self, value: float, mark: float) -> bool:
        return value >= mark if self.more_is_better else value <= mark


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a goal. `verdict`: `aim`, `floor`, `not reached`, or why nothing was measured."""

    goal: Goal
    least: Value
    median: Value
    verdict: str

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        goal = asdict(self.goal)
        goal.pop("value")
        return {**goal, "least": self.least, "median": self.median, "verdict": self.verdict}


def judge_goals(results: Results) -> tuple[Outcome, ...]:
    """Every goal, in the order of the table; a mark is reached where the minima and the medians both reach it."""
    return tuple(_outcome(goal, results) for goal in GOALS)


def _outcome(goal: Goal, results: Results) -> Outcome:
    least, median = goal.value(results, "least"), goal.value(results, "median")
    if isinstance(least, str) or isinstance(median, str):
        return Outcome(goal, least, median, str(least))
    reached = [goal.reaches(least, mark) and goal.reaches(median, mark) for mark in (goal.aim, goal.floor)]
    return Outcome(goal, least, median, "aim" if reached[0] else "floor" if reached[1] else "not reached")


def _rows(results: Results, corpus: str, contenders: Sequence[str]) -> list[Row] | str:
    """The rows, or why there is one without a number. A copy that the judge found wrong has no speed."""
    rows = [results.row(corpus, contender) for contender in contenders]
    there = [row for row in rows if row is not None]
    if len(there) < len(rows):
        return "not measured"
    failed = next((row.error for row in there if row.error), "")
    wrong = next((verdict for row in there for verdict in row.verdicts if verdict.startswith("wrong")), "")
    return failed or wrong or there


def _wall(corpus: str, contender: str, other: str) -> Callable[[Results, How], Value]:
    """Wall time of the contender as a multiple of that of the other."""

    def value(results: Results, how: How) -> Value:
        rows = _rows(results, corpus, (contender, other))
        if isinstance(rows, str):
            return rows
        return _seconds(rows[0], how, wall=True) / _seconds(rows[1], how, wall=True)

    return value


def _per_cpu_second(corpus: str, amount: Callable[[Results, str], float]) -> Callable[[Results, How], Value]:
    def value(results: Results, how: How) -> Value:
        rows = _rows(results, corpus, ("complete",))
        return rows if isinstance(rows, str) else amount(results, corpus) / _seconds(rows[0], how)

    return value


def _files(corpus: str) -> Callable[[Results, How], Value]:
    return _per_cpu_second(corpus, lambda results, name: results.manifest(name).files)


def _megabytes(corpus: str) -> Callable[[Results, How], Value]:
    return _per_cpu_second(corpus, lambda results, name: results.manifest(name).decoded_bytes / 1e6)


def _peak(results: Results, how: How) -> Value:
    """The worst of all corpora that are not refused: peak resident MiB less two frames."""
    worst = [
        (row.peak_bytes - 2 * SHAPES[row.corpus].frame_bytes) / MIB
        for row in results.rows
        if row.contender in _READ_AND_CLEAN and not row.error
    ]
    return max(worst) if worst else "not measured"


def _worker(corpus: str) -> Callable[[Results, How], Value]:
    """Peak resident MiB of the worker process that read and cleaned the corpus."""

    def value(results: Results, how: How) -> Value:
        rows = _rows(results, corpus, ("1 worker",))
        return rows if isinstance(rows, str) else rows[0].peak_bytes / MIB

    return value


def _memory(title: str, corpus: str, peer: str = "") -> Goal:
    """150 MiB and 4 frames at most, 90 MiB and 2 frames as the aim."""
    frame = SHAPES[corpus].frame_bytes / MIB
    return Goal(title, "MiB", 150 + 4 * frame, 90 + 2 * frame, _worker(corpus), more_is_better=False, peer=peer)


def _seconds(row: Row, how: How, *, wall: bool = False) -> float:
    clock: Literal["wall_seconds", "cpu_seconds"] = "wall_seconds" if wall else "cpu_seconds"
    return row.least(clock) if how == "least" else row.middle(clock)


GOALS = (
    Goal("CT ~30 elements, pixels only, wall", "x cp", 2.5, 1.3, _wall("ct", "pixels", "cp"), False),
    Goal("CT ~250 elements, pixels only, wall", "x cp", 2.5, 1.3, _wall("ct-250", "pixels", "cp"), False),
    Goal(
        "2 GB native multi-frame, pixels only, wall", "x cp", 1.25, 1.05, _wall("ct-2gb", "pixels", "cp"), False,
        "needs the whole file several times in memory",
    ),
    Goal("2 GB native multi-frame, naive against pixels only, wall", "x", 6, 12, _wall("ct-2gb", "naive", "pixels")),
    Goal("CT ~30 elements, complete", "files/s", 400, 700, _files("ct"), peer="105"),
    Goal("CT ~250 elements, complete", "files/s", 200, 400, _files("ct-250"), peer="105"),
    Goal("RGB cine, complete", "MB/s", 400, 900, _megabytes("rgb"), peer="90"),
    Goal("JPEG 4:2:2 cine, complete", "MB/s", 220, 350, _megabytes("jpeg"), peer="81"),
    Goal("RLE, complete", "MB/s", 120, 250, _megabytes("rle"), peer="30"),
    Goal("JPEG lossless, complete", "MB/s", 25, 40, _megabytes("jpeg-lossless"), peer="14"),
    Goal("JPEG-LS, complete", "MB/s", 20, 30, _megabytes("jpeg-ls"), peer="fails"),
    Goal("HTJ2K, complete", "MB/s", 75, 105, _megabytes("htj2k"), peer="fails"),
    Goal("JPEG 2000, complete", "MB/s", 3, 6, _megabytes("j2k"), peer="8, decode only"),
    _memory("peak memory of one worker, 2 GB native multi-frame", "ct-2gb"),
    _memory("peak memory of one worker, JPEG cine of 86 MB", "jpeg-long", "600-1100"),
    Goal("peak memory, the worst of all corpora, less two frames", "MiB", 150, 90, _peak, False),
    Goal(
        "CT ~30 elements complete, 2 workers against 1, wall", "x", 1.6, 1.9, _wall("ct", "1 worker", "2 workers"),
        peer="mixes patients",
    ),
    Goal(
        "CT ~250 elements complete, 2 workers against 1, wall", "x", 1.6, 1.9,
        _wall("ct-250", "1 worker", "2 workers"), peer="mixes patients",
    ),
)  # fmt: skip
"""MB are 10^6 bytes of decoded pixels; per second of process CPU time, on one core, unless wall is said."""
