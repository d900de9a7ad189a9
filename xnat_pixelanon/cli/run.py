"""`run` and `plan`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from xnat_pixelanon.archive import Location, parse_location
from xnat_pixelanon.cli import show
from xnat_pixelanon.domain.report import RunReport
from xnat_pixelanon.pipeline.pool import default_workers
from xnat_pixelanon.pipeline.rules import RuleFiles
from xnat_pixelanon.pipeline.run import RunPlan, RunResult, new_run_id, run
from xnat_pixelanon.pipeline.setup import RunOptions, prepared
from xnat_pixelanon.reports.write import render, write


class LocationType(click.ParamType):
    """xnat:PROJECT, xnat:PROJECT@NAME or dir:PATH."""

    name = "location"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Location:
        from xnat_pixelanon.errors import ConfigurationError

        try:
            return parse_location(str(value))
        except ConfigurationError as error:
            self.fail(f"{error.message}: {error.hint}", param, ctx)


LOCATION = LocationType()
_FILE = click.Path(dir_okay=False, path_type=Path)
_Command = Callable[..., int]


def _shared(command: _Command) -> _Command:
    """The options that `run` and `plan` have in common."""
    options = (
        click.option("--from", "source", type=LOCATION, required=True, metavar="SRC", help="xnat:PROJECT[@NAME] or dir:PATH"),
        click.option("--session", "sessions", multiple=True, metavar="ID|LABEL", help="Only this session; may be given again."),
        click.option("--templates", type=_FILE, help="Templates from a file: for a dir: source, a dry run, or --to dir:."),
        click.option("--policy", type=_FILE, help="Policy from a file: for a dir: source, a dry run, or --to dir:."),
        click.option("--key", type=_FILE, help="Key file of a dir: source; made (mode 0600) when missing."),
        click.option("--workers", type=click.IntRange(1, 256), default=None, help="Processes over files. Default: one per processor."),
        click.option("--report", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write report.json, scans.csv and report.html here."),
        click.option("--strict", is_flag=True, help="Exit 4 when something is held, unsupported or no longer allowed."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object per line on stdout, and nothing else there."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.command("run")
@_shared
@click.option(
    "--to",
    "destination",
    type=LOCATION,
    default=None,
    metavar="DST",
    help="Where to: the policy's destination, or dir:PATH.",
)
@click.option("--dry-run", is_flag=True, help="Decide and report; write nothing (the same as 'plan').")
def run_command(
    source: Location,
    destination: Location | None,
    sessions: tuple[str, ...],
    templates: Path | None,
    policy: Path | None,
    key: Path | None,
    dry_run: bool,
    workers: int | None,
    report: Path | None,
    strict: bool,
    as_json: bool,
) -> int:
    """Publish anonymised copies of sessions, proved one by one.

    \b
    xnat-pixelanon run --from xnat:STAGING
    xnat-pixelanon run --from dir:in --to dir:out --templates t.json --policy p.json --key k --report out-report
    """
    files = RuleFiles(templates, policy, key)
    options = RunOptions(source, destination, sessions, files, dry_run, workers or default_workers(), strict)
    return execute(options, report, as_json=as_json)


@click.command("plan")
@_shared
def plan_command(
    source: Location,
    sessions: tuple[str, ...],
    templates: Path | None,
    policy: Path | None,
    key: Path | None,
    workers: int | None,
    report: Path | None,
    strict: bool,
    as_json: bool,
) -> int:
    """Show what a run would do with every scan, and write nothing.

    \b
    xnat-pixelanon plan --from xnat:STAGING --report plan-report
    """
    files = RuleFiles(templates, policy, key)
    options = RunOptions(source, None, sessions, files, True, workers or default_workers(), strict)
    return execute(options, report, as_json=as_json)


def execute(options: RunOptions, report_folder: Path | None, *, as_json: bool) -> int:
    """Prepare, run, show and report; returns the exit status."""
    run_id = new_run_id()
    with prepared(options) as plan:
        result = run(plan, show.choose(as_json=as_json), run_id=run_id)
        places = _keep(result.report, plan, report_folder)
    if not as_json:
        show.results(result.report)
    for place in places:
        click.echo(f"report: {place}", err=as_json)
    return _status(result)


def _keep(report: RunReport, plan: RunPlan, folder: Path | None) -> list[str]:
    """Write the report where it was asked for, and into the staging project after a real run."""
    places = [str(path) for path in write(report, folder)] if folder else []
    if plan.report_store is not None and not report.dry_run:
        places.append(plan.report_store.keep(report.run, render(report)))
    return places


def _status(result: RunResult) -> int:
    if result.stopped is not None:
        click.echo(f"error: {result.stopped.message}", err=True)
        if result.stopped.hint:
            click.echo(f"  {result.stopped.hint}", err=True)
    return result.report.exit_status
