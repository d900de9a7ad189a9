"""Reports in the staging project: resource PIXELANON of the project for owners, else of nothing at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

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

    def runs(self) -> Iterator[Mapping[str, Any]]:
        """The reports that are kept, as report.json has them, newest first; what cannot be read is left out."""
        wanted = [name for name in self._files.names() if name.startswith("reports/") and name.endswith("/report.json")]
        for name in sorted(wanted, reverse=True):  # the names of runs begin with their time
            try:
                report = json.loads(self._files.read(name))
            except (PixelanonError, ValueError):
                continue
            if isinstance(report, dict):
                yield report

    def _kept(self, folder: str, files: Mapping[str, bytes]) -> str:
        try:
            for name, content in files.items():
                self._files.store(folder + name, content)
            missing = {folder + name for name in files} - set(self._files.names())
        except RightsError:
            return f"not stored in the staging project: only its owners may write there; {_INSTEAD}"
        except PixelanonError as error:
            return f"not stored in the staging project: {error.message}; {_INSTEAD}"
        if missing:
            # XNAT answers 200 and stores nothing where the account may not write
            return f"not stored in the staging project: XNAT took it and kept nothing; {_INSTEAD}"
        return f"project {self._project}, resource {REPORTS}, {folder or ', '.join(files)}"
