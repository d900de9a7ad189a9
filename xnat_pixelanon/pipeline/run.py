"""A run: every session on its own; one that fails does not stop the others, a refusal stops all."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from xnat_pixelanon import __version__
from xnat_pixelanon.archive.launches import ContainerLaunches
from xnat_pixelanon.archive.ports import Destination, DocumentStore, ReportStore, Source
from xnat_pixelanon.domain.codes import Outcome
from xnat_pixelanon.domain.pictures import Pictures
from xnat_pixelanon.domain.report import NotSentReport, RunReport, SessionReport, exit_status
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.errors import ConfigurationError, LoginError, PixelanonError, RefusedError, internal_error
from xnat_pixelanon.headers import PROFILE_EDITION, script_notes
from xnat_pixelanon.pipeline.album import Album
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.progress import Progress
from xnat_pixelanon.pipeline.rules import RuleReader, Rules
from xnat_pixelanon.pipeline.scratch import Scratch
from xnat_pixelanon.pipeline.session import Job, run_session
from xnat_pixelanon.pipeline.settling import Settling
from xnat_pixelanon.pipeline.telling import SessionTelling, spoken_names

log = logging.getLogger("xnat_pixelanon")


def new_run_id() -> str:
    """Unique, sortable by time, of characters that XNAT keeps in names: `20261122T101500-3fa2`."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run is made of; `destination` is None for a dry run."""

    source: Source
    destination: Destination | None
    rules: Rules
    reread: RuleReader
    sessions: Sequence[SourceSession]
    identifiers: tuple[str, ...] = ()
    strays: tuple[NotSentReport, ...] = ()
    notes: tuple[str, ...] = ()
    destination_name: str = ""
    report_store: ReportStore | None = None
    strict: bool = False
    replace: bool = False
    """What the policy's on_change: replace does, for this run."""
    settling: Settling | None = None
    whole: bool = True
    """Every session of the source was asked for, and not some of them by name."""
    documents: DocumentStore | None = None
    """Of the staging project."""
    launches: ContainerLaunches | None = None
    """Of the Container Service of the XNAT that is the source."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """The report with its pictures, and the error that stopped the run before its end, if one did."""

    report: RunReport
    pictures: Pictures
    stopped: ConfigurationError | None = None


def run(plan: RunPlan, workers: Workers, progress: Progress, *, run_id: str) -> RunResult:
    """Work on every session; the report always comes, also when a refusal stops the run midway."""
    started = _now()
    reports: list[SessionReport] = []
    stopped: ConfigurationError | None = None
    album = Album(plan.rules.policy.pictures)
    progress.run_starts(len(plan.sessions))
    with Scratch() as scratch:
        job = Job(
            run_id,
            plan.source,
            plan.destination,
            plan.rules,
            plan.reread,
            plan.identifiers,
            "replace" if plan.replace else plan.rules.policy.on_change,
            workers,
            scratch,
            progress,
            plan.settling,
            album,
        )
        for telling, session in _tellings(plan):
            if stopped:
                reports.append(telling.end(Outcome.FAILED, error="not started: the run was stopped"))
                progress.session_done(reports[-1])
                continue
            done, stopped = _one(job, session, telling)
            reports.append(done)
            for scan in done.scans:
                progress.scan_done(done.name, scan)
            progress.session_done(done)
    status = stopped.exit_code if stopped else exit_status(tuple(reports), strict=plan.strict)
    report = RunReport(
        run=run_id,
        tool_version=__version__,
        started=started,
        finished=_now(),
        source=plan.source.name,
        destination=plan.destination_name,
        dry_run=plan.destination is None,
        templates_version=plan.rules.templates_version,
        policy_version=plan.rules.policy_version,
        script_version=plan.rules.script_version,
        profile=_profile(plan.rules),
        exit_status=status,
        sessions=tuple(reports),
        strays=plan.strays,
        notes=(*plan.notes, *_script_notes(plan.rules), *_silent_templates(plan, reports)),
    )
    progress.run_done(report)
    return RunResult(report, album.pictures, stopped)


def _profile(rules: Rules) -> str:
    """The edition of the profile, its options, the policy's exceptions, and whether a script goes first."""
    headers = rules.policy.headers
    script = "after the project's DicomEdit script" if rules.script and not headers.script_alone else ""
    edition = "" if headers.script_alone else PROFILE_EDITION
    return "; ".join(part for part in (edition, headers.described(), script) if part)


def _script_notes(rules: Rules) -> tuple[str, ...]:
    return script_notes(rules.script) if rules.script else ()


def _tellings(plan: RunPlan) -> list[tuple[SessionTelling, SourceSession]]:
    names = spoken_names(plan.source.name, plan.sessions)
    return [(SessionTelling(session, names[session.id]), session) for session in plan.sessions]


def _one(job: Job, session: SourceSession, telling: SessionTelling) -> tuple[SessionReport, ConfigurationError | None]:
    """One session's report, whatever happens to it; a refusal or a lost login also stops the run."""
    try:
        return run_session(job, session, telling), None
    except (RefusedError, LoginError) as error:
        return telling.end(Outcome.FAILED, error=error.message, hint=error.hint), error
    except PixelanonError as error:
        return telling.end(Outcome.FAILED, error=error.message, hint=error.hint), None
    except Exception as error:  # a defect of ours costs one session
        log.debug("internal error", exc_info=True)
        told = internal_error(error)
        return telling.end(Outcome.FAILED, error=told.message, hint=told.hint), None


def _silent_templates(plan: RunPlan, reports: Sequence[SessionReport]) -> tuple[str, ...]:
    """A template that touched nothing is said out loud; where only some sessions were looked at, that says nothing."""
    if not reports:
        return ("the source holds no session",)
    if not plan.whole:
        return ()
    scans = [scan for session in reports for scan in session.scans]
    used = {name for scan in scans for instance in scan.instances for name in instance.templates}
    return tuple(
        f"template {template.id} matched no image of this run"
        for template in plan.rules.templates.templates
        if template.id not in used
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
