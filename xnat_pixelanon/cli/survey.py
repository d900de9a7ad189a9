"""`survey`: every group of a source with its pictures, and the page to review them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from xnat_pixelanon.archive import Location
from xnat_pixelanon.cli import show
from xnat_pixelanon.cli.run import LOCATION
from xnat_pixelanon.domain.documents import parse
from xnat_pixelanon.pipeline.pool import Workers, default_workers
from xnat_pixelanon.pipeline.rules import RuleFiles
from xnat_pixelanon.pipeline.run import RunPlan
from xnat_pixelanon.pipeline.setup import RunOptions, prepared
from xnat_pixelanon.pipeline.survey_cache import SurveyCache
from xnat_pixelanon.pipeline.survey_document import FILE, SurveyDocument
from xnat_pixelanon.pipeline.surveying import Surveyor
from xnat_pixelanon.reports.write import make_folder, write
from xnat_pixelanon.review.build import page

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
PAGE = "review.html"


@click.command("survey")
@click.option(
    "--from", "source", type=LOCATION, required=True, metavar="SRC", help="Staging: xnat:PROJECT or dir:PATH."
)
@click.option("--report", type=_FOLDER, metavar="DIR", required=True, help="Write survey.json and review.html here.")
@click.option("--session", "sessions", multiple=True, metavar="ID|LABEL", help="Only this session; repeatable.")
@click.option("--templates", type=_FILE, help="Templates from a file, in place of the stored ones.")
@click.option("--policy", type=_FILE, help="A policy from a file, in place of the stored one.")
@click.option("--script", type=_FILE, help="The DicomEdit script that the policy names, from a file.")
@click.option("--key", type=_FILE, help="Key file of a dir: source, for a script that asks for pseudonyms or UIDs.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes over files; default one per processor.")
@click.option("--cache", type=_FOLDER, metavar="DIR", help="Where what was read is kept for the next survey.")
@click.option("--no-cache", is_flag=True, help="Read everything anew, and keep nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line on stdout, nothing else there.")
def survey_command(
    source: Location,
    report: Path,
    sessions: tuple[str, ...],
    templates: Path | None,
    policy: Path | None,
    script: Path | None,
    key: Path | None,
    workers: int | None,
    cache: Path | None,
    no_cache: bool,
    as_json: bool,
) -> None:
    """Group all scans, show what they look like, and make the page to review them. Nothing is written to staging.

    The page and survey.json show names that are burned in, and what headers say: keep them in staging.

    \b
    xnat-pixelanon survey --from xnat:STAGING --report survey
    """
    make_folder(report)
    kept = SurveyCache(None if no_cache else cache or _cache_folder())
    options = RunOptions(source, None, sessions, RuleFiles(templates, policy, key, script), dry_run=True)
    with prepared(options) as plan, Workers(workers or default_workers()) as pool:
        documents = {
            name: _given(file) if file else _stored(plan, f"{name}.json")
            for name, file in (("templates", templates), ("policy", policy))
        }
        document = surveyed(plan, pool, kept, documents)
    places = write({FILE: json.dumps(document).encode(), PAGE: page(document).encode()}, report)
    if as_json:
        for group in document["groups"]:
            click.echo(json.dumps(_line(group)))
    else:
        show.groups_of_survey(document)
    for note in document["notes"]:
        click.echo(f"note: {note}", err=True)
    for place in places:
        click.echo(f"written: {place}", err=as_json)


def surveyed(
    plan: RunPlan,
    pool: Workers,
    cache: SurveyCache,
    documents: Mapping[str, tuple[int | None, object]] | None = None,
) -> dict[str, Any]:
    """survey.json of all sessions of a plan. `documents`: those that it stands on, the stored ones unless given."""
    if documents is None:
        documents = {name: _stored(plan, f"{name}.json") for name in ("templates", "policy")}
    kind, _, rest = plan.source.name.partition(":")
    found = SurveyDocument(rest.partition("@")[0] if kind == "xnat" else rest, kind, documents)
    Surveyor(plan.source, pool, cache, found).survey(plan.sessions, plan.rules, _Told(), identifiers=plan.identifiers)
    if plan.whole:
        cache.purge(plan.source.place, (one.id for one in plan.sessions if not one.shared))
    return found.as_dict()


def surveyed_now(source: Location) -> dict[str, Any]:
    """survey.json of all sessions by the stored documents, with what earlier surveys kept; its notes go to stderr."""
    options = RunOptions(source, None, (), RuleFiles(), dry_run=True)
    with prepared(options) as plan, Workers(default_workers()) as pool:
        document = surveyed(plan, pool, SurveyCache(_cache_folder()))
    for note in document["notes"]:
        click.echo(f"note: {note}", err=True)
    return document


def _cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "xnat-pixelanon" / "survey"


def _given(file: Path) -> tuple[None, object]:
    return None, parse(file.read_text("utf-8"), str(file))


def _stored(plan: RunPlan, name: str) -> tuple[int | None, object]:
    found = plan.documents.load(name) if plan.documents else None
    return (None, None) if found is None else (found.version, parse(found.text, name))


def _line(group: dict[str, object]) -> dict[str, object]:
    names = ("rows", "columns", "code", "scans", "sessions", "instances", "frames", "templates", "undecided")
    said = {"modality": show.modality(str(group["modality"])), "sop_class": show.sop_class(group)}
    return {"type": "group", **said, **{name: group[name] for name in (*names, "mixed_vendors")}}


class _Told:
    """A line now and then, a line that is written over on a terminal."""

    def __init__(self) -> None:
        self._said = -1

    def __call__(self, done: int, sessions: int) -> None:
        step = 1 if sys.stderr.isatty() else max(1, sessions // 20)
        if done // step == self._said and done < sessions:
            return
        again = done == sessions and self._said == done // step
        self._said = done // step
        if not again:
            end = "\r" if sys.stderr.isatty() and done < sessions else "\n"
            click.echo(f"surveyed {done} of {sessions} sessions", err=True, nl=False)
            click.echo(end, err=True, nl=False)
