"""Files of a resource of a project: for owners to put there and to look at in the browser."""

from __future__ import annotations

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

    def write(self, name: str, content: bytes) -> None:
        """Store a file, over what is there. RightsError; TransferError where XNAT took it and kept nothing."""
        self.store(name, content)
        if name not in self.names():
            raise TransferError(
                "XNAT took a file of the project and kept nothing",
                hint="only owners may write there: ask an owner of the project",
            )

    def store(self, name: str, content: bytes) -> None:
        """`write` without a look whether it was kept."""
        self._connection.put(
            uris.project(self._project, "resources", self.resource),
            "creating a resource of the project",
            accepted=_CREATED_OR_THERE,
        )
        self._connection.put(
            self._uri(name, inbody="true", overwrite="true"),
            "storing a file of the project",
            content,
            content_type="application/octet-stream",
        )

    def _uri(self, name: str, **query: str) -> str:
        return uris.project(self._project, "resources", self.resource, "files", *name.split("/"), **query)
