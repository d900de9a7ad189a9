"""The worklist of a staging project: what waits for a person and why, as a run of all of it saw it.

First what was sent and is no longer allowed, then oldest first.

An event run that ended with a held session is complete for XNAT, and nobody would look for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields

from xnat_pixelanon.domain.codes import CODES, OUTCOMES, Kind, Outcome
from xnat_pixelanon.domain.report import RunReport, SessionReport
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.reports.write import csv_text, pages

FILES = ("worklist.html", "worklist.csv")
_WAITS = frozenset((Outcome.NO_LONGER_ALLOWED, Outcome.FAILED, Outcome.CONFLICT, Outcome.WAITING, Outcome.STALE))
_CHANGED = frozenset((Outcome.NO_LONGER_ALLOWED, Outcome.STALE))


@dataclass(frozen=True, slots=True)
class Row:
    """One session that waits. `since`: when it came into the archive; `seen`: when a run last looked at it."""

    session_id: str
    session_label: str
    since: str
    outcome: str
    why: str
    what_to_do: str
    scans: tuple[str, ...]
    seen: str
    run: str


def rows(sessions: Sequence[SourceSession], report: RunReport) -> list[Row]:
    """A row for each of `sessions` that the report leaves waiting, in the order of the list."""
    since = {session.id: session.inserted for session in sessions}
    found = [_row(told, since.get(told.id, ""), report) for told in report.sessions if _waits(told)]
    return sorted(found, key=lambda row: (row.outcome != Outcome.NO_LONGER_ALLOWED, row.since, row.session_id))


def render(found: Sequence[Row], *, project: str, made: str) -> Mapping[str, bytes]:
    """The two files by name. `made`: when, for people."""
    page = pages().get_template("worklist.html.j2").render(rows=found, project=project, made=made)
    columns = [field.name for field in fields(Row)]
    lines = ([one if isinstance(one, str) else "; ".join(one) for one in astuple(row)] for row in found)
    return {FILES[0]: page.lstrip().encode(), FILES[1]: csv_text(columns, lines).encode()}


def _waits(told: SessionReport) -> bool:
    return told.outcome in _WAITS or any(scan.decision == Kind.HOLD for scan in told.scans)


def _row(told: SessionReport, since: str, report: RunReport) -> Row:
    held = [scan for scan in told.scans if scan.decision == Kind.HOLD]
    codes = [CODES[code] for code in dict.fromkeys(scan.code for scan in held)]
    outcome = OUTCOMES[Outcome(told.outcome)]
    changed = told.outcome in _CHANGED  # this of the clean session comes before what is asked for the next one
    why = [outcome.meaning if changed else "", told.error, told.note, *(code.meaning for code in codes)]
    what = [outcome.remedy if changed else "", told.hint, *(code.remedy for code in codes)]
    return Row(
        told.id,
        told.label,
        since,
        told.outcome,
        "; ".join(filter(None, why)) or told.outcome,
        " ".join(dict.fromkeys(filter(None, what))) or told.remedy,
        tuple(f"{scan.id} ({scan.code})" for scan in held),
        report.finished,
        report.run,
    )
