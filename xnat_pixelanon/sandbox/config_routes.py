"""`/data/config`, `/data/projects/P/config` and the anonymisation scripts of `/xapi/anonymize` (2.6, 2.10)."""

from __future__ import annotations

import json
import re

from . import configs
from .accounts import require
from .anon_script import DEFAULT_SITE_SCRIPT
from .records import ConfigEntry, Project, User
from .state import State
from .wire import Answer, Refusal, Request, status_page, table, text


def _guard(user: User, project: Project | None, right: str) -> None:
    """The site's own documents are read by everybody and written by admins; a project's are written by owners."""
    if project is not None:
        require(user, project, right)
    elif right != "read" and not user.admin:
        raise Refusal(403, "Only admins may change the configuration of the site")


def config(state: State, request: Request, project: Project | None, words: tuple[str, ...]) -> Answer:
    """`words` is what follows `config`: nothing, a tool, or a tool and a path with slashes."""
    if request.method == "GET":
        _guard(request.user, project, "read")
        with state.lock:
            return _read(state, request, project, words)
    _guard(request.user, project, "delete")
    if len(words) < 2:
        raise Refusal(400, "Tool and path are needed")
    with state.lock:
        if request.method == "DELETE":
            entry = configs.find(state, project.id if project else "", words[0], "/".join(words[1:]))
            if entry is None:
                raise Refusal(404, "Unable to find the configuration")
            entry.status = "disabled"
            return text("")
        return _write(state, request, project, words[0], "/".join(words[1:]))


def _read(state: State, request: Request, project: Project | None, words: tuple[str, ...]) -> Answer:
    scope = project.id if project else ""
    if len(words) < 2:
        return _listing(state, scope, words)
    entry = configs.find(state, scope, words[0], "/".join(words[1:]))
    if entry is None and request.flag("defaultToSiteWide"):
        entry = configs.find(state, "", words[0], "/".join(words[1:]))
    gone = entry is None or (entry.status != "enabled" and request.flag("contents"))
    if entry is None or gone:
        if request.flag("accept-not-found"):
            return text("", 204)
        return status_page(404, "Couldn't find config for the specified tool and path")
    if request.query.get("action") == "getHistory":
        return table([configs.row(entry, v) for v in entry.versions])
    version = entry.latest
    if "version" in request.query:
        wanted = [v for v in entry.versions if str(v.version) == request.query["version"]]
        if not wanted:
            raise Refusal(404, "Couldn't find that version")
        version = wanted[-1]
    if request.flag("contents"):
        return text(version.contents)
    return table([configs.row(entry, version, contents=not request.flag("meta"))])


def _listing(state: State, scope: str, words: tuple[str, ...]) -> Answer:
    entries = [entry for key, entry in state.configs.items() if key[0] == scope]
    if not words:
        return table([{"tool": tool} for tool in dict.fromkeys(entry.tool for entry in entries)])
    rows = [configs.row(entry, entry.latest) for entry in entries if entry.tool == words[0]]
    if not rows:
        raise Refusal(404, "Couldn't find config for the specified tool")
    return table(rows)


def _write(state: State, request: Request, project: Project | None, tool: str, path: str) -> Answer:
    scope = project.id if project else ""
    contents, status = _document(request)
    if contents is None:
        entry = _set_status(configs.find(state, scope, tool, path), status)
        _set_unversioned(entry, request)
        return text("")
    if not contents.strip():
        raise Refusal(500, "Contents of a configuration cannot be blank")
    created = configs.write(state, scope, tool, path, contents, request.user.name)
    entry = state.configs[(scope, tool, path)]
    _set_unversioned(entry, request)
    if status:
        _set_status(entry, status)
    state.note(request.user.name, "Modified configuration", tool, scope, comment=path)
    return text("", 201 if created else 200)


def _set_status(entry: ConfigEntry | None, status: str) -> ConfigEntry:
    if entry is None:
        raise Refusal(404, "Couldn't find config for the specified tool and path")
    if status and status not in ("enabled", "disabled"):
        raise Refusal(400, "Invalid status")
    entry.status = status or entry.status
    return entry


def _set_unversioned(entry: ConfigEntry, request: Request) -> None:
    if "unversioned" in request.query:
        entry.unversioned = request.flag("unversioned")


def _document(request: Request) -> tuple[str | None, str]:
    """Contents and status; a JSON body is a flat map of strings, anything else in it is a fault of the server."""
    body, status = request.text(), request.query.get("status", "")
    if request.content_type == "application/json" and not request.flag("inbody"):
        try:
            parsed = json.loads(body)
        except json.JSONDecodeError:
            raise Refusal(500, "Unable to parse the JSON of the request") from None
        if not isinstance(parsed, dict) or not all(isinstance(v, str) for v in parsed.values()):
            raise Refusal(500, "Unable to parse the JSON of the request")
        return parsed.get("contents"), parsed.get("status", status)
    if body == "" and (status or "unversioned" in request.query):
        return None, status
    return body, status


def anonymize(state: State, request: Request) -> Answer:
    """`/xapi/anonymize/{default|site|projects/P}[/enabled]`."""
    match = re.fullmatch(r"/xapi/anonymize/(?:(default)|(site)|projects/([^/]+))(/enabled)?", request.path)
    if match is None:
        raise Refusal(404, "Not found")
    if match.group(1):
        return text(DEFAULT_SITE_SCRIPT)
    project = _project(state, request.user, match.group(3)) if match.group(3) else None
    _guard(request.user, project, "read" if request.method == "GET" else "delete")
    scope = project.id if project else ""
    with state.lock:
        return _enabled(state, request, scope) if match.group(4) else _script(state, request, scope)


def _project(state: State, user: User, name: str) -> Project:
    project = state.projects.get(name)
    if project is None:
        raise Refusal(404, f"Unable to identify project {name}")
    require(user, project, "read")
    return project


def _script(state: State, request: Request, scope: str) -> Answer:
    entry = configs.find(state, scope, configs.ANON, configs.script_path(scope))
    if request.method == "GET":
        if entry is None:
            return text("", 204) if scope else text(DEFAULT_SITE_SCRIPT)
        return text(entry.latest.contents)
    if request.content_type != "text/plain":
        raise Refusal(415, "A script is sent as text/plain")
    if not request.text().strip():
        raise Refusal(400, "The script is empty")
    configs.write(state, scope, configs.ANON, configs.script_path(scope), request.text(), request.user.name)
    return text("")


def _enabled(state: State, request: Request, scope: str) -> Answer:
    if request.method == "GET":
        return text("true" if configs.script_in_force(state, scope) is not None else "false",
                    content_type="application/json")  # fmt: skip
    entry = configs.find(state, scope, configs.ANON, configs.script_path(scope))
    if entry is None:
        script = DEFAULT_SITE_SCRIPT if not scope else 'version "6.1"\n'
        configs.write(state, scope, configs.ANON, configs.script_path(scope), script, request.user.name)
        entry = state.configs[(scope, configs.ANON, configs.script_path(scope))]
    entry.status = "enabled" if request.query.get("enable", "true").lower() == "true" else "disabled"
    return text("")


def old_script(state: State, request: Request, name: str, what: str) -> Answer:
    """`/data/config/edit/projects/P/image/dicom/{script,status}`, from before XAPI."""
    project = _project(state, request.user, name)
    _guard(request.user, project, "read" if request.method == "GET" else "delete")
    with state.lock:
        entry = configs.find(state, project.id, configs.ANON, configs.script_path(project.id))
        if request.method == "GET" and what == "script":
            rows = []
            if entry is not None:
                latest = entry.latest
                rows = [{"project": project.id, "user": latest.user, "create_date": latest.created,
                         "script": latest.contents, "id": str(latest.version)}]  # fmt: skip
            return table(rows)
        if request.method == "GET":
            active = entry is not None and entry.status == "enabled"
            return table([{"project": project.id, "edit": str(active).lower()}])
        if what == "script":
            configs.write(state, project.id, configs.ANON, configs.script_path(project.id), request.text(),
                          request.user.name)  # fmt: skip
        elif entry is not None:
            entry.status = "enabled" if request.flag("activate") else "disabled"
    return text("")
