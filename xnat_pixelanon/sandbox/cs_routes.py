"""`/xapi/commands`, `/xapi/wrappers` and their forms below a project: registering, enabling, configuring."""

from __future__ import annotations

from .cs_bind import BindError
from .cs_commands import SITE, Commands, DuplicateKey
from .cs_records import Command, Wrapper, as_document
from .cs_validate import TooLong, ValidationCrash
from .wire import Answer, Refusal, Request, as_json, text
from .xapi import body_of, choice, plain, require_admin, require_login, require_right


def commands(known: Commands, request: Request) -> Answer:
    """`/xapi/commands[/ID]`."""
    require_login(request)
    words = request.segments[2:]
    if request.method == "GET":
        return _show(known, request, words)
    require_admin(request, "manage commands")
    if request.method == "DELETE" and words:
        known.delete(_number(words[0]))
        return text("", 204)
    if request.method != "POST":
        raise Refusal(405, "Request method not supported")
    document = body_of(request)
    try:
        if words:
            known.update(_number(words[0]), document)
            return text("")
        return as_json(known.create(document, request.query.get("image")), 201)
    except BindError as error:
        return plain(400, f"Could not read JSON: {error}")
    except (ValidationCrash, TooLong) as error:
        return plain(500, str(error))


def _show(known: Commands, request: Request, words: tuple[str, ...]) -> Answer:
    with known.state.lock:
        shown = known.visible(request.user)
        if words:
            command = known.get(_number(words[0]))
            # One that may not be seen is answered with nothing, not with a refusal.
            return as_json(as_document(command)) if command in shown else text("", content_type="application/json")
        asked = {key: request.query[key] for key in ("name", "version", "image") if request.query.get(key)}
        if "version" in asked and "name" not in asked:
            return plain(400, 'Bad request:\nIf "version" is specified, must specify "name" as well.')
        found = [c for c in shown if all(getattr(c, key) == value for key, value in asked.items())]
        if choice(request, "restrictToEnabledForSite", False):
            found = [c for c in found if any(known.enabled(w.id) for w in c.xnat)]
        return as_json([as_document(command) for command in found])


def _number(word: str) -> int:
    if not word.isdigit():
        raise Refusal(400, f"{word} is not a number")
    return int(word)


def delete_wrapper(known: Commands, request: Request) -> Answer:
    """`DELETE /xapi/wrappers/ID`."""
    require_admin(request, "manage commands")
    known.delete_wrapper(_number(request.segments[2]))
    return text("", 204)


def projects(known: Commands, request: Request) -> Answer:
    """`GET /xapi/wrappers/ID/projects`."""
    require_admin(request, "list the projects of a wrapper")
    return as_json(known.projects_with(_number(request.segments[2])))


def settings(known: Commands, request: Request) -> Answer:
    """`[/projects/P]{/wrappers/ID,/commands/ID/wrappers/NAME}/{enabled,disabled,config}`."""
    words = list(request.segments[1:])
    project = SITE
    if words[0] == "projects":
        project, words = words[1], words[2:]
    what = words.pop()
    _guard(known, request, project)
    if words[0] == "wrappers":
        wrapper_id = known.wrapper(_number(words[1]))[1].id
    else:
        wrapper_id = known.wrapper_named(_number(words[1]), words[3])[1].id
    if what == "config":
        return _configuration(known, request, wrapper_id, project)
    if request.method == "GET" and what == "enabled":
        return _enabled(known, wrapper_id, project)
    if request.method != "PUT":
        raise Refusal(405, "Request method not supported")
    known.set_enabled(wrapper_id, project, what == "enabled")
    return text("")


def _guard(known: Commands, request: Request, project: str) -> None:
    require_login(request)
    if project == SITE:
        require_admin(request, "configure wrappers of the site")
    elif request.method == "GET":
        require_right(known.state, request, project, "edit")
    else:
        require_right(known.state, request, project, "delete")


def _enabled(known: Commands, wrapper_id: int, project: str) -> Answer:
    if project == SITE:
        return as_json(known.enabled(wrapper_id))
    own = known.configurations.get((wrapper_id, project))
    return as_json({
        "enabled-for-site": known.enabled(wrapper_id),
        "enabled-for-project": own is not None and own.enabled,
        "project": project,
    })  # fmt: skip


def _configuration(known: Commands, request: Request, wrapper_id: int, project: str) -> Answer:
    if request.method == "GET":
        try:
            with known.state.lock:
                return as_json({"inputs": known.configuration(wrapper_id, project), "outputs": {}})
        except DuplicateKey as error:
            return plain(500, str(error))
    if request.method == "DELETE":
        known.unconfigure(wrapper_id, project)
        return text("", 204)
    if request.method != "POST":
        raise Refusal(405, "Request method not supported")
    known.configure(wrapper_id, project, body_of(request), choice(request, "enable", True))
    return text("", 201)


def available(known: Commands, request: Request) -> Answer:
    """`GET /xapi/projects/P/commands/available?xsiType=`: what a menu offers to whoever may read."""
    project = request.query.get("project", "") if request.segments[1] == "commands" else request.segments[2]
    require_right(known.state, request, project, "read")
    xsi_type = request.query.get("xsiType")
    if xsi_type is None:
        raise Refusal(400, "Required parameter 'xsiType' is not present")
    if ":" not in xsi_type:
        return plain(400, f"Bad XSI Type. Element not found: '{xsi_type}'")
    with known.state.lock:
        rows = [
            _row(command, wrapper)
            for command in known.commands.values()
            for wrapper in command.xnat
            if wrapper.external_inputs
            and any(_fits(context, xsi_type) for context in wrapper.contexts)
            and known.enabled(wrapper.id, project)
        ]
    return as_json(rows)


def _fits(context: str, xsi_type: str) -> bool:
    """The type itself, or one that it extends."""
    extended = {
        "SessionData": ("xnat:imageSessionData", "xnat:subjectAssessorData", "xnat:experimentData"),
        "ScanData": ("xnat:imageScanData",),
    }
    more = next((types for ending, types in extended.items() if xsi_type.endswith(ending)), ())
    return context == xsi_type or context in more


def _row(command: Command, wrapper: Wrapper) -> dict[str, object]:
    return {
        "command-id": command.id,
        "command-name": command.name,
        "command-label": command.label or command.name,
        "wrapper-id": wrapper.id,
        "wrapper-name": wrapper.name,
        "wrapper-label": wrapper.label or wrapper.name,
        "wrapper-description": wrapper.description,
        "image-name": command.image,
        "image-type": command.type,
        "enabled": True,
        "root-element-name": wrapper.external_inputs[0].name,
    }
