"""The records of one stand-in XNAT behind one lock, and what needs only them: IDs, clocks, folders, look-up."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from .records import (
    ConfigEntry,
    Experiment,
    PrearchiveEntry,
    Project,
    SessionEvent,
    Subject,
    User,
    WorkflowEntry,
)
from .settings import Settings

UNASSIGNED = "Unassigned"


def timestamp(days_ago: float = 0.0) -> str:
    """The moment, or an earlier one, as XNAT writes it into tables."""
    return (datetime.now() - timedelta(days=days_ago)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def safe_label(text: str) -> str:
    """A label as XNAT makes it: every character but letters, digits, `_` and `-` becomes `_`."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", text.strip())


class State:
    """Everything that one site knows. Take `lock` for reading and changing; never wait for anything else inside."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root = root
        self.settings = settings
        self.lock = threading.RLock()
        self.users: dict[str, User] = {}
        self.projects: dict[str, Project] = {}
        self.subjects: dict[str, Subject] = {}
        self.experiments: dict[str, Experiment] = {}
        self.prearchive: list[PrearchiveEntry] = []
        self.configs: dict[tuple[str, str, str], ConfigEntry] = {}
        self.workflow: list[WorkflowEntry] = []
        self.log: list[str] = []
        self.listeners: list[Callable[[SessionEvent], None]] = []
        self._numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))
        self._session_locks: defaultdict[tuple[str, str], threading.RLock] = defaultdict(threading.RLock)
        self._last_stamp = ""
        for folder in (self.archive, self.prearchive_root, self.temporary, self.cache):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def prearchive_root(self) -> Path:
        return self.root / "prearchive"

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def next_id(self, kind: str) -> str:
        """`XNAT_E00001` for kind `E`, `S`; plain numbers for `resource`."""
        with self.lock:
            number = next(self._numbers[kind])
        return str(number) if len(kind) > 1 else f"{self.settings.site_id}_{kind}{number:05d}"

    def prearchive_stamp(self) -> str:
        """`yyyyMMdd_HHmmssSSS`, never the same twice."""
        with self.lock:
            while True:
                stamp = datetime.now().strftime("%Y%m%d_%H%M%S%f")[:-3]
                if stamp != self._last_stamp:
                    self._last_stamp = stamp
                    return stamp
                time.sleep(0.001)

    def session_lock(self, project: str, label: str) -> threading.RLock:
        """XNAT archives one session at a time into one experiment."""
        with self.lock:
            return self._session_locks[(project, label)]

    def project_folder(self, project: Project) -> Path:
        return self.archive / project.id / project.current_arc

    def subject_by(self, key: str, project: str) -> Subject | None:
        """By ID or by label; labels of subjects ignore case (section 2.8 of the wire contract)."""
        found = self.subjects.get(key)
        if found is not None and found.project == project:
            return found
        folded = key.casefold()
        return next(
            (s for s in self.subjects.values() if s.project == project and s.label.casefold() == folded),
            None,
        )

    def subject_or_new(self, label: str, project: str, user: str) -> Subject:
        """The subject of that label, made at once if absent: it stays, whatever happens to its session."""
        with self.lock:
            found = self.subject_by(label, project)
            if found is None:
                found = Subject(self.next_id("S"), label, project, timestamp(), user)
                self.subjects[found.id] = found
            return found

    def experiment_by(self, key: str, project: str | None) -> Experiment | None:
        """By ID, or inside a project by the label it has there (shared sessions have one of their own)."""
        found = self.experiments.get(key)
        if found is not None and (project is None or project == found.project or project in found.shared):
            return found
        if project is None:
            return None
        for experiment in self.experiments.values():
            label = experiment.label if experiment.project == project else experiment.shared.get(project)
            if label == key:
                return experiment
        return None

    def entries_of(self, project: str) -> list[PrearchiveEntry]:
        with self.lock:
            return [entry for entry in self.prearchive if entry.project == project]

    def note(
        self,
        user: str,
        pipeline: str,
        item: str,
        project: str,
        *,
        reason: str = "",
        comment: str = "",
        status: str = "Complete",
    ) -> WorkflowEntry:
        """One `wrk:workflowData` row."""
        with self.lock:
            entry = WorkflowEntry(user, pipeline, item, project, timestamp(), reason, comment, status=status)
            entry.id = self.next_id("workflow")
            self.workflow.append(entry)
            return entry

    def open_workflows(self, item: str) -> list[WorkflowEntry]:
        """What is at work on an item: until it ends, nothing is archived into it."""
        with self.lock:
            return [entry for entry in self.workflow if entry.item == item and entry.open]

    def announce(self, event: SessionEvent) -> None:
        """Tells whoever listens; called when the session is saved, and never with the lock held for long."""
        for listener in self.listeners:
            listener(event)

    def write_log(self, line: str) -> None:
        """One line of the server's own logs: like a real site's, they are written before anything is cleaned."""
        with self.lock:
            self.log.append(f"{timestamp()} {line}")
