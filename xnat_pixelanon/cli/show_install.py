"""What people and programs see of `install`, `uninstall` and `doctor`: lines on stderr, a table or JSON on stdout."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xnat_pixelanon.install.container_service import Request
from xnat_pixelanon.install.findings import Finding, State
from xnat_pixelanon.install.steps import Status, Step

_COLOURS = {
    Status.DONE: "green",
    Status.ALREADY: "green",
    Status.PLANNED: "blue",
    Status.NOT_ALLOWED: "yellow",
    Status.FAILED: "red",
    State.OK: "green",
    State.WARNING: "yellow",
    State.PROBLEM: "red",
}


class Rows:
    """Shows each row as it comes, and all of them at the end."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def request(self, request: Request) -> None:
        """One that a dry run does not send: it is a result."""
        if self._as_json:
            click.echo(json.dumps({"type": "request", **asdict(request)}))
            return
        click.echo(f"{request.method} {request.path}")
        if request.body is not None:
            click.echo(json.dumps(request.body, indent=1))

    def step(self, step: Step) -> None:
        click.echo(f"{step.name}: {step.status}" + (f", {step.detail}" if step.detail else ""), err=True)
        if self._as_json:
            fields = {"status": step.status, "needs": step.needs, "detail": step.detail, "remedy": step.remedy}
            click.echo(json.dumps({"type": "step", "step": step.name, **fields}))

    def finding(self, finding: Finding) -> None:
        click.echo(f"{finding.check}: {finding.state}", err=True)
        if self._as_json:
            fields = {"state": finding.state, "detail": finding.detail, "remedy": finding.remedy}
            click.echo(json.dumps({"type": "check", "check": finding.check, **fields}))

    def steps_table(self, steps: Sequence[Step]) -> None:
        if self._as_json:
            return
        table = _table("step", "needs", "status", "what", "what to do")
        for one in steps:
            table.add_row(one.name, one.needs, _coloured(one.status), escape(one.detail), escape(one.remedy))
        _console().print(table)

    def findings_table(self, findings: Sequence[Finding]) -> None:
        if self._as_json:
            return
        table = _table("check", "", "what", "what to do")
        for one in findings:
            table.add_row(one.check, _coloured(one.state), escape(one.detail), escape(one.remedy))
        console = _console()
        console.print(table)
        counts = Counter(one.state for one in findings)
        console.print(", ".join(f"{state.value} {counts[state]}" for state in State))


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _coloured(word: Status | State) -> str:
    return f"[{_COLOURS[word]}]{word.value}[/]"


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 160, highlight=False)
