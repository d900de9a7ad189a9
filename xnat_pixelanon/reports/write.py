"""report.json, scans.csv and report.html: three views of one RunReport."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from xnat_pixelanon.domain.report import RunReport
from xnat_pixelanon.errors import ConfigurationError
from xnat_pixelanon.reports.page import report_html
from xnat_pixelanon.reports.tables import scans_csv


def render(report: RunReport) -> Mapping[str, bytes]:
    """The files of a report by name."""
    return {
        "report.json": (json.dumps(report.as_dict(), indent=1, ensure_ascii=False) + "\n").encode(),
        "scans.csv": scans_csv(report).encode(),
        "report.html": report_html(report).encode(),
    }


def make_folder(folder: Path) -> None:
    """Make the folder of a report before the run; ConfigurationError when nothing can be written there."""
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def write(report: RunReport, folder: Path) -> list[Path]:
    """Write the report into `folder`; ConfigurationError when that is not possible."""
    paths = []
    with _writing(folder):
        for name, content in render(report).items():
            path = folder / name
            path.write_bytes(content)
            paths.append(path)
    return paths


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"the report cannot be written to {folder}: {error.strerror}", hint="give another --report DIR"
        ) from None
