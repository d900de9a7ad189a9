"""The worklist of a staging project: what waits for a person and why, from what runs reported.

First what was sent and is no longer allowed, then oldest first.

An event run that ended with a held session is complete for XNAT, and nobody would look for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

from xnat_pixelanon.domain.codes import CODES, OUTCOMES, Kind, Outcome
from xnat_pixelanon.domain.instance import proposable
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.reports.page import pages
from xnat_pixelanon.reports.proposal import BY_HAND
from xnat_pixelanon.reports.tables import csv_text

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


def rows(sessions: Sequence[SourceSession], reports: Iterable[Mapping[str, Any]]) -> list[Row]:
    """A row for each of `sessions` that the newest of `reports` about it leaves waiting, in the order of the list.

    `reports` are in the form of report.json, newest first; no more of them are read than are needed to find every
    session. Dry runs do not count.
    """
    left = {session.id: session for session in sessions if not session.shared}
    found: list[Row] = []
    for report in reports:
        for told in () if report["dry_run"] else report["sessions"]:
            session = left.pop(told["id"], None)
            if session is not None and _waits(told):
                found.append(_row(session, told, report))
        if not left:
            break
    found += [_unseen(session) for session in left.values()]
    return sorted(found, key=lambda row: (row.outcome != Outcome.NO_LONGER_ALLOWED, row.since, row.session_id))


def render(found: Sequence[Row], *, project: str, made: str) -> Mapping[str, bytes]:
    """The two files by name. `made`: when, for people."""
    page = pages().get_template("worklist.html.j2").render(rows=found, project=project, made=made)
    columns = [field.name for field in fields(Row)]
    lines = ([one if isinstance(one, str) else "; ".join(one) for one in astuple(row)] for row in found)
    return {FILES[0]: page.lstrip().encode(), FILES[1]: csv_text(columns, lines).encode()}


def _waits(told: Mapping[str, Any]) -> bool:
    return told["outcome"] in _WAITS or any(scan["decision"] == Kind.HOLD for scan in told["scans"])


def _row(session: SourceSession, told: Mapping[str, Any], report: Mapping[str, Any]) -> Row:
    held = [scan for scan in told["scans"] if scan["decision"] == Kind.HOLD]
    codes = [CODES[code] for code in dict.fromkeys(scan["code"] for scan in held) if code in CODES]
    outcome = OUTCOMES[Outcome(told["outcome"])]
    changed = told["outcome"] in _CHANGED  # this of the clean session comes before what is asked for the next one
    why = [outcome.meaning if changed else "", told["error"], told.get("note", ""), *(code.meaning for code in codes)]
    what = [outcome.remedy if changed else "", told["hint"], *(code.remedy for code in codes), *_by_hand(held)]
    return Row(
        session.id,
        session.label,
        session.inserted,
        told["outcome"],
        "; ".join(filter(None, why)) or outcome.meaning,
        " ".join(dict.fromkeys(filter(None, what))) or told["remedy"],
        tuple(f"{scan['id']} ({scan['code']})" for scan in held),
        report["finished"],
        report["run"],
    )


def _by_hand(held: Sequence[Mapping[str, Any]]) -> list[str]:
    """What to do about scans whose groups the proposal has no entry for."""
    odd = [scan["id"] for scan in held if not all(map(proposable, scan.get("undecided", ())))]
    if not odd:
        return []
    return [f"The proposal has no entry for scan {', '.join(odd)}, as its header has no plain modality: {BY_HAND}."]


def _unseen(session: SourceSession) -> Row:
    """One that no run has told of: its container is at work, waits for its turn, or came to no end."""
    what = "Wait for the launches that are at work; then launch 'publish this session' and look at its log."
    return Row(session.id, session.label, session.inserted, "not seen", "no run has reported it yet", what, (), "", "")
