"""A project of an XNAT as a source. Reads only."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xnat_pixelanon.archive import listings, uris
from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.archive.listings import ListedFile, Resource, natural
from xnat_pixelanon.archive.mount import Mount, is_the_servers
from xnat_pixelanon.domain.session import Contents, NotSent, SourceFile, SourceScan, SourceSession
from xnat_pixelanon.errors import ChangedError, NotFoundError, TransferError

_NOT_SENT = {
    "scans": ("scan-resource", "only DICOM of a scan is sent"),
    "resources": ("session-resource", "resources of a session are never sent"),
    "assessors": ("assessor", "assessors are never sent"),
    "reconstructions": ("reconstruction", "reconstructions are never sent"),
}
_COLUMNS = ("ID", "label", "project", "subject_label", "xsiType", "UID", "insert_date")
_OTHER = ("resource", "only DICOM of scans is sent")


class XnatSource:
    """The image sessions of a project. With a mount, files are read in place wherever it proves to be the same."""

    def __init__(self, connection: XnatConnection, project: str, *, name: str = "", mount: Path | None = None) -> None:
        self._connection = connection
        self._project = project
        self._name = name or f"xnat:{project}"
        self._mount = Mount(mount) if mount is not None else None
        self._numbers = itertools.count(1)

    @property
    def name(self) -> str:
        return self._name

    @property
    def place(self) -> str:
        """By the address of its server: the names of two servers may be the same in two environments."""
        return json.dumps(self.identity)

    @property
    def remote(self) -> bool:
        """Unless the archive is mounted."""
        return self._mount is None

    @property
    def identity(self) -> tuple[str, str]:
        """Server and project: a destination that is the same is refused."""
        return self._connection.server, self._project

    def sessions(self, wanted: Sequence[str]) -> list[SourceSession]:
        """All image sessions, or those whose ID or label is wanted; those of other projects flagged `shared`."""
        uri = uris.experiments(self._project, *_COLUMNS)
        try:
            rows = self._connection.rows(uri, "listing the sessions of the project")
        except NotFoundError:
            raise NotFoundError(
                f"project {self._project} is absent, or not readable by this account",
                hint="check its ID (not its title), and the account's access to it",
            ) from None
        rows = [row for row in rows if row.get("xsiType", "").casefold().endswith("sessiondata")]
        if not all(row.get("ID") and row.get("label") for row in rows):
            raise TransferError("the list of sessions has one without ID or label")
        if wanted:
            rows = _wanted(rows, wanted)
        return [self._session(row) for row in rows]

    def state(self, session: SourceSession) -> str:
        """Its resources, with how many files and bytes each has."""
        found = listings.resources(self._connection, session.id)
        rows = sorted((one.category, one.owner, one.label, one.id, one.files, one.bytes) for one in found)
        return json.dumps([self._connection.server, session.inserted, rows])

    def contents(self, session: SourceSession) -> Contents:
        """Scans by their DICOM and secondary resources; every other resource as not sent."""
        scans = sorted(listings.scans(self._connection, session.id), key=lambda scan: natural(scan.id))
        resources = listings.resources(self._connection, session.id)
        known = {scan.id for scan in scans}
        if any(one.is_dicom and one.owner not in known for one in resources):
            raise TransferError("a session's list of resources names a scan that its list of scans does not")
        files: dict[str, list[SourceFile]] = {scan.id: [] for scan in scans}
        for resource in resources:
            if resource.is_dicom:
                files[resource.owner] += self._files(session, resource)
        not_sent = [_not_sent(one) for one in resources if not one.is_dicom]
        with_files = {one.owner for one in resources if one.category == "assessors"}
        kind, reason = _NOT_SENT["assessors"]
        not_sent += [
            NotSent(kind, label or identity, reason, 0, 0)
            for identity, label in listings.assessors(self._connection, session.id)
            if identity not in with_files
        ]
        return Contents(
            tuple(SourceScan(scan.id, tuple(files[scan.id])) for scan in scans),
            tuple(not_sent),
        )

    def strays(self) -> tuple[NotSent, ...]:
        """Resources of the project and of its subjects: no session holds them, and they are never sent."""
        return tuple(
            NotSent(
                "subject-resource" if owner else "project-resource",
                f"{owner}/{resource.label}" if owner else resource.label,
                "only DICOM of scans is sent",
                resource.files,
                resource.bytes,
            )
            for owner, resource in listings.outside_sessions(self._connection, self._project)
        )

    def fetch(self, file: SourceFile, folder: Path) -> Path:
        """In place when mounted, else downloaded into `folder` under a name that says nothing."""
        where: dict[str, Any] = json.loads(file.locator)
        if where["local"] and is_the_servers(Path(where["local"]), file.size, where["md5"]):
            return Path(where["local"])
        target = folder / f"{next(self._numbers):08d}.dcm"
        try:
            self._connection.download(where["uri"], target, "downloading a file", size=file.size, md5=where["md5"])
        except NotFoundError:
            raise TransferError(
                "a file that the server lists cannot be downloaded from it",
                hint="it was removed meanwhile, or its name has characters that XNAT does not find again: rename it",
            ) from None
        return target

    def recheck(self, session: SourceSession, contents: Contents) -> None:
        """ChangedError unless the session still is in its place, of its subject, with exactly these files."""
        item = self._item(session.id)
        if item is None or (item.get("label"), item.get("project")) != (session.label, self._project):
            raise ChangedError("the session was deleted, renamed or moved meanwhile", hint="run again")
        if self._subject_of(session) != session.subject:
            raise ChangedError("the session was given to another subject, or its subject renamed", hint="run again")
        if _comparable(self.contents(session)) != _comparable(contents):
            raise ChangedError("files of the session were added, changed or removed meanwhile", hint="run again")

    def close(self) -> None:
        """The connection belongs to whoever opened it."""

    def _session(self, row: dict[str, str]) -> SourceSession:
        # The listing shows a shared session as if it were the project's own: only its item tells.
        item = self._item(row["ID"])
        home = row.get("project") if item is None else item.get("project")
        shared = home != self._project or row.get("project") != self._project
        return SourceSession(
            row["ID"],
            row["label"],
            row.get("subject_label", ""),
            shared,
            row.get("UID", ""),
            row.get("xsiType", ""),
            row.get("insert_date", ""),
        )

    def _subject_of(self, session: SourceSession) -> str:
        """The label of its subject as it is now; a server that does not know the filter lists every session."""
        uri = uris.experiments(self._project, "ID", "label", "subject_label", label=session.label)
        rows = self._connection.rows(uri, "reading the subject of a session")
        return next((row.get("subject_label", "") for row in rows if row.get("ID") == session.id), "")

    def _item(self, experiment: str) -> dict[str, Any] | None:
        what = "reading a session"
        answer = self._connection.get(uris.experiment(experiment, format="json"), what, (200, 403, 404))
        if answer.status != 200:
            return None
        try:
            fields: dict[str, Any] = answer.json(what)["items"][0]["data_fields"]
        except (KeyError, IndexError, TypeError):
            raise TransferError(f"{what}: the answer is not an item") from None
        return fields

    def _files(self, session: SourceSession, resource: Resource) -> list[SourceFile]:
        files = listings.scan_files(self._connection, session.id, resource)
        folder = self._mounted(session, resource, files)
        return [
            SourceFile(
                f"SCANS/{resource.owner}/{resource.label}/{file.path}",
                file.size,
                json.dumps({"uri": file.uri, "md5": file.md5, "local": str(folder / file.path) if folder else ""}),
            )
            for file in files
        ]

    def _mounted(self, session: SourceSession, resource: Resource, files: list[ListedFile]) -> Path | None:
        if self._mount is None or not any(file.md5 for file in files):
            return None  # without an MD5 no mounted file is believed
        uri = uris.scan_resource(session.id, resource.owner, resource.id)
        catalog = self._connection.get(uri, "reading the catalog of a scan", (200, 404))
        if catalog.status != 200:
            return None
        return self._mount.resource_folder(session.label, resource.label, catalog.content, files)


def _wanted(rows: list[dict[str, str]], wanted: Sequence[str]) -> list[dict[str, str]]:
    missing = [str(i) for i, one in enumerate(wanted, 1) if not any(one in (row["ID"], row["label"]) for row in rows)]
    if missing:
        raise NotFoundError(
            f"the project has no image session for wanted session number {', '.join(missing)}",
            hint="name sessions by experiment ID or exact label; the account must be able to read them",
        )
    return [row for row in rows if row["ID"] in wanted or row["label"] in wanted]


def _not_sent(resource: Resource) -> NotSent:
    kind, reason = _NOT_SENT.get(resource.category, _OTHER)
    owner = f"{resource.owner}/" if resource.category != "resources" and resource.owner else ""
    return NotSent(kind, f"{owner}{resource.label or resource.id}", reason, resource.files, resource.bytes)


def _comparable(contents: Contents) -> set[tuple[str, str, int, str]]:
    """Scan, name, size and digest of each file, with a row for each scan: wherever the files are read from."""
    rows = {(scan.id, "", 0, "") for scan in contents.scans}
    for scan in contents.scans:
        rows |= {(scan.id, file.name, file.size, json.loads(file.locator)["md5"]) for file in scan.files}
    return rows
