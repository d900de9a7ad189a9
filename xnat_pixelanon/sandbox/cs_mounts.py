"""The folders that are mounted into a container: of the archive, fresh ones, and trees of links."""

from __future__ import annotations

import itertools
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from .cs_resolve import ResolvedMount
from .cs_runner import Bind
from .state import State


@dataclass(frozen=True, slots=True)
class Folders:
    """Of one site. `number` is a container's ID."""

    state: State

    def bind(self, mount: ResolvedMount, number: int) -> Bind:
        if mount.source is None:
            host = self.build()
        elif mount.kind == "Project":
            host = self._of_project(Path(mount.source), mount.item, number)
        else:
            host = Path(mount.source)
        if mount.source is not None and mount.writable:
            copy = self.build()
            shutil.copytree(host, copy, dirs_exist_ok=True)
            host = copy
        return Bind(mount.name, host, mount.path, mount.writable)

    def build(self) -> Path:
        """A fresh folder that the server's user made: no other user may write into it."""
        folder = self.state.root / "build" / str(uuid.uuid4())
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        return folder

    def _of_project(self, folder: Path, project: str, number: int) -> Path:
        """The current arc; where sessions are shared into the project, a tree of hard links with those in it."""
        if folder.is_relative_to(self.state.archive):  # what is forged is taken as it is
            folder.mkdir(parents=True, exist_ok=True)
        with self.state.lock:
            shared = [(e.shared[project], e.folder) for e in self.state.experiments.values() if project in e.shared]
        if not shared:
            return folder
        farm = self.farm(number) / project
        own = [(path.name, path) for path in sorted(folder.iterdir())]
        for name, source in itertools.chain(own, shared):
            shutil.copytree(source, farm / name, copy_function=os.link)
        return farm

    def farm(self, number: int) -> Path:
        return self.state.root / "shared" / "container-service" / str(number)
