"""What a stand-in XNAT remembers, next to the files on its disk."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .builder import BuiltSession

ROLES = ("owner", "member", "collaborator")
GROUP_NAMES = {"owner": "Owners", "member": "Members", "collaborator": "Collaborators"}


@dataclass(slots=True)
class User:
    name: str
    password: str
    admin: bool = False
    guest: bool = False


@dataclass(slots=True)
class CatalogEntry:
    """One file of a resource; `uri` is its path below the resource folder."""

    uri: str
    digest: str = ""
    content: str = ""
    format: str = ""
    tags: str = ""
    uid: str = ""
    instance_number: str = ""


@dataclass(slots=True)
class Resource:
    """Files in one folder, listed in one catalog; `id` is the number that URLs may use in place of the label."""

    id: str
    label: str
    folder: Path
    catalog_name: str
    dicom: bool = False
    content: str = ""
    format: str = ""
    tags: str = ""
    entries: dict[str, CatalogEntry] = field(default_factory=dict)


@dataclass(slots=True)
class Scan:
    id: str
    uid: str
    folder_name: str
    xsi_type: str
    fields: dict[str, str] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return self.fields.get("type", "")


@dataclass(slots=True)
class Assessor:
    id: str
    label: str
    xsi_type: str
    folder: Path
    inserted: str
    fields: dict[str, str] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)


@dataclass(slots=True)
class Experiment:
    id: str
    label: str
    project: str
    subject_id: str
    xsi_type: str
    folder: Path
    inserted: str
    insert_user: str
    status: str = "active"
    fields: dict[str, str] = field(default_factory=dict)
    scans: dict[str, Scan] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    assessors: dict[str, Assessor] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)

    @property
    def uid(self) -> str:
        return self.fields.get("UID", "")


@dataclass(slots=True)
class Subject:
    id: str
    label: str
    project: str
    inserted: str
    insert_user: str
    fields: dict[str, str] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)


@dataclass(slots=True)
class Project:
    id: str
    name: str
    accessibility: str = "private"
    prearchive_code: int = 0
    quarantine_code: int = 0
    current_arc: str = "arc001"
    roles: dict[str, str] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)


@dataclass(slots=True)
class ConfigVersion:
    version: int
    contents: str
    user: str
    created: str
    reason: str = ""


@dataclass(slots=True)
class ConfigEntry:
    """One document of the config service; `project` is "" for the site."""

    project: str
    tool: str
    path: str
    status: str = "enabled"
    unversioned: bool = False
    versions: list[ConfigVersion] = field(default_factory=list)

    @property
    def latest(self) -> ConfigVersion:
        return self.versions[-1]


@dataclass(slots=True)
class WorkflowEntry:
    user: str
    pipeline: str
    item: str
    project: str
    at: str
    reason: str = ""
    comment: str = ""
    id: str = ""
    status: str = "Complete"
    details: str = ""
    data_type: str = ""
    job: str = ""

    @property
    def open(self) -> bool:
        """As XNAT sees it: all but what is complete or has failed still runs, or waits to."""
        return self.status != "Complete" and not self.status.startswith("Failed")


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """What happened to a session: CREATED, MERGED or DELETED, and who did it."""

    status: str
    experiment: Experiment
    user: str


@dataclass(slots=True)
class PrearchiveEntry:
    """One session on its way in. `lock` is held by whoever builds, archives or removes it; `built` is its XML."""

    project: str
    timestamp: str
    folder_name: str
    folder: Path
    name: str
    subject: str
    tag: str
    uploaded: str
    status: str = "RECEIVING"
    autoarchive: str = "Manual"
    prevent_anon: bool = False
    prevent_auto_commit: bool = False
    source: str = ""
    quarantine: bool = False
    overwrite_files: bool = False
    wants_archive: bool = False
    scan_date: str = ""
    scan_time: str = ""
    last_modified: str = ""
    quiet_since: float = 0.0
    objects: dict[str, tuple[str, str]] = field(default_factory=dict)
    built: BuiltSession | None = None
    log: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def uri(self) -> str:
        """Path below `/data`, as in the `url` column."""
        return f"/prearchive/projects/{self.project}/{self.timestamp}/{self.folder_name}"

    @property
    def xml_path(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.xml")
