"""The Event Service of an XNAT: whether it is on, and the two subscriptions that publish sessions as they arrive.

A subscription of ours is known again by its name and by its action, which holds the number of our wrapper.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from xnat_pixelanon.archive import uris
from xnat_pixelanon.archive.answers import objects
from xnat_pixelanon.errors import TransferError
from xnat_pixelanon.install.container_service import Server

STATUSES = ("CREATED", "MERGED")
"""A session that comes to be, and one that is added to; the service has no status for both."""
_PROVIDER = "org.nrg.containers.services.CommandActionProvider"
_EVENT = "org.nrg.xnat.eventservice.events.SessionEvent"
_PREFS = uris.xapi("events", "prefs")


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the Event Service says of one; an empty owner where it does not tell."""

    id: str
    name: str
    owner: str
    document: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Subscription:
        return cls(str(row.get("id", "")), str(row.get("name") or ""), str(row.get("subscription-owner") or ""), row)

    @property
    def wrapper(self) -> str:
        """The number of the wrapper that it launches; empty when it does something else."""
        provider, _, action = str(self.document.get("action-key") or "").partition(":")
        return action if provider == _PROVIDER else ""

    @property
    def filter(self) -> Mapping[str, Any]:
        found = self.document.get("event-filter")
        return found if isinstance(found, Mapping) else {}

    @property
    def projects(self) -> tuple[str, ...]:
        """Empty: all projects of the site."""
        found = self.filter.get("project-ids")
        return tuple(str(one) for one in found if one) if isinstance(found, list) else ()

    @property
    def is_narrowed(self) -> bool:
        """Whether a payload filter lets only some sessions through, or none."""
        return bool(self.filter.get("payload-filter"))

    @property
    def is_active(self) -> bool:
        return self.document.get("active") is True


def name_of(status: str, project: str) -> str:
    return f"pixelanon {status} {project}"


def is_ours(found: Subscription, project: str, wrappers: Collection[str], known: Collection[str]) -> bool:
    """Named as ours, and launching one of our wrappers or one that no command has any more.

    known: the numbers of all wrappers that the account can see.
    """
    named = found.name in {name_of(status, project) for status in STATUSES}
    return named and bool(found.wrapper) and (found.wrapper in wrappers or found.wrapper not in known)


def wanted(status: str, project: str, wrapper: str) -> dict[str, Any]:
    """The subscription. Without project-ids it would listen to all projects, the clean one among them."""
    return {
        "name": name_of(status, project),
        "active": True,
        "action-key": f"{_PROVIDER}:{wrapper}",
        "attributes": {},
        "event-filter": {"event-type": _EVENT, "status": status, "project-ids": [project]},
    }


def deviations(found: Subscription, document: Mapping[str, Any]) -> list[str]:
    """The keys in which a subscription is not the wanted one. A payload filter only narrows: it is the owner's."""
    plain = ("active", "action-key", "attributes")
    wrong = [key for key in plain if (found.document.get(key) or {}) != (document[key] or {})]
    if found.document.get("act-as-event-user"):
        wrong.append("act-as-event-user")
    here = {**found.filter, "project-ids": list(found.projects)}
    wrong += [key for key, value in document["event-filter"].items() if here.get(key) != value]
    return [*wrong, *(["schedule"] if found.filter.get("schedule") else [])]


class EventService:
    """Preferences are for site administrators, the subscriptions of a project for its owners."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def is_on(self) -> bool:
        """RightsError for all but site administrators, NotFoundError where there is no Event Service."""
        what = "reading whether the Event Service is on"
        found = self._server.read(_PREFS, what)
        if not isinstance(found, dict):
            raise TransferError(f"{what}: the answer is not understood")
        return found.get("enabled") is True

    def switch_on(self) -> None:
        self._server.write("PUT", _PREFS, "turning the Event Service on", {"enabled": True})

    def subscriptions(self, project: str = "") -> list[Subscription]:
        """Of a project, or all of the site. While the Event Service is off an XNAT lists none, whatever there is."""
        return self.listed(project) or []

    def listed(self, project: str = "") -> list[Subscription] | None:
        """None where the answer is no list at all: the Event Service is off."""
        what = "listing subscriptions"
        found = self._server.read(uris.xapi(*_within(project), "events", "subscriptions"), what)
        if found is None:
            return None
        return [Subscription.from_row(row) for row in objects(found, what)]

    def create(self, document: Mapping[str, Any], project: str) -> None:
        path = uris.xapi(*_within(project), "events", "subscription")
        self._server.write("POST", path, f"making the subscription {document['name']}", document)

    def update(self, found: Subscription, document: Mapping[str, Any], project: str) -> None:
        """The whole of it: an update that leaves project-ids out widens a subscription to all projects."""
        path = uris.xapi(*_within(project), "events", "subscription", found.id)
        narrowed = {"payload-filter": found.filter["payload-filter"]} if found.is_narrowed else {}
        body = {**document, "event-filter": {**document["event-filter"], **narrowed}, "act-as-event-user": False}
        self._server.write("PUT", path, f"correcting the subscription {found.name}", body)

    def delete(self, found: Subscription, project: str = "") -> None:
        path = uris.xapi(*_within(project), "events", "subscription", found.id)
        self._server.write("DELETE", path, f"deleting the subscription {found.name}")


def _within(project: str) -> tuple[str, ...]:
    return ("projects", project) if project else ()
