"""What runs a container: here a local process; another backend overrides how its words and environment are made."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import xnat_pixelanon

from .cs_templates import split_line

ENTRYPOINT = (sys.executable, "-m", "xnat_pixelanon")
_KILL_GRACE = 2.0
"""Seconds between the request to end and the end."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A folder of the host at a path of the container."""

    name: str
    host: Path
    path: str
    writable: bool


@dataclass(frozen=True, slots=True)
class Run:
    """One container as a backend is told of it.

    environment: what the service gives, secrets included. entrypoint, extra: what a local process needs in place of an
    image: its first words, and variables that are not the service's. scratch: an empty folder of this run.
    """

    id: int
    image: str
    line: str
    override_entrypoint: bool
    environment: Mapping[str, str]
    binds: tuple[Bind, ...]
    working_directory: str
    scratch: Path
    stdout: Path
    stderr: Path
    entrypoint: tuple[str, ...] = ENTRYPOINT
    extra: Mapping[str, str] | None = None

    @property
    def words(self) -> list[str]:
        """What follows the image's name: the split line, or a shell where the entry point is overridden."""
        return ["/bin/sh", "-c", self.line] if self.override_entrypoint else split_line(self.line)


class Runner:
    """Runs containers as processes of this machine, without their image.

    There is no mount namespace: a value of the environment that is, or begins with, the path of a mount gets the
    host's folder in its place. A backend of another kind overrides `command` and `environment`.
    """

    def command(self, run: Run) -> list[str]:
        return run.words if run.override_entrypoint else [*run.entrypoint, *run.words]

    def environment(self, run: Run) -> dict[str, str]:
        """Only what the service gives, and what any process needs."""
        source = str(Path(xnat_pixelanon.__file__).parent.parent)
        python_path = os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH")])])
        needed = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": python_path, "HOME": str(run.scratch)}
        given = {name: host_path(value, run.binds) for name, value in run.environment.items()}
        return {**needed, **(run.extra or {}), **given}

    def folder(self, run: Run) -> Path:
        return Path(host_path(run.working_directory, run.binds)) if run.working_directory else run.scratch

    def start(self, run: Run) -> subprocess.Popen[bytes]:
        """Starts the process in a group of its own. Raises OSError when it cannot."""
        with run.stdout.open("wb") as out, run.stderr.open("wb") as err:
            return subprocess.Popen(
                self.command(run), env=self.environment(run), cwd=self.folder(run), stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As an engine kills: the whole group, at once, with no chance to tidy up."""
        _signal(process, signal.SIGKILL)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """When the server stops: asks the whole group to end, and ends it after a short while."""
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_KILL_GRACE)
        _signal(process, signal.SIGKILL)

    def tidy(self, process: subprocess.Popen[bytes]) -> None:
        """With the first process of a container all others of it end."""
        _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def host_path(value: str, binds: tuple[Bind, ...]) -> str:
    """`/input` and `/input/...` as paths of the host; the longest path of a mount wins, all else is as it was."""
    for bind in sorted(binds, key=lambda bind: -len(bind.path)):
        path = bind.path.rstrip("/")
        if path and re.match(rf"{re.escape(path)}(?=/|$)", value):
            return f"{bind.host}{value[len(path) :]}"
    return value
