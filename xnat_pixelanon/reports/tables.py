"""scans.csv, and any other table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from xnat_pixelanon.domain.report import RunReport, ScanReport, SessionReport

_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_BLANK_STARTS = ("\t", "\r", "\n")

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


def scans_csv(report: RunReport) -> str:
    """One row for each scan."""
    return csv_text(CSV_COLUMNS, (_row(session, scan) for session in report.sessions for scan in session.scans))


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table for spreadsheets, that run none of it."""
    out = io.StringIO()
    # all quoted: a line end inside a cell must not end the row
    lines = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    lines.writerow(columns)
    lines.writerows([_cell(text) for text in row] for row in rows)
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
    """Spreadsheets run texts that start like a formula, some of them also behind blanks or in full width."""
    is_formula = text[:1] in _BLANK_STARTS or text.lstrip()[:1] in _FORMULA_STARTS
    return f"'{text}" if text and is_formula else text
