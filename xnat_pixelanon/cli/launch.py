"""`launch`: what the container runs. Every input comes from the environment; see docs/reference.md."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping

import click

from xnat_pixelanon.archive import connect
from xnat_pixelanon.cli import show
from xnat_pixelanon.cli.withdraw import sentences
from xnat_pixelanon.domain.report import RunReport
from xnat_pixelanon.install.commands import command_for
from xnat_pixelanon.pipeline.launching import Action, Launch, launch_of
from xnat_pixelanon.pipeline.pool import Workers, default_workers
from xnat_pixelanon.pipeline.run import RunPlan, new_run_id, run
from xnat_pixelanon.pipeline.set_up import Desk
from xnat_pixelanon.pipeline.setup import RunOptions, prepared
from xnat_pixelanon.pipeline.withdrawing import withdraw
from xnat_pixelanon.reports import worklist
from xnat_pixelanon.reports.write import render

_REASON = "withdrawn from the menu"
"""A constant: what a launch is given stays in XNAT's records of launches, which more than owners read."""


@click.command("launch")
def launch_command() -> int:
    """Do what a menu entry or an event of XNAT's Container Service asks for.

    Takes no options: the container's environment says what to do, and the stored documents what may be done. Exit 0
    also when scans are held or unsupported: the report in the project resource PIXELANON names them.
    """
    launch = launch_of(os.environ)
    _use_scratch()
    return _ACTIONS[launch.action](launch)


def _at_desk(work: Callable[[Desk], list[str]]) -> Callable[[Launch], int]:
    """An action on the project's documents, told in sentences."""

    def action(launch: Launch) -> int:
        with connect(launch.source.credentials(os.environ)) as connection:
            for sentence in work(Desk(launch, connection)):
                click.echo(sentence)
        return 0

    return action


def _dry_run(launch: Launch) -> int:
    return _carry_out(launch, RunOptions(launch.source, sessions=_sessions(launch), dry_run=True))


def _run(launch: Launch) -> int:
    command = command_for(launch.server)
    own_names = tuple(name for wrapper in command["xnat"] for name in (wrapper["name"], wrapper["label"]))
    options = RunOptions(
        launch.source,
        sessions=_sessions(launch),
        patience=launch.patience((*own_names, command["name"], command["label"])),
        narrowed=launch.narrowed,
    )
    return _carry_out(launch, options)


def _withdraw(launch: Launch) -> int:
    for sentence in sentences(withdraw(launch.source, launch.session, _REASON, narrowed=launch.narrowed), labels=False):
        click.echo(sentence)
    return 0


def _carry_out(launch: Launch, options: RunOptions) -> int:
    """Run, show, and keep the report in the staging project; a project's run makes its worklist anew."""
    run_id = new_run_id()
    with prepared(options) as plan:
        with Workers(default_workers()) as pool:
            result = run(plan, pool, show.choose(as_json=False), run_id=run_id)
        show.results(result.report)
        if plan.report_store is not None:
            click.echo(f"report: {plan.report_store.keep(run_id, render(result.report))}")
        if not launch.session and not options.dry_run:
            _make_worklist(launch, plan, result.report)
    if result.stopped is not None:
        show.error(result.stopped, as_json=False)
    return result.report.exit_status


def _make_worklist(launch: Launch, plan: RunPlan, report: RunReport) -> None:
    if plan.report_store is None:
        return
    rows = worklist.rows(plan.sessions, report)
    files = worklist.render(rows, project=launch.project, made=report.finished)
    click.echo(f"worklist: {len(rows)} waiting; {plan.report_store.keep_fixed(files)}")


_ACTIONS: Mapping[Action, Callable[[Launch], int]] = {
    Action.SET_UP: _at_desk(Desk.set_up),
    Action.STORE_DOCUMENTS: _at_desk(Desk.store_documents),
    Action.ARM: _at_desk(Desk.arm),
    Action.DISARM: _at_desk(Desk.disarm),
    Action.DRY_RUN: _dry_run,
    Action.RUN: _run,
    Action.WITHDRAW: _withdraw,
}


def _sessions(launch: Launch) -> tuple[str, ...]:
    return (launch.session,) if launch.session else ()


def _use_scratch() -> None:
    """Work where TMPDIR says; in the container's own folder where that mount cannot be written."""
    folder = os.environ.get("TMPDIR", "")
    if folder and not os.access(folder, os.W_OK | os.X_OK):
        os.environ.pop("TMPDIR")
        tempfile.tempdir = None
        click.echo(f"{folder} cannot be written by user {os.getuid()}: working in {tempfile.gettempdir()}", err=True)
