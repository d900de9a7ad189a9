"""A launch by the Container Service: all that it asks for comes from the environment, and it can only narrow.

Anyone who can read a project can launch any entry with any values (rights are checked here, by the launching user's
own token): where sessions go, what is blackened and whether anything goes at all is in the owner-only documents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from xnat_pixelanon.archive import XnatLocation
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.errors import ConfigurationError, RefusedError
from xnat_pixelanon.pipeline.settling import Patience

VARIABLES: Mapping[str, str] = {
    "PIXELANON_ACTION": "what to do: set-up, dry-run, survey, run, store-documents, arm, disarm or withdraw",
    "PIXELANON_PROJECT": "ID of the staging project",
    "PIXELANON_SESSION": "experiment ID of the session, for a run of one session and for withdraw",
    "PIXELANON_SERVER": "same, or PUBLIC: which of the two commands this is",
    "PIXELANON_CLEAN_PROJECT": "ID of the clean project: stored by set-up; elsewhere it has to be the policy's",
    "PIXELANON_LABEL_PREFIX": "prefix of clean labels, for set-up",
    "PIXELANON_AVAILABLE_SCANS": "true: set-up stores publish: available-scans",
    "PIXELANON_POLL": "seconds between two looks at a session that is not quiet; 10",
    "XNAT_WORKFLOW_ID": "the workflow that the container runs under, set by the Container Service",
}
"""Read by `launch`, beside those of every command."""
SESSION_ENTRY = "run-session"
"""The entry that events and a fan-out launch: a run of one session."""
_UNRESOLVED = re.compile(r"#[a-z-]+#")


class Action(StrEnum):
    """What a menu entry does."""

    SET_UP = "set-up"
    DRY_RUN = "dry-run"
    SURVEY = "survey"
    RUN = "run"
    STORE_DOCUMENTS = "store-documents"
    ARM = "arm"
    DISARM = "disarm"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Launch:
    """One launch as it was asked for. Empty texts where nothing was."""

    action: Action
    project: str
    session: str = ""
    server: str = "same"
    clean_project: str = ""
    label_prefix: str = ""
    available_scans: bool = False
    workflow: str = ""
    poll: float = 10.0

    @property
    def source(self) -> XnatLocation:
        """The staging project, on the server that launched us."""
        return XnatLocation(self.project)

    def patience(self, own_names: tuple[str, ...]) -> Patience:
        """A launch for one session waits until it is quiet; one for a project looks at each session once."""
        return Patience(self.workflow, own_names, self.poll, waits=bool(self.session))

    def narrowed(self, policy: Policy) -> None:
        """RefusedError where the launch was made for another destination than the stored policy's."""
        wanted = policy.destination
        if wanted.server != self.server:
            entry = "the entries of the same server" if wanted.server == "same" else 'the entries named "(second XNAT)"'
            raise RefusedError(
                f"this entry is for the server {self.server}, and the stored policy publishes to {wanted.server}",
                hint=f"launch {entry}, or let an owner change the policy",
            )
        if self.clean_project and self.clean_project != wanted.project:
            raise RefusedError(
                "the launch names another destination than the stored policy",
                hint="a launch cannot choose where sessions go: leave the clean project empty, "
                "or let an owner change the policy",
            )


def launch_of(environment: Mapping[str, str]) -> Launch:
    """What the environment asks for; ConfigurationError for what is missing or cannot be."""

    def given(name: str) -> str:
        value = environment.get(name, "").strip()
        return "" if _UNRESOLVED.fullmatch(value) else value  # the service leaves the key of an input without a value

    action, project, session = (given(f"PIXELANON_{name}") for name in ("ACTION", "PROJECT", "SESSION"))
    if action not in list(Action):
        raise _wrong("PIXELANON_ACTION", f"one of {', '.join(Action)}")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", project):
        raise _wrong("PIXELANON_PROJECT", "a project ID")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", session):
        raise _wrong("PIXELANON_SESSION", "an experiment ID")
    if action == Action.WITHDRAW and not session:
        raise _wrong("PIXELANON_SESSION", "the experiment ID of the session to withdraw")
    server = given("PIXELANON_SERVER") or "same"
    if server not in ("same", "PUBLIC"):
        raise _wrong("PIXELANON_SERVER", "same or PUBLIC")
    clean_project = given("PIXELANON_CLEAN_PROJECT")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", clean_project):
        raise _wrong("PIXELANON_CLEAN_PROJECT", "a project ID")
    try:
        poll = float(given("PIXELANON_POLL") or 10.0)
    except ValueError:
        poll = 0.0
    if not 0.1 <= poll <= 3600.0:
        raise _wrong("PIXELANON_POLL", "seconds, from 0.1 to 3600")
    return Launch(
        Action(action),
        project,
        session,
        server,
        clean_project,
        given("PIXELANON_LABEL_PREFIX"),
        given("PIXELANON_AVAILABLE_SCANS").casefold() == "true",
        environment.get("XNAT_WORKFLOW_ID", "").strip(),
        poll,
    )


def _wrong(name: str, expected: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} is not {expected}",
        hint="'launch' is started by XNAT's Container Service, with its inputs as environment variables; see the docs",
    )
