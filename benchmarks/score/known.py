"""Failures of the program that the corpus found and that stand. They count; a row that no longer fails has to go."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from benchmarks.score.answers import Action, Place
from benchmarks.score.headers import PART_OF_LABEL
from benchmarks.score.judge import Result

KNOWN: Mapping[tuple[Action, Place, str], str] = MappingProxyType(
    {
        (Action.TEXT_REMOVED, Place.UNLISTED, PART_OF_LABEL): (
            "a patient number that the headers do not say, as XNAT wrote its labels over it, and that is a part of the"
            " session label: what is kept is searched for whole labels, not for their parts"
        ),
    }
)
"""By action, place and element: what gets through, and why."""


def reason(result: Result) -> str:
    """Why a failure is known, '' where it is not."""
    check = result.check
    return KNOWN.get((check.action, check.place, check.element), "")
