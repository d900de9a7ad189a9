"""XNAT's paths, built from parts. Pure; every part is quoted, so that no label can change the meaning of a path."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlencode

from xnat_pixelanon.errors import TransferError

_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")


def _joined(parts: tuple[str, ...]) -> str:
    """Quoting leaves dots alone, and HTTP clients fold them: `..` for a scan would be its session."""
    if any(part in (".", "..") for part in parts):
        raise TransferError("a part of a path is . or .., which would name something else", hint="rename it in XNAT")
    return "/".join(quote(part, safe="") for part in parts)


def path(*parts: str, **query: str) -> str:
    """`/data/PART/PART?key=value`. TransferError for a part that is `.` or `..`."""
    joined = _joined(parts)
    return f"/data/{joined}" + (f"?{urlencode(query)}" if query else "")


def table(*parts: str, **query: str) -> str:
    """A path that answers with a JSON table."""
    return path(*parts, **query, format="json")


def project(project_id: str, *parts: str, **query: str) -> str:
    return path("projects", project_id, *parts, **query)


def experiments(project_id: str, *columns: str, **query: str) -> str:
    return table("projects", project_id, "experiments", columns=",".join(columns), **query)


def experiment(experiment_id: str, *parts: str, **query: str) -> str:
    return path("experiments", experiment_id, *parts, **query)


def scan_resource(experiment_id: str, scan_id: str, resource_id: str, *parts: str, **query: str) -> str:
    """`scan_id` may also match a scan's type on the server; the resource's number makes it unambiguous."""
    return path("experiments", experiment_id, "scans", scan_id, "resources", resource_id, *parts, **query)


def config(project_id: str, tool: str, name: str, **query: str) -> str:
    return path("projects", project_id, "config", tool, name, **query)


def prearchive(project_id: str, *parts: str, **query: str) -> str:
    return path("prearchive", "projects", project_id, *parts, **query)


def service(name: str, **query: str) -> str:
    return path("services", name, **query)


def xapi(*parts: str, **query: str) -> str:
    """`/xapi/PART/PART?key=value`. TransferError for a part that is `.` or `..`."""
    joined = _joined(parts)
    return f"/xapi/{joined}" + (f"?{urlencode(query)}" if query else "")


def anonymisation(scope: str, project_id: str = "", *, enabled: bool = False) -> str:
    """XAPI's anonymisation script of `site` or of a project."""
    return xapi("anonymize", scope, *([project_id] if project_id else []), *(["enabled"] if enabled else []))


def listed(uri: str) -> str:
    """A URI as a listing gives it, fit for a request: quoted unless it is already."""
    return quote(uri, safe="/%" if _ESCAPE.search(uri) else "/")


def file_part(uri: str) -> str:
    """The path of a file inside its resource: what follows `/files/`, unquoted; empty if that is missing."""
    return unquote(uri.partition("/files/")[2])
