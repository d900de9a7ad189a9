"""report.json, scans.csv and report.html: three views of one RunReport."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import jinja2

from xnat_pixelanon.domain.codes import CODES, OUTCOMES, Outcome
from xnat_pixelanon.domain.report import RunReport, ScanReport, SessionReport
from xnat_pixelanon.errors import ConfigurationError

CSV_COLUMNS = (
    "session_id",
    "session_label",
    "scan",
    "groups",
    "decision",
    "code",
    "detail",
    "remedy",
    "templates",
    "instances",
    "sent",
    "outcome",
    "clean_subject",
    "clean_session",
    "clean_scan",
)


def render(report: RunReport) -> Mapping[str, bytes]:
    """The files of a report by name."""
    return {
        "report.json": (json.dumps(report.as_dict(), indent=1, ensure_ascii=False) + "\n").encode(),
        "scans.csv": _csv(report).encode(),
        "report.html": _html(report).encode(),
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


def _csv(report: RunReport) -> str:
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
    for session in report.sessions:
        for scan in session.scans:
            rows.writerow([_cell(text) for text in _row(session, scan)])
    return out.getvalue()


def _row(session: SessionReport, scan: ScanReport) -> tuple[str, ...]:
    return (
        session.id,
        session.label,
        scan.id,
        "; ".join(scan.groups),
        scan.decision,
        scan.code,
        scan.detail,
        scan.remedy,
        "; ".join(scan.templates),
        str(len(scan.instances)),
        "yes" if scan.sent else "no",
        session.outcome,
        session.clean_subject,
        session.clean_session,
        scan.clean_scan,
    )


def _cell(text: str) -> str:
    """Spreadsheets run texts that start like a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _html(report: RunReport) -> str:
    pages = jinja2.Environment(
        loader=jinja2.PackageLoader("xnat_pixelanon.reports", "pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    order = [outcome.value for outcome in Outcome]
    sessions = sorted(report.sessions, key=lambda session: order.index(session.outcome))
    return pages.get_template("report.html.j2").render(
        report=report,
        sessions=sessions,
        to_decide=[
            (session, scan)
            for session in sessions
            for scan in session.scans
            if scan.decision in ("hold", "unsupported")
        ],
        codes=CODES,
        outcomes={outcome.value: text for outcome, text in OUTCOMES.items()},
    )
