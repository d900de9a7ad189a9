"""report.html, one self-contained file, and what this room's pages have in common."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from hashlib import sha256
from importlib import resources

import jinja2

from xnat_pixelanon.domain.codes import CODES, OUTCOMES, Kind, Outcome
from xnat_pixelanon.domain.pictures import Pictures
from xnat_pixelanon.domain.report import RunReport, ScanReport, SessionReport
from xnat_pixelanon.look import BASE_CSS
from xnat_pixelanon.reports.cases import GroupOfScans, natural

_MOST_ROWS = 100
"""Of one list in report.html: a browser has to open it; report.json and scans.csv hold them all."""
_URGENT = (Outcome.NO_LONGER_ALLOWED, Outcome.FAILED, Outcome.CONFLICT, Outcome.STALE)
_ON_THE_CLEAN_SIDE = frozenset((*_URGENT, Outcome.PUBLISHED, Outcome.GROWN, Outcome.UNCHANGED)) - {Outcome.FAILED}
_SCRIPT = resources.files("xnat_pixelanon.reports").joinpath("pages", "report.js").read_text("utf-8")


def pages() -> jinja2.Environment:
    """The templates of this room's pages; every value is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("xnat_pixelanon.reports", "pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["base_css"] = BASE_CSS
    environment.filters |= {
        "sentence": _sentence,
        "moment": _moment,
        "natural": _natural,
        "base64": _base64,
        "digest": _digest,
    }
    return environment


def report_html(report: RunReport, pictures: Pictures, groups: Sequence[GroupOfScans]) -> str:
    """The report as people read it: nothing is loaded, and no script runs but the one that filters.

    `groups`: those of the report, with these pictures.
    """
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
            groups=groups,
            case_numbers=_case_numbers(groups),
            pictures=pictures,
            all_decisions=_all_decisions(report),
            script=_SCRIPT,
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


def _case_numbers(groups: Sequence[GroupOfScans]) -> dict[tuple[str, str], int]:
    """Of each scan, by session ID and scan ID, the number of its case: the script shows both or none."""
    cases = [case for group in groups for case in group.cases]
    return {(session.id, scan.id): case.number for case in cases for session, scan in case.scans}


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
    return sorted(scans, key=lambda scan: natural(scan.id))


def _all_decisions(report: RunReport) -> list[str]:
    """Those of its scans, as `redact: template`, in the order of CODES."""
    found = {scan.code: scan.decision for session in report.sessions for scan in session.scans}
    return [f"{found[code]}: {code}" for code in CODES if code in found]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _digest(script: str) -> str:
    """As a Content-Security-Policy names it."""
    return f"sha256-{_base64(sha256(script.encode()).digest())}"
