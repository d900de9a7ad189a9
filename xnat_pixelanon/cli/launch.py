"""`launch`: what the container runs. Every input comes from the environment; see docs/reference.md."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from xnat_pixelanon.archive import connect
from xnat_pixelanon.cli import show
from xnat_pixelanon.cli.survey import PAGE, surveyed
from xnat_pixelanon.cli.withdraw import sentences
from xnat_pixelanon.domain.documents import parse
from xnat_pixelanon.errors import PixelanonError
from xnat_pixelanon.install.commands import command_for
from xnat_pixelanon.pipeline.documents import TEMPLATES, pulled
from xnat_pixelanon.pipeline.fan_out import fan_out
from xnat_pixelanon.pipeline.launching import Action, Launch, launch_of
from xnat_pixelanon.pipeline.pool import Workers, default_workers
from xnat_pixelanon.pipeline.run import RunPlan, new_run_id, run
from xnat_pixelanon.pipeline.scratch import DEFAULT_FOLDER
from xnat_pixelanon.pipeline.set_up import Desk
from xnat_pixelanon.pipeline.setup import RunOptions, prepared
from xnat_pixelanon.pipeline.survey_cache import SurveyCache
from xnat_pixelanon.pipeline.survey_document import FILE as SURVEY
from xnat_pixelanon.pipeline.withdrawing import withdraw
from xnat_pixelanon.reports import worklist
from xnat_pixelanon.reports.proposal import FILE as proposal_file
from xnat_pixelanon.reports.proposal import propose
from xnat_pixelanon.reports.write import render
from xnat_pixelanon.review.build import page

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


def _survey(launch: Launch) -> int:
    """The page lies beside the reports: an XNAT that shows HTML of projects shows it, and it saves from there."""
    with prepared(RunOptions(launch.source, sessions=_sessions(launch), dry_run=True)) as plan:
        with Workers(default_workers()) as pool:
            survey = surveyed(plan, pool, SurveyCache(None))
        show.groups_of_survey(survey)
        for note in survey["notes"]:
            click.echo(f"note: {note}")
        if plan.report_store is not None:
            files = {SURVEY: json.dumps(survey).encode(), PAGE: page(survey).encode()}
            click.echo(f"survey: {plan.report_store.keep_fixed(files)}")
    return 0


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
        if plan.rules.policy.fan_out and not launch.session and not options.dry_run:
            return _spread(launch, plan)
        with Workers(default_workers()) as pool:
            result = run(plan, pool, show.choose(as_json=False), run_id=run_id)
        show.results(result.report)
        if plan.report_store is not None:
            click.echo(f"report: {plan.report_store.keep(run_id, render(result.report, result.pictures))}")
        if not launch.session:
            told = [result.report.as_dict()]
            if not options.dry_run:
                _make_worklist(launch, plan, told)
            _make_proposal(plan, told)
    if result.stopped is not None:
        show.error(result.stopped, as_json=False)
    return result.report.exit_status


def _spread(launch: Launch, plan: RunPlan) -> int:
    """Launch a container for each session, then collect what earlier ones reported, and end.

    In this order: what lies in the project resource cannot keep anything from being launched.
    """
    if plan.launches is not None and plan.report_store is not None:
        click.echo(fan_out(plan.launches, command_for(launch.server)["name"], plan.sessions))
        read: list[Mapping[str, Any]] = []
        _make_worklist(launch, plan, _noted(plan.report_store.runs(), read))
        _make_proposal(plan, read)
    return 0


def _noted(reports: Iterable[Mapping[str, Any]], read: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The reports, each put into `read` as it is taken: no more are fetched than the worklist needs."""
    for report in reports:
        read.append(report)
        yield report


def _make_worklist(launch: Launch, plan: RunPlan, reports: Iterable[Mapping[str, Any]]) -> None:
    if plan.report_store is None:
        return
    rows = worklist.rows(plan.sessions, reports)
    files = worklist.render(rows, project=launch.project, made=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    click.echo(f"worklist: {len(rows)} waiting; {plan.report_store.keep_fixed(files)}")


def _make_proposal(plan: RunPlan, reports: Sequence[Mapping[str, Any]]) -> None:
    """What to fill in, for groups that no template matches; its failure is said and fails no run."""
    if plan.report_store is None or plan.documents is None:
        return
    try:
        stored = plan.documents.load(TEMPLATES.name)
        document = parse(pulled(stored, TEMPLATES), TEMPLATES.name) if stored else None
    except PixelanonError as error:
        click.echo(f"proposal: not made: {error.message}")
        return
    proposal = propose(document, plan.sessions, reports)
    kept = plan.report_store.keep_fixed({proposal_file: proposal.text.encode()})
    click.echo(f"{proposal.sentence}; {kept}")


_ACTIONS: Mapping[Action, Callable[[Launch], int]] = {
    Action.SET_UP: _at_desk(Desk.set_up),
    Action.STORE_DOCUMENTS: _at_desk(Desk.store_documents),
    Action.ARM: _at_desk(Desk.arm),
    Action.DISARM: _at_desk(Desk.disarm),
    Action.DRY_RUN: _dry_run,
    Action.SURVEY: _survey,
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
        click.echo(f"{folder} cannot be written by user {os.getuid()}: working in {DEFAULT_FOLDER}", err=True)
