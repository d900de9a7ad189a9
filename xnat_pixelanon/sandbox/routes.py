"""Which handler answers which path."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from . import (
    catalog,
    config_routes,
    cs_launch_routes,
    cs_routes,
    es_routes,
    inbound_routes,
    items,
    listings,
    login_routes,
    prearchive_routes,
    resources,
    uploads,
    workflow_routes,
)
from .accounts import Accounts, require, rights
from .places import Place, locate
from .schema import schema
from .services import Services
from .state import State
from .wire import Answer, Refusal, Request, as_json, text

_ITEM = re.compile(r"/(projects|subjects|experiments)(/|$)")
_SETTINGS = frozenset({"accessibility", "prearchive_code", "quarantine_code", "current_arc"})


@dataclass(frozen=True, slots=True)
class Site:
    """What the handlers work on."""

    state: State
    accounts: Accounts
    services: Services


Handler = Callable[[Site, Request], Answer]


def answer(site: Site, request: Request) -> Answer:
    """The answer to one request of a known user; raises Refusal."""
    # Tomcat refuses such paths too; here they would also lead out of the sandbox's folder.
    if any(segment in ("..", ".") or "/" in segment or "\\" in segment for segment in request.segments):
        raise Refusal(400, "Invalid URI")
    for method, pattern, handler in _ROUTES:
        if request.method in method.split("|") and re.fullmatch(pattern, request.path):
            return handler(site, request)
    if _ITEM.match(request.path):
        return _item(site, request)
    raise Refusal(404, "The server has not found anything matching the request URI")


def normal_path(raw_path: str) -> str:
    """`/data/archive/projects/..`, `/REST/projects/..` and `/data/projects/..` are one and the same."""
    path = re.sub(r"^/(data|REST)(?=/|$)", "", raw_path)
    return re.sub(r"^/archive(?=/(projects|subjects|experiments)(/|$))", "", path)


def _old_script(site: Site, request: Request) -> Answer:
    return config_routes.old_script(site.state, request, request.segments[3], request.segments[6])


def _schemas(site: Site, request: Request) -> Answer:
    """The list of schemas, or one of them."""
    words = request.segments[2:]
    if not words:
        return as_json(["xdat", "xnat"])
    found = schema(words[0])
    if found is None:
        raise Refusal(404, "Unknown schema")
    return text(found, content_type="text/xml; charset=UTF-8")


def _refresh(site: Site, request: Request) -> Answer:
    """`POST /data/services/refresh/catalog?resource=..&options=append,delete,checksum,populateStats`."""
    raw = tuple(w for w in request.query.get("resource", "").split("/") if w and w not in ("data", "archive"))
    place = locate(site.state, request.user, raw)
    require(request.user, place.owner(site.state), "edit")
    options = frozenset(request.query.get("options", "append,delete,checksum").split(","))
    chosen = resources.held(site.state, place, everything=True)
    for held in chosen:
        if not place.rest or place.rest[-1] in ("resources", held.resource.label, held.resource.id):
            catalog.refresh(site.state, held.resource, options)
    return text("")


def _xapi(handler: Handler) -> Handler:
    """XAPI's handlers of exceptions answer the bare sentence, not a page."""

    def answered(site: Site, request: Request) -> Answer:
        try:
            return handler(site, request)
        except Refusal as refusal:
            return text(refusal.text, refusal.status)

    return answered


_SERVICE_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET|POST", cs_launch_routes.PATTERN,
     lambda site, request: cs_launch_routes.launch(site.services.launcher, request)),
    ("GET|POST", r"/xapi(/projects/[^/]+)?/containers(/.*)?",
     lambda site, request: cs_launch_routes.containers(site.services.launcher, request)),
    ("GET", r"/xapi(/projects/[^/]+)?/commands/available",
     lambda site, request: cs_routes.available(site.services.commands, request)),
    ("GET|POST|DELETE", r"/xapi/commands(/[^/]+)?",
     lambda site, request: cs_routes.commands(site.services.commands, request)),
    ("DELETE", r"/xapi/wrappers/[^/]+",
     lambda site, request: cs_routes.delete_wrapper(site.services.commands, request)),
    ("GET", r"/xapi/wrappers/[^/]+/projects",
     lambda site, request: cs_routes.projects(site.services.commands, request)),
    ("GET|PUT|POST|DELETE",
     r"/xapi(/projects/[^/]+)?(/commands/\d+)?/wrappers/[^/]+/(enabled|disabled|config)",
     lambda site, request: cs_routes.settings(site.services.commands, request)),
    ("POST", r"/xapi/workflows", lambda site, request: workflow_routes.listed(site.state, request)),
    ("GET|POST|PUT|DELETE", r"/xapi(/projects/[^/]+)?/events/.*",
     lambda site, request: es_routes.events(site.services.events, request)),
)  # fmt: skip

_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    *((methods, pattern, _xapi(handler)) for methods, pattern, handler in _SERVICE_ROUTES),
    ("GET", r"/?", lambda site, request: login_routes.front_page(request)),
    ("PUT|POST", r"/services/auth", lambda site, request: login_routes.authenticate(site.accounts, request)),
    ("GET", r"/auth", lambda site, request: login_routes.who(request)),
    ("GET|DELETE", r"/JSESSION", lambda site, request: login_routes.jsession(site.accounts, request)),
    ("GET", r"/services/tokens/.*", lambda site, request: login_routes.tokens(site.accounts, request)),
    ("GET", r"/xapi/siteConfig/buildInfo", lambda site, request: login_routes.build_info(site.state)),
    ("GET", r"/xapi/schemas(/[a-z]+)?", _schemas),
    ("GET", r"/xapi/access/projects", lambda site, request: login_routes.access(site.state, request)),
    ("GET", r"/search/elements", lambda site, request: login_routes.elements()),
    ("GET", r"/workflows(/[^/]+)?", lambda site, request: workflow_routes.workflows(site.state, request)),
    ("GET|PUT", r"/xapi/anonymize/.*", lambda site, request: config_routes.anonymize(site.state, request)),
    ("POST", r"/services/import", lambda site, request: inbound_routes.import_(site.state, request)),
    ("POST", r"/services/archive", lambda site, request: inbound_routes.archive_service(site.state, request)),
    ("POST", r"/services/prearchive/[a-z]+",
     lambda site, request: prearchive_routes.prearchive_service(site.state, request, request.segments[2])),
    ("POST", r"/services/refresh/catalog", _refresh),
    ("GET|POST|DELETE", r"/prearchive(/.*)?",
     lambda site, request: prearchive_routes.prearchive_route(site.state, request)),
    ("GET|PUT", r"/config/edit/projects/[^/]+/image/dicom/(script|status)", _old_script),
    ("GET|PUT|DELETE", r"/config(/.*)?",
     lambda site, request: config_routes.config(site.state, request, None, request.segments[1:])),
    ("GET", r"/projects", lambda site, request: listings.projects(site.state, request)),
)  # fmt: skip


def _item(site: Site, request: Request) -> Answer:
    """Everything below projects, subjects and experiments."""
    state = site.state
    place = locate(state, request.user, tuple(s for s in request.raw_segments if s))
    _protected(request, place)
    rest = tuple(unquote(word) for word in place.rest)
    if not rest:
        return _whole(state, request, place)
    if place.missing and not (place.missing == "scan" and request.method == "GET"):
        raise Refusal(404, f"Unable to identify {place.missing}")
    head = rest[0]
    if head == "config" and place.experiment is None and place.subject is None:
        return config_routes.config(state, request, place.project, rest[1:])
    if head in ("resources", "files"):
        return _files(state, request, place)
    if head in _SETTINGS and request.method in ("GET", "PUT"):
        return items.setting(state, request, place)
    if head == "users" and request.method in ("PUT", "DELETE"):
        return items.set_member(state, request, place)
    if head == "projects" and place.experiment is not None and request.method == "PUT" and len(rest) == 2:
        return items.share(state, request, place, rest[1])
    lists: dict[str, Callable[[State, Request, Place], Answer]] = {
        "subjects": listings.subjects,
        "experiments": listings.experiments,
        "scans": listings.scans,
        "assessors": listings.assessors,
        "users": listings.members,
    }
    if request.method == "GET" and len(rest) == 1 and head in lists:
        return lists[head](state, request, place)
    raise Refusal(404, "The server has not found anything matching the request URI")


def _protected(request: Request, place: Place) -> None:
    """Of a protected project everybody sees the title, and only members what is in it."""
    project = place.project
    if project is None or "read" in rights(request.user, project):
        return
    if place.rest or place.subject or place.experiment or request.method != "GET":
        raise Refusal(403, f"Project {project.id} is protected")


def _whole(state: State, request: Request, place: Place) -> Answer:
    """An item itself: shown, made or changed, deleted."""
    kind = place.missing or next(k for k in _KINDS if getattr(place, k) is not None)
    kind = "scan" if kind == "scans" else kind
    if place.missing and request.method != "PUT":
        raise Refusal(404, f"Unable to identify {kind}")
    handler = _WHOLE.get((request.method, kind))
    if handler is None:
        raise Refusal(405, "Method not allowed")
    return handler(state, request, place)


_KINDS = ("scans", "assessor", "experiment", "subject", "project")
_WHOLE: dict[tuple[str, str], Callable[[State, Request, Place], Answer]] = {
    ("GET", "project"): listings.project_item,
    ("GET", "subject"): listings.subject_item,
    ("GET", "experiment"): listings.experiment_item,
    ("GET", "scan"): listings.scan_item,
    ("PUT", "project"): items.put_project,
    ("PUT", "subject"): items.put_subject,
    ("PUT", "experiment"): items.put_experiment,
    ("PUT", "scan"): items.put_scan,
    ("DELETE", "project"): items.delete_project,
    ("DELETE", "subject"): items.delete_subject,
    ("DELETE", "experiment"): items.delete_experiment,
    ("DELETE", "scan"): items.delete_scan,
}


def _files(state: State, request: Request, place: Place) -> Answer:
    """`resources[/R[/files[/PATH]]]` and `files[/PATH]`. Of a path only `%20` and `%2B` are decoded, as by XNAT."""
    rest = place.rest
    selector: str | None = None
    if rest[0] == "resources":
        if len(rest) == 1:
            return resources.resource_list(state, request, place)
        selector, rest = unquote(rest[1]), rest[2:]
        if not rest:
            return _resource(state, request, place, selector)
    path = "/".join(rest[1:]).replace("%20", " ").replace("%2B", "+")
    if request.method == "GET":
        if not path:
            return resources.file_list(state, request, place, selector)
        return resources.read_file(state, request, place, selector, path)
    if selector is None or not path:
        raise Refusal(400, "A resource and a file name are needed")
    if request.method == "DELETE":
        return uploads.delete_file(state, request, place, selector, path)
    return uploads.put_file(state, request, place, selector, path)


def _resource(state: State, request: Request, place: Place, selector: str) -> Answer:
    if request.method == "GET":
        return resources.catalog_answer(state, request, place, selector)
    if request.method == "DELETE":
        return uploads.delete_resource(state, request, place, selector)
    return uploads.create(state, request, place, selector)
