"""From locations and options to a run that is allowed: connections, rules, and every check before the first session."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from xnat_pixelanon.archive import (
    DirDestination,
    DirLocation,
    DirSource,
    Location,
    Role,
    Timeouts,
    Waits,
    XnatConnection,
    XnatDestination,
    XnatDocumentStore,
    XnatLocation,
    XnatReportStore,
    XnatSource,
    connect,
    project_accessibility,
    project_role,
)
from xnat_pixelanon.archive.launches import ContainerLaunches
from xnat_pixelanon.archive.ports import Destination, Source
from xnat_pixelanon.archive.quiet import Quiet
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.errors import ConfigurationError, RefusedError, RightsError
from xnat_pixelanon.pipeline.accepting import acceptance, authorship, checked
from xnat_pixelanon.pipeline.rules import RuleFiles, RuleReader, Rules, given_rules, stored_rules
from xnat_pixelanon.pipeline.run import RunPlan
from xnat_pixelanon.pipeline.settling import Patience, Settling
from xnat_pixelanon.pipeline.telling import not_sent_reports
from xnat_pixelanon.pixels import pixel_digest

MOUNT_VARIABLE = "PIXELANON_MOUNT"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What was asked for; `destination` None: the policy's."""

    source: Location
    destination: Location | None = None
    sessions: tuple[str, ...] = ()
    files: RuleFiles = field(default_factory=RuleFiles)
    dry_run: bool = False
    strict: bool = False
    replace: bool = False
    patience: Patience | None = None
    """A launch that nobody watches waits until sessions of an XNAT are quiet."""
    narrowed: Callable[[Policy], None] | None = None
    """What a launch asked for, as a check of the stored policy: it can only refuse."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a run is: with servers that are slow to answer, and with rivals that are slow to finish."""

    timeouts: Timeouts = field(default_factory=Timeouts)
    waits: Waits = field(default_factory=Waits)


class Connections:
    """One login per server, shared by source and destination, closed together."""

    def __init__(self, environment: Mapping[str, str], stack: ExitStack, pace: Pace) -> None:
        self.pace = pace
        self._environment = environment
        self._stack = stack
        self._open: dict[str, XnatConnection] = {}

    def of(self, location: XnatLocation) -> XnatConnection:
        if location.server not in self._open:
            connection = connect(location.credentials(self._environment), self.pace.timeouts)
            self._open[location.server] = self._stack.enter_context(connection)
        return self._open[location.server]


@contextmanager
def prepared(
    options: RunOptions, environment: Mapping[str, str] = os.environ, pace: Pace | None = None
) -> Iterator[RunPlan]:
    """A run that may start, with its connections open; raises ConfigurationError before anything is read or sent."""
    with ExitStack() as stack:
        connections = Connections(environment, stack, pace or Pace())
        match options.source:
            case XnatLocation():
                yield _from_xnat(options, options.source, connections, environment)
            case DirLocation():
                yield _from_dir(options, options.source, connections)


def _from_xnat(
    options: RunOptions, source: XnatLocation, connections: Connections, environment: Mapping[str, str]
) -> RunPlan:
    files = options.files
    if files.key is not None:
        raise ConfigurationError(
            "--key is for a dir: source; an XNAT project has its own key stored", hint="leave --key away"
        )
    publishes_to_xnat = not options.dry_run and not isinstance(options.destination, DirLocation)
    if publishes_to_xnat and (files.templates or files.policy or files.script):
        raise RefusedError(
            "what leaves an XNAT project is decided by its stored documents",
            hint="--templates, --policy and --script are for --dry-run and for --to dir:; store them with 'push'",
        )
    connection = connections.of(source)
    role = project_role(connection, source.project)
    check_private(connection, source)
    documents = XnatDocumentStore(connection, source.project)
    reader = stored_rules(documents, source.project, files, dry_run=options.dry_run)
    rules = reader()
    if options.narrowed is not None:
        options.narrowed(rules.policy)
    destination = None
    if not options.dry_run:
        _check_armed(rules.policy)
        _check_launcher(role, rules.policy, source)
        _check_replace(role, options, rules.policy)
        location: Location = destination_of(rules.policy, source)
        if isinstance(options.destination, DirLocation):
            location = options.destination
        elif options.destination is not None and options.destination != location:
            raise RefusedError(
                f"--to {options.destination.text} is not the destination of the stored policy",
                hint=f"leave --to away, or let an owner change the policy; it names {location.text}",
            )
        destination = open_destination(location, connections, (connection.server, source.project))
        reader = checked(
            _allowed(destination, location, rules, reader, connections), partial(_check_still, connection, source)
        )
    mount = environment.get(MOUNT_VARIABLE)
    opened = XnatSource(connection, source.project, name=source.text, mount=Path(mount) if mount else None)
    plan = _plan(options, opened, destination, rules, reader)
    return replace(
        plan,
        identifiers=(source.project,),
        strays=() if options.sessions else not_sent_reports(opened.strays()),
        report_store=XnatReportStore(connection, source.project),
        settling=_settling(options.patience, connection, opened, source.project, rules),
        documents=documents,
        launches=ContainerLaunches(connection, source.project),
    )


def _settling(
    patience: Patience | None, connection: XnatConnection, source: Source, project: str, rules: Rules
) -> Settling | None:
    if patience is None:
        return None
    quiet = Quiet(connection, project, patience.own_workflow, patience.own_names)
    seconds = 60.0 * rules.policy.settle_minutes if patience.waits else 0.0
    return Settling(quiet, source, seconds, patience.poll)


def _from_dir(options: RunOptions, source: DirLocation, connections: Connections) -> RunPlan:
    if options.destination is None and not options.dry_run:
        raise ConfigurationError("where to?", hint="give --to dir:PATH or --to xnat:PROJECT")
    reader = given_rules(options.files, dry_run=options.dry_run)
    opened = DirSource(source.path)
    rules = reader()
    destination = None
    if options.destination is not None and not options.dry_run:
        _check_armed(rules.policy)
        if isinstance(options.destination, XnatLocation) and options.destination != destination_of(rules.policy, None):
            raise RefusedError(
                f"--to {options.destination.text} is not the destination of the policy file",
                hint="make them agree",
            )
        destination = open_destination(options.destination, connections, source.path)
        reader = _allowed(destination, options.destination, rules, reader, connections)
    plan = _plan(options, opened, destination, rules, reader)
    return replace(plan, strays=not_sent_reports(opened.strays()))


def _plan(
    options: RunOptions, source: Source, destination: Destination | None, rules: Rules, reader: RuleReader
) -> RunPlan:
    return RunPlan(
        source=source,
        destination=destination,
        rules=rules,
        reread=reader,
        sessions=source.sessions(options.sessions),
        destination_name=destination.name if destination else "",
        strict=options.strict,
        replace=options.replace,
        whole=not options.sessions,
    )


def destination_of(policy: Policy, source: XnatLocation | None) -> XnatLocation:
    """The clean project that the policy names."""
    wanted = policy.destination
    server = (source.server if source else "") if wanted.server == "same" else wanted.server
    return XnatLocation(wanted.project, server)


def check_owner(connections: Connections, location: XnatLocation, what: str) -> None:
    """RightsError unless the account owns the project."""
    role = project_role(connections.of(location), location.project)
    if role is not Role.OWNER:
        raise RightsError(
            f"this account is {role} of the {what} {location.project}, and has to be its owner",
            hint=f"ask an owner of {location.project}",
        )


def check_private(connection: XnatConnection, source: XnatLocation) -> None:
    """RefusedError unless the staging project is private: who may read it sees identifying data."""
    found = project_accessibility(connection, source.project)
    if found != "private":
        raise RefusedError(
            f"the staging project {source.project} is {found}: its images can be read by people outside it",
            hint="an owner makes it private (Manage, Project accessibility), then run again",
        )


def _check_armed(policy: Policy) -> None:
    if not policy.enabled:
        raise RefusedError(
            "the policy is not armed: nothing may be published",
            hint="look at a dry run first, then an owner arms it: 'policy arm', or 'Arm publishing' of the menu "
            '(in a file: "enabled": true)',
        )


def _check_still(connection: XnatConnection, source: XnatLocation, rules: Rules) -> None:
    """Just before a session comes to be: what may have changed in the staging project since the start."""
    check_private(connection, source)
    _check_launcher(project_role(connection, source.project), rules.policy, source)


def _check_launcher(role: Role, policy: Policy, source: XnatLocation) -> None:
    allowed = (Role.OWNER,) if policy.launchers == "owners" else (Role.OWNER, Role.MEMBER)
    if role not in allowed:
        raise RefusedError(
            f"this account is {role} of {source.project}; the policy lets {policy.launchers} start a run",
            hint="ask an owner of the staging project to start it, or to change launchers in the policy",
        )


def _check_replace(role: Role, options: RunOptions, policy: Policy) -> None:
    """A launch may only narrow what the policy says: --replace is for those who could change the policy."""
    if options.replace and policy.on_change != "replace" and role is not Role.OWNER:
        raise RightsError(
            "--replace does more than the policy says, and this account is no owner of the staging project",
            hint="ask an owner to run it, or to set the policy's on_change to replace",
        )


def open_destination(location: Location, connections: Connections, source: Path | tuple[str, str]) -> Destination:
    """The destination, not checked yet; `source` is the folder, or server and project, that sessions come from."""
    match location:
        case DirLocation(path=path):
            return DirDestination(path, pixel_digest_of, source=source if isinstance(source, Path) else None)
        case XnatLocation():
            return XnatDestination(
                connections.of(location),
                location.project,
                pixel_digest_of,
                name=location.text,
                source=source if isinstance(source, tuple) else None,
                waits=connections.pace.waits,
            )


def _allowed(
    destination: Destination, location: Location, rules: Rules, reader: RuleReader, connections: Connections
) -> RuleReader:
    """Check the destination, and, now and whenever the rules are read, that it is to take from us."""
    destination.check()
    if isinstance(location, DirLocation):
        return reader
    connection = connections.of(location)
    if rules.policy.destination.server == "same":
        check = authorship(connection, location)
    else:
        check = acceptance(XnatDocumentStore(connection, location.project), location)
    check(rules)
    return checked(reader, check)


def pixel_digest_of(path: Path) -> str:
    """The digest by which a destination reads back what it holds; scratch beside the file."""
    return pixel_digest(path, path.parent)
