"""`run` and `plan`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from xnat_pixelanon.archive import DirLocation, Location, parse_location
from xnat_pixelanon.cli import show
from xnat_pixelanon.errors import ConfigurationError, RefusedError
from xnat_pixelanon.pipeline.pool import Workers, default_workers
from xnat_pixelanon.pipeline.rules import RuleFiles
from xnat_pixelanon.pipeline.run import RunPlan, RunResult, new_run_id, run
from xnat_pixelanon.pipeline.setup import RunOptions, prepared
from xnat_pixelanon.reports.write import make_folder, render, write_report


class LocationType(click.ParamType[Location]):
    """xnat:PROJECT, xnat:PROJECT@NAME or dir:PATH."""

    name = "location"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Location:
        try:
            return parse_location(str(value))
        except ConfigurationError as error:
            self.fail(f"{error.message}: {error.hint}", param, ctx)


LOCATION = LocationType()
_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_SOURCE_HELP = "Staging: xnat:PROJECT, xnat:PROJECT@NAME or dir:PATH."
_FILE_HELP = "for a dir: source, a dry run, or --to dir:."
_Command = Callable[..., int]


def _shared(command: _Command) -> _Command:
    """The options that `run` and `plan` have in common."""
    options = (
        click.option("--from", "source", type=LOCATION, required=True, metavar="SRC", help=_SOURCE_HELP),
        click.option("--session", "sessions", multiple=True, metavar="ID|LABEL", help="Only this session; repeatable."),
        click.option("--templates", type=_FILE, help=f"Templates from a file: {_FILE_HELP}"),
        click.option("--policy", type=_FILE, help=f"Policy from a file: {_FILE_HELP}"),
        click.option("--script", type=_FILE, help=f"DicomEdit script that the policy names, from a file: {_FILE_HELP}"),
        click.option("--key", type=_FILE, help="Key file of a dir: source; made (mode 0600) when missing."),
        click.option("--workers", type=click.IntRange(1, 256), help="Processes over files; default one per processor."),
        click.option("--report", type=_FOLDER, metavar="DIR", help="Write the report here: JSON, CSV, HTML, PNG."),
        click.option("--strict", is_flag=True, help="Exit 4 when anything is held, unsupported or no longer allowed."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object per line on stdout, nothing else there."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command("run")
@_shared
@click.option("--to", "destination", type=LOCATION, metavar="DST", help="The policy's destination, or dir:PATH.")
@click.option("--dry-run", is_flag=True, help="Decide and report; write nothing (the same as 'plan').")
@click.option(
    "--replace", is_flag=True, help="Replace sessions that would be sent differently now (on_change: replace)."
)
def run_command(
    source: Location,
    destination: Location | None,
    sessions: tuple[str, ...],
    templates: Path | None,
    policy: Path | None,
    key: Path | None,
    script: Path | None,
    dry_run: bool,
    replace: bool,
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
    files = RuleFiles(templates, policy, key, script)
    options = RunOptions(source, destination, sessions, files, dry_run, strict, replace)
    return execute(options, workers, report, as_json=as_json)


@click.command("plan")
@_shared
def plan_command(
    source: Location,
    sessions: tuple[str, ...],
    templates: Path | None,
    policy: Path | None,
    key: Path | None,
    script: Path | None,
    workers: int | None,
    report: Path | None,
    strict: bool,
    as_json: bool,
) -> int:
    """Show what a run would do with every scan, and write nothing.

    \b
    xnat-pixelanon plan --from xnat:STAGING --report plan-report
    """
    files = RuleFiles(templates, policy, key, script)
    options = RunOptions(source, None, sessions, files, True, strict)
    return execute(options, workers, report, as_json=as_json)


def execute(options: RunOptions, workers: int | None, report_folder: Path | None, *, as_json: bool) -> int:
    """Prepare, run, show and report; returns the exit status."""
    run_id = new_run_id()
    _check_apart(options, report_folder)
    if report_folder:
        make_folder(report_folder)
    with prepared(options) as plan, Workers(workers or default_workers()) as pool:
        result = run(plan, pool, show.choose(as_json=as_json), run_id=run_id)
        if not as_json:
            show.results(result.report)
        _keep(result, plan, report_folder, to_stderr=as_json)
    if result.stopped is not None:
        show.error(result.stopped, as_json=as_json)
    return result.report.exit_status


def _check_apart(options: RunOptions, report_folder: Path | None) -> None:
    """RefusedError where what belongs to staging, a report or the key, would be written among the clean sessions."""
    if not isinstance(options.destination, DirLocation):
        return
    clean = options.destination.path.resolve()
    if isinstance(options.source, DirLocation) and options.source.path.resolve().is_relative_to(clean):
        return  # refused by the destination, in its own words
    for option, path in (("--report", report_folder), ("--key", options.files.key)):
        if path is not None and path.resolve().is_relative_to(clean):
            raise RefusedError(
                f"{option} names a place inside the destination folder",
                hint="reports name the source, the key undoes the pseudonyms: keep both apart from what is given away",
            )


def _keep(result: RunResult, plan: RunPlan, folder: Path | None, *, to_stderr: bool) -> None:
    """Put the report into the staging project after a real run, and write it where it was asked for; say where."""
    store = None if result.report.dry_run else plan.report_store
    if store is None and folder is None:
        return
    files = render(result.report, result.pictures)
    if store is not None:
        click.echo(f"report: {store.keep(result.report.run, files)}", err=to_stderr)
    for path in write_report(files, folder) if folder else ():
        click.echo(f"report: {path}", err=to_stderr)
