"""Launches: a workflow at once, resolution and the run behind it, and the end of both."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from . import cs_objects
from .accounts import Accounts
from .cs_commands import Commands, DuplicateKey
from .cs_containers import OPEN, Container, Containers, Pending
from .cs_mounts import Folders
from .cs_records import Command, Wrapper
from .cs_resolve import Resolved, Resolver, Unresolved
from .cs_runner import ENTRYPOINT, Bind, Run, Runner
from .cs_validate import TooLong, check_widths
from .records import User, WorkflowEntry
from .state import State
from .wire import Refusal

TO_BE_ASSIGNED = "To be assigned"
_STAGING_WORKERS = 10
_UNRESOLVED = "Failed (Command resolution)"


@dataclass(frozen=True, slots=True)
class Order:
    """One launch: a wrapper by its ID, or by its command's ID and its name; `root` names its first external input."""

    user: User
    project: str
    params: Mapping[str, str]
    wrapper_id: int = 0
    command_id: int = 0
    wrapper_name: str = ""
    root: str = ""
    bulk: str = ""


@dataclass(slots=True)
class Backend:
    """What containers are run with; tests put their own things in place."""

    runner: Runner = field(default_factory=Runner)
    entrypoint: tuple[str, ...] = ENTRYPOINT
    extra: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    """System properties of the server: where secrets come from."""


class Launcher:
    """Stages launches and runs containers, `Settings.running_containers` of them at once."""

    def __init__(self, state: State, accounts: Accounts, commands: Commands, backend: Backend) -> None:
        self.state = state
        self.commands = commands
        self.containers = Containers(state)
        self.pending = Pending()
        self.faults: list[BaseException] = []
        self.backend = backend
        self._folders = Folders(state)
        self._accounts = accounts
        self._url = ""
        self._staging: ThreadPoolExecutor | None = None
        self._running: ThreadPoolExecutor | None = None

    def start(self, url: str) -> None:
        self._url = url
        self._staging = ThreadPoolExecutor(_STAGING_WORKERS, "sandbox-staging")
        self._running = ThreadPoolExecutor(self.state.settings.running_containers, "sandbox-container")

    def stop(self) -> None:
        """Ends every process; what was queued is never run."""
        pools = [pool for pool in (self._staging, self._running) if pool is not None]
        self._staging = self._running = None
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
        with self.state.lock:
            running = list(self.containers.processes.values())
        for process in running:
            self.backend.runner.end(process)
        for pool in pools:
            pool.shutdown(wait=True)

    # A launch

    def launch(self, order: Order) -> str:
        """The ID of the workflow, or `To be assigned`; nothing is checked but that the wrapper's ID is known."""
        workflow = self._workflow(order, order.params.get(order.root)) if order.root in order.params else None
        self._submit(self._staging, workflow, lambda: self._stage(order, workflow))
        return workflow.id if workflow is not None else TO_BE_ASSIGNED

    def bulk(self, orders: list[Order]) -> None:
        """Each becomes a launch of its own, later and in no order."""
        for order in orders:
            self._submit(self._staging, None, partial(self._launch_one, order))

    def _launch_one(self, order: Order) -> None:
        # A launch that fails before it has a workflow leaves no trace at all.
        with suppress(Refusal):
            self.launch(order)

    def _workflow(self, order: Order, root: str | None, xsi_type: str = "") -> WorkflowEntry:
        with self.state.lock:
            name = order.wrapper_name or self.commands.wrapper(order.wrapper_id)[1].name
            found = cs_objects.root_of(self.state, order.user, root or "")
            item, kind = found or (root or "", xsi_type or order.root)
            entry = self.state.note(
                order.user.name, name, item, order.project, reason="Container launch", status="_Queued"
            )  # fmt: skip
            entry.data_type, entry.job = kind, order.bulk
            return entry

    def _submit(
        self, pool: ThreadPoolExecutor | None, workflow: WorkflowEntry | None, work: Callable[[], object]
    ) -> None:
        if pool is None:
            self._close(workflow, "Failed (Staging)", "the server is going down")
            return
        self.pending.begin()
        try:
            future: Future[object] = pool.submit(work)
        except RuntimeError:
            self.pending.end()
            self._close(workflow, "Failed (Staging)", "the server is going down")
            return
        future.add_done_callback(lambda done: self._done(done, workflow))

    def _done(self, future: Future[object], workflow: WorkflowEntry | None) -> None:
        """Whatever the sandbox itself got wrong is kept for `wait_for_containers` to raise."""
        if future.cancelled():
            self._close(workflow, "Failed (Staging)", "the server is going down")
        elif (fault := future.exception()) is not None:
            self._close(workflow, "Failed (Container)", repr(fault))
            self.faults.append(fault)
        self.pending.end()

    def _close(self, workflow: WorkflowEntry | None, status: str, details: str = "") -> None:
        if workflow is not None:
            with self.state.lock:
                workflow.status, workflow.details = status, details

    def _stage(self, order: Order, workflow: WorkflowEntry | None) -> None:
        self._close(workflow, "Staging")
        try:
            resolved = self.resolve(order)
        except (Unresolved, DuplicateKey) as error:
            self._close(workflow, _UNRESOLVED, str(error))
            return
        except Refusal as refusal:
            self._close(workflow, _UNRESOLVED, refusal.text)
            return
        workflow = self._rooted(order, resolved, workflow)
        try:
            container, binds = self._create(order, resolved, workflow)
        except OSError as error:
            self._close(workflow, "Failed (Container)", f"A mount cannot be copied. {error.strerror}")
            return
        try:
            # Saved when the container is there already: one value that is too long, and it is all in vain.
            check_widths(container.environment)
            check_widths(resolved.working_directory)
        except TooLong as error:
            self._finish(container, workflow, "Failed", str(error))
            return
        self._submit(self._running, workflow, lambda: self._run(container, binds, resolved, workflow))

    def _rooted(self, order: Order, resolved: Resolved, workflow: WorkflowEntry | None) -> WorkflowEntry | None:
        """The workflow on what the root was resolved to; what was forged and names nothing real leaves it alone."""
        if resolved.root is None:
            return workflow
        if workflow is None:
            return self._workflow(order, resolved.root[0], resolved.root[1])
        with self.state.lock:
            real = cs_objects.home_of(self.state, order.user, resolved.root[0])
            if real is not None:
                workflow.item, workflow.data_type = resolved.root
                workflow.project = workflow.project or real
        return workflow

    def resolve(self, order: Order) -> Resolved:
        """Raises Unresolved, DuplicateKey, or Refusal for a wrapper that is not there."""
        command, wrapper = self.configured(order)
        properties = dict(self.backend.properties)
        return Resolver(
            self.state, order.user, command, wrapper, order.project or None, order.params, properties
        ).resolve()  # fmt: skip

    def configured(self, order: Order) -> tuple[Command, Wrapper]:
        with self.state.lock:
            wrapper_id = order.wrapper_id
            if order.wrapper_name:
                wrapper_id = self.commands.wrapper_named(order.command_id, order.wrapper_name)[1].id
            return self.commands.configured(wrapper_id, order.project or None)

    # A container

    def _create(
        self, order: Order, resolved: Resolved, workflow: WorkflowEntry | None
    ) -> tuple[Container, tuple[Bind, ...]]:
        alias, secret = self._accounts.issue_token(order.user.name)
        workflow_id = workflow.id if workflow is not None else ""
        number = int(self.state.next_id("container"))
        binds = tuple(self._folders.bind(mount, number) for mount in resolved.mounts)
        logs = self.state.archive / "CONTAINER_EXEC" / str(number) / "LOGS" / "docker"
        logs.mkdir(parents=True)
        own = {"XNAT_USER": alias, "XNAT_PASS": secret, "XNAT_HOST": self._url, "XNAT_WORKFLOW_ID": workflow_id,
               "XNAT_EVENT_ID": workflow_id}  # fmt: skip
        mounts: list[dict[str, object]] = [
            {"name": b.name, "container-path": b.path, "xnat-host-path": str(b.host), "writable": b.writable}
            for b in binds
        ]
        container = Container(
            number, resolved.command.id, resolved.wrapper.id, order.project, order.user.name, workflow_id,
            resolved.command.image or "", resolved.line, {**resolved.environment, **own}, mounts,
            dict(resolved.inputs), logs,
        )  # fmt: skip
        container.enter("Created")
        with self.state.lock:
            self.containers.all[number] = container
        self._close(workflow, "Created")
        return container, binds

    def _run(
        self, container: Container, binds: tuple[Bind, ...], resolved: Resolved, workflow: WorkflowEntry | None
    ) -> None:
        scratch = self._folders.build()
        run = Run(
            container.id, container.image, container.line, bool(resolved.command.override_entrypoint),
            {**container.environment, **resolved.secrets}, binds, resolved.working_directory, scratch,
            container.logs / "stdout.log", container.logs / "stderr.log", self.backend.entrypoint, self.backend.extra,
        )  # fmt: skip
        runner = self.backend.runner
        try:
            with self.state.lock:
                if container.id in self.containers.killed or self._running is None:
                    self._finish(container, workflow, "Failed", "Killed")
                    return
                process = runner.start(run)
                self.containers.processes[container.id] = process
                container.enter("Running")
        except OSError as error:
            self._finish(container, workflow, "Failed", f"Did not start. {error.strerror}")
            return
        self._close(workflow, "Running")
        code = process.wait()
        runner.tidy(process)
        with self.state.lock:
            del self.containers.processes[container.id]
            # A shell's way to count signals, and an engine's.
            text = str(code if code >= 0 else 128 - code)
            container.enter("Finalizing", exit_code=text)
        self._close(workflow, "Finalizing")
        shutil.rmtree(scratch, ignore_errors=True)
        self._finish(container, workflow, "Complete" if code == 0 else "Failed", f"Exit code {text}")

    def _finish(self, container: Container, workflow: WorkflowEntry | None, status: str, details: str) -> None:
        """The token dies before the status says that all is over."""
        self._accounts.revoke_token(container.environment["XNAT_USER"])
        shutil.rmtree(self._folders.farm(container.id), ignore_errors=True)
        with self.state.lock:
            container.enter(status, details)
            self._close(workflow, status, details if status == "Failed" else "")

    def kill(self, container: Container, user: User) -> None:
        """Kills a container, or keeps a queued one from starting. Its workflow is open until that was noticed."""
        with self.state.lock:
            self.containers.killed.add(container.id)
            process = self.containers.processes.get(container.id)
            if container.status in OPEN:
                container.enter("Killed", by=user.name)
                self._close(self._workflow_of(container), "Killed")
        if process is not None:
            self.backend.runner.kill(process)

    def revoke(self, container: Container, *, logins: bool) -> None:
        """The token of a container is no longer good."""
        self._accounts.revoke_token(container.environment["XNAT_USER"], logins=logins)

    def _workflow_of(self, container: Container) -> WorkflowEntry | None:
        return next((entry for entry in self.state.workflow if entry.id == container.workflow), None)
