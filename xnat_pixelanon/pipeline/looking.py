"""`lookup`: who a session of staging is on the clean side, and how it stands there. Nothing is written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from xnat_pixelanon.archive import Location, XnatDocumentStore, XnatLocation, XnatSource
from xnat_pixelanon.domain.report import RunReport, ScanReport, SessionReport
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.errors import NotFoundError, RefusedError
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.rules import RuleFiles, Rules, stored_rules
from xnat_pixelanon.pipeline.scratch import Scratch
from xnat_pixelanon.pipeline.session import Job, run_session
from xnat_pixelanon.pipeline.setup import Connections, Pace, check_owner, destination_of, open_destination
from xnat_pixelanon.pipeline.telling import SessionTelling


@dataclass(frozen=True, slots=True)
class LookedUp:
    """One session as a run would find it now; `session.outcome` is how it stands in `destination`."""

    session: SessionReport
    destination: str


def look_up(
    source: Location,
    wanted: str,
    workers: Workers,
    environment: Mapping[str, str] = os.environ,
    pace: Pace | None = None,
) -> LookedUp:
    """Read, decide and compare one session, by its experiment ID, its label, or the label of its clean session.

    RightsError unless the account owns both projects: this undoes the pseudonyms, and hidden sessions are for owners to
    see. Outcomes are those of a run; `planned` is what would be sent and is not there yet.
    """
    if not isinstance(source, XnatLocation):
        raise RefusedError(
            "sessions are looked up in XNAT projects only", hint="for a folder, the report.json of a run says the same"
        )
    with ExitStack() as stack:
        connections = Connections(environment, stack, pace or Pace())
        connection = connections.of(source)
        check_owner(connections, source, "staging project")
        reader = stored_rules(XnatDocumentStore(connection, source.project), source.project, RuleFiles(), dry_run=False)
        rules = reader()
        clean = destination_of(rules.policy, source)
        check_owner(connections, clean, "clean project")
        destination = open_destination(clean, connections, (connection.server, source.project))
        staging = XnatSource(connection, source.project, name=source.text)
        session = _session(staging, wanted, rules)
        scratch = stack.enter_context(Scratch())
        quiet = _Quiet()
        job = Job("lookup", staging, destination, rules, reader, (), "report", workers, scratch, quiet, looks_only=True)
        return LookedUp(run_session(job, session, SessionTelling(session, session.id)), clean.text)


def _session(source: XnatSource, wanted: str, rules: Rules) -> SourceSession:
    try:
        found = source.sessions((wanted,))
    except NotFoundError:
        # A label that was given under another prefix ends in the same pseudonym.
        ending = {rules.identity.session_label(one.id): one for one in source.sessions(())}
        length = max(map(len, ending), default=1)
        if wanted[-length:] not in ending:
            raise NotFoundError(
                "the project has no image session of that ID or label, and none that stands behind such a clean label",
                hint="name it by experiment ID, exact label, or the label of the clean session",
            ) from None
        return ending[wanted[-length:]]
    return next((one for one in found if one.id == wanted), found[0])


class _Quiet:
    """Progress of which nothing is told."""

    def run_starts(self, sessions: int) -> None: ...

    def session_starts(self, name: str, files: int) -> None: ...

    def file_done(self, step: str) -> None: ...

    def step_starts(self, step: str, files: int) -> None: ...

    def scan_done(self, session: str, scan: ScanReport) -> None: ...

    def session_done(self, session: SessionReport) -> None: ...

    def run_done(self, report: RunReport) -> None: ...
