"""Resources on disk: a folder, its files and the catalog XML that lists them."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path, PurePosixPath
from typing import IO
from xml.etree import ElementTree

from .records import CatalogEntry, Resource
from .state import State
from .wire import CHUNK

_CAT = "http://nrg.wustl.edu/catalog"


def new_resource(state: State, label: str, folder: Path, *, catalog_name: str = "", dicom: bool = False) -> Resource:
    """An empty resource with its catalog on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    name = catalog_name or f"{label}_catalog.xml"
    resource = Resource(state.next_id("resource"), label, folder, name, dicom, format="DICOM" if dicom else "")
    write_catalog(resource)
    return resource


def md5_of(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def catalog_xml(resource: Resource) -> bytes:
    """`cat:Catalog`, or `cat:DCMCatalog` with the SOP Instance UID of each entry."""
    ElementTree.register_namespace("cat", _CAT)
    root = ElementTree.Element(f"{{{_CAT}}}{'DCMCatalog' if resource.dicom else 'Catalog'}", {"ID": resource.label})
    entries = ElementTree.SubElement(root, f"{{{_CAT}}}entries")
    for entry in resource.entries.values():
        attributes = {"URI": entry.uri, "ID": entry.uri, "name": PurePosixPath(entry.uri).name}
        optional = {
            "digest": entry.digest,
            "format": entry.format,
            "content": entry.content,
            "UID": entry.uid,
            "instanceNumber": entry.instance_number,
        }
        attributes |= {key: value for key, value in optional.items() if value}
        ElementTree.SubElement(entries, f"{{{_CAT}}}entry", attributes)
    text: str = ElementTree.tostring(root, encoding="unicode")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()


def write_catalog(resource: Resource) -> None:
    (resource.folder / resource.catalog_name).write_bytes(catalog_xml(resource))


def store(state: State, resource: Resource, entry: CatalogEntry, source: IO[bytes]) -> None:
    """Writes one file (not atomically, as the real one) and lists it; a file of that name is replaced."""
    target = resource.folder / entry.uri
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        retire(state, target)
    with target.open("wb") as out:
        shutil.copyfileobj(source, out, CHUNK)
    if state.settings.checksums:
        entry.digest = md5_of(target)
    with state.lock:
        resource.entries[entry.uri] = entry
        write_catalog(resource)


def remove(state: State, resource: Resource, uri: str) -> None:
    """Takes one file off the catalog and the disk."""
    with state.lock:
        resource.entries.pop(uri, None)
        write_catalog(resource)
    target = resource.folder / uri
    if target.exists():
        retire(state, target)


def retire(state: State, path: Path) -> None:
    """Deletes a file, or keeps it in the site's cache when the site keeps history."""
    if state.settings.keep_history:
        kept = state.cache / "history" / f"{state.next_id('history')}_{path.name}"
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, kept)
    else:
        path.unlink()


def refresh(state: State, resource: Resource, options: frozenset[str]) -> None:
    """Brings catalog and folder together: `append` lists stray files, `delete` drops lost ones, `checksum`."""
    with state.lock:
        if "append" in options:
            for path in sorted(resource.folder.rglob("*")):
                uri = path.relative_to(resource.folder).as_posix()
                if path.is_file() and not uri.endswith("_catalog.xml") and uri not in resource.entries:
                    resource.entries[uri] = CatalogEntry(uri, format=resource.format)
        if "delete" in options:
            for uri in [uri for uri in resource.entries if not (resource.folder / uri).is_file()]:
                del resource.entries[uri]
        if "checksum" in options:
            for uri, entry in resource.entries.items():
                if (resource.folder / uri).is_file():
                    entry.digest = md5_of(resource.folder / uri)
        write_catalog(resource)
