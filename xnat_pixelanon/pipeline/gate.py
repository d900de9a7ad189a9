"""The gate: all that a decision stood on is looked at again, just before a session comes to be or is deleted."""

from __future__ import annotations

from collections.abc import Callable

from xnat_pixelanon.archive.ports import Source
from xnat_pixelanon.domain.decisions import ScanDecision
from xnat_pixelanon.domain.session import Contents, SourceSession
from xnat_pixelanon.errors import ChangedError, RefusedError
from xnat_pixelanon.pipeline.rules import RuleReader, Rules

Decide = Callable[[Rules], tuple[ScanDecision, ...]]


class Gate:
    """Of one session. Calling it raises RefusedError or ChangedError unless everything still is as it was decided."""

    def __init__(
        self, source: Source, session: SourceSession, contents: Contents, *, rules: Rules, reread: RuleReader
    ) -> None:
        self._source = source
        self._session = session
        self._contents = contents
        self._rules = rules
        self._reread = reread

    def same_decision(self, decide: Decide) -> None:
        """Before something is sent, or deleted because of what was decided."""
        now = self._armed()
        if decide(now) != decide(self._rules):
            raise ChangedError("the decision for this session changed while it was worked on", hint="run again")
        self._source.recheck(self._session, self._contents)

    def still_withdrawn(self) -> None:
        """Before a session that an override withdraws is deleted, whatever became of its images."""
        now = self._armed()
        if now.templates.withdrawal_of(self._session.id) is None:
            raise ChangedError("the session is no longer withdrawn by an override", hint="run again")

    def _armed(self) -> Rules:
        now = self._reread()
        if not now.policy.enabled:
            raise RefusedError(
                "the policy was disarmed while the run was at work; nothing more is published",
                hint="arm it again with 'policy arm' and run again",
            )
        if _what_counts(now) != _what_counts(self._rules):
            raise ChangedError("the policy changed while the session was worked on", hint="run again")
        if now.identity != self._rules.identity:
            raise ChangedError("the project's key changed while the session was worked on", hint="run again")
        return now


def _what_counts(rules: Rules) -> tuple[object, ...]:
    policy = rules.policy
    owners = (policy.destination, policy.launchers, policy.publish, policy.on_change)
    return (*owners, policy.digest, policy.labels, policy.identifiers, policy.url_hosts, rules.script)
