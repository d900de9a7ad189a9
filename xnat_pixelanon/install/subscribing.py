"""The Event Service's part of an installation: switched on, and one subscription for each status."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from xnat_pixelanon.archive import Role, project_role
from xnat_pixelanon.errors import RefusedError, RightsError, TransferError
from xnat_pixelanon.install import event_service
from xnat_pixelanon.install.container_service import Registered, Server, is_ours
from xnat_pixelanon.install.event_service import STATUSES, EventService, Subscription
from xnat_pixelanon.install.steps import Blocked, Outcome, Status, Step, Steps, Who, changed, unchanged
from xnat_pixelanon.pipeline.launching import SESSION_ENTRY

SWITCH = "Event Service"


class Subscribing:
    """Steps over one login and one project."""

    def __init__(self, server: Server, project: str, steps: Steps) -> None:
        self._server = server
        self._project = project
        self._steps = steps
        self._events = EventService(server)

    def run(self, command: Registered | None, everything: Collection[Registered]) -> None:
        known_on = self._switch_on()
        before = len(self._steps.done)
        for status in STATUSES:
            work = partial(self._subscribe, status, command, everything)
            self._steps.run(f"subscription {status}", Who.OWNER, work)
        if not known_on:
            self._infer(self._steps.done[before:])

    def _switch_on(self) -> bool:
        """False where only a site administrator could tell whether it is on."""
        try:
            on = self._events.is_on()
        except RightsError:
            return False
        self._steps.run(SWITCH, Who.ADMIN, partial(self._switched, on=on))
        return True

    def _switched(self, *, on: bool) -> Outcome:
        if on:
            return unchanged("on")
        self._events.switch_on()
        if not self._server.rehearses and not self._events.is_on():
            raise TransferError("the Event Service is still off", hint="see the server's logs")
        return changed("turned on")

    def _infer(self, subscriptions: Collection[Step]) -> None:
        """Where the account may not ask: an Event Service that is off takes and lists no subscription."""
        if any(step.status in (Status.DONE, Status.ALREADY) for step in subscriptions):
            self._steps.add(Step(SWITCH, Who.ADMIN, Status.ALREADY, "it takes subscriptions"))
            return
        if (
            any(step.status is Status.PLANNED for step in subscriptions)
            and self._events.listed(self._project) is not None
        ):
            self._steps.add(Step(SWITCH, Who.ADMIN, Status.ALREADY, "it lists subscriptions"))
            return
        remedy = f"ask a {Who.ADMIN} to run the same command, or to turn it on"
        detail = "only a site administrator can see whether it is on"
        self._steps.add(Step(SWITCH, Who.ADMIN, Status.NOT_ALLOWED, detail, remedy))

    def _subscribe(self, status: str, command: Registered | None, everything: Collection[Registered]) -> Outcome:
        if command is None:
            raise Blocked("the command is not registered", Who.MANAGER)
        if project_role(self._server.connection, self._project) is not Role.OWNER:
            # Containers run as who made the subscription, and a run that is not an owner's is refused.
            raise RightsError(f"what it launches runs under this account, which is no owner of {self._project}")
        document = event_service.wanted(status, self._project, command.wrappers[SESSION_ENTRY])
        found = self._found(str(document["name"]), everything)
        if found is None:
            self._events.create(document, self._project)
            return self._verified(
                document, everything, changed(f"made, launches wrapper {command.wrappers[SESSION_ENTRY]}")
            )
        if not self._is_an_owners(found):
            self._events.delete(found, self._project)
            self._events.create(document, self._project)
            return self._verified(document, everything, changed("made again: it ran under an account that is no owner"))
        wrong = event_service.deviations(found, document)
        if not wrong:
            return unchanged(f"launches wrapper {found.wrapper}")
        self._events.update(found, document, self._project)
        return self._verified(document, everything, changed(f"corrected: {', '.join(wrong)}"))

    def _found(self, name: str, everything: Collection[Registered]) -> Subscription | None:
        """Ours of this name. RefusedError where the name is another's: it is left alone."""
        named = [one for one in self._events.subscriptions(self._project) if one.name == name]
        for one in named:
            if not event_service.is_ours(one, self._project, *wrapper_numbers(everything)):
                raise RefusedError(
                    f"a subscription called {name!r} does something else", hint="rename it in XNAT, then run again"
                )
        return named[0] if named else None

    def _is_an_owners(self, found: Subscription) -> bool:
        if found.owner in ("", self._server.connection.user):
            return True
        return project_role(self._server.connection, self._project, found.owner) is Role.OWNER

    def _verified(self, document: dict[str, object], everything: Collection[Registered], outcome: Outcome) -> Outcome:
        if self._server.rehearses:
            return outcome
        now = self._found(str(document["name"]), everything)
        if now is None or event_service.deviations(now, document):
            raise TransferError(f"the Event Service did not keep {document['name']!r}", hint="run again")
        return outcome


def wrapper_numbers(everything: Collection[Registered]) -> tuple[set[str], set[str]]:
    """Of our session wrappers, and of all."""
    session = {
        command.wrappers[SESSION_ENTRY]
        for command in everything
        if is_ours(command) and SESSION_ENTRY in command.wrappers
    }
    return session, {number for command in everything for number in command.wrappers.values()}
