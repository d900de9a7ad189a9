"""The doctor's look at the Container Service: commands, where they are enabled, and what fixes their inputs."""

from __future__ import annotations

from functools import partial

from xnat_pixelanon.archive import XnatConnection
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.errors import NotFoundError, RightsError
from xnat_pixelanon.install import comparing
from xnat_pixelanon.install.commands import command_for, commands
from xnat_pixelanon.install.container_service import (
    ContainerService,
    Registered,
    Server,
    is_ours,
    ours,
    refuse_strangers,
)
from xnat_pixelanon.install.findings import Findings
from xnat_pixelanon.install.installing import SECOND_NAME, overridden
from xnat_pixelanon.install.subscription_checks import SubscriptionChecks
from xnat_pixelanon.pipeline.rules import SITE_KEY_VARIABLE

_TWICE = "what both run has other labels and UIDs, and is published twice"
_AGAIN = "let a container manager run 'xnat-pixelanon install'"


class ContainerChecks:
    """`policy` decides which command the project needs; `clean` is the clean project where it is on this server.

    site_key: whether the site key is set for the doctor itself, as for runs from the command line of this machine.
    """

    def __init__(
        self,
        findings: Findings,
        connection: XnatConnection,
        project: str,
        policy: Policy | None,
        clean: str,
        *,
        site_key: bool,
    ) -> None:
        self._findings = findings
        self._server = Server(connection)
        self._containers = ContainerService(self._server)
        self._project = project
        self._where = policy.destination.server if policy else ""
        self._needed = str(command_for(self._where)["name"]) if policy else ""
        self._clean = clean
        self._site_key = site_key

    def run(self, *, events: bool) -> None:
        try:
            everything = self._containers.all()
        except NotFoundError:
            remedy = "none is needed for the command line; for menus an administrator installs its plugin"
            self._findings.warn("Container Service", "not on this server, or a very old one", remedy)
            return
        if self._where not in ("", "same", SECOND_NAME):
            detail = f"the policy sends to {self._where}; containers know no second server but {SECOND_NAME}"
            remedy = f"run from the command line, or let an owner name {SECOND_NAME} in the policy"
            self._findings.problem("destination of containers", detail, remedy)
        for name in commands():
            self._findings.guarded(f"command {name}", partial(self._command, name, everything))
        self._findings.guarded("one command each", partial(self._doubles, everything))
        needed = ours(everything, self._needed) if self._needed else None
        if needed is not None:
            self._site_keys(needed)
            self._enabled(needed, everything)
        checks = SubscriptionChecks(self._findings, self._server, self._project, self._clean)
        self._findings.guarded("subscriptions", partial(checks.run, needed, everything, expected=events))

    def _command(self, name: str, everything: list[Registered]) -> None:
        check = f"command {name}"
        stored = ours(everything, name)
        if stored is None:
            if name == self._needed or not self._needed:
                refuse_strangers(everything, name)
                self._findings.problem(check, "not registered", _AGAIN)
            else:
                self._findings.ok(check, "not registered, and not needed here")
            return
        document = {**commands()[name], "image": stored.tag[0]}  # where it is pulled from is the site's
        different = comparing.differences(document, stored.document)
        image, version = stored.tag
        if different:
            detail = (
                f"command {stored.id}, version {version}, is not the one of this program: {', '.join(different[:4])}"
            )
            tell = self._findings.problem if name == self._needed else self._findings.warn
            tell(check, detail, _AGAIN)
        else:
            self._findings.ok(check, f"command {stored.id} is current, image {image}")

    def _site_keys(self, needed: Registered) -> None:
        """With the key on one side only, a session gets other labels and UIDs there, and is published twice."""
        check, there = "site key of containers", bool(comparing.site_key_secrets(needed.document))
        if there and self._site_key:
            detail = f"set here and for command {needed.id}; whether both are the same cannot be seen from here"
            self._findings.ok(check, detail)
        elif self._site_key:
            remedy = "let a container manager run 'xnat-pixelanon install --site-key-property NAME', see 'Installing'"
            self._findings.warn(check, f"set here, and command {needed.id} has none: {_TWICE}", remedy)
        elif there:
            remedy = f"set {SITE_KEY_VARIABLE} here too, or never run this project from the command line"
            self._findings.warn(check, f"command {needed.id} has one, and none is set here: {_TWICE}", remedy)
        else:
            self._findings.ok(check, "none, here nor for containers")

    def _doubles(self, everything: list[Registered]) -> None:
        kept = {name: ours(everything, name) for name in commands()}
        more = [one for one in everything if is_ours(one) and one is not kept[one.name]]
        if more:
            listed = ", ".join(f"{one.name} {one.tag[1]} (command {one.id})" for one in more)
            remedy = "delete them in the Container Service's settings, once no container of theirs is at work"
            self._findings.warn("one command each", f"there are more: {listed}", remedy)

    def _enabled(self, needed: Registered, everything: list[Registered]) -> None:
        project = self._project
        try:
            state = {name: self._containers.enabled(number, project) for name, number in needed.wrappers.items()}
            others = self._others_enabled(needed, everything)
        except RightsError:
            remedy = "run doctor as an owner of the project"
            self._findings.warn("wrappers", "this account cannot see where they are enabled", remedy)
            return
        self._all_on("wrappers on the site", {name: one.site for name, one in state.items()}, _AGAIN)
        remedy = f"let an owner run 'xnat-pixelanon install --project xnat:{project}'"
        self._all_on("wrappers in the project", {name: one.project for name, one in state.items()}, remedy)
        if others:
            detail = f"also enabled in {project}: {', '.join(others)}"
            self._findings.problem("one variant", detail, remedy)
        else:
            self._findings.ok("one variant", f"only {needed.name} is enabled in {project}")
        self._findings.guarded("fixed inputs", partial(self._fixed, needed))

    def _others_enabled(self, needed: Registered, everything: list[Registered]) -> list[str]:
        return [
            f"{command.name} {name}"
            for command in everything
            if is_ours(command) and command.id != needed.id
            for name, number in command.wrappers.items()
            if self._containers.enabled(number, self._project).project
        ]

    def _all_on(self, check: str, on: dict[str, bool], remedy: str) -> None:
        off = [name for name, is_on in on.items() if not is_on]
        if off:
            self._findings.problem(check, f"disabled: {', '.join(off)}", remedy)
        else:
            self._findings.ok(check, f"{len(on)} enabled")

    def _fixed(self, needed: Registered) -> None:
        wrong = [
            f"{name} {one}"
            for name, number in needed.wrappers.items()
            for one in overridden(needed.name, name, self._containers.configuration(number, self._project).inputs)
        ]
        if wrong:
            remedy = f"let an owner run 'xnat-pixelanon install --project xnat:{self._project}'"
            self._findings.problem("fixed inputs", f"a setting changes what they do: {', '.join(wrong)}", remedy)
        else:
            self._findings.ok("fixed inputs", "as in the command")
