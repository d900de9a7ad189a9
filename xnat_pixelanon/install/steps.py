"""The steps of an installation: what was done, what already was so, and what somebody else has to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from xnat_pixelanon.errors import ConfigurationError, LoginError, RightsError, SessionError


class Who(StrEnum):
    """Who may do a step."""

    MANAGER = "container manager"
    ADMIN = "site administrator"
    OWNER = "project owner"
    OWNER_OR_MANAGER = "project owner or container manager"


class Status(StrEnum):
    """How a step ended."""

    DONE = "done"
    ALREADY = "already so"
    PLANNED = "would be done"
    NOT_ALLOWED = "not allowed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step found or did; `changed`: it did something."""

    changed: bool
    detail: str


def changed(detail: str) -> Outcome:
    return Outcome(True, detail)


def unchanged(detail: str) -> Outcome:
    return Outcome(False, detail)


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table at the end."""

    name: str
    needs: Who
    status: Status
    detail: str = ""
    remedy: str = ""


class Blocked(ConfigurationError):
    """A step cannot be done before one that was not: `needs` says who has to do that one."""

    def __init__(self, message: str, needs: Who, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.needs = needs


@dataclass(slots=True)
class Steps:
    """Runs steps one by one; one that fails does not keep the others from being tried."""

    rehearses: bool
    tell: Callable[[Step], None]
    done: list[Step] = field(default_factory=list)

    def run(self, name: str, needs: Who, work: Callable[[], Outcome]) -> bool:
        """Whether things are now as the step wants them. LoginError ends all."""
        try:
            outcome = work()
        except LoginError:
            raise
        except Blocked as error:
            return self.add(Step(name, needs, Status.NOT_ALLOWED, error.message, error.hint or f"ask a {error.needs}"))
        except RightsError as error:
            remedy = f"ask a {needs} to run the same command"
            return self.add(Step(name, needs, Status.NOT_ALLOWED, error.message, remedy))
        except (SessionError, ConfigurationError) as error:
            return self.add(Step(name, needs, Status.FAILED, error.message, error.hint or "run again"))
        status = Status.PLANNED if self.rehearses else Status.DONE
        return self.add(Step(name, needs, status if outcome.changed else Status.ALREADY, outcome.detail))

    def add(self, step: Step) -> bool:
        self.done.append(step)
        self.tell(step)
        return step.status not in (Status.NOT_ALLOWED, Status.FAILED)

    @property
    def exit_status(self) -> int:
        """3 when something was not allowed, else 1 when something failed."""
        statuses = {step.status for step in self.done}
        return 3 if Status.NOT_ALLOWED in statuses else 1 if Status.FAILED in statuses else 0

    @property
    def has_changed(self) -> bool:
        return any(step.status in (Status.DONE, Status.PLANNED) for step in self.done)
