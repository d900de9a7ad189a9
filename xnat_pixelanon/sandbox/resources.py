"""Resources and files of any item: lists, downloads, uploads, deletion (section 2.4 of the wire contract)."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from . import archive_zip, catalog
from .places import Place, find_resources
from .records import CatalogEntry, Resource
from .state import State
from .wire import Answer, Refusal, Request, file_body, status_page, table, text


@dataclass(frozen=True, slots=True)
class Held:
    """One resource with the place it belongs to: `base` is the URI in front of `/resources`, `inside` the zip path."""

    resource: Resource
    base: str
    inside: str
    category: str
    cat_id: str
    cat_desc: str

    def uri(self, entry: CatalogEntry) -> str:
        return f"{self.base}/resources/{self.resource.id}/files/{quote(entry.uri)}"


def held(state: State, place: Place, *, everything: bool = False) -> list[Held]:
    """The resources that a path covers; `everything` adds those of the scans and assessors of a session."""
    experiment = place.experiment
    found: list[Held] = []
    if experiment is None:
        if place.subject is not None:
            base, label = f"/data/subjects/{place.subject.id}", place.subject.label
            return [Held(r, base, label, "subjects", "", label) for r in place.subject.resources.values()]
        project = place.owner(state)
        base = f"/data/projects/{project.id}"
        return [Held(r, base, project.id, "projects", project.id, "") for r in project.resources.values()]
    base, label = f"/data/experiments/{experiment.id}", experiment.label
    if place.scans is None and place.assessor is None:
        found += [Held(r, base, label, "resources", "", "") for r in experiment.resources.values()]
    if place.scans is not None or everything:
        for scan in place.scans if place.scans is not None else experiment.scans.values():
            inside = f"{label}/scans/{scan.id}-{archive_zip.word(scan.type)}"
            uri = f"{base}/scans/{scan.id}"
            found += [Held(r, uri, inside, "scans", scan.id, scan.type) for r in scan.resources.values()]
    if place.assessor is not None or everything:
        for a in [place.assessor] if place.assessor else experiment.assessors.values():
            uri, inside = f"{base}/assessors/{a.id}", f"{label}/assessors/{a.label}"
            found += [Held(r, uri, inside, "assessors", a.id, a.label) for r in a.resources.values()]
    return found


def resource_list(state: State, request: Request, place: Place) -> Answer:
    with state.lock:
        rows = [_resource_row(h, request) for h in held(state, place, everything=request.flag("all"))]
    return table(rows)


def _resource_row(h: Held, request: Request) -> dict[str, str]:
    row = {
        "xnat_abstractresource_id": h.resource.id,
        "label": h.resource.label,
        "element_name": "xnat:resourceCatalog",
        "category": h.category,
        "cat_id": h.cat_id,
        "cat_desc": h.cat_desc,
    }
    if request.flag("file_stats"):
        sizes = [_size(h.resource.folder / uri) for uri in h.resource.entries]
        row |= {
            "file_count": str(len(sizes)),
            "file_size": str(sum(sizes)),
            "tags": h.resource.tags,
            "content": h.resource.content,
            "format": h.resource.format,
        }
    return row


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _chosen(state: State, place: Place, selector: str) -> list[Held]:
    covered = held(state, place)
    wanted = {id(r) for r in find_resources({str(i): h.resource for i, h in enumerate(covered)}, selector)}
    return [h for h in covered if id(h.resource) in wanted]


def catalog_answer(state: State, request: Request, place: Place, selector: str) -> Answer:
    """The catalog as XML, whatever format was asked for."""
    with state.lock:
        chosen = _chosen(state, place, selector)
        if not chosen:
            raise Refusal(404, "Unable to find the specified resource")
        return Answer(catalog.catalog_xml(chosen[0].resource), content_type="text/xml; charset=UTF-8")


def file_list(state: State, request: Request, place: Place, selector: str | None) -> Answer:
    """A table, or one zip with everything."""
    with state.lock:
        if selector is None:
            chosen = held(state, place, everything=request.flag("all"))
        else:
            chosen = _chosen(state, place, selector)
            if not chosen:
                return _not_found(request, "Unable to find the specified resource")
        wanted = request.query.get("file_content"), request.query.get("file_format")
        pairs = [(h, e) for h in chosen for e in h.resource.entries.values() if _asked(e, *wanted)]
        if request.query.get("format") == "zip":
            members = [(archive_zip.member_name(h.inside, h.resource.label, e.uri, request.query.get("structure", "")),
                        h.resource.folder / e.uri) for h, e in pairs]  # fmt: skip
            if not members:
                raise Refusal(404, "No files found")
            return Answer(archive_zip.stream(members), content_type="application/zip")
        rows = [_file_row(state, request, h, e) for h, e in pairs]
    return table(rows, title="Files")


def _asked(entry: CatalogEntry, content: str | None, file_format: str | None) -> bool:
    return content in (None, entry.content) and file_format in (None, entry.format)


def _file_row(state: State, request: Request, h: Held, entry: CatalogEntry) -> dict[str, str]:
    path = h.resource.folder / entry.uri
    row = {
        "Name": PurePosixPath(entry.uri).name,
        "Size": str(_size(path)),
        "URI": h.uri(entry),
        "collection": h.resource.label,
        "file_tags": entry.tags,
        "file_format": entry.format,
        "file_content": entry.content,
        "cat_ID": h.resource.id,
        "digest": entry.digest,
    }
    if request.query.get("locator") == "absolutePath":
        row["absolutePath"] = str(path)
        del row["URI"]
    return row


def _not_found(request: Request, message: str) -> Answer:
    return text("", 204) if request.flag("accept-not-found") else status_page(404, message)


def read_file(state: State, request: Request, place: Place, selector: str | None, path: str) -> Answer:
    """One file with its length; `archive.zip!member` reads inside a zip."""
    with state.lock:
        chosen = held(state, place) if selector is None else _chosen(state, place, selector)
        name, _, member = path.partition("!")
        found = next((h.resource.folder / name for h in chosen if name in h.resource.entries), None)
    if found is None or not found.is_file():
        return _not_found(request, "Unable to find the specified file")
    if member:
        with zipfile.ZipFile(found) as inner:
            if member not in inner.namelist():
                raise Refusal(404, "Unable to find the specified file")
            return Answer(inner.read(member), content_type="application/octet-stream")
    shown = state.settings.html_resources and found.suffix == ".html"
    kind = "text/html" if shown else "application/octet-stream"
    return Answer(file_body(found), content_type=kind, length=found.stat().st_size)
