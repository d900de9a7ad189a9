"""Files of a resource of a project: for owners to put there and to look at in the browser."""

from __future__ import annotations

from collections.abc import Mapping

from xnat_pixelanon.archive import uris
from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.errors import NotFoundError, TransferError

DOCUMENTS = "PIXELANON_DOCUMENTS"
"""Where owners put templates.json and policy.json for *store documents*."""
REPORTS = "PIXELANON"
_CREATED_OR_THERE = (200, 201, 409)


class ProjectFiles:
    """The files of one resource, named by their paths in it."""

    def __init__(self, connection: XnatConnection, project: str, resource: str) -> None:
        self._connection = connection
        self._project = project
        self.resource = resource

    def names(self) -> list[str]:
        """All of them; none where the resource is not there."""
        uri = uris.table("projects", self._project, "resources", self.resource, "files")
        try:
            rows = self._connection.rows(uri, "listing the files of a project resource")
        except NotFoundError:
            return []
        return [uris.file_part(row.get("URI", "")) for row in rows]

    def read(self, name: str) -> bytes:
        """The bytes of a file; NotFoundError where it is not there."""
        return self._connection.get(self._uri(name), "reading a file of a project resource").content

    def store(self, files: Mapping[str, bytes]) -> None:
        """Store files over what is there. RightsError; TransferError where XNAT took them and kept nothing."""
        self._connection.put(
            uris.project(self._project, "resources", self.resource),
            "creating a resource of the project",
            accepted=_CREATED_OR_THERE,
        )
        for name, content in files.items():
            self._connection.put(
                self._uri(name, inbody="true", overwrite="true"),
                "storing a file of the project",
                content,
                content_type="application/octet-stream",
            )
        if set(files) - set(self.names()):
            # XNAT answers 200 and stores nothing where the account may not write
            raise TransferError("XNAT took it and kept nothing", hint="ask an owner of the project")

    def _uri(self, name: str, **query: str) -> str:
        return uris.project(self._project, "resources", self.resource, "files", *name.split("/"), **query)
