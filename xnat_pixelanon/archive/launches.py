"""Launching entries of the Container Service for sessions of a project, all at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.errors import NotFoundError, TransferError

_SESSIONS = "xnat:imageSessionData"


class ContainerLaunches:
    """What is offered in one project, launched with the rights of the account."""

    def __init__(self, connection: XnatConnection, project: str) -> None:
        self._connection = connection
        self._project = project

    def wrapper(self, command: str, name: str) -> int:
        """The ID of an entry that is enabled for sessions of the project; NotFoundError where there is none."""
        registered = self._list(f"/xapi/commands?name={quote(command)}", "reading the registered commands")
        ids = {
            str(wrapper.get("id"))
            for one in registered
            if one.get("name") == command
            for wrapper in one.get("xnat") or ()
            if wrapper.get("name") == name
        }
        uri = f"/xapi/projects/{quote(self._project, safe='')}/commands/available?xsiType={quote(_SESSIONS)}"
        for row in self._list(uri, "reading which commands the project offers"):
            if row.get("enabled") is True and str(row.get("wrapper-id")) in ids:
                return int(row["wrapper-id"])
        raise NotFoundError(
            f"the project does not offer the entry {name} of the command {command}",
            hint="an administrator and an owner enable it with 'xnat-pixelanon install'",
        )

    def bulk(self, wrapper: int, experiments: Sequence[str]) -> int:
        """Launch one container for each session, by experiment IDs; how many the service took. Waits for none."""
        what = "launching the sessions"
        uri = f"/xapi/projects/{quote(self._project, safe='')}/wrappers/{wrapper}/root/session/bulklaunch"
        targets = json.dumps([f"/archive/experiments/{one}" for one in experiments])
        answer = self._connection.post_json(uri, what, {"session": targets}).json(what)
        taken = answer.get("successes") if isinstance(answer, dict) else None
        if not isinstance(taken, list):
            raise TransferError(f"{what}: the answer does not say what was launched")
        return len(taken)

    def _list(self, uri: str, what: str) -> list[dict[str, Any]]:
        rows = self._connection.get(uri, what).json(what)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise TransferError(f"{what}: the answer is not a list")
        return rows
