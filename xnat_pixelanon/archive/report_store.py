"""Reports in the staging project: resource PIXELANON of the project for owners, else of nothing at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.archive.project_files import REPORTS, ProjectFiles
from xnat_pixelanon.domain.documents import schema_problems
from xnat_pixelanon.errors import PixelanonError, RightsError

_INSTEAD = "use --report DIR"
_REPORT = re.compile(r"reports/([0-9]{8}T[0-9]{6}-[0-9a-f]{4,12})/report\.json")
"""A report in the folder of its run ID; others may write the resource, and put anything there."""


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
        wanted = [found for name in self._files.names() if (found := _REPORT.fullmatch(name))]
        for found in sorted(wanted, key=lambda one: one[1], reverse=True):  # the names of runs begin with their time
            try:
                report = json.loads(self._files.read(found[0]))
                fits = not schema_problems("report", report)
            except (PixelanonError, ValueError, RecursionError):  # RecursionError: nested deeper than json reads
                continue
            if fits and report["run"] == found[1]:
                yield report

    def _kept(self, folder: str, files: Mapping[str, bytes]) -> str:
        try:
            self._files.store({folder + name: content for name, content in files.items()})
        except RightsError:
            return f"not stored in the staging project: only its owners may write there; {_INSTEAD}"
        except PixelanonError as error:
            return f"not stored in the staging project: {error.message}; {_INSTEAD}"
        return f"project {self._project}, resource {REPORTS}, {folder or ', '.join(files)}"
