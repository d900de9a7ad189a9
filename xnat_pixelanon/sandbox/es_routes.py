"""`/xapi/events` and `/xapi/projects/P/events`: preferences, subscriptions, actions, and what was delivered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .accounts import rights
from .es_records import ACTION_PROVIDER, EVENTS, Invalid, Subscription
from .es_service import EventService
from .wire import Answer, Refusal, Request, as_json, text
from .xapi import body_of, choice, flat_map, plain, require_admin, require_login, require_right

_OFF = "Event Service disabled."


def events(service: EventService, request: Request) -> Answer:
    """All routes of the service; of a project's, only an owner of it may use any."""
    require_login(request)
    words = request.segments[1:]
    project = ""
    if words[0] == "projects":
        project, words = words[1], words[2:]
    words = words[1:]
    if words == ("prefs",) and not project:
        return _prefs(service, request)
    if words == ("events",) and request.method == "GET":
        return as_json([{"id": kind, "statuses": list(stati)} for kind, stati in EVENTS.items()])
    if project:
        require_right(service.state, request, project, "delete")
    else:
        require_admin(request, "manage subscriptions of the site")
    try:
        return _guarded(service, request, project, words)
    except Invalid as error:
        return plain(424, f"Subscription format failed to validate.\n{error}")


def _guarded(service: EventService, request: Request, project: str, words: tuple[str, ...]) -> Answer:
    match request.method, words:
        case "GET", ("subscriptions",):
            return _list(service, project)
        case "POST", ("subscription",):
            return _create(service, request, project)
        case _, ("subscription", number, *rest) if number.isdigit():
            return _one(service, request, project, int(number), tuple(rest))
        case "GET", ("actions",):
            return as_json(_actions(service, project))
        case "POST", ("delivered",):
            return _delivered(service, request, project)
        case "GET", ("delivered", "count"):
            return as_json(len(_met(service, request, project)))
        case "GET", ("delivered", "summary"):
            return _summary(service, request, project)
    raise Refusal(404, "Not found")


def _prefs(service: EventService, request: Request) -> Answer:
    require_admin(request, "see or change the preferences of the Event Service")
    if request.method == "GET":
        return as_json({"enabled": service.enabled})
    document = body_of(request)
    if request.method != "PUT" or not isinstance(document, dict):
        raise Refusal(400, "Preferences are an object")
    if isinstance(document.get("enabled"), bool):
        service.enabled = bool(document["enabled"])
    return text("")


def _list(service: EventService, project: str) -> Answer:
    """While the service is off there is no list, not an empty one."""
    if not service.enabled:
        return text("", content_type="application/json")
    with service.state.lock:
        found = [s for s in service.subscriptions.values() if not project or not s.projects or project in s.projects]
        return as_json([_shown(s, project) for s in found])


def _shown(subscription: Subscription, project: str) -> dict[str, object]:
    """Editable is only what is of this project alone."""
    editable = {"editable": subscription.projects == [project]} if project else {}
    return subscription.document() | editable


def _create(service: EventService, request: Request, project: str) -> Answer:
    document = body_of(request)
    if not isinstance(document, dict):
        raise Refusal(400, "A subscription is an object")
    subscription = _bind(document, request.user.name, site=not project)
    if project:
        _own(service, request, project, subscription)
    _refuse_taken_name(service, _text(document, "name"))
    _switched_on(service)
    made = service.add(subscription)
    return text(f"{made.name}:{made.id}", 201)


def _refuse_taken_name(service: EventService, name: str) -> None:
    """A name is taken for the whole site, by what the asker cannot see as well."""
    with service.state.lock:
        if name and any(name == subscription.name for subscription in service.subscriptions.values()):
            raise Refusal(500, f"Subscription with the name :{name} exists.")


def _switched_on(service: EventService) -> None:
    if not service.enabled:
        raise Refusal(405, _OFF)


def _bind(document: Mapping[str, object], owner: str, *, site: bool) -> Subscription:
    where = document.get("event-filter")
    key = document.get("action-key")
    if not isinstance(where, dict) or not isinstance(key, str) or not isinstance(where.get("event-type"), str):
        raise Refusal(400, "Could not read JSON: action-key and event-filter with event-type are needed")
    kind = str(where["event-type"])
    status = _text(where, "status")
    name = _text(document, "name") or f"{kind.rsplit('.', 1)[-1]} {status}".strip()
    return Subscription(
        0, name, document.get("active") is True, key, flat_map(document.get("attributes") or {}), kind, status,
        _projects(where), _text(where, "payload-filter"), _text(where, "schedule") if site else "",
        site and document.get("act-as-event-user") is True, owner,
    )  # fmt: skip


def _text(document: Mapping[str, object], key: str) -> str:
    value = document.get(key)
    if value is not None and not isinstance(value, str):
        raise Refusal(400, f"Could not read JSON: {key} is a string")
    return value or ""


def _projects(where: Mapping[str, object]) -> list[str]:
    value = where.get("project-ids")
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Refusal(400, "Could not read JSON: project-ids is a list of strings")
    return list(value)


def _own(service: EventService, request: Request, project: str, subscription: Subscription) -> None:
    """401, as if one were not logged in: it has to be of this project, and every project of it one's own."""
    state = service.state
    owned = [p for p in subscription.projects if p in state.projects and "delete" in rights(request.user, state.projects[p])]  # fmt: skip # noqa: E501
    if project not in subscription.projects or owned != subscription.projects:
        listed = ",".join(subscription.projects) or "Site"
        raise Refusal(
            401, f"Unauthorized.\n{request.user.name} not authorized to modify subscriptions for project(s): {listed}"
        )  # fmt: skip


def _one(service: EventService, request: Request, project: str, number: int, rest: tuple[str, ...]) -> Answer:
    if rest and (rest[0] not in ("activate", "deactivate") or request.method != "POST"):
        raise Refusal(404, "Not found")
    if not rest or project:
        # An admin's switches of the site's routes are the only ones that do not ask.
        _switched_on(service)
    with service.state.lock:
        found = service.find(number)
        if request.method == "GET" and not rest:
            if project and found.projects and project not in found.projects:
                raise Refusal(401, "Unauthorized.\nnot authorized to read subscriptions for other projects")
            return as_json(_shown(found, project))
        if project:
            _own(service, request, project, found)
        if rest:
            found.active = rest[0] == "activate"
            return text("")
        if request.method == "DELETE":
            del service.subscriptions[number]
            return text("", 204)
        if request.method != "PUT":
            raise Refusal(405, "Request method not supported")
        changed = _changed(found, body_of(request))
        service.validate(changed)
        service.subscriptions[number] = changed
        return text("")


def _changed(found: Subscription, document: object) -> Subscription:
    """What an update does not name stays; of the projects that it names, ownership is not asked again."""
    if not isinstance(document, dict):
        raise Refusal(400, "An update is an object")
    given: Mapping[str, object] = document
    kept = {key: value for key, value in found.document().items() if given.get(key) is None}
    merged = {**given, **kept}
    bound = _bind(merged, found.owner, site=True)
    return replace(bound, id=found.id, created=found.created)


def _actions(service: EventService, project: str) -> list[dict[str, object]]:
    """The wrappers that may be subscribed; their attributes are the inputs that a user may set."""
    with service.state.lock:
        return [
            {
                "id": str(wrapper.id),
                "action-key": f"{ACTION_PROVIDER}:{wrapper.id}",
                "display-name": wrapper.name,
                "description": wrapper.description,
                "attributes": {
                    name: {"description": one["description"], "type": one["type"], "required": one["required"],
                           "default-value": one["default-value"], "user-settable": True}
                    for name, one in service.commands.configuration(wrapper.id, project).items()
                    if one["user-settable"]
                },
            }
            for command in service.commands.commands.values()
            for wrapper in command.xnat
            if service.commands.enabled(wrapper.id, project)
        ]  # fmt: skip


def _met(service: EventService, request: Request, project: str) -> list[dict[str, object]]:
    wanted = project or request.query.get("project", "")
    number = request.query.get("subscription-id", "")
    mismatches = choice(request, "include-filter-mismatch", False)
    with service.state.lock:
        return [
            d.document()
            for d in service.deliveries
            if (not wanted or d.project == wanted)
            and (not number or str(d.subscription_id) == number)
            and (mismatches or d.status != "OBJECT_FILTER_MISMATCH_HALT")
        ]


def _delivered(service: EventService, request: Request, project: str) -> Answer:
    """The newest first, a page at a time when the body says so."""
    document = body_of(request) if request.body_size else {}
    size = document.get("size", 50) if isinstance(document, dict) else 50
    return as_json(_met(service, request, project)[::-1][: int(size) if isinstance(size, int) else 50])


def _summary(service: EventService, request: Request, project: str) -> Answer:
    rows = []
    for found in _met(service, request, project):
        rows.append({key: found[key] for key in ("id", "subscription", "project-id", "status", "error")})
    return as_json(rows)
