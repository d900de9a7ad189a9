"""Waiting until nothing works on a session any more: an event comes with its first files, not with its last."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from xnat_pixelanon.archive.ports import Source
from xnat_pixelanon.archive.quiet import Disturbance
from xnat_pixelanon.domain.session import Contents, SourceSession

HINT = "nothing of it was sent; the next event, launch or project run takes it up again"


class Disturbances(Protocol):
    """Tells what is at work on a session."""

    def disturbance(self, session: SourceSession) -> Disturbance | None:
        """None when nothing is."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How a launch waits. `poll`: seconds between two looks; `waits`: whether it looks more than once."""

    own_workflow: str = ""
    own_names: tuple[str, ...] = ()
    poll: float = 10.0
    waits: bool = True


@dataclass(frozen=True, slots=True)
class Settling:
    """Looks at a session until it is quiet, for at most `seconds`. With 0 it looks once and does not wait."""

    disturbances: Disturbances
    source: Source
    seconds: float
    poll: float

    def wait(self, session: SourceSession) -> Disturbance | None:
        """None once nothing works on the session and two looks found the same files; else what still went on.

        What waits for us is not waited for: the event of its merge takes the session up again.
        """
        end = time.monotonic() + self.seconds
        before: Contents | None = None
        while True:
            disturbance = self.disturbances.disturbance(session)
            if not self.seconds or (disturbance is not None and disturbance.waits_for_us):
                return disturbance
            now = None if disturbance else self.source.contents(session)
            if now is not None and now == before:
                return None
            left = end - time.monotonic()
            if left <= 0:
                return disturbance or Disturbance("its files still change")
            before = now
            time.sleep(min(self.poll, max(left, 0.01)))
