"""Ways to fill a sandbox from Python, and to bring it into the states that a test needs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from . import catalog, items, prearchive
from .archiver import ArchiveOrder, archive_and_wait
from .importer import Order, Upload
from .records import Assessor, CatalogEntry, Experiment, Project, Resource, User
from .state import State, timestamp

SEEDER = User("seeder", "", admin=True)


def find_project(state: State, project: str) -> Project:
    return state.projects[project]


def find_session(state: State, project: str, session: str) -> Experiment:
    """By ID or label; KeyError when it is not there."""
    found = state.experiment_by(session, project)
    if found is None:
        raise KeyError(session)
    return found


def seed_session(
    state: State, project: str, subject: str, label: str, files: Sequence[Path], *, anonymise: bool, announce: bool
) -> str:
    """Files arrive as from a scanner and are archived; a second call with the same label is a late arrival."""
    order = Order(SEEDER, project=project, subject=subject, session=label, prevent_anon=not anonymise, rename=True,
                  destination="prearchive", overwrite="append")  # fmt: skip
    upload = Upload(state, order)
    for file in files:
        with file.open("rb") as source:
            upload.take_object(source, file.name)
    if len(upload.entries) != 1:
        raise ValueError(f"the files make {len(upload.entries)} sessions, not one")
    prearchive.build(state, upload.entries[0])
    # Another modality comes into a session by other ways than the archive: scan by scan, for one.
    return archive_and_wait(state, upload.entries[0], ArchiveOrder(SEEDER.name, may_mix=True, announce=announce)).id


def add_resource_file(
    state: State, project: str, session: str | None, resource: str, name: str, data: bytes, *, scan: str | None = None
) -> None:
    """A file into a resource of a project (session None), a session, or one of its scans."""
    with state.lock:
        if session is None:
            stores = find_project(state, project).resources
            folder = state.archive / project / "resources"
        else:
            experiment = find_session(state, project, session)
            stores, folder = experiment.resources, experiment.folder / "RESOURCES"
            if scan is not None:
                stores = experiment.scans[scan].resources
                folder = experiment.folder / "SCANS" / experiment.scans[scan].folder_name
        _add(state, stores, folder, resource, name, data)


def _add(state: State, stores: dict[str, Resource], folder: Path, label: str, name: str, data: bytes) -> None:
    if label not in stores:
        stores[label] = catalog.new_resource(state, label, folder / label)
    catalog.store(state, stores[label], CatalogEntry(name), io.BytesIO(data))


def add_assessor(
    state: State, project: str, session: str, label: str, *, xsi_type: str, resource: str, files: dict[str, bytes]
) -> str:
    """An assessor of a session, with files in one resource; its ID."""
    with state.lock:
        experiment = find_session(state, project, session)
        folder = experiment.folder / "ASSESSORS" / label
        assessor = Assessor(state.next_id("A"), label, xsi_type, folder, timestamp())
        experiment.assessors[assessor.id] = assessor
        for name, data in files.items():
            _add(state, assessor.resources, folder, resource, name, data)
        return assessor.id


def share_session(state: State, session_id: str, project: str, label: str | None) -> None:
    with state.lock:
        find_project(state, project)
        experiment = state.experiments[session_id]
        experiment.shared[project] = label or experiment.label


def rename_session(state: State, session_id: str, label: str) -> None:
    items.rename(state, state.experiments[session_id], label)


def give_to_subject(state: State, session_id: str, subject: str) -> None:
    with state.lock:
        experiment = state.experiments[session_id]
        experiment.subject_id = state.subject_or_new(subject, experiment.project, experiment.insert_user).id


def scan_folder_drift(state: State, session_id: str, scan: str, new_id: str) -> None:
    """The scan gets another ID; its folder and catalog keep the old number (section 3 of the wire contract)."""
    with state.lock:
        experiment = state.experiments[session_id]
        moved = experiment.scans.pop(scan)
        moved.id = new_id
        experiment.scans[new_id] = moved
