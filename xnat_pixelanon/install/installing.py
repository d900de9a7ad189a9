"""`install`: the commands on the site, one of them in a project, and the subscriptions that launch it.

Every step looks first and changes only what differs, so that a second time changes nothing; and it looks again after
it, as an XNAT may answer 200 and store nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from xnat_pixelanon.archive import XnatDocumentStore, project_exists
from xnat_pixelanon.domain import policy as policy_document
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.errors import ConfigurationError, NotFoundError, RefusedError, RightsError, TransferError
from xnat_pixelanon.install import comparing
from xnat_pixelanon.install.commands import SAME_SERVER, SECOND_SERVER, command_for, commands
from xnat_pixelanon.install.container_service import (
    ContainerService,
    Registered,
    Server,
    is_ours,
    ours,
    refuse_strangers,
)
from xnat_pixelanon.install.steps import Blocked, Outcome, Step, Steps, Who, changed, unchanged
from xnat_pixelanon.install.subscribing import Subscribing

SECOND_NAME = "PUBLIC"
"""The second server that the second command has secrets for."""
NO_SERVICE = "this XNAT has no Container Service, or a very old one"
NO_SERVICE_HINT = "an administrator installs the Container Service plugin first"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be installed. `second_server` None: as the project's policy says."""

    image: str = ""
    project: str = ""
    second_server: bool | None = None
    events: bool = False
    site_key_property: str = ""
    """The Java property that holds the site key; without one a secret that is there for it is kept as it is."""


def variant(server: Server, wish: Wish) -> str:
    """The name of the command that the project needs. By GET only; raises before anything is done."""
    connection, project = server.connection, wish.project
    if not project_exists(connection, project):
        raise NotFoundError(
            f"project {project} is absent, or not readable by this account",
            hint="check its ID (not its title), and the account's access to it",
        )
    stored = XnatDocumentStore(connection, project).load(policy_document.DOCUMENT)
    if stored is None:
        if wish.second_server is None:
            raise ConfigurationError(
                f"project {project} has no policy yet that says where its copies go",
                hint="say it with --same-server or --second-server",
            )
        return SECOND_SERVER if wish.second_server else SAME_SERVER
    where = Policy.from_text(stored.text, f"stored policy.json, version {stored.version}").destination.server
    if where not in ("same", SECOND_NAME):
        raise RefusedError(
            f"the policy of {project} sends to the server {where}; containers know no second server but {SECOND_NAME}",
            hint=f"run from the command line, or let an owner name {SECOND_NAME} in the policy",
        )
    name = str(command_for(where)["name"])
    if wish.second_server is not None and wish.second_server != (name == SECOND_SERVER):
        raise RefusedError(
            f"the policy of {project} sends to the {'same' if where == 'same' else 'second'} server",
            hint="leave the option away, or let an owner change the policy",
        )
    return name


def wanted_command(name: str, wish: Wish) -> dict[str, Any]:
    """The command of the file, with the image and the secret for the site key that were asked for."""
    document = {**commands()[name], **({"image": wish.image} if wish.image else {})}
    if wish.site_key_property:
        secret = comparing.site_key_secret(wish.site_key_property)
        document["secrets"] = [*document.get("secrets", []), secret]
    return document


class Installer:
    """One installation over one login. `steps` grows as it goes."""

    def __init__(self, server: Server, wish: Wish, tell: Callable[[Step], None]) -> None:
        self.steps = Steps(server.rehearses, tell)
        self._server = server
        self._wish = wish
        self._containers = ContainerService(server)
        self._registered: dict[str, Registered] = {}

    def run(self) -> Steps:
        """All that was wished for. ConfigurationError, before anything is changed, where that cannot be understood."""
        wish = self._wish
        chosen = variant(self._server, wish) if wish.project else ""
        everything = self._all_commands()
        for name in commands():
            self.steps.run(f"command {name}", Who.MANAGER, partial(self._register, name, everything))
        for name in commands():
            self.steps.run(f"{name} on the site", Who.MANAGER, partial(self._on_site, name))
        if chosen:
            self._in_project(chosen, everything)
        if wish.events:
            Subscribing(self._server, wish.project, self.steps).run(self._registered.get(chosen), everything)
        return self.steps

    def _all_commands(self) -> list[Registered]:
        try:
            return self._containers.all()
        except NotFoundError:
            raise NotFoundError(NO_SERVICE, hint=NO_SERVICE_HINT) from None

    def _register(self, name: str, everything: list[Registered]) -> Outcome:
        document = wanted_command(name, self._wish)
        stored = ours(everything, name, document["image"])
        if stored is None:
            refuse_strangers(everything, name)
            self._registered[name] = self._checked(self._containers.create(document), document)
            return changed(f"registered, image {document['image']}")
        self._registered[name] = stored  # an older one is better than none for what follows
        different = comparing.differences(document, stored.document)
        if not different:
            return unchanged(f"command {stored.id}, image {document['image']}")
        updated = self._containers.update(stored, comparing.updated(document, stored.document))
        self._registered[name] = self._checked(updated, document)
        return changed(f"command {stored.id} updated in place: {', '.join(different[:6])}{_more(different, 6)}")

    def _checked(self, registered: Registered, document: Mapping[str, Any]) -> Registered:
        left = comparing.differences(document, registered.document)
        if left:
            raise TransferError(
                f"the Container Service keeps the command {registered.name} differently: {', '.join(left[:6])}",
                hint="see whether its version is supported, and report it",
            )
        return registered

    def _command(self, name: str) -> Registered:
        found = self._registered.get(name)
        if found is None:
            raise Blocked(f"the command {name} is not registered", Who.MANAGER)
        return found

    def _on_site(self, name: str) -> Outcome:
        wrappers = self._command(name).wrappers
        off = [one for one, number in wrappers.items() if not self._is_on_site(number)]
        for one in off:
            self._containers.enable(wrappers[one])
        if not self._server.rehearses and any(not self._is_on_site(wrappers[one]) for one in off):
            raise TransferError(f"the wrappers of {name} are still disabled on the site", hint="run again")
        return changed(f"enabled: {', '.join(off)}") if off else unchanged(f"{len(wrappers)} wrappers enabled")

    def _is_on_site(self, wrapper: str) -> bool:
        try:
            return self._containers.enabled(wrapper).site
        except RightsError:
            if not self._wish.project:
                raise
            return self._containers.enabled(wrapper, self._wish.project).site  # told to who may edit the project, too

    def _in_project(self, chosen: str, everything: list[Registered]) -> None:
        project = self._wish.project
        others = {
            f"{command.name} {wrapper}": number
            for command in (*everything, *self._registered.values())
            if is_ours(command) and command.id != self._registered_id(chosen)
            for wrapper, number in command.wrappers.items()
        }
        self.steps.run(f"{chosen} in {project}", Who.OWNER_OR_MANAGER, partial(self._switch_on, chosen))
        self.steps.run(f"no other variant in {project}", Who.OWNER_OR_MANAGER, partial(self._switch_off, others))
        self.steps.run(f"fixed inputs in {project}", Who.OWNER, partial(self._configure, chosen))

    def _registered_id(self, name: str) -> str:
        return self._registered[name].id if name in self._registered else ""

    def _switch_on(self, name: str) -> Outcome:
        project, wrappers = self._wish.project, self._command(name).wrappers
        off = [one for one, number in wrappers.items() if not self._containers.enabled(number, project).project]
        for one in off:
            self._containers.enable(wrappers[one], project)
        self._verify({one: wrappers[one] for one in off}, on=True)
        return changed(f"enabled: {', '.join(off)}") if off else unchanged(f"{len(wrappers)} wrappers enabled")

    def _switch_off(self, wrappers: Mapping[str, str]) -> Outcome:
        project = self._wish.project
        on = {one: number for one, number in wrappers.items() if self._containers.enabled(number, project).project}
        for number in on.values():
            self._containers.enable(number, project, on=False)
        self._verify(on, on=False)
        return changed(f"disabled: {', '.join(on)}") if on else unchanged("none is enabled")

    def _verify(self, wrappers: Mapping[str, str], *, on: bool) -> None:
        if self._server.rehearses:
            return
        wrong = [
            one
            for one, number in wrappers.items()
            if self._containers.enabled(number, self._wish.project).project is not on
        ]
        if wrong:
            raise TransferError(f"still {'disabled' if on else 'enabled'}: {', '.join(wrong)}", hint="run again")

    def _configure(self, name: str) -> Outcome:
        """Inputs that are fixed are put back where a project's or site's settings say something else."""
        command, project = self._command(name), self._wish.project
        found = []
        for wrapper, number in command.wrappers.items():
            stored = self._containers.configuration(number, project)
            wrong = overridden(name, wrapper, stored.inputs)
            if wrong:
                self._containers.configure(number, project, stored, wrong)
                found += [f"{wrapper} {one}" for one in wrong]
                if not self._server.rehearses and overridden(
                    name, wrapper, self._containers.configuration(number, project).inputs
                ):
                    raise TransferError(f"the settings of {wrapper} are still others", hint="run again")
        return changed(f"put back: {', '.join(found)}") if found else unchanged("as in the command")


def fixed_inputs(name: str, wrapper: str) -> Iterator[tuple[str, str]]:
    """Inputs of a wrapper that no user is asked for, with their values; without those that are the object itself."""
    (found,) = [one for one in commands()[name]["xnat"] if one["name"] == wrapper]
    for one in found["external-inputs"]:
        if one.get("user-settable") is False and "default-value" in one:
            yield one["name"], one["default-value"]


def overridden(name: str, wrapper: str, inputs: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What a wrapper's inputs say other than the command, as it has to be put back. Unknown wrappers: none."""
    if wrapper not in {one["name"] for one in commands()[name]["xnat"]}:
        return {}
    wrong = {}
    for one, value in fixed_inputs(name, wrapper):
        found = inputs.get(one)
        # No value there: the one of the command counts.
        if isinstance(found, Mapping) and found.get("default-value") not in (None, value):
            wrong[one] = {"default-value": value, "user-settable": False}
    return wrong


def _more(found: list[str], shown: int) -> str:
    return f" and {len(found) - shown} more" if len(found) > shown else ""
