"""Whether a session of the staging project is still being changed: by an arrival, or by a process of the server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.archive.prearchive import Prearchive
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.errors import RightsError, TransferError

_ENDED = ("complete", "failed", "killed", "error", "abort", "cancel", "done")
"""How the status of a workflow that is over begins, in lower case. Any other counts as open."""
_DAYS = 7
"""An older open workflow is one that was forgotten: XNAT never closes those of a server that was stopped."""


class Quiet:
    """Looks at one project. `own_workflow`: the one that this process runs under; `own_names`: of our own launches."""

    def __init__(
        self, connection: XnatConnection, project: str, own_workflow: str = "", own_names: Collection[str] = ()
    ) -> None:
        self._connection = connection
        self._project = project
        self._own_workflow = own_workflow
        self._own_names = frozenset(name.casefold() for name in own_names)

    def disturbance(self, session: SourceSession) -> str:
        """What is at work on the session, as a sentence for people; empty when nothing is. Reads only."""
        return self._arriving(session) or self._worked_on(session)

    def _arriving(self, session: SourceSession) -> str:
        """A prearchive twin: an entry that would be merged into the session once it is archived."""
        try:
            entries = Prearchive(self._connection, self._project).entries()
        except RightsError:
            return ""  # who may not look there may still read the session
        for entry in entries:
            if entry.name == session.label or (session.study and entry.study == session.study):
                return "more of it is in the prearchive"
        return ""

    def _worked_on(self, session: SourceSession) -> str:
        what = "reading the workflows of a session"
        wanted = {"page": 1, "id": session.id, "data_type": session.xsi_type, "sortable": True, "days": _DAYS}
        # Servers before 1.8 do not have it: then the listing alone tells whether the session changes.
        answer = self._connection.post_json("/xapi/workflows", what, wanted, accepted=(200, 403, 404, 405), repeat=True)
        if answer.status != 200:
            return ""
        rows = answer.json(what)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise TransferError(f"{what}: the answer is not a list")
        return "a workflow of the server works on it" if any(self._is_open(row, session.id) for row in rows) else ""

    def _is_open(self, row: Mapping[str, Any], experiment: str) -> bool:
        status = str(row.get("status") or "").strip().lstrip("_").casefold()
        names = {str(row.get(key) or "").casefold() for key in ("pipelineName", "name")}
        is_ours = str(row.get("wfid") or "") == self._own_workflow != "" or names & self._own_names
        other = str(row.get("id") or experiment) != experiment
        return bool(status) and not status.startswith(_ENDED) and not is_ours and not other
