"""What the doctor finds: one row each, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from xnat_pixelanon.errors import LoginError, PixelanonError


class State(StrEnum):
    """How a thing stands."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row."""

    check: str
    state: State
    detail: str
    remedy: str = ""


@dataclass(slots=True)
class Findings:
    """Rows in the order in which they were found."""

    tell: Callable[[Finding], None]
    found: list[Finding] = field(default_factory=list)

    def ok(self, check: str, detail: str) -> None:
        self._add(Finding(check, State.OK, detail))

    def warn(self, check: str, detail: str, remedy: str) -> None:
        self._add(Finding(check, State.WARNING, detail, remedy))

    def problem(self, check: str, detail: str, remedy: str) -> None:
        self._add(Finding(check, State.PROBLEM, detail, remedy))

    def guarded(self, check: str, work: Callable[[], None]) -> bool:
        """Run a check; what it raises becomes its problem. False then. A login that is lost ends all."""
        try:
            work()
        except LoginError:
            raise
        except PixelanonError as error:
            self.problem(check, " ".join(error.message.split()), error.hint)
            return False
        return True

    def _add(self, finding: Finding) -> None:
        self.found.append(finding)
        self.tell(finding)

    @property
    def exit_status(self) -> int:
        """3 with a problem, else 0."""
        return 3 if any(one.state is State.PROBLEM for one in self.found) else 0
