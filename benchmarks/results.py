"""What was measured, as records: samples of one contender over one corpus, their minima and medians, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from benchmarks.shapes import SHAPES, Manifest

Clock = Literal["wall_seconds", "cpu_seconds"]
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """One contender over one corpus. `samples`: as measure.Sample, one per repeat; `error`: why there are none.

    A contender that failed once is not asked again, and what it measured before does not count. `detail`: its message.
    `parts`: CPU seconds of each step, of `complete` alone, from a run of its own.
    """

    corpus: str
    contender: str
    samples: tuple[Mapping[str, Any], ...] = ()
    error: str = ""
    detail: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)

    def least(self, clock: Clock) -> float:
        return min(float(sample[clock]) for sample in self.samples)

    def middle(self, clock: Clock) -> float:
        return median(float(sample[clock]) for sample in self.samples)

    @property
    def peak_bytes(self) -> int:
        """The highest of all repeats; 0 where it is another program's."""
        return max(int(sample["peak_bytes"]) for sample in self.samples)

    @property
    def import_bytes(self) -> int:
        return max(int(sample["import_bytes"]) for sample in self.samples)

    @property
    def verdicts(self) -> Mapping[str, int]:
        """What the judge said of how many copies; empty where it was not asked."""
        return dict(next((sample["verdicts"] for sample in self.samples if sample["verdicts"]), ()))


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was written of a corpus, and the load of the machine (1 minute) when its measurements began."""

    name: str
    manifest: Manifest
    load: float


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run: `machine` in words, `scale`, `repeats`, its corpora and rows in the order of the table."""

    machine: Mapping[str, str]
    scale: float
    repeats: int
    corpora: tuple[Corpus, ...]
    rows: tuple[Row, ...] = field(default=())

    def row(self, corpus: str, contender: str) -> Row | None:
        """None where it was not measured."""
        return next((row for row in self.rows if (row.corpus, row.contender) == (corpus, contender)), None)

    def manifest(self, corpus: str) -> Manifest:
        return next(one.manifest for one in self.corpora if one.name == corpus)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: every sample, and what the tables are made of."""
        return {
            "machine": dict(self.machine),
            "scale": self.scale,
            "repeats": self.repeats,
            "corpora": [self._corpus(one) for one in self.corpora],
        }

    def _corpus(self, corpus: Corpus) -> dict[str, Any]:
        shape = SHAPES[corpus.name]
        return {
            "name": corpus.name,
            "title": shape.title,
            "load": corpus.load,
            **corpus.manifest.as_dict(),
            "boxes": [list(box) for box in shape.boxes],
            "rows": [self._row(row) for row in self.rows if row.corpus == corpus.name],
        }

    def _row(self, row: Row) -> dict[str, Any]:
        if row.error:
            return {"contender": row.contender, "error": row.error, "detail": row.detail}
        ratios = {f"to_{other}": ratio(row, self.row(row.corpus, other)) for other in ("cp", "naive")}
        return {
            "contender": row.contender,
            "wall_seconds": {"least": row.least("wall_seconds"), "median": row.middle("wall_seconds")},
            "cpu_seconds": {"least": row.least("cpu_seconds"), "median": row.middle("cpu_seconds")},
            "peak_bytes": row.peak_bytes,
            "import_bytes": row.import_bytes,
            "verdicts": dict(row.verdicts),
            **{name: value for name, value in ratios.items() if value},
            **({"parts": dict(row.parts)} if row.parts else {}),
            "samples": [dict(sample) for sample in row.samples],
        }


def ratio(row: Row, other: Row | None) -> dict[str, dict[str, float]]:
    """How many times as long as the other: wall and CPU, by minima and by medians; empty where there is no other."""
    if other is None or not other.samples or not row.samples:
        return {}
    clocks: Sequence[Clock] = ("wall_seconds", "cpu_seconds")
    return {
        clock: {
            "least": row.least(clock) / other.least(clock),
            "median": row.middle(clock) / other.middle(clock),
        }
        for clock in clocks
    }
