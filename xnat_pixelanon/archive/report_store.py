"""Reports in the staging project: resource PIXELANON of the project for owners, else of nothing at all."""

from __future__ import annotations

from collections.abc import Mapping

from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.archive.project_files import REPORTS, ProjectFiles
from xnat_pixelanon.errors import PixelanonError, RightsError

_INSTEAD = "use --report DIR"


class XnatReportStore:
    """Keeps the files of a run under `reports/RUN_ID/` of the project resource PIXELANON."""

    def __init__(self, connection: XnatConnection, project: str) -> None:
        self._files = ProjectFiles(connection, project, REPORTS)
        self._project = project

    def keep(self, run: str, files: Mapping[str, bytes]) -> str:
        """Store and verify by listing; returns a sentence saying where the report is, or why it is not there.

        Never raises: a run that published is not made a failure by its report.
        """
        return self._kept(f"reports/{run}/", files)

    def keep_fixed(self, files: Mapping[str, bytes]) -> str:
        """As `keep`, under fixed names at the top of the resource: the newest replaces what was there."""
        return self._kept("", files)

    def _kept(self, folder: str, files: Mapping[str, bytes]) -> str:
        try:
            self._files.store({folder + name: content for name, content in files.items()})
        except RightsError:
            return f"not stored in the staging project: only its owners may write there; {_INSTEAD}"
        except PixelanonError as error:
            return f"not stored in the staging project: {error.message}; {_INSTEAD}"
        return f"project {self._project}, resource {REPORTS}, {folder or ', '.join(files)}"
