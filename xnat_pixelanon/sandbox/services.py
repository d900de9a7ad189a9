"""The Container Service and the Event Service of a sandbox, and what tests do to them from Python."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from .accounts import Accounts
from .cs_commands import Commands
from .cs_containers import Container
from .cs_launch import Backend, Launcher
from .cs_runner import Runner
from .es_service import EventService
from .state import State, timestamp


class Services:
    """Both services of one site."""

    def __init__(self, state: State, accounts: Accounts) -> None:
        self.backend = Backend()
        self.commands = Commands(state)
        self.launcher = Launcher(state, accounts, self.commands, self.backend)
        self.events = EventService(state, self.launcher)
        state.listeners.append(self.events.notify)

    def records(self) -> list[tuple[str, str, object]]:
        """Kind, name and content of all that both services keep."""
        with self.commands.state.lock:
            return [
                *(("command", str(c.id), c) for c in self.commands.commands.values()),
                *(("configuration", f"{key[0]}/{key[1]}", c) for key, c in self.commands.configurations.items()),
                *(("container", str(c.id), c) for c in self.launcher.containers.all.values()),
                *(("subscription", str(s.id), s) for s in self.events.subscriptions.values()),
                *(("delivery", str(d.id), d) for d in self.events.deliveries),
            ]

    def start(self, url: str) -> None:
        self.launcher.start(url)
        self.events.start()

    def stop(self) -> None:
        """No event fires any more, and no process is left."""
        self.events.stop()
        self.launcher.stop()


class ServicesFace:
    """The part of `Sandbox` that is about containers and events."""

    _services: Services

    @property
    def runner(self) -> Runner:
        """What containers are run with; another one may be put in its place before a launch."""
        return self._services.backend.runner

    @runner.setter
    def runner(self, runner: Runner) -> None:
        self._services.backend.runner = runner

    @property
    def container_entrypoint(self) -> Sequence[str]:
        """The first words of a container's process: what the entry point of an image would be."""
        return self._services.backend.entrypoint

    @container_entrypoint.setter
    def container_entrypoint(self, words: Sequence[str]) -> None:
        self._services.backend.entrypoint = tuple(words)

    @property
    def container_environment(self) -> dict[str, str]:
        """Variables that a local process gets although the service does not give them; empty unless a test fills it."""
        return self._services.backend.extra

    def set_system_property(self, name: str, value: str | None) -> None:
        """`-Dname=value` of the server's JVM, where secrets come from; None unsets it."""
        if value is None:
            self._services.backend.properties.pop(name, None)
        else:
            self._services.backend.properties[name] = value

    def containers(self) -> list[Container]:
        """All containers so far, in the order of their IDs."""
        with self._services.commands.state.lock:
            return [container for _, container in sorted(self._services.launcher.containers.all.items())]

    def wait_for_containers(self, timeout: float = 60.0) -> list[Container]:
        """All containers, once no event, launch or container is under way.

        Raises TimeoutError, and RuntimeError for a fault of the sandbox itself.
        """
        launcher = self._services.launcher
        limit = time.monotonic() + timeout
        if not launcher.pending.wait(max(0.0, limit - time.monotonic())):
            states = [f"{c.id} {c.status}" for c in self.containers()]
            raise TimeoutError(f"containers still at work after {timeout} s: {', '.join(states)}")
        if launcher.faults:
            raise RuntimeError("the sandbox itself failed") from launcher.faults[0]
        return self.containers()

    def revoke_container(self, container: Container, *, logins: bool = True) -> None:
        """The token of a container is revoked while it works.

        logins: what logged in with it is out, too, as when a login expires that cannot be renewed. A real site lets
        such a login go on, but no new one be made.
        """
        self._services.launcher.revoke(container, logins=logins)

    def enable_events(self, enabled: bool = True) -> None:
        """The switch of the Event Service, off as installed."""
        self._services.events.enabled = enabled

    def add_workflow(self, item: str, project: str, pipeline: str, status: str, *, days_ago: float = 0.0) -> str:
        """A workflow of something that is not played here, such as a pipeline; its ID."""
        state = self._services.commands.state
        with state.lock:
            entry = state.note("admin", pipeline, item, project, status=status)
            entry.at = timestamp(days_ago)
            return entry.id

    def set_workflow(self, workflow: str, status: str) -> None:
        """Moves a workflow on, or ends it."""
        state = self._services.commands.state
        with state.lock:
            next(entry for entry in state.workflow if entry.id == workflow).status = status

    def workflow_status(self, workflow: str) -> str:
        """`Queued`, `Running`, `Complete`, `Failed (Command resolution)` and the like; KeyError when unknown."""
        return self._workflow(workflow)["status"]

    def workflow_details(self, workflow: str) -> str:
        """Why it failed."""
        return self._workflow(workflow)["details"]

    def _workflow(self, workflow: str) -> Mapping[str, str]:
        state = self._services.commands.state
        with state.lock:
            found = {w.id: {"status": w.status, "details": w.details} for w in state.workflow}
        return found[workflow]
