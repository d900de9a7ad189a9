"""`withdraw`: an owner takes a session back, for good until the override is taken out again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from xnat_pixelanon.archive import Location, XnatDocumentStore, XnatLocation, XnatSource
from xnat_pixelanon.archive.ports import Destination, DocumentStore, TakenBack
from xnat_pixelanon.domain import templates as templates_document
from xnat_pixelanon.domain.documents import parse
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.domain.templates import TemplateSet, with_withdrawal
from xnat_pixelanon.errors import ChangedError, NotFoundError, PixelanonError, RefusedError
from xnat_pixelanon.pipeline.documents import put
from xnat_pixelanon.pipeline.labels import claim_of
from xnat_pixelanon.pipeline.rules import RuleFiles, Rules, stored_rules
from xnat_pixelanon.pipeline.setup import Connections, Pace, check_owner, destination_of, open_destination

_TIMES = 4
_EMPTY = {"schema_version": 1, "templates": []}


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A session that is withdrawn; `session` is its experiment ID in staging."""

    session: str
    clean_session: str
    destination: str
    stored: int | None
    """The version of templates.json with the new override; None where it stood there already."""
    taken: TakenBack | None
    """None: nothing of the session was there."""


def withdraw(
    source: Location,
    wanted: str,
    reason: str,
    environment: Mapping[str, str] = os.environ,
    pace: Pace | None = None,
    narrowed: Callable[[Policy], None] | None = None,
) -> Withdrawn:
    """Store the override that withdraws a session, then delete the clean session.

    `wanted` is an experiment ID or exact label; an ID that staging no longer has counts when the clean project holds
    its session. Works with a disarmed policy too: taking back is no publishing. `narrowed` refuses a policy that the
    caller was not made for. RightsError unless the account owns
    both projects; ConflictError, with nothing stored, when what stands there is not ours.
    """
    if not isinstance(source, XnatLocation):
        raise RefusedError(
            "the documents of a folder are files of yours: nothing can be stored for it",
            hint="add an override {session: {id: STUDY_INSTANCE_UID}, action: exclude} to your templates file, "
            "then run with it: the run takes the session back",
        )
    with ExitStack() as stack:
        connections = Connections(environment, stack, pace or Pace())
        store = XnatDocumentStore(connections.of(source), source.project)
        check_owner(connections, source, "staging project")
        rules = stored_rules(store, source.project, RuleFiles(), dry_run=False, takes_back=True)()
        if narrowed is not None:
            narrowed(rules.policy)
        clean = destination_of(rules.policy, source)
        check_owner(connections, clean, "clean project")
        destination = open_destination(clean, connections, (connections.of(source).server, source.project))
        session = _session(XnatSource(connections.of(source), source.project), wanted, destination, rules)
        claim = claim_of(session, session.study, rules)
        destination.holds(claim)  # what is not ours is a conflict, before anything is stored
        version = _override(store, session, reason)
        try:
            taken = destination.take_back(claim, lambda: None)
        except PixelanonError as error:
            error.extend("; it is withdrawn in templates.json already: withdraw again, or the next run takes it back")
            raise
        return Withdrawn(session.id, claim.session_label, destination.name, version, taken)


def _session(source: XnatSource, wanted: str, destination: Destination, rules: Rules) -> SourceSession:
    try:
        found = source.sessions((wanted,))
    except NotFoundError:
        gone = SourceSession(wanted, "", "")  # from staging, and its ID is known
        if not destination.holds(claim_of(gone, "", rules)):
            raise
        return gone
    session = next((one for one in found if one.id == wanted), found[0])
    if session.shared:
        raise RefusedError(
            "the session belongs to another project and is only shared into this one",
            hint="withdraw it in the project that owns it",
        )
    return session


def _override(store: DocumentStore, session: SourceSession, reason: str) -> int | None:
    """Add the override to the newest templates.json, whatever else it says; None where it is there.

    Begun anew where others store templates at the same moment: a withdrawal is not lost to them.
    """
    for _ in range(_TIMES):
        with suppress(ChangedError, RefusedError):
            return _with_override(store, session, reason)
    return _with_override(store, session, reason)


def _with_override(store: DocumentStore, session: SourceSession, reason: str) -> int | None:
    stored = store.load(templates_document.DOCUMENT)
    document = _EMPTY if stored is None else parse(stored.text, templates_document.DOCUMENT)
    if TemplateSet.from_document(document).withdrawal_of(session.id) is not None:
        return None
    named = {"id": session.id} | ({"label": session.label} if session.label else {})
    new = with_withdrawal(document, named, reason)
    new |= {"based_on": stored.version} if stored else {}
    TemplateSet.from_document(new)
    text = json.dumps(new, indent=1, ensure_ascii=False) + "\n"
    return put(store, templates_document.DOCUMENT, text, stored.version if stored else None)
