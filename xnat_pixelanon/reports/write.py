"""report.json, scans.csv and report.html: three views of one RunReport."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import jinja2

from xnat_pixelanon.domain.codes import CODES, OUTCOMES, Kind, Outcome
from xnat_pixelanon.domain.report import RunReport, ScanReport, SessionReport
from xnat_pixelanon.errors import ConfigurationError

_MOST_ROWS = 100
"""Of one list in report.html: a browser has to open it; report.json and scans.csv hold them all."""
_URGENT = (Outcome.NO_LONGER_ALLOWED, Outcome.FAILED, Outcome.CONFLICT, Outcome.STALE)
_ON_THE_CLEAN_SIDE = frozenset((*_URGENT, Outcome.PUBLISHED, Outcome.GROWN, Outcome.UNCHANGED)) - {Outcome.FAILED}
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_BLANK_STARTS = ("\t", "\r", "\n")
_PARTS = re.compile(r"(\D*)(\d*)")

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


def pages() -> jinja2.Environment:
    """The templates of this room's pages; every value is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("xnat_pixelanon.reports", "pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"sentence": _sentence, "moment": _moment, "natural": _natural}
    return environment


def _html(report: RunReport) -> str:
    order = [outcome.value for outcome in Outcome]
    sessions = sorted(report.sessions, key=lambda session: order.index(session.outcome))
    waiting = _by_code(sessions)
    page = (
        pages()
        .get_template("report.html.j2")
        .render(
            report=report,
            sessions=sessions,
            numbers={session.id: number for number, session in enumerate(sessions, start=1)},
            urgent=_urgent(sessions),
            to_decide=[(code, scans) for code, scans in waiting if not _is_known(code)],
            known=[(code, scans) for code, scans in waiting if _is_known(code)],
            codes=CODES,
            decisions=[kind.value for kind in Kind],
            outcomes={outcome.value: text for outcome, text in OUTCOMES.items()},
            on_the_clean_side=_ON_THE_CLEAN_SIDE,
            most=_MOST_ROWS,
        )
    )
    return page.lstrip()


def _by_code(sessions: Sequence[SessionReport]) -> list[tuple[str, list[tuple[SessionReport, ScanReport]]]]:
    """Held and unsupported scans by their code, in the order of CODES."""
    found: dict[str, list[tuple[SessionReport, ScanReport]]] = {}
    for session in sessions:
        for scan in session.scans:
            if scan.decision in (Kind.HOLD, Kind.UNSUPPORTED):
                found.setdefault(scan.code, []).append((session, scan))
    return [(code, found[code]) for code in CODES if code in found]


def _urgent(sessions: Sequence[SessionReport]) -> list[tuple[str, list[SessionReport]]]:
    """Sessions that ask for a person by their outcome, in the order of Outcome."""
    found = [(outcome.value, [one for one in sessions if one.outcome == outcome]) for outcome in _URGENT]
    return [(outcome, same) for outcome, same in found if same]


def _is_known(code: str) -> bool:
    return CODES[code].remedy.startswith("Nothing to do")


def _sentence(text: str) -> str:
    """With a capital in front; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def _moment(text: str) -> str:
    """`2026-11-22T10:15:00+00:00` as people write it."""
    return text[:19].replace("T", " ")


def _natural(scans: Sequence[ScanReport]) -> list[ScanReport]:
    """By scan ID, 2 before 10."""
    return sorted(scans, key=lambda scan: [(int(part or 0), text) for text, part in _PARTS.findall(scan.id)])
