"""The containers that a site has run: records, who may see them, their logs, and how they are ended."""

from __future__ import annotations

import io
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .accounts import rights
from .records import User
from .state import State, timestamp
from .wire import Refusal

_MASK = "******"
OPEN = frozenset({"Created", "Running", "Killed", "Finalizing"})
"""Not finalized yet: one that was killed ends as Failed a moment later."""


@dataclass(slots=True)
class Container:
    """`environment` is what the service stores: the token, never a secret."""

    id: int
    command_id: int
    wrapper_id: int
    project: str
    user: str
    workflow: str
    image: str
    line: str
    environment: dict[str, str]
    mounts: list[dict[str, object]]
    inputs: dict[str, str]
    logs: Path
    status: str = "Created"
    exit_code: str = ""
    history: list[dict[str, str]] = field(default_factory=list)

    def enter(self, status: str, message: str = "", *, exit_code: str = "", by: str = "system") -> None:
        self.status = status
        self.exit_code = exit_code or self.exit_code
        entry = {"status": status, "entity-type": by, "time-recorded": timestamp(), "message": message}
        self.history.append({**entry, "exitCode": exit_code} if exit_code else entry)

    @property
    def stdout(self) -> str:
        return self.log("stdout")

    @property
    def stderr(self) -> str:
        return self.log("stderr")

    def log(self, name: str) -> str:
        path = self.logs / f"{name}.log"
        return path.read_text("utf-8", errors="replace") if path.is_file() else ""


class Pending:
    """Counts the work under way, so that a test can wait for its end."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    def begin(self) -> None:
        with self._changed:
            self._count += 1

    def end(self) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    @contextmanager
    def one(self) -> Iterator[None]:
        self.begin()
        try:
            yield
        finally:
            self.end()

    def wait(self, timeout: float) -> bool:
        """True when nothing is under way."""
        limit = time.monotonic() + timeout
        with self._changed:
            while self._count:
                left = limit - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            return True


@dataclass(slots=True)
class Containers:
    """All containers of a site and the processes of those that run. Guarded by the lock of the state."""

    state: State
    all: dict[int, Container] = field(default_factory=dict)
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    killed: set[int] = field(default_factory=set)

    def find(self, key: str) -> Container:
        with self.state.lock:
            found = self.all.get(int(key)) if key.isdigit() else None
        if found is None:
            raise Refusal(404, f"No container with ID {key}")
        return found

    def controls(self, user: User, container: Container) -> bool:
        """The launcher, an owner of its project, an admin: they see it, read its logs and may end it."""
        if user.admin or user.name == container.user:
            return True
        project = self.state.projects.get(container.project)
        return project is not None and "delete" in rights(user, project)

    def document(self, user: User, container: Container) -> dict[str, object]:
        """As the service answers it: the token's secret masked, and hardly anything for anyone else."""
        with self.state.lock:
            shown = self.controls(user, container)
            document: dict[str, object] = {
                "id": container.id,
                "command-id": container.command_id,
                "wrapper-id": container.wrapper_id,
                "status": container.status,
                "user-id": container.user,
                "project": container.project or None,
                "docker-image": container.image,
                "command-line": container.line if shown else "[REDACTED]",
                "env": {},
                "mounts": [],
                "history": [],
            }
            if not shown:
                return document
            logs = [f"{container.logs}/{name}.log" for name in ("stdout", "stderr")]
            return document | {
                "container-id": f"local-{container.id}",
                "workflow-id": container.workflow,
                "backend": "docker",
                "subtype": "docker",
                "env": container.environment | {"XNAT_PASS": _MASK},
                "mounts": list(container.mounts),
                "inputs": [{"name": k, "value": v} for k, v in container.inputs.items()],
                "outputs": [],
                "history": list(container.history),
                "log-paths": logs if container.status not in OPEN else [],
            }

    def log_zip(self, container: Container) -> bytes:
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("stdout", "stderr"):
                archive.writestr(f"{name}.log", container.log(name))
        return body.getvalue()
