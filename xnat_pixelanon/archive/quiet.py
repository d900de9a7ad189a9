"""Whether a session of the staging project is still being changed: by an arrival, or by a process of the server."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.archive.prearchive import Prearchive
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.errors import RightsError, TransferError

_ENDED = ("complete", "failed", "killed", "error", "abort", "cancel", "done")
"""How the status of a workflow that is over begins, in lower case. Any other counts as open."""
_STUCK = frozenset({"CONFLICT", "ERROR"})
_ARCHIVE_IT = "archive it from the project's prearchive, or delete it there; the next event or project run goes on"
_DAYS = 7
"""An older open workflow is one that was forgotten: XNAT never closes those of a server that was stopped."""
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What is at work on a session, as a sentence. `hint`: what a person has to do, empty where it ends by itself.

    `waits_for_us`: it cannot end before our own workflow on the session does, so that waiting would keep it up.
    """

    why: str
    hint: str = ""
    waits_for_us: bool = False


class Quiet:
    """Looks at one project. `own_workflow`: the one that this process runs under; `own_names`: of our own launches."""

    def __init__(
        self, connection: XnatConnection, project: str, own_workflow: str = "", own_names: Collection[str] = ()
    ) -> None:
        self._connection = connection
        self._project = project
        self._own_workflow = own_workflow
        self._own_names = frozenset(name.casefold() for name in own_names)

    def disturbance(self, session: SourceSession) -> Disturbance | None:
        """What is at work on the session; None when nothing is. Reads only."""
        return self._arriving(session) or self._worked_on(session)

    def _arriving(self, session: SourceSession) -> Disturbance | None:
        """A prearchive twin: an entry that would be merged into the session once it is archived."""
        try:
            entries = Prearchive(self._connection, self._project).entries()
        except RightsError:
            return None  # who may not look there may still read the session
        for entry in entries:
            if entry.name == session.label or (session.study and entry.study == session.study):
                # XNAT refuses to merge into a session that has an open workflow, and the container's is one.
                if entry.status in _STUCK:
                    return Disturbance(f"more of it is stuck in the prearchive ({entry.status})", _ARCHIVE_IT, True)
                return Disturbance("more of it is in the prearchive", waits_for_us=True)
        return None

    def _worked_on(self, session: SourceSession) -> Disturbance | None:
        oldest = (time.time() - _DAYS * 24 * 3600) * 1000
        page = 1
        while True:
            rows = self._page(session, page)
            recent = [row for row in rows if not _launched_before(row, oldest)]
            if any(self._is_open(row, session.id) for row in recent):
                return Disturbance("a workflow of the server works on it")
            if len(rows) < _PAGE or not recent:
                return None
            page += 1

    def _page(self, session: SourceSession, page: int) -> list[Mapping[str, Any]]:
        """The newest workflows of a session. None where the server has not the Batch Launch plugin, which lists them:
        then the listing of files alone tells whether the session changes."""
        what = "reading the workflows of a session"
        wanted = {"page": page, "size": _PAGE, "id": session.id, "data_type": session.xsi_type, "sort_dir": "desc"}
        wanted |= {"sortable": True, "days": _DAYS}  # older plugins want them, newer ones do not know them
        answer = self._connection.post_json(
            "/xapi/workflows", what, wanted, accepted=(200, 401, 403, 404, 405), repeat=True
        )
        if answer.status != 200:
            return []
        rows = answer.json(what)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise TransferError(f"{what}: the answer is not a list")
        return rows

    def _is_open(self, row: Mapping[str, Any], experiment: str) -> bool:
        status = str(row.get("status") or "").strip().lstrip("_").casefold()
        names = {str(row.get(key) or "").casefold() for key in ("pipelineName", "name")}
        is_ours = str(row.get("wfid") or "") == self._own_workflow != "" or names & self._own_names
        other = str(row.get("id") or experiment) != experiment
        return bool(status) and not status.startswith(_ENDED) and not is_ours and not other


def _launched_before(row: Mapping[str, Any], moment: float) -> bool:
    """`moment`: milliseconds since 1970, as the server writes them. A row without its time is a new one."""
    launched = row.get("launchTime")
    return isinstance(launched, int | float) and launched < moment
