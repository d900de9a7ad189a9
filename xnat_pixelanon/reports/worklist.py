"""The worklist of a staging project: what waits for a person and why, oldest first, from what runs reported.

Rows are made from reports in the form of report.json, those that other runs stored included: an event run that ended
with a held session is complete for XNAT, and nobody would look for it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xnat_pixelanon.domain.codes import CODES, Kind, Outcome
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.reports.write import cell, pages

FILES = ("worklist.html", "worklist.csv")
COLUMNS = ("session_id", "session_label", "since", "outcome", "why", "what_to_do", "scans", "seen", "run")
_WAITS = frozenset((Outcome.NO_LONGER_ALLOWED, Outcome.FAILED, Outcome.CONFLICT, Outcome.WAITING, Outcome.STALE))
_NOT_SEEN = "no run has reported it yet"


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


def rows(sessions: Sequence[SourceSession], reports: Iterable[Mapping[str, Any]]) -> list[Row]:
    """A row for each of `sessions` that the newest of `reports` about it leaves waiting, oldest first.

    `reports` come newest first, and are read only until every session was found. Dry runs do not count.
    """
    left = {session.id: session for session in sessions if not session.shared}
    found: list[Row] = []
    for report in reports:
        if not left:
            break
        if report.get("dry_run"):
            continue
        for told in report.get("sessions", ()):
            session = left.pop(told["id"], None)
            if session is not None and (row := _row(session, told, report)) is not None:
                found.append(row)
    found += [_unseen(session) for session in left.values()]
    return sorted(found, key=lambda row: (row.since, row.session_id))


def render(found: Sequence[Row], *, project: str, made: str) -> Mapping[str, bytes]:
    """The two files by name. `made`: when, for people."""
    page = pages().get_template("worklist.html.j2").render(rows=found, project=project, made=made)
    return {FILES[0]: page.lstrip().encode(), FILES[1]: _csv(found).encode()}


def _row(session: SourceSession, told: Mapping[str, Any], report: Mapping[str, Any]) -> Row | None:
    held = [scan for scan in told["scans"] if scan["decision"] == Kind.HOLD]
    if told["outcome"] not in _WAITS and not held:
        return None
    why = [told["error"]] if told["error"] else []
    what = [told["hint"]] if told["hint"] else []
    for code in dict.fromkeys(scan["code"] for scan in held):
        why.append(CODES[code].meaning if code in CODES else code)
        what.append(CODES[code].remedy if code in CODES else "")
    return Row(
        session.id,
        session.label,
        session.inserted,
        told["outcome"],
        "; ".join(why) or told["outcome"],
        " ".join(dict.fromkeys(one for one in what if one)) or told["remedy"],
        tuple(f"{scan['id']} ({scan['code']})" for scan in held),
        report["finished"],
        report["run"],
    )


def _unseen(session: SourceSession) -> Row:
    return Row(
        session.id,
        session.label,
        session.inserted,
        "not seen",
        _NOT_SEEN,
        "Wait for the launches that are at work, or launch 'publish this session'.",
        (),
        "",
        "",
    )


def _csv(found: Sequence[Row]) -> str:
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    lines.writerow(COLUMNS)
    for row in found:
        values = (getattr(row, column) for column in COLUMNS)
        lines.writerow([cell("; ".join(value) if isinstance(value, tuple) else value) for value in values])
    return out.getvalue()
