"""Our entries in the prearchive of the clean project: found by the run's own name, counted, removed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from xnat_pixelanon.archive import uris
from xnat_pixelanon.archive.answers import Answer
from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.errors import ConfigurationError, TransferError

PREFIX = "PXA-"
_RUN = re.compile(r"(?:\d{8}T\d{6}-)?[0-9A-Za-z]+")
_FINAL = frozenset({"READY", "CONFLICT", "ERROR"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One prearchive session, by the two parts of its path."""

    timestamp: str
    folder: str
    name: str = field(default="", repr=False)
    status: str = ""
    study: str = field(default="", repr=False)
    """Its Study Instance UID, where the server tells it."""

    @property
    def is_final(self) -> bool:
        """Whether nothing works on it: neither queued, nor running, nor still receiving."""
        return self.status in _FINAL

    @property
    def is_being_archived(self) -> bool:
        """Whether it is on its way into the archive, or queued for it."""
        return "ARCHIVING" in self.status


class Prearchive:
    """The prearchive of one project."""

    def __init__(self, connection: XnatConnection, project: str) -> None:
        self._connection = connection
        self._project = project

    def entries(self) -> list[Entry]:
        """All entries of the project."""
        uri = uris.prearchive(self._project, format="json")
        answer = self._connection.get(uri, "listing the prearchive")
        return [_entry(row) for row in answer.rows("listing the prearchive")]

    def named(self, name: str) -> list[Entry]:
        """The entries of exactly this session name."""
        return [entry for entry in self.entries() if entry.name == name]

    def current(self, entry: Entry) -> Entry | None:
        """The entry as it is now; None when it is gone."""
        what = "reading our prearchive entry"
        answer = self._connection.get(self._uri(entry, format="json"), what, (200, 404))
        rows = answer.rows(what) if answer.status == 200 else []
        if len(rows) > 1:
            raise TransferError(f"{what}: the answer names several")
        return _entry(rows[0]) if rows else None

    def created(self, answer: Answer) -> Entry:
        """The one entry that an import's answer names; TransferError for none, several, or another project."""
        what = "sending the session to the clean project"
        lines = answer.text(what).split()
        if len(lines) != 1:
            count = "no session" if not lines else f"{len(lines)} sessions"
            raise TransferError(
                f"{what}: {count} came to be in the prearchive instead of one",
                hint="look at the series import filters and the anonymisation scripts of the clean server",
            )
        parts = lines[0].split("/")
        try:
            after = parts[parts.index("prearchive") + 1 :]
            projects, project, timestamp, folder = after
        except ValueError:
            raise TransferError(f"{what}: the answer is no prearchive address") from None
        if (projects, project) != ("projects", self._project):
            raise TransferError(
                f"{what}: it went to another project or to the unassigned ones",
                hint="an administrator of the clean server can remove it from the prearchive",
            )
        return Entry(timestamp, folder)

    def counts(self, entry: Entry) -> list[int]:
        """How many files each scan of the entry has, ascending."""
        found = []
        for scan in self._rows(entry, "scans"):
            resources = self._rows(entry, "scans", scan["ID"], "resources")
            found.append(
                sum(
                    len(self._rows(entry, "scans", scan["ID"], "resources", resource["label"], "files"))
                    for resource in resources
                )
            )
        return sorted(found)

    def delete(self, entry: Entry) -> bool:
        """Remove an entry at once; whether it is gone now. False also when something works on it."""
        try:
            self._connection.delete(self._uri(entry), "removing our prearchive entry", (200, 404))
        except (TransferError, ConfigurationError):
            try:
                return self.current(entry) is None
            except (TransferError, ConfigurationError):
                return False
        return True

    def remove_named(self, name: str) -> bool:
        """Remove every entry of exactly this name; whether none is left, as far as can be known."""
        try:
            left = [entry for entry in self.named(name) if not self.delete(entry)]
        except (TransferError, ConfigurationError):
            return False
        return not left

    def purge(self, session_label: str, own: Entry, age: float) -> int:
        """Remove what earlier runs left of this session, if it is `age` seconds older than our own entry.

        Both times are the server's, so neither clock nor time zone of ours counts. Younger ones may belong to a run
        that is at work.
        """
        removed = 0
        for entry in self.entries():
            is_own = (entry.timestamp, entry.folder) == (own.timestamp, own.folder)
            if is_named_for(session_label, entry.name) and not is_own and _seconds(entry, own) >= age:
                removed += self.delete(entry)
        return removed

    def remove_all(
        self, session_label: str, study: str, gate: Callable[[], None], *, limit: float, poll: float
    ) -> None:
        """Remove what runs left of this session, young or old; `gate` goes before.

        Known by its label or, under another prefix, by its Study Instance UID, where that is not empty. What is being
        archived is waited for, `limit` seconds: its run is past its own gate, and a session comes to be. What is still
        received is left: its run has its gate before it.
        """
        ours = [
            one
            for one in self.entries()
            if is_named_for(session_label, one.name) or (study and one.study == study and one.name.startswith(PREFIX))
        ]
        waited = [self.wait_until_final(one, limit, poll) if one.is_being_archived else one for one in ours]
        left = [one for one in waited if one is not None and (one.is_final or one.is_being_archived)]
        if left:
            gate()
        if sum(one.is_final and self.delete(one) for one in left) < len(left):
            raise TransferError(
                "what a run left, or archives now, in the prearchive of the clean project cannot be removed",
                hint="nobody but its owners and members sees it there: run again, or remove it by hand",
            )

    def wait_until_final(self, entry: Entry, limit: float, poll: float) -> Entry | None:
        """The entry once nothing works on it any more, None when it is gone; as it stands when the time is over."""
        end = time.monotonic() + limit
        while True:
            now = self.current(entry)
            if now is None or now.is_final or time.monotonic() >= end:
                return now
            time.sleep(poll)

    def source(self, entry: Entry) -> str:
        """The `src` of an archive call."""
        return f"/prearchive/projects/{self._project}/{entry.timestamp}/{entry.folder}"

    def _uri(self, entry: Entry, *parts: str, **query: str) -> str:
        return uris.prearchive(self._project, entry.timestamp, entry.folder, *parts, **query)

    def _rows(self, entry: Entry, *parts: str) -> list[dict[str, str]]:
        what = "listing our prearchive entry"
        return self._connection.get(self._uri(entry, *parts, format="json"), what).rows(what)


def entry_name(session_label: str, run: str) -> str:
    """The session name of an upload: nothing that another run sends can join it."""
    return f"{PREFIX}{session_label}-{run}"


def is_named_for(session_label: str, name: str) -> bool:
    """Whether a run gave this name to what it sends or builds of the session: `PXA-LABEL-RUN`.

    Labels that are kept begin like one another: `S1` and `S1-US`. A run's name is told by its shape (new_run_id).
    """
    start = f"{PREFIX}{session_label}-"
    return bool(session_label) and name.startswith(start) and _RUN.fullmatch(name, len(start)) is not None


def _entry(row: dict[str, str]) -> Entry:
    return Entry(
        row.get("timestamp", ""),
        row.get("folderName", ""),
        row.get("name", ""),
        row.get("status", ""),
        row.get("tag", ""),
    )


def _seconds(older: Entry, newer: Entry) -> float:
    try:
        first, last = (datetime.strptime(one.timestamp[:15], "%Y%m%d_%H%M%S") for one in (older, newer))
    except ValueError:
        return float("-inf")
    return (last - first).total_seconds()
