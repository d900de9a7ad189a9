"""`uninstall`: what `install` made is taken away; what belongs to people stays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from xnat_pixelanon.errors import NotFoundError, RightsError, TransferError
from xnat_pixelanon.install import event_service
from xnat_pixelanon.install.container_service import ContainerService, Registered, Server, is_ours, strangers
from xnat_pixelanon.install.event_service import EventService, Subscription
from xnat_pixelanon.install.steps import Outcome, Step, Steps, Who, changed, unchanged
from xnat_pixelanon.install.subscribing import wrapper_numbers

STAYS = (
    "templates, policy, key, reports and worklist of the staging project",
    "every session of the clean project",
    "the Event Service, on or off: others may use it",
)
"""What an uninstallation leaves, in words for people."""


class Uninstaller:
    """Takes the tool out of a project, and with `site` off the site."""

    def __init__(self, server: Server, project: str, tell: Callable[[Step], None], *, site: bool) -> None:
        self.steps = Steps(server.rehearses, tell)
        self._server = server
        self._project = project
        self._site = site
        self._containers = ContainerService(server)
        self._events = EventService(server)

    def run(self) -> Steps:
        try:
            everything = self._containers.all()
        except NotFoundError:
            everything = []
        mine = [one for one in everything if is_ours(one)]
        # Before the commands: a subscription whose wrapper is gone fails at each arrival.
        if self._project:
            self.steps.run("subscriptions", Who.OWNER, partial(self._unsubscribe, self._project, everything))
            self.steps.run(
                f"wrappers in {self._project}", Who.OWNER_OR_MANAGER, partial(self._disable, mine, self._project)
            )
        if self._site:
            self.steps.run("subscriptions of all projects", Who.ADMIN, partial(self._unsubscribe, "", everything))
            self.steps.run("wrappers on the site", Who.MANAGER, partial(self._disable, mine, ""))
            for command in mine:
                name = f"command {command.name}, number {command.id}"
                self.steps.run(name, Who.MANAGER, partial(self._delete, command))
            for command in strangers(everything):
                name = f"command {command.name}, number {command.id}"
                left = "not of this program: left alone; who made it may delete it in the Container Service's settings"
                self.steps.run(name, Who.MANAGER, partial(unchanged, left))
            if not mine:
                self.steps.run("commands", Who.MANAGER, lambda: unchanged("none of this program is registered"))
        return self.steps

    def _unsubscribe(self, project: str, everything: list[Registered]) -> Outcome:
        found = self._subscriptions(project, everything)
        for one in found:
            self._events.delete(one, project)
        if found and not self._server.rehearses and self._subscriptions(project, everything):
            raise TransferError("a subscription is still there", hint="run again")
        if found:
            return changed(f"deleted: {', '.join(one.name for one in found)}")
        return unchanged(f"none is listed{self._while_off()}")

    def _subscriptions(self, project: str, everything: list[Registered]) -> list[Subscription]:
        session, known = wrapper_numbers(everything)
        try:
            listed = self._events.subscriptions(project)
        except NotFoundError:
            return []  # no Event Service
        return [
            one
            for one in listed
            for of in ([project] if project else one.projects)
            if event_service.is_ours(one, of, session, known)
        ]

    def _while_off(self) -> str:
        try:
            return "" if self._events.is_on() else "; the Event Service is off, and lists none while it is"
        except (RightsError, NotFoundError):
            return ""

    def _disable(self, mine: list[Registered], project: str) -> Outcome:
        wrappers = {f"{command.name} {name}": number for command in mine for name, number in command.wrappers.items()}
        on = {name: number for name, number in wrappers.items() if self._is_on(number, project)}
        for number in on.values():
            self._containers.enable(number, project, on=False)
        if not self._server.rehearses and any(self._is_on(number, project) for number in on.values()):
            raise TransferError("a wrapper is still enabled", hint="run again")
        count = f"{len(on)} wrapper{'' if len(on) == 1 else 's'}"
        return changed(f"{count} disabled") if on else unchanged("none is enabled")

    def _is_on(self, wrapper: str, project: str) -> bool:
        enabled = self._containers.enabled(wrapper, project)
        return enabled.project if project else enabled.site

    def _delete(self, command: Registered) -> Outcome:
        used = sorted(
            {project for number in command.wrappers.values() for project in self._containers.projects(number)}
        )
        self._containers.delete(command)
        if not self._server.rehearses and any(one.id == command.id for one in self._containers.all()):
            raise TransferError("the command is still there", hint="run again")
        return changed("deleted" + (f"; enabled until now in {', '.join(used)}" if used else ""))
