"""The files of a report: report.json, scans.csv, report.html and, where there are pictures, contact-sheet.png."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from xnat_pixelanon.domain.pictures import Pictures
from xnat_pixelanon.domain.report import RunReport
from xnat_pixelanon.errors import ConfigurationError
from xnat_pixelanon.reports.cases import groups_of
from xnat_pixelanon.reports.page import report_html
from xnat_pixelanon.reports.sheet import FILE as SHEET
from xnat_pixelanon.reports.sheet import contact_sheet
from xnat_pixelanon.reports.tables import scans_csv


def render(report: RunReport, pictures: Pictures) -> Mapping[str, bytes]:
    """The files of a report by name. Pictures stand in report.html and the contact sheet only."""
    groups = groups_of(report, pictures)
    files = {
        "report.json": (json.dumps(report.as_dict(), indent=1, ensure_ascii=False) + "\n").encode(),
        "scans.csv": scans_csv(report).encode(),
        "report.html": report_html(report, pictures, groups).encode(),
    }
    sheet = contact_sheet(report, groups)
    return files if sheet is None else {**files, SHEET: sheet}


def make_folder(folder: Path) -> None:
    """Make the folder of a report before the run; ConfigurationError when nothing can be written there."""
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def write(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write files into `folder`, for their owner only; ConfigurationError when that is not possible."""
    paths = []
    with _writing(folder):
        for name, content in files.items():
            path = folder / name
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                os.fchmod(out.fileno(), 0o600)  # one that was there keeps its mode
                out.write(content)
            paths.append(path)
    return paths


def write_report(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """As `write`. The contact sheet of an earlier report goes where this one has none: it shows what is not in here."""
    if SHEET not in files:
        with _writing(folder):
            (folder / SHEET).unlink(missing_ok=True)
    return write(files, folder)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"the report cannot be written to {folder}: {error.strerror}", hint="give another --report DIR"
        ) from None
