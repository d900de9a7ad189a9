"""Failures of the program that the corpus found and that stand. They count; a row that no longer fails has to go."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from benchmarks.score.answers import Action, Place
from benchmarks.score.judge import Result

KNOWN: Mapping[tuple[Action, Place, str], str] = MappingProxyType({})
"""By action, place and element: what gets through, and why."""


def reason(result: Result) -> str:
    """Why a failure is known, '' where it is not."""
    check = result.check
    return KNOWN.get((check.action, check.place, check.element), "")
