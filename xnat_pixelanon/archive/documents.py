"""The documents of a staging project in XNAT's config service, tool `pixelanon`: versioned, for owners to write."""

from __future__ import annotations

import re

from xnat_pixelanon.archive import uris
from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.archive.ports import StoredDocument
from xnat_pixelanon.errors import (
    ChangedError,
    ConfigurationError,
    OvertakenError,
    RefusedError,
    RightsError,
    TransferError,
)

TOOL = "pixelanon"
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


class XnatDocumentStore:
    """templates.json, policy.json, key, script, accepts.json of one project.

    JSON is stored as text/plain (XNAT takes application/json for an envelope of its own) and in ASCII: characters
    beyond it as `\\uXXXX`, for servers that read a body in another charset than it was sent in.
    """

    def __init__(self, connection: XnatConnection, project: str) -> None:
        self._connection = connection
        self._project = project

    def load(self, name: str) -> StoredDocument | None:
        """The newest version, or None when there is none or it was disabled."""
        newest = self._newest(name)
        return None if newest is None or newest[1] else newest[0]

    def push(self, name: str, text: str, based_on: int | None) -> int:
        """Store a new version and return its number; unchanged text makes no new one.

        RefusedError when `based_on` is not the newest version. The config service has no compare-and-swap: ChangedError
        when what is stored afterwards is not ours, OvertakenError when it is, over what another stored meanwhile.
        """
        if not text.strip():
            raise ConfigurationError(f"{name} is empty", hint="give the document, or disable it in XNAT")
        newest = self._newest(name)
        current = None if newest is None or newest[1] else newest[0].version
        if current != based_on:
            raise RefusedError(_based_on_message(name, based_on, current), hint="pull again, repeat the change, push")
        stored = _ascii_json(text) if name.endswith(".json") else text
        try:
            self._connection.put(
                self._uri(name),
                f"storing {name}",
                stored.encode("utf-8"),
                content_type="text/plain; charset=UTF-8",
                accepted=(200, 201),
            )
        except RightsError:
            raise RightsError(
                f"only an owner of project {self._project} may store {name}", hint="ask an owner of the project"
            ) from None
        return self._verified(name, stored, newest[0] if newest else None)

    def history(self, name: str) -> list[StoredDocument]:
        """All versions, newest first; an empty list when there is none."""
        what = f"reading the history of {name}"
        answer = self._connection.get(self._uri(name, action="getHistory", format="json"), what, (200, 204, 404))
        rows = answer.rows(what) if answer.status == 200 else []
        return sorted((_document(row, what) for row in rows), key=lambda one: one.version, reverse=True)

    def _verified(self, name: str, stored: str, before: StoredDocument | None) -> int:
        after = self._newest(name)
        last = 0 if before is None else before.version
        expected = {last + 1} if before is None or before.text.strip() != stored.strip() else {last, last + 1}
        if after is None or after[1] or after[0].text.strip() != stored.strip():
            raise ChangedError(
                f"what the server now holds as {name} is not what was sent",
                hint="somebody else may have stored it at the same moment: pull again and compare",
            )
        if after[0].version not in expected:
            theirs = next((one.text for one in self.history(name) if one.version == last + 1), "")
            raise OvertakenError(name, after[0].version, theirs)
        return after[0].version

    def _newest(self, name: str) -> tuple[StoredDocument, bool] | None:
        """The newest version and whether it is disabled."""
        what = f"reading {name}"
        answer = self._connection.get(self._uri(name, format="json"), what, (200, 204, 404))
        rows = answer.rows(what) if answer.status == 200 else []
        if not rows:
            return None
        row = max(rows, key=lambda one: _version(one, what))
        return _document(row, what), row.get("status", "").casefold() == "disabled"

    def _uri(self, name: str, **query: str) -> str:
        return uris.config(self._project, TOOL, name, **query)


def _document(row: dict[str, str], what: str) -> StoredDocument:
    return StoredDocument(row.get("contents", ""), _version(row, what), row.get("user", ""), row.get("create_date", ""))


def _version(row: dict[str, str], what: str) -> int:
    try:
        return int(row.get("version", ""))
    except ValueError:
        raise TransferError(f"{what}: the answer has no version number") from None


def _ascii_json(text: str) -> str:
    """The same JSON in ASCII: outside strings JSON has nothing else (RFC 8259 section 7)."""

    def escape(found: re.Match[str]) -> str:
        units = found[0].encode("utf-16-be")
        return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))

    return _NOT_ASCII.sub(escape, text)


def _based_on_message(name: str, based_on: int | None, current: int | None) -> str:
    theirs = "there is none" if current is None else f"the newest is version {current}"
    ours = "names no version" if based_on is None else f"is based on version {based_on}"
    return f"{name} {ours}, but {theirs}"
