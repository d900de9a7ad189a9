"""Making, filling and deleting resources and their files (section 2.4 of the wire contract)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from email.parser import BytesParser
from pathlib import Path, PurePosixPath

from . import catalog
from .accounts import require, rights
from .places import Place, find_resources
from .records import CatalogEntry, Resource
from .state import State
from .wire import Answer, Refusal, Request, as_json, text

_IN_BODY = frozenset({
    "application/octet-stream", "text/plain", "text/xml", "text/csv", "application/xml", "application/pdf",
    "application/zip", "application/dicom", "application/x-tar", "application/x-gtar", "image/png", "image/jpeg",
})  # fmt: skip


def create(state: State, request: Request, place: Place, label: str) -> Answer:
    """`PUT .../resources/R`: 200, 409 when it is there, 403 without the right to edit."""
    stores = _stores(place)
    project = place.owner(state)
    needed = "delete" if place.experiment is None and place.subject is None else "edit"
    require(request.user, project, needed)
    with state.lock:
        if find_resources(stores, label):
            raise Refusal(409, "Specified resource already exists.")
        _make(state, request, place, label)
        state.note(request.user.name, "Created resource", _item_id(place), project.id, reason=_reason(request))
    return text("")


def _stores(place: Place) -> dict[str, Resource]:
    if place.missing:
        raise Refusal(404, f"Unable to identify {place.missing}")
    stores = place.stores()
    if stores is None:
        raise Refusal(404, "Unable to identify scan")
    return stores


def _make(state: State, request: Request, place: Place, label: str) -> Resource:
    resource = catalog.new_resource(state, label, _folder(state, place) / label)
    resource.content = request.query.get("content", "")
    resource.format = request.query.get("format", "")
    resource.tags = request.query.get("tags", "")
    _stores(place)[label] = resource
    return resource


def _folder(state: State, place: Place) -> Path:
    if place.assessor is not None:
        return place.assessor.folder
    if place.experiment is not None:
        if place.scans:
            return place.experiment.folder / "SCANS" / place.scans[0].folder_name
        return place.experiment.folder / "RESOURCES"
    if place.subject is not None:
        return state.archive / place.subject.project / "subjects" / place.subject.label
    return state.archive / place.owner(state).id / "resources"


def _item_id(place: Place) -> str:
    item = place.experiment or place.subject or place.project
    return item.id if item is not None else ""


def _reason(request: Request) -> str:
    return request.query.get("event_reason", "")


def put_file(state: State, request: Request, place: Place, label: str, path: str) -> Answer:
    """Stores one file. Without the right to edit the owner of the resource: 200, and nothing is stored."""
    stores = _stores(place)
    project = place.owner(state)
    require(request.user, project, "read")
    if request.content_type == "multipart/form-data":
        request = _from_form(request)
    content_type = request.content_type
    if (request.body_size < 1 or request.chunked) and content_type != "application/zip":
        raise Refusal(500, "Unable to read an empty body")
    if content_type not in _IN_BODY and not request.flag("inbody"):
        raise Refusal(400, "No data recognized in the request")
    # A project's own resources take the right that only owners have.
    needed = "delete" if place.experiment is None and place.subject is None else "edit"
    if needed not in rights(request.user, project) or path.endswith("_catalog.xml"):
        return text("")
    with state.lock:
        found = find_resources(stores, label)
        resource = found[0] if found else _make(state, request, place, label)
        names = [path] if not request.flag("extract") else list(_members(request))
        duplicates = [name for name in names if name in resource.entries]
    if duplicates and not request.flag("overwrite"):
        return as_json({"duplicates": duplicates}, content_type="text/html; charset=UTF-8")
    _store(state, request, resource, path)
    state.note(request.user.name, "Uploaded file", _item_id(place), project.id, reason=_reason(request), comment=path)
    return text("")


def _from_form(request: Request) -> Request:
    """The request as if its form's one file were its body: how XNAT's own pages send a file."""
    request.body.seek(0)
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    form = BytesParser().parsebytes(head + request.body.read())
    files = [part for part in form.walk() if part.get_filename()]
    if len(files) != 1:
        raise Refusal(400, "No data recognized in the request" if not files else "Several files in one request")
    content = files[0].get_payload(decode=True)
    assert isinstance(content, bytes)
    headers = {**request.headers, "content-type": "application/octet-stream"}
    return replace(request, body=io.BytesIO(content), body_size=len(content), headers=headers)


def _members(request: Request) -> Iterator[str]:
    request.body.seek(0)
    with zipfile.ZipFile(request.body) as archive:
        yield from (name for name in archive.namelist() if not name.endswith("/"))


def _store(state: State, request: Request, resource: Resource, path: str) -> None:
    words = {name: request.query.get(name, "") for name in ("content", "format", "tags")}
    request.body.seek(0)
    if not (request.flag("extract") and path.endswith(".zip")):
        catalog.store(state, resource, CatalogEntry(_inside(path), **words), request.body)
        return
    with zipfile.ZipFile(request.body) as archive:
        for name in archive.namelist():
            if not name.endswith("/"):
                with archive.open(name) as member:
                    catalog.store(state, resource, CatalogEntry(_inside(name), **words), member)


def _inside(path: str) -> str:
    if ".." in PurePosixPath(path).parts or path.startswith("/"):
        raise Refusal(400, "Invalid file path")
    return path


def delete_resource(state: State, request: Request, place: Place, selector: str) -> Answer:
    require(request.user, place.owner(state), "delete")
    stores = _stores(place)
    with state.lock:
        found = find_resources(stores, selector)
        if not found:
            raise Refusal(404, "Unable to find the specified resource")
        for resource in found:
            for uri in list(resource.entries) if request.flag("removeFiles") else []:
                catalog.remove(state, resource, uri)
            if request.flag("removeFiles"):
                (resource.folder / resource.catalog_name).unlink(missing_ok=True)
            del stores[resource.label]
    return text("")


def delete_file(state: State, request: Request, place: Place, selector: str, path: str) -> Answer:
    require(request.user, place.owner(state), "delete")
    stores = _stores(place)
    with state.lock:
        found = [r for r in find_resources(stores, selector) if path in r.entries]
        if not found:
            raise Refusal(404, "Unable to find the specified file")
        for resource in found:
            catalog.remove(state, resource, path)
    return text("")
