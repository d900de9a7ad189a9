"""Subscriptions of the Event Service, what came of them, and the filter over the object of an event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .state import timestamp

ACTION_PROVIDER = "org.nrg.containers.services.CommandActionProvider"
_PACKAGE = "org.nrg.xnat.eventservice.events"
EVENTS: Mapping[str, tuple[str, ...]] = {
    f"{_PACKAGE}.SessionEvent": ("CREATED", "MERGED", "DELETED"),
    f"{_PACKAGE}.ScanEvent": ("CREATED",),
    f"{_PACKAGE}.SubjectEvent": ("CREATED", "DELETED"),
    f"{_PACKAGE}.ProjectEvent": ("CREATED", "DELETED"),
    f"{_PACKAGE}.ResourceEvent": ("CREATED", "UPDATED"),
    f"{_PACKAGE}.SubjectAssessorEvent": ("CREATED", "DELETED"),
    f"{_PACKAGE}.ImageAssessorEvent": ("CREATED", "UPDATED", "DELETED"),
    f"{_PACKAGE}.WorkflowStatusChangeEvent": ("CHANGED",),
    f"{_PACKAGE}.ScheduledEvent": ("CRON",),
}
SESSION_EVENT = f"{_PACKAGE}.SessionEvent"


class Invalid(Exception):
    """A subscription that is refused (424)."""


@dataclass(slots=True)
class Subscription:
    id: int
    name: str
    active: bool
    action_key: str
    attributes: dict[str, str]
    event_type: str
    status: str
    projects: list[str]
    payload_filter: str
    schedule: str
    act_as_event_user: bool
    owner: str
    created: str = field(default_factory=timestamp)

    @property
    def wrapper_id(self) -> int:
        """Raises Invalid when the key names no wrapper of the Container Service."""
        provider, colon, action = self.action_key.partition(":")
        if provider != ACTION_PROVIDER or not colon or not action.isdigit():
            raise Invalid(f"Could not load Action Provider for key:{self.action_key}")
        return int(action)

    def document(self) -> dict[str, object]:
        return {
            "id": self.id,
            "name": self.name,
            "active": self.active,
            "action-key": self.action_key,
            "attributes": dict(self.attributes),
            "event-filter": {
                "event-type": self.event_type,
                "status": self.status,
                "project-ids": list(self.projects),
                "payload-filter": self.payload_filter or None,
                "schedule": self.schedule or None,
            },
            "act-as-event-user": self.act_as_event_user,
            "subscription-owner": self.owner,
            "valid": True,
            "validation-message": "",
            "created": self.created,
        }


@dataclass(slots=True)
class Delivery:
    """One event that met one subscription, and each step of what became of it."""

    id: int
    subscription_id: int
    subscription_name: str
    project: str
    user: str
    event: str
    item: str
    steps: list[tuple[str, str, str]] = field(default_factory=list)

    def step(self, status: str, message: str) -> None:
        self.steps.append((status, timestamp(), message))

    @property
    def status(self) -> str:
        return self.steps[-1][0] if self.steps else ""

    def document(self) -> dict[str, object]:
        return {
            "id": self.id,
            "subscription": {"id": self.subscription_id, "name": self.subscription_name},
            "project-id": self.project,
            "action-user-login": self.user,
            "status": self.status,
            "error": self.status.endswith(("FAILED", "FAULT")),
            "triggering-event": {"event-name": SESSION_EVENT, "status": self.event, "object-label": self.item},
            "timed-event-statuses": [{"status": s, "timestamp": at, "message": m} for s, at, m in self.steps],
        }


_TERM = re.compile(
    r"""\s*@\.(?P<key>[\w-]+)\s*(?:(?P<op>==|!=)\s*(?P<text>'[^']*'|"[^"]*")|in\s*\[(?P<list>[^\]]*)\])\s*"""
)


def parse_filter(predicate: str) -> list[list[re.Match[str]]]:
    """Alternatives of terms: `@.key == "text"`, `!=`, `in [...]`, joined by && and ||. Raises Invalid for else.

    A real site understands more; what this one does not is refused, never passed.
    """
    if predicate.startswith("$") or "$[?" in predicate:
        raise Invalid("Filter string should include only predicate path.")
    alternatives = []
    for part in predicate.split("||"):
        terms = [_TERM.fullmatch(term) for term in part.split("&&")]
        found = [term for term in terms if term is not None]
        if len(found) != len(terms):
            raise Invalid(f"Could not compile jsonPath filter. {predicate}")
        alternatives.append(found)
    return alternatives


def passes(predicate: str, document: Mapping[str, object]) -> bool:
    return not predicate or any(all(_holds(t, document) for t in terms) for terms in parse_filter(predicate))


def _holds(term: re.Match[str], document: Mapping[str, object]) -> bool:
    value = document.get(term["key"])
    if term["op"] is not None:
        return (value == term["text"][1:-1]) is (term["op"] == "==")
    return value in [word.strip().strip("'\"") for word in term["list"].split(",")]
