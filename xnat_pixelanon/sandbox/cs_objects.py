"""What the Container Service knows of a project, session or subject: the JSON that inputs are derived from."""

from __future__ import annotations

import json
from collections.abc import Mapping

from .accounts import may_see, rights
from .places import locate
from .records import Experiment, Project, Subject, User
from .state import State
from .wire import Refusal

XNAT_TYPES = frozenset({
    "Project", "ProjectAsset", "Subject", "SubjectAssessor", "Session", "Scan", "Assessor", "Resource",
})  # fmt: skip


class Unauthorized(Exception):
    """The URI names something that this user may not read."""


def find(state: State, user: User, kind: str, value: str, context: str | None) -> Mapping[str, object] | None:
    """The object that a launch value names: a URI, an ID, or its JSON, which is believed as it stands.

    context: the project of the launch. Raises Unauthorized.
    """
    if value.startswith("{"):
        return _given(value)
    with state.lock:
        found = _by_uri(state, user, value) if value.startswith("/") else _by_id(state, user, kind, value)
        if isinstance(found, Project) and kind == "Project":
            return of_project(state, found)
        if isinstance(found, Experiment) and kind == "Session":
            return of_session(state, found, context)
        if isinstance(found, Subject) and kind == "Subject":
            return of_subject(found)
    return None


def _given(value: str) -> Mapping[str, object] | None:
    """The service trusts the JSON of a launch, a wrong `directory` included; without `type` it cannot read it."""
    try:
        document = json.loads(value)
    except ValueError:
        return None
    return document if isinstance(document, dict) and "type" in document else None


def _by_uri(state: State, user: User, uri: str) -> Project | Experiment | Subject | None:
    words = tuple(word for word in uri.removeprefix("/archive").split("/") if word)
    if not words or words[0] not in ("projects", "subjects", "experiments"):
        return None
    try:
        place = locate(state, user, words)
    except Refusal as refusal:
        raise Unauthorized(f"User {user.name} cannot read {uri}") from refusal
    if place.missing or place.rest:
        return None
    if place.project is not None and "read" not in rights(user, place.project):
        raise Unauthorized(f"User {user.name} cannot read {uri}")
    return place.experiment or place.subject or place.project


def _by_id(state: State, user: User, kind: str, key: str) -> Project | Experiment | Subject | None:
    """Something that the user may not read is as if it were not there."""
    if kind == "Project":
        project = state.projects.get(key)
        return project if project is not None and "read" in rights(user, project) else None
    if kind == "Session":
        experiment = state.experiments.get(key)
        return experiment if experiment is not None and may_see(user, experiment, state) else None
    subject = state.subjects.get(key)
    if kind != "Subject" or subject is None or "read" not in rights(user, state.projects[subject.project]):
        return None
    return subject


def root_of(state: State, user: User, value: str) -> tuple[str, str] | None:
    """ID and XSI type of what a URI names, for the workflow; None when it names nothing that can be seen."""
    try:
        with state.lock:
            found = _by_uri(state, user, value) if value.startswith("/") else None
    except Unauthorized:
        return None
    if isinstance(found, Project):
        return found.id, "xnat:projectData"
    if isinstance(found, Subject):
        return found.id, "xnat:subjectData"
    return None if found is None else (found.id, found.xsi_type)


def home_of(state: State, user: User, item: str) -> str | None:
    """The project of a project, subject or session that is there and that the user may read."""
    for kind in ("Project", "Session", "Subject"):
        found = _by_id(state, user, kind, item)
        if found is not None:
            return found.id if isinstance(found, Project) else found.project
    return None


def of_project(state: State, project: Project) -> dict[str, object]:
    return {
        "type": "Project",
        "id": project.id,
        "label": project.name,
        "xsiType": "xnat:projectData",
        "uri": f"/archive/projects/{project.id}",
        "directory": str(state.project_folder(project)),
        "title": project.name,
        "accessibility": project.accessibility,
    }


def of_session(state: State, experiment: Experiment, context: str | None) -> dict[str, object]:
    """Its `project-id` is the project of the launch where there is one, whatever project it belongs to."""
    document: dict[str, object] = {
        "type": "Session",
        "id": experiment.id,
        "label": experiment.label,
        "xsiType": experiment.xsi_type,
        "uri": f"/archive/experiments/{experiment.id}",
        "directory": str(experiment.folder),
        "project-id": context or experiment.project,
        "subject-id": experiment.subject_id,
    }
    if context and context != experiment.project:
        document["shared-from-project-id"] = experiment.project
    return document


def of_subject(subject: Subject) -> dict[str, object]:
    return {
        "type": "Subject",
        "id": subject.id,
        "label": subject.label,
        "xsiType": "xnat:subjectData",
        "uri": f"/archive/subjects/{subject.id}",
        "project-id": subject.project,
    }


def upwards(state: State, kind: str, document: Mapping[str, object]) -> Mapping[str, object] | None:
    """The project or subject of a session, the project of a subject."""
    with state.lock:
        if kind == "Project":
            project = state.projects.get(str(document.get("project-id")))
            return of_project(state, project) if project is not None else None
        subject = state.subjects.get(str(document.get("subject-id")))
        return of_subject(subject) if subject is not None else None
