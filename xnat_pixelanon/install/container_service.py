"""The Container Service of an XNAT, as far as an installation needs it, and how requests go out.

Numbers of commands and wrappers are texts here: in a rehearsal, which sends reading requests only, those that do not
exist yet are called by their names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from xnat_pixelanon.archive import XnatConnection, uris
from xnat_pixelanon.archive.answers import objects
from xnat_pixelanon.errors import NotFoundError, RefusedError, RightsError, TransferError
from xnat_pixelanon.install.commands import commands

_DONE = (200, 201, 204)
_NO_RIGHT = (401, 403)
_BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class Request:
    """A request that changes something."""

    method: str
    path: str
    body: Any = None


Tell = Callable[[Request], None]


class Server:
    """One login. `rehearse`: nothing is changed; each request that would change something is told instead."""

    def __init__(self, connection: XnatConnection, rehearse: Tell | None = None) -> None:
        self.connection = connection
        self._rehearse = rehearse

    @property
    def rehearses(self) -> bool:
        return self._rehearse is not None

    def read(self, path: str, what: str) -> Any:
        """The JSON of an answer. RightsError and NotFoundError as for all requests; None for an empty answer."""
        answer = self.connection.get(path, what, (200, 204, *_NO_RIGHT))
        if answer.status in _NO_RIGHT:
            raise RightsError(f"{what}: the account may not do this", hint="ask whoever may")
        return answer.json(what) if answer.status == 200 and answer.content.strip() else None

    def write(self, method: str, path: str, what: str, body: Any = None, *, quote: bool = False) -> bytes:
        """Send, or tell; gives the body of the answer. RightsError when refused, TransferError when not done.

        quote: the message may quote why a body is not accepted, as that speaks of the body only.
        """
        if self._rehearse is not None:
            self._rehearse(Request(method, unquote(path), body))
            return b""
        content = b"" if body is None else json.dumps(body).encode("ascii")
        kind = "" if body is None else "application/json"
        answer = self.connection.send(
            method, path, what, content, content_type=kind, accepted=(*_DONE, _BAD_REQUEST, *_NO_RIGHT)
        )
        if answer.status in _NO_RIGHT:
            raise RightsError(f"{what}: the account may not do this", hint="ask whoever may")
        if answer.status == _BAD_REQUEST:
            why = f": {' '.join(answer.text(what).split())[:400]}" if quote and answer.content else ""
            raise TransferError(f"{what}: the server does not accept it{why}", hint="see the server's logs")
        return answer.content


@dataclass(frozen=True, slots=True)
class Registered:
    """A command that the Container Service holds; `wrappers`: their numbers by name."""

    id: str
    document: Mapping[str, Any] = field(repr=False)
    wrappers: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.document.get("name", ""))

    @property
    def tag(self) -> tuple[str, str]:
        """Image and version: with the name they are unique on a server."""
        return str(self.document.get("image", "")), str(self.document.get("version", ""))

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Registered:
        wrappers = row.get("xnat") or row.get("xnat-command-wrappers") or []
        return cls(str(row.get("id", "")), row, {str(one.get("name")): str(one.get("id")) for one in wrappers})

    @classmethod
    def expected(cls, document: Mapping[str, Any]) -> Registered:
        """One that is registered in a rehearsal."""
        name = document["name"]
        return cls(f"<{name}>", document, {one["name"]: f"<{name} {one['name']}>" for one in document["xnat"]})


@dataclass(frozen=True, slots=True)
class Enabled:
    """Whether a wrapper may be launched; both have to be."""

    site: bool
    project: bool


_SETTINGS = ("default-value", "matcher", "user-settable", "advanced")


@dataclass(frozen=True, slots=True)
class Configuration:
    """Of a wrapper in a project, by the names of its inputs and outputs."""

    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)


def _settings(found: Any) -> dict[str, Any]:
    """What of an input can be set; the rest of an answer (type, description) is the command's."""
    return {key: found[key] for key in _SETTINGS if found.get(key) is not None} if isinstance(found, Mapping) else {}


class ContainerService:
    """Commands and wrappers. All paths are those of the service's own documentation."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def all(self) -> list[Registered]:
        """Every command that the account can see. NotFoundError where there is no Container Service."""
        what = "listing the commands of the Container Service"
        return [Registered.from_row(row) for row in objects(self._server.read(uris.xapi("commands"), what), what)]

    def get(self, command: str) -> Registered:
        what = "reading a command"
        row = self._server.read(uris.xapi("commands", command), what)
        if not isinstance(row, dict):
            raise TransferError(f"{what}: the answer is not a command")
        return Registered.from_row(row)

    def create(self, document: Mapping[str, Any]) -> Registered:
        name = document["name"]
        what = f"registering the command {name}"
        answer = self._server.write("POST", uris.xapi("commands"), what, document, quote=True)
        if self._server.rehearses:
            return Registered.expected(document)
        if not answer.strip().isdigit():
            raise TransferError(f"registering the command {name}: the answer is not its number")
        return self.get(answer.strip().decode("ascii"))

    def update(self, command: Registered, document: Mapping[str, Any]) -> Registered:
        """In place: wrappers are found again by their names and keep their numbers."""
        what = f"updating the command {command.name}"
        self._server.write("POST", uris.xapi("commands", command.id), what, document, quote=True)
        if self._server.rehearses:
            planned = Registered.expected(document)
            return Registered(command.id, document, {**planned.wrappers, **command.wrappers})
        return self.get(command.id)

    def delete(self, command: Registered) -> None:
        self._server.write("DELETE", uris.xapi("commands", command.id), f"deleting the command {command.name}")

    def enabled(self, wrapper: str, project: str = "") -> Enabled:
        """RightsError: on the site for container managers, in a project for those who may edit it."""
        what = "reading whether a wrapper is enabled"
        if wrapper.startswith("<"):
            return Enabled(False, False)
        if not project:
            return Enabled(self._server.read(uris.xapi("wrappers", wrapper, "enabled"), what) is True, False)
        found = self._server.read(uris.xapi("projects", project, "wrappers", wrapper, "enabled"), what)
        if not isinstance(found, dict):
            raise TransferError(f"{what}: the answer is not understood")
        return Enabled(found.get("enabled-for-site") is True, found.get("enabled-for-project") is True)

    def enable(self, wrapper: str, project: str = "", *, on: bool = True) -> None:
        verb, where = ("enabled", "enabling") if on else ("disabled", "disabling")
        path = uris.xapi(*(("projects", project) if project else ()), "wrappers", wrapper, verb)
        self._server.write("PUT", path, f"{where} a wrapper")

    def configuration(self, wrapper: str, project: str) -> Configuration:
        """As a launch in the project sees it: the project's settings over the site's over the command's."""
        what = "reading the configuration of a wrapper"
        if wrapper.startswith("<"):
            return Configuration()
        found = self._server.read(uris.xapi("projects", project, "wrappers", wrapper, "config"), what)
        parts = found if isinstance(found, dict) else {}
        return Configuration(*(part if isinstance(part := parts.get(of), dict) else {} for of in ("inputs", "outputs")))

    def configure(self, wrapper: str, project: str, stored: Configuration, corrected: Mapping[str, Any]) -> None:
        """Store the project's settings anew: what was in force, and over it the corrected inputs.

        The service replaces all that the project has set with what it is sent, so that what is left out is lost. It
        does not tell who set a value, project or site or command: all of them become the project's.
        """
        path = uris.xapi("projects", project, "wrappers", wrapper, "config")
        inputs = {
            name: {**_settings(stored.inputs.get(name)), **corrected.get(name, {})}
            for name in [*stored.inputs, *(one for one in corrected if one not in stored.inputs)]
        }
        body = {"inputs": inputs, "outputs": dict(stored.outputs)}
        self._server.write("POST", path, "configuring a wrapper", body)

    def projects(self, wrapper: str) -> list[str]:
        """The projects that have the wrapper enabled, for container managers."""
        try:
            found = self._server.read(uris.xapi("wrappers", wrapper, "projects"), "listing the projects of a wrapper")
        except NotFoundError:
            return []  # not known to older services
        return sorted(str(one) for one in found) if isinstance(found, list) else []


def is_ours(command: Registered) -> bool:
    """Of this program, in whatever version. A name alone is anybody's: every command of ours also starts our program
    with `launch` and says what to do in PIXELANON_ACTION.
    """
    variables = command.document.get("environment-variables")
    says_what = isinstance(variables, Mapping) and "PIXELANON_ACTION" in variables
    return command.name in commands() and command.document.get("command-line") == "launch" and says_what


def strangers(registered: list[Registered]) -> list[Registered]:
    """Commands of other people that bear a name of ours: nothing of them is ever touched."""
    return [one for one in registered if one.name in commands() and not is_ours(one)]


def refuse_strangers(registered: list[Registered], name: str) -> None:
    """RefusedError where the name is taken by a command that is not ours."""
    numbers = " and ".join(one.id for one in strangers(registered) if one.name == name)
    if numbers:
        raise RefusedError(
            f"command {numbers} is called {name} and is not of this program: it is left alone",
            hint="rename or delete it in the Container Service's settings, if nobody needs it; then install again",
        )


def ours(registered: list[Registered], name: str, image: str = "") -> Registered | None:
    """The command to keep of those that bear our name: that of this image (if given) and version, else the youngest."""
    same = [one for one in registered if one.name == name and is_ours(one)]
    version = commands()[name]["version"]
    exact = [one for one in same if one.tag[1] == version and image in ("", one.tag[0])]
    return max(exact or same, key=lambda one: int(one.id), default=None)
