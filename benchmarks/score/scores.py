"""The figures of a row: checks and passes by action, and whether they reach the floor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from benchmarks.score.answers import DESCRIPTORS, Action, Place
from benchmarks.score.judge import Result

FLOOR, DESCRIPTOR_FLOOR = Fraction(100), Fraction("99.5")
"""Percent of all checks, and of those of descriptors where these are cleaned instead of removed."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many checks, and how many of them passed."""

    checks: int
    passed: int

    @property
    def percent(self) -> Fraction:
        """100 where nothing was asked."""
        return Fraction(100 * self.passed, self.checks) if self.checks else Fraction(100)

    def __str__(self) -> str:
        return percent_text(self.percent)


def percent_text(percent: Fraction) -> str:
    """Two decimals, rounded down: 100.00 is all of them."""
    hundredths = int(percent * 100)
    return f"{hundredths // 100}.{hundredths % 100:02d}"


@dataclass(frozen=True, slots=True)
class Score:
    """One row: the options, how the runs ended by route, and every result."""

    row: str
    options: tuple[str, ...]
    status: Mapping[str, int]
    results: Sequence[Result]

    @property
    def failures(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if not result.passed)

    @property
    def instances(self) -> int:
        return len({result.check.instance for result in self.results if result.check.instance})

    def of(self, action: Action) -> Tally:
        return _tally(result for result in self.results if result.check.action is action)

    def at(self, place: Place) -> Tally:
        return _tally(result for result in self.results if result.check.place is place)

    @property
    def all(self) -> Tally:
        return _tally(self.results)

    @property
    def descriptors(self) -> Tally:
        """The checks of descriptors that are cleaned; none without the option."""
        return _tally(result for result in self.results if self._cleaned(result))

    @property
    def others(self) -> Tally:
        return _tally(result for result in self.results if not self._cleaned(result))

    @property
    def reaches(self) -> bool:
        """Whether the row is at its floor, both runs ended well, and anything was asked at all."""
        enough = self.others.percent >= FLOOR and self.descriptors.percent >= DESCRIPTOR_FLOOR
        return enough and bool(self.results) and not any(self.status.values())

    def _cleaned(self, result: Result) -> bool:
        return DESCRIPTORS in self.options and result.check.descriptor

    def as_dict(self) -> dict[str, Any]:
        """For JSON: no value of any element."""
        return {
            "row": self.row,
            "options": list(self.options),
            "exit_status": dict(self.status),
            "instances": self.instances,
            "checks": self.all.checks,
            "passed": self.all.passed,
            "reaches": self.reaches,
            "actions": {str(action): _as_dict(self.of(action)) for action in Action},
            "places": {str(place): _as_dict(self.at(place)) for place in Place},
            "descriptors": _as_dict(self.descriptors),
            "failures": [
                {
                    "action": str(one.check.action),
                    "place": str(one.check.place),
                    "element": one.check.element,
                    "instance": one.check.instance,
                    "why": one.failure,
                }
                for one in self.failures
            ],
        }


def _tally(results: Iterable[Result]) -> Tally:
    found = [result.passed for result in results]
    return Tally(len(found), sum(found))


def _as_dict(tally: Tally) -> dict[str, Any]:
    return {"checks": tally.checks, "passed": tally.passed, "percent": float(tally.percent)}
