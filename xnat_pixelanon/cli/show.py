"""What people and programs see of a run: live progress on stderr, results on stdout."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from xnat_pixelanon.domain.codes import CODES, OUTCOMES, Kind, Outcome
from xnat_pixelanon.domain.report import RunReport, ScanReport, SessionReport
from xnat_pixelanon.errors import PixelanonError
from xnat_pixelanon.pipeline.progress import Progress

_COLOURS = {
    "redact": "green",
    "headers-only": "green",
    "pass": "green",
    "hold": "yellow",
    "unsupported": "magenta",
    "exclude": "blue",
}
_NOT_SENT = ("hold", "unsupported")
_TABLE: dict[str, Any] = {"title_justify": "left", "title_style": "bold", "pad_edge": False}
_GROUP = re.compile(r"[A-Z?]{1,8}( \d+x\d+)?", re.ASCII)
_SCAN_ID = re.compile(r"[\w.-]+", re.ASCII)
_VERBS = {"read": "reading", "script": "asking the script", "clean": "cleaning and proving"}


class Lines(Progress):
    """One line per scan and session on stderr: for logs, that stay readable and carry no name."""

    def run_starts(self, sessions: int) -> None:
        _err(f"{_count(sessions, 'session')} to work on")

    def session_starts(self, name: str, files: int) -> None:
        _err(f"session {name}: {_count(files, 'file')}")

    def step_starts(self, step: str, files: int) -> None: ...

    def file_done(self, step: str) -> None: ...

    def scan_done(self, session: str, scan: ScanReport) -> None:
        _err(f"  {scan_line(scan)}")

    def session_done(self, session: SessionReport) -> None:
        _err(f"session {session.name}: {session.outcome}")
        if session.error:
            _err(f"  {session.error}" + (f" - {session.hint}" if session.hint else ""))
        if session.note:
            _err(f"  {session.note}")

    def run_done(self, report: RunReport) -> None:
        for note in report.notes:
            _err(f"note: {note}")


class Bars(Lines):
    """A live bar on a terminal, with the lines above it."""

    def __init__(self) -> None:
        self._live = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None
        self._name = ""

    def run_starts(self, sessions: int) -> None:
        super().run_starts(sessions)
        self._live.start()

    def session_starts(self, name: str, files: int) -> None:
        super().session_starts(name, files)
        self._name = name

    def step_starts(self, step: str, files: int) -> None:
        self._drop()
        self._task = self._live.add_task(f"{self._name}: {_VERBS.get(step, step)}", total=files)

    def file_done(self, step: str) -> None:
        if self._task is not None:
            self._live.advance(self._task)

    def session_done(self, session: SessionReport) -> None:
        self._drop()
        super().session_done(session)

    def run_done(self, report: RunReport) -> None:
        self._live.stop()
        super().run_done(report)

    def _drop(self) -> None:
        if self._task is not None:
            self._live.remove_task(self._task)
            self._task = None


class JsonLines(Lines):
    """One JSON object per line on stdout, and nothing else there; schemas/line.schema.json describes them."""

    def scan_done(self, session: str, scan: ScanReport) -> None:
        super().scan_done(session, scan)
        _json(
            {
                "type": "scan",
                "session": session,
                "scan": scan_name(scan.id),
                "groups": groups(scan),
                "decision": scan.decision,
                "code": scan.code,
                "remedy": scan.remedy,
                "instances": len(scan.instances),
                "rectangles": len(scan.asked),
                "sent": scan.sent,
            }
        )

    def session_done(self, session: SessionReport) -> None:
        super().session_done(session)
        _json(
            {
                "type": "session",
                "session": session.name,
                "outcome": session.outcome,
                "remedy": session.remedy,
                "clean_session": session.clean_session,
                "error": session.error,
                "hint": session.hint,
                "note": session.note,
            }
        )

    def run_done(self, report: RunReport) -> None:
        super().run_done(report)
        _json(
            {
                "type": "summary",
                "run": report.run,
                "exit_status": report.exit_status,
                "outcomes": dict(report.outcomes),
                "decisions": dict(report.decisions),
                "notes": list(report.notes),
            }
        )


def choose(*, as_json: bool) -> Progress:
    """Bars on a terminal, lines elsewhere, JSON when asked for."""
    if as_json:
        return JsonLines()
    return Bars() if sys.stderr.isatty() else Lines()


def results(report: RunReport) -> None:
    """The result on stdout: a table of scans, what each code and outcome asks of a person, and the counts."""
    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
    console.print(_scan_table(report))
    waiting = [scan for session in report.sessions for scan in session.scans if scan.decision in _NOT_SENT]
    advice = _advice(Counter(scan.code for scan in waiting), report)
    if advice.row_count:
        console.print(advice)
    counts = ", ".join(f"{outcome.value} {report.outcomes[outcome]}" for outcome in Outcome if report.outcomes[outcome])
    console.print(f"sessions: {counts or 'none'}")


def groups_of_survey(survey: Mapping[str, Any]) -> None:
    """The groups of a survey on stdout, those that can be decided first."""
    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
    table = Table(title="Groups", box=box.SIMPLE_HEAD, **_TABLE)
    for name in ("group", "SOP class", "scans", "sessions", "frames", "undecided", "templates", "note"):
        right = name in ("scans", "sessions", "frames", "undecided")
        table.add_column(name, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for group in survey["groups"]:
        size = f" {group['rows']}x{group['columns']}" if group["rows"] else ""
        said = f"unsupported: {group['code']}" if group["code"] else "several makers or models"
        table.add_row(
            f"{modality(group['modality'])}{size}",
            sop_class(group),
            *(str(group[name]) for name in ("scans", "sessions", "frames", "undecided")),
            escape(", ".join(group["templates"])),
            said if group["code"] or group["mixed_vendors"] else "",
        )
    console.print(table)


def modality(text: str) -> str:
    """A Modality as logs may carry it: one that is no code may be anything."""
    return text if _GROUP.fullmatch(text) else "??"


def sop_class(group: Mapping[str, Any]) -> str:
    """The standard's name of a SOP class, '' where it has none: then the UID may be anything."""
    return "" if group["sop_class_name"] == group["sop_class_uid"] else str(group["sop_class_name"])


def _advice(codes: Counter[str], report: RunReport) -> Table:
    """What to do about scans that were not sent, and about sessions that are not done."""
    table = Table(title="What was not sent, and what to do", box=box.SIMPLE_HEAD, **_TABLE)
    for name in ("code", "scans", "why", "what to do"):
        short = name in ("code", "scans")
        table.add_column(name, justify="right" if name == "scans" else "left", overflow="fold", no_wrap=short)
    for code, text in CODES.items():
        if codes[code]:
            table.add_row(f"{text.kind}: {code}", str(codes[code]), text.meaning, text.remedy)
    for outcome in (Outcome.NO_LONGER_ALLOWED, Outcome.CONFLICT, Outcome.FAILED, Outcome.STALE, Outcome.WAITING):
        if report.outcomes[outcome]:
            sessions = f"{_count(report.outcomes[outcome], 'session')}"
            table.add_row(outcome.value, sessions, OUTCOMES[outcome].meaning, OUTCOMES[outcome].remedy)
    return table


def _scan_table(report: RunReport) -> Table:
    table = Table(title="Scans", box=box.SIMPLE_HEAD, **_TABLE)
    for name in ("session", "scan", "group", "files", "decision", "sent"):
        table.add_column(name, justify="right" if name == "files" else "left", overflow="fold")
    for session in report.sessions:
        for scan in session.scans:
            table.add_row(
                session.name,
                scan_name(scan.id),
                ", ".join(groups(scan)),
                str(len(scan.instances)),
                f"[{_COLOURS[scan.decision]}]{scan.decision}[/]: {scan.code}",
                _sent(session, scan),
            )
        if not session.scans:
            table.add_row(session.name, "", "", "0", session.outcome, "no")
    return table


def _sent(session: SessionReport, scan: ScanReport) -> str:
    if scan.sent:
        return "yes"
    if Kind(scan.decision).sends:
        return "sent before" if session.outcome in ("unchanged", "grown", "published") else session.outcome
    return "no"


def scan_line(scan: ScanReport) -> str:
    """`scan 3  US 480x640  redact: template  2 rectangle(s)  180 file(s)  proof ok`."""
    parts = [f"scan {scan_name(scan.id)}", ", ".join(groups(scan)), f"{scan.decision}: {scan.code}"]
    if scan.asked:
        parts.append(_count(len(scan.asked), "rectangle"))
    parts.append(_count(len(scan.instances), "file"))
    if scan.instances and all(instance.proof == "ok" for instance in scan.instances):
        parts.append("proof ok")
    return "  ".join(part for part in parts if part)


def scan_name(scan_id: str) -> str:
    """A scan ID as logs may carry it: one made from a UID is shortened, one that may be a text is not shown."""
    if not _SCAN_ID.fullmatch(scan_id):
        return "?"
    return scan_id if len(scan_id) <= 16 else f"...{scan_id[-6:]}"


def groups(scan: ScanReport) -> list[str]:
    """The groups of a scan as logs may carry them: a Modality that is no code may be anything."""
    return [group if _GROUP.fullmatch(group) else "??" for group in scan.groups]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _err(text: str) -> None:
    click.echo(text, err=True)


def _json(record: dict[str, Any]) -> None:
    click.echo(json.dumps(record))


def error(error: PixelanonError, *, as_json: bool) -> None:
    """The error that stopped the command, on stderr; with --json also as the last line of stdout."""
    _err(f"error: {error.message}")
    if error.hint:
        _err(f"  {error.hint}")
    if as_json:
        json_error(error.message, error.hint, error.exit_code)


def json_error(message: str, hint: str, exit_status: int) -> None:
    """The last line of --json output when something stopped the command."""
    _json({"type": "error", "message": message, "hint": hint, "exit_status": exit_status})
