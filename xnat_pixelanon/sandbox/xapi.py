"""What the routes below `/xapi` have in common: whom they let in, and how they read a body."""

from __future__ import annotations

import json

from .accounts import rights
from .records import Project
from .state import State
from .wire import Answer, Refusal, Request, text


def require_login(request: Request) -> None:
    if request.user.guest:
        raise Refusal(401, "Unauthorized")


def require_admin(request: Request, what: str) -> None:
    require_login(request)
    if not request.user.admin:
        raise Refusal(403, f"User {request.user.name} is not authorized to {what}")


def require_right(state: State, request: Request, project: str, right: str) -> Project:
    """404 for a project that is not there, 403 for a missing right: an unreadable one is told from an absent one."""
    found = state.projects.get(project)
    if found is None:
        raise Refusal(404, f"Unable to find project {project}")
    if right not in rights(request.user, found):
        raise Refusal(403, f"User {request.user.name} does not have permission to {right} in project {project}")
    return found


def body_of(request: Request) -> object:
    """The JSON of a request; 415 for another Content-Type, 400 for what is no JSON."""
    if request.content_type != "application/json":
        raise Refusal(415, "Content type not supported")
    try:
        return json.loads(request.text())
    except json.JSONDecodeError as error:
        raise Refusal(400, f"Could not read JSON: {error.msg}") from None


def flat_map(document: object) -> dict[str, str]:
    """A map of strings, with scalars made into strings; 400 for anything else."""
    if not isinstance(document, dict) or any(isinstance(value, list | dict) for value in document.values()):
        raise Refusal(400, "Could not read JSON: a flat object of strings is needed")
    scalars = {key: value for key, value in document.items() if value is not None}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in scalars.items()}


def choice(request: Request, name: str, default: bool) -> bool:
    """A switch of Spring's: true or false, anything else is a bad request."""
    value = request.query.get(name)
    if value is None or value == "":
        return default
    if value.lower() not in ("true", "false"):
        raise Refusal(400, f"{name} is neither true nor false")
    return value.lower() == "true"


def plain(status: int, message: str) -> Answer:
    """What an exception handler of XAPI answers: the bare sentence."""
    return text(message, status)
