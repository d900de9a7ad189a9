"""What an XNAT session holds: its scans, its resources and their files, as listings give them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from xnat_pixelanon.archive import uris
from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.errors import TransferError

DICOM_RESOURCES = frozenset({"dicom", "secondary"})
"""Labels, case folded, of the resources whose files make up a scan."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan as listed; `uid` is its Series Instance UID."""

    id: str
    uid: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource anywhere in a session: `category` is scans, resources, assessors or reconstructions, `owner` the ID
    of the scan, assessor or reconstruction. Counts are those that the server keeps, and may be out of date."""

    id: str
    label: str
    category: str
    owner: str
    files: int
    bytes: int

    @property
    def is_dicom(self) -> bool:
        return self.category == "scans" and self.label.casefold() in DICOM_RESOURCES


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of a resource: `path` inside the resource, `uri` fit for a request, `md5` empty when not known."""

    path: str
    size: int
    md5: str
    uri: str = field(repr=False)


def scans(connection: XnatConnection, experiment: str) -> list[Scan]:
    """All scans of a session."""
    what = "listing the scans of a session"
    rows = connection.rows(uris.table("experiments", experiment, "scans", columns="ID,UID,xsiType"), what)
    found = [Scan(row.get("ID", ""), row.get("UID", "")) for row in rows]
    _distinct((scan.id for scan in found), what)
    return found


def resources(connection: XnatConnection, experiment: str) -> list[Resource]:
    """All resources of a session, of its scans, assessors and reconstructions."""
    what = "listing the resources of a session"
    uri = uris.table("experiments", experiment, "resources", all="true", file_stats="true")
    found = [_resource(row) for row in connection.rows(uri, what)]
    _distinct((resource.id for resource in found), what)
    return found


def outside_sessions(connection: XnatConnection, project: str) -> list[tuple[str, Resource]]:
    """The resources of the project itself (owner "") and of each of its subjects, with the owner's ID."""
    what = "listing the resources of the project"
    subjects = connection.get(uris.table("projects", project, "subjects", columns="ID,label"), what).rows(what)
    owners = [("", ()), *((row.get("ID", ""), ("subjects", row.get("ID", ""))) for row in subjects)]
    return [
        (owner, _resource(row))
        for owner, parts in owners
        for row in connection.get(uris.table("projects", project, *parts, "resources", file_stats="true"), what).rows(
            what
        )
    ]


def _resource(row: Mapping[str, str]) -> Resource:
    return Resource(
        row.get("xnat_abstractresource_id", ""),
        row.get("label", ""),
        row.get("category", ""),
        row.get("cat_id", ""),
        _count(row.get("file_count", "")),
        _count(row.get("file_size", "")),
    )


def assessors(connection: XnatConnection, experiment: str) -> list[tuple[str, str]]:
    """ID and label of each assessor: one without any resource is in no list of resources."""
    rows = connection.rows(uris.table("experiments", experiment, "assessors"), "listing the assessors of a session")
    return [(row.get("ID", ""), row.get("label", "")) for row in rows]


def scan_files(connection: XnatConnection, experiment: str, resource: Resource) -> list[ListedFile]:
    """The files of one resource of a scan. TransferError when the answer mixes in another resource."""
    what = "listing the files of a scan"
    uri = uris.scan_resource(experiment, resource.owner, resource.id, "files", format="json")
    rows = connection.get(uri, what).rows(what)
    found = []
    for row in rows:
        listed = row.get("URI", "")
        # A scan is also found by its type: only the number of the resource says that these files are its own.
        if f"/resources/{resource.id}/files/" not in listed:
            raise TransferError(f"{what}: the answer names files of another resource")
        size = row.get("Size", "")
        if not size.isdecimal():
            raise TransferError(f"{what}: a file without a size")
        found.append(ListedFile(uris.file_part(listed), int(size), row.get("digest", "").lower(), uris.listed(listed)))
    _distinct((one.path for one in found), what)
    return sorted(found, key=lambda one: one.path)


def natural(identity: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts scan 2 before scan 10."""
    return tuple((int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", identity))


def _count(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _distinct(names: Iterable[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if not name or name in seen:
            raise TransferError(f"{what}: the answer names something twice, or not at all")
        seen.add(name)
