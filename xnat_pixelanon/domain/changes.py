"""What is done about a session that stands in the clean project already: a pure table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from xnat_pixelanon.domain.codes import Outcome

OnChange = Literal["report", "replace", "withdraw"]
ON_CHANGE: Mapping[OnChange, str] = MappingProxyType(
    {
        "report": "it is reported and stays as it is",
        "replace": "what is decided now is put in its place; with nothing left to send it is taken back",
        "withdraw": "it is taken back; the next run treats it as one that was never sent",
    }
)
"""What a run does about a session that was sent and would be decided differently now."""
Found = Literal["unchanged", "grown", "stale", "no-longer-allowed"]


class Step(StrEnum):
    """What a run does next."""

    ADD = "add the new scans"
    REPLACE = "put what is decided now in its place"
    WITHDRAW = "take it back"


def next_step(found: Found, on_change: OnChange, send: Sequence[int] | None) -> Step | Outcome:
    """The next step, or the outcome where nothing is done.

    `found` is how what was sent stands to what would be sent now; `send` the scans that may be sent now, None where
    held ones make the session wait. Nothing that is there is taken away for a session that has to wait.
    """
    if found in ("unchanged", "grown"):
        if send is None:
            return Outcome.WAITING
        return Step.ADD if found == "grown" else Outcome.UNCHANGED
    if on_change == "withdraw":
        return Step.WITHDRAW
    if on_change == "report" or send is None:
        return Outcome(found)
    return Step.REPLACE if send else Step.WITHDRAW
