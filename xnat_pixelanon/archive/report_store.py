"""Reports in the staging project: resource PIXELANON of the project for owners, else of nothing at all."""

from __future__ import annotations

from collections.abc import Mapping

from xnat_pixelanon.archive import uris
from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.errors import NotFoundError, PixelanonError, RightsError

RESOURCE = "PIXELANON"
_CREATED_OR_THERE = (200, 201, 409)


class XnatReportStore:
    """Keeps the files of a run under `reports/RUN_ID/` of the project resource PIXELANON."""

    def __init__(self, connection: XnatConnection, project: str) -> None:
        self._connection = connection
        self._project = project

    def keep(self, run: str, files: Mapping[str, bytes]) -> str:
        """Store and verify by listing; returns a sentence saying where the report is, or why it is not there.

        Never raises: a run that published is not made a failure by its report.
        """
        try:
            self._create()
            for name, content in files.items():
                self._store(f"reports/{run}/{name}", content)
            missing = set(files) - self._stored(run)
        except RightsError:
            return "not stored in the staging project: only its owners may write there; use --report DIR"
        except PixelanonError as error:
            return f"not stored in the staging project: {error.message}; use --report DIR"
        if missing:
            # XNAT answers 200 and stores nothing where the account may not write
            return "not stored in the staging project: XNAT took it and kept nothing; use --report DIR"
        return f"project {self._project}, resource {RESOURCE}, reports/{run}/"

    def _create(self) -> None:
        uri = uris.project(self._project, "resources", RESOURCE)
        self._connection.put(uri, "creating the resource for reports", accepted=_CREATED_OR_THERE)

    def _store(self, name: str, content: bytes) -> None:
        uri = uris.project(
            self._project, "resources", RESOURCE, "files", *name.split("/"), inbody="true", overwrite="true"
        )
        self._connection.put(uri, "storing a report", content, content_type="application/octet-stream")

    def _stored(self, run: str) -> set[str]:
        uri = uris.table("projects", self._project, "resources", RESOURCE, "files")
        try:
            rows = self._connection.rows(uri, "listing the reports")
        except NotFoundError:
            return set()
        names = (uris.file_part(row.get("URI", "")) for row in rows)
        return {name.rpartition("/")[2] for name in names if f"{run}/" in name}
