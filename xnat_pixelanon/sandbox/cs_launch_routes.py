"""Launching, the launch form, and the containers: `/xapi/.../launch`, `/xapi/.../bulklaunch`, `/xapi/containers`."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from .cs_commands import DuplicateKey, configurable
from .cs_containers import OPEN
from .cs_launch import TO_BE_ASSIGNED, Launcher, Order
from .cs_records import CommandInput, Wrapper
from .cs_resolve import Node, Resolver, Unresolved
from .wire import Answer, Refusal, Request, as_json, text
from .xapi import body_of, flat_map, plain, require_login, require_right

PATTERN = (
    r"/xapi(?:/projects/(?P<project>[^/]+))?"
    r"(?:/(?P<form>wrappers?)/(?P<wrapper>\d+)|/commands/(?P<command>\d+)/wrappers/(?P<name>[^/]+))"
    r"(?:/root/(?P<root>[^/]+))?/(?P<what>launch|bulklaunch)"
)


@dataclass(frozen=True, slots=True)
class _Target:
    project: str
    wrapper: int
    command: int
    name: str
    root: str
    json_only: bool
    bulk: bool


def _target(request: Request) -> _Target:
    match = re.fullmatch(PATTERN, request.path)
    assert match is not None
    part = match.groupdict(default="")
    # The form-encoded launch of a project goes by the singular.
    only = bool(part["project"]) and part["form"] == "wrappers"
    return _Target(
        part["project"], int(part["wrapper"] or 0), int(part["command"] or 0), part["name"], part["root"], only,
        part["what"] == "bulklaunch",
    )  # fmt: skip


def launch(launcher: Launcher, request: Request) -> Answer:
    """GET: the form. POST: a launch, or many; whoever may read the project may, whatever is enabled there."""
    require_login(request)
    target = _target(request)
    if target.project and not (target.bulk and request.method == "POST"):
        require_right(launcher.state, request, target.project, "read")
    if request.method == "GET":
        return _form(launcher, request, target)
    if target.bulk:
        return _bulk(launcher, request, target)
    order = _order(request, target, _params(request, target))
    report: dict[str, object] = {"params": order.params, "command-id": target.command, "wrapper-id": target.wrapper}
    try:
        workflow = launcher.launch(order)
    except Refusal as refusal:
        return as_json({"status": "failure", "message": refusal.text, **report}, 500)
    return as_json({"status": "success", "workflow-id": workflow, **report})


def _params(request: Request, target: _Target) -> dict[str, str]:
    if request.content_type == "application/json":
        return flat_map(body_of(request))
    if target.json_only or target.bulk:
        raise Refusal(415, "Content type not supported")
    form = parse_qsl(request.text(), keep_blank_values=True) if request.body_size else []
    return {**dict(request.query), **dict(form)}


def _order(request: Request, target: _Target, params: Mapping[str, str], bulk: str = "") -> Order:
    return Order(
        request.user, target.project, params, target.wrapper, target.command, target.name, target.root, bulk
    )  # fmt: skip


def _bulk(launcher: Launcher, request: Request, target: _Target) -> Answer:
    """Nothing is asked of the project here; each launch is resolved as a launch of its own, in no order."""
    params = _params(request, target)
    try:
        targets = json.loads(params.get(target.root, ""))
    except ValueError:
        targets = None
    if not isinstance(targets, list) or not all(isinstance(one, str) for one in targets):
        return plain(500, f"The value of {target.root} is not a string that holds a JSON list of strings")
    name = target.name or launcher.commands.wrapper(target.wrapper)[1].name
    bulk = f"bulk-{request.user.name}{int(time.time() * 1000)}{random.randrange(1000)}"
    orders = [_order(request, target, {**params, target.root: one}, bulk) for one in targets]
    launcher.bulk(orders)
    successes = [{"status": "success", "params": order.params, "workflow-id": TO_BE_ASSIGNED,
                  "command-id": target.command, "wrapper-id": target.wrapper} for order in orders]  # fmt: skip
    return as_json({"bulk-launch-id": bulk, "pipeline-name": name, "successes": successes, "failures": []})


def _form(launcher: Launcher, request: Request, target: _Target) -> Answer:
    """What the launch form of the browser is made of; resolved as far as the inputs go."""
    params = dict(request.query)
    if target.bulk:
        params = {params.get("rootElement", ""): params.get("sampleTarget", "")}
    order = _order(request, target, params)
    try:
        command, wrapper = launcher.configured(order)
        resolver = Resolver(
            launcher.state, request.user, command, wrapper, target.project or None, params, launcher.backend.properties
        )  # fmt: skip
        nodes = resolver.tree()
        presets = launcher.commands.configuration(wrapper.id, target.project)
    except Unresolved as error:
        return plain(500, f"The command could not be resolved.\n{error}")
    except DuplicateKey as error:
        return plain(500, str(error))
    config = [_field(entry, presets, wrapper) for entry in configurable(command, wrapper)]
    return as_json({
        "command-id": command.id,
        "wrapper-id": wrapper.id,
        "meta": {"command-name": command.name, "command-label": command.label, "image": command.image,
                 "wrapper-name": wrapper.name, "wrapper-label": wrapper.label,
                 "wrapper-description": wrapper.description},
        "input-config": config,
        "input-values": [_values(node) for node in nodes],
    })  # fmt: skip


def _field(entry: object, presets: Mapping[str, Mapping[str, object]], wrapper: Wrapper) -> dict[str, object]:
    name = str(getattr(entry, "name", ""))
    found = presets[name]
    return {
        "name": name,
        "label": getattr(entry, "label", None) or name,
        "description": found["description"],
        "type": found["type"],
        "input-type": "command" if isinstance(entry, CommandInput) else "wrapper",
        "required": found["required"],
        "user-settable": found["user-settable"],
        "advanced": found["advanced"],
    }


def _values(node: Node) -> dict[str, object]:
    return {
        "name": node.entry.name,
        "values": [
            {"value": value.value, "label": value.value, "children": [_values(child) for child in value.children]}
            for value in node.values
        ],
    }


def containers(launcher: Launcher, request: Request) -> Answer:
    """`[/projects/P]/containers[/ID[/logs[/stdout|stderr]|/kill]]`."""
    require_login(request)
    words = request.segments[1:]
    project = ""
    if words[0] == "projects":
        project, words = words[1], words[2:]
    words = words[1:]
    if not words and request.method in ("GET", "POST"):
        return _list(launcher, request, project)
    found = launcher.containers.find(words[0])
    mine = launcher.containers.controls(request.user, found)
    if len(words) == 1 and request.method == "GET" and not project:
        return as_json(launcher.containers.document(request.user, found))
    if words[1:2] == ("kill",) and request.method == "POST":
        if not mine:
            raise Refusal(403, f"User {request.user.name} cannot kill container {found.id}")
        launcher.kill(found, request.user)
        return text(f"local-{found.id}")
    if words[1:2] == ("logs",) and request.method == "GET" and not project:
        if not mine:
            raise Refusal(403, f"User {request.user.name} cannot read the logs of container {found.id}")
        if len(words) == 2:
            return Answer(launcher.containers.log_zip(found), content_type="application/zip")
        return text(found.log("stdout" if words[2] in "stdout.log" else "stderr"))
    raise Refusal(404, "Not found")


def _list(launcher: Launcher, request: Request, project: str) -> Answer:
    """GET: those that are one's own; POST (a page of the table): all, with hardly anything of others'."""
    known = launcher.containers
    if request.method == "POST":
        body_of(request)
    with launcher.state.lock:
        found = [c for c in known.all.values() if not project or c.project == project]
        if request.method == "GET":
            found = [c for c in found if known.controls(request.user, c)]
        if request.flag("nonfinalized"):
            found = [c for c in found if c.status in OPEN]
        return as_json([known.document(request.user, c) for c in found])
