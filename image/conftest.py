"""The built image, and how it is run: as image/build.sh says in the environment."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

IMAGE_USER = 1000
USER = os.getuid() or 12345
"""One that has no name in the image, and whose folders this machine can give it: only root can give them to others."""
STRICT = ("--read-only", "--cap-drop=ALL", "--security-opt", "no-new-privileges")


def give(folder: Path, user: int) -> None:
    """Makes a user of a container the owner of a folder."""
    if user != os.getuid():
        shutil.chown(folder, user, user)


def lock(folder: Path) -> None:
    """Lets no user of a container write into a folder."""
    folder.chmod(0o555)


@dataclass(frozen=True)
class Image:
    """An image in an engine's store. Containers are removed when they end."""

    engine: tuple[str, ...]
    options: tuple[str, ...]
    """What `run` needs on this machine."""
    tag: str
    archive: Path

    def run(
        self,
        *words: str,
        user: int = USER,
        network: str = "none",
        entrypoint: str = "",
        mounts: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """A container with a read-only root and no capabilities; mounts are `{"/host": "/inside:ro"}`."""
        line = self.line(
            words, ("--user", f"{user}:{user}", "--network", network), entrypoint, mounts or {}, environment or {}
        )
        return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)

    def line(
        self,
        words: Sequence[str],
        options: Sequence[str],
        entrypoint: str,
        mounts: Mapping[str, str],
        environment: Mapping[str, str],
    ) -> list[str]:
        """The engine's command line for such a container."""
        line = [*self.engine, "run", "--rm", *self.options, *STRICT, *options]
        for host, inside in mounts.items():
            line += ["--volume", f"{host}:{inside}"]
        for name, value in environment.items():
            line += ["--env", f"{name}={value}"]
        if entrypoint:
            line += ["--entrypoint", entrypoint]
        return [*line, self.tag, *words]

    def python(self, code: str, **more: Any) -> Any:
        """What a program in the image prints, as JSON."""
        done = self.run("-c", code, entrypoint="/opt/venv/bin/python3", **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def image() -> Image:
    try:
        engine, options = (tuple(shlex.split(os.environ[name])) for name in ("IMAGE_ENGINE", "IMAGE_RUN"))
        return Image(engine, options, os.environ["IMAGE_TAG"], Path(os.environ["IMAGE_ARCHIVE"]))
    except KeyError:
        pytest.fail("these tests are run by `make image`")


@pytest.fixture(scope="session")
def config(image: Image) -> dict[str, Any]:
    """What the image says of itself, as the engine tells it."""
    told = subprocess.run(
        [*image.engine, "image", "inspect", image.tag], capture_output=True, text=True, check=True, timeout=60
    )
    found: dict[str, Any] = json.loads(told.stdout)[0]["Config"]
    return found
