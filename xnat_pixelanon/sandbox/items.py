"""Making, changing, sharing and deleting projects, subjects, experiments and scans (sections 2.5 and 2.11)."""

from __future__ import annotations

import re
import shutil

from .accounts import may_activate, require, rights
from .places import Place
from .records import GROUP_NAMES, Experiment, Project, Scan, SessionEvent, Subject
from .state import State, timestamp
from .wire import Answer, Refusal, Request, text

_BAD_LABEL = re.compile(r"[^A-Za-z0-9_. -]")


def put_project(state: State, request: Request, place: Place) -> Answer:
    """Whoever makes a project owns it."""
    if place.project is not None:
        require(request.user, place.project, "delete")
        return text(place.project.id)
    if request.user.guest:
        raise Refusal(403, "Guests may not create projects")
    with state.lock:
        project = Project(place.new_project, request.query.get("name", place.new_project))
        project.roles[request.user.name] = "owner"
        state.projects[project.id] = project
        state.note(request.user.name, "Added Project", project.id, project.id)
    return text(project.id)


def delete_project(state: State, request: Request, place: Place) -> Answer:
    project = place.owner(state)
    require(request.user, project, "delete")
    with state.lock:
        for experiment in [e for e in state.experiments.values() if e.project == project.id]:
            _drop(state, experiment, files=True)
        for subject in [s for s in state.subjects.values() if s.project == project.id]:
            del state.subjects[subject.id]
        state.prearchive = [entry for entry in state.prearchive if entry.project != project.id]
        for key in [key for key in state.configs if key[0] == project.id]:
            del state.configs[key]
        del state.projects[project.id]
        shutil.rmtree(state.archive / project.id, ignore_errors=True)
        shutil.rmtree(state.prearchive_root / project.id, ignore_errors=True)
    return text("")


def put_subject(state: State, request: Request, place: Place) -> Answer:
    project = place.owner(state)
    require(request.user, project, "create")
    if place.subject is not None:
        return text(place.subject.id)
    if _BAD_LABEL.search(place.new_subject):
        raise Refusal(417, "Invalid character in the subject label")
    subject = state.subject_or_new(place.new_subject, project.id, request.user.name)
    return text(subject.id, 201)


def delete_subject(state: State, request: Request, place: Place) -> Answer:
    subject = _subject(place)
    require(request.user, place.owner(state), "delete")
    with state.lock:
        for experiment in [e for e in state.experiments.values() if e.subject_id == subject.id]:
            _drop(state, experiment, files=request.flag("removeFiles"))
        state.subjects.pop(subject.id, None)
    return text("")


def _subject(place: Place) -> Subject:
    if place.subject is None:
        raise Refusal(404, "Unable to find subject")
    return place.subject


def put_experiment(state: State, request: Request, place: Place) -> Answer:
    """New (201), updated (200), or activated; the same label again is an update, not an error."""
    project = place.owner(state)
    if place.experiment is not None:
        return _change(state, request, place.experiment)
    require(request.user, project, "create")
    subject = _subject(place)
    xsi_type = request.query.get("xsiType", "")
    if _BAD_LABEL.search(place.new_experiment) or not xsi_type:
        raise Refusal(417, "Invalid label or no xsiType")
    with state.lock:
        folder = state.project_folder(project) / place.new_experiment
        experiment = Experiment(state.next_id("E"), place.new_experiment, project.id, subject.id, xsi_type, folder,
                                timestamp(), request.user.name)  # fmt: skip
        experiment.fields.update({k: request.query[k] for k in ("date", "note", "UID") if k in request.query})
        state.experiments[experiment.id] = experiment
        state.note(request.user.name, "Added Session", experiment.id, project.id)
    state.announce(SessionEvent("CREATED", experiment, request.user.name))
    return text(experiment.id, 201)


def _change(state: State, request: Request, experiment: Experiment) -> Answer:
    home = state.projects[experiment.project]
    with state.lock:
        if request.flag("activate") or request.flag("quarantine"):
            if not may_activate(request.user, home):
                raise Refusal(403, "User may not change the status of this session")
            experiment.status = "active" if request.flag("activate") else "quarantine"
            state.note(request.user.name, "Modified status", experiment.id, home.id)
            return text(experiment.id)
        require(request.user, home, "edit")
        experiment.fields.update({k: request.query[k] for k in ("date", "note") if k in request.query})
        new_label = request.query.get("label")
        if new_label and new_label != experiment.label:
            rename(state, experiment, new_label)
    return text(experiment.id)


def rename(state: State, experiment: Experiment, label: str) -> None:
    """Gives a session another label and its folder the name to match."""
    with state.lock:
        if state.experiment_by(label, experiment.project) is not None:
            raise Refusal(409, "Specified label is already in use")
        target = experiment.folder.with_name(label)
        if experiment.folder.exists():
            experiment.folder.rename(target)
        stores = [experiment.resources, *(s.resources for s in experiment.scans.values())]
        stores += [a.resources for a in experiment.assessors.values()]
        for store in stores:
            for resource in store.values():
                resource.folder = target / resource.folder.relative_to(experiment.folder)
        for assessor in experiment.assessors.values():
            assessor.folder = target / assessor.folder.relative_to(experiment.folder)
        experiment.folder, experiment.label = target, label


def delete_experiment(state: State, request: Request, place: Place) -> Answer:
    """Through the URL of a project it is only shared into, it is only unshared. The subject stays."""
    experiment = place.experiment
    if experiment is None:
        raise Refusal(404, "Unable to find experiment")
    with state.lock:
        if place.project is not None and place.project.id != experiment.project:
            require(request.user, place.project, "delete")
            del experiment.shared[place.project.id]
            return text("")
        require(request.user, place.owner(state), "delete")
        _drop(state, experiment, files=request.flag("removeFiles"))
        state.note(request.user.name, "Removed Session", experiment.id, experiment.project, comment=experiment.label)
    state.announce(SessionEvent("DELETED", experiment, request.user.name))
    return text("")


def _drop(state: State, experiment: Experiment, *, files: bool) -> None:
    state.experiments.pop(experiment.id, None)
    if files:
        shutil.rmtree(experiment.folder, ignore_errors=True)


def share(state: State, request: Request, place: Place, target: str) -> Answer:
    """`PUT .../experiments/E/projects/OTHER[?label=][&primary=true]`: seen in both, or moved with all its history."""
    experiment = place.experiment
    project = state.projects.get(target)
    if experiment is None or project is None or "read" not in rights(request.user, project):
        raise Refusal(404, "Unable to identify project or experiment")
    require(request.user, project, "create")
    with state.lock:
        if target in experiment.shared:
            raise Refusal(409, "Already assigned to this project")
        if request.flag("primary"):
            require(request.user, place.owner(state), "delete")
            experiment.project = target
        else:
            experiment.shared[target] = request.query.get("label", experiment.label)
    return text("")


def put_scan(state: State, request: Request, place: Place) -> Answer:
    experiment = place.experiment
    if experiment is None:
        raise Refusal(404, "Unable to find experiment")
    require(request.user, place.owner(state), "edit")
    xsi_type = request.query.get("xsiType", "")
    if xsi_type == "xnat:imageScanData":
        raise Refusal(400, "Scan types must be concrete")
    with state.lock:
        if place.scans:
            scan = place.scans[0]
            if xsi_type and xsi_type != scan.xsi_type:
                raise Refusal(409, "The type of a scan cannot be changed")
        elif not xsi_type:
            raise Refusal(417, "No xsiType for a new scan")
        else:
            scan = Scan(place.new_scan, request.query.get("UID", ""), place.new_scan, xsi_type)
            experiment.scans[scan.id] = scan
        names = ("type", "quality", "series_description", "UID", "note", "modality", "frames")
        scan.fields.update({k: request.query[k] for k in names if k in request.query})
    return text("")


def delete_scan(state: State, request: Request, place: Place) -> Answer:
    if place.experiment is None or not place.scans:
        raise Refusal(404, "Unable to identify scan")
    require(request.user, place.owner(state), "delete")
    with state.lock:
        for scan in place.scans:
            del place.experiment.scans[scan.id]
            if request.flag("removeFiles"):
                shutil.rmtree(place.experiment.folder / "SCANS" / scan.folder_name, ignore_errors=True)
    return text("")


def setting(state: State, request: Request, place: Place) -> Answer:
    """`accessibility`, `prearchive_code`, `quarantine_code`, `current_arc` of a project, read or set."""
    project = place.owner(state)
    require(request.user, project, "read")
    name = place.rest[0]
    if request.method == "GET":
        return text(str(getattr(project, name)))
    if len(place.rest) != 2:
        raise Refusal(400, f"No value for {name}")
    require(request.user, project, "delete")
    value = place.rest[1]
    if name == "accessibility":
        if value not in ("public", "protected", "private"):
            raise Refusal(400, "Unknown accessibility")
        project.accessibility = value
    elif name == "current_arc":
        project.current_arc = value
    elif value.isdigit():
        setattr(project, name, int(value))
    else:
        raise Refusal(400, f"{name} is a number")
    return text("")


def set_member(state: State, request: Request, place: Place) -> Answer:
    """`PUT|DELETE .../users/{Owners|Members|Collaborators}/{user}`."""
    project = place.owner(state)
    require(request.user, project, "delete")
    if len(place.rest) != 3:
        raise Refusal(400, "Group and user are needed")
    group, name = place.rest[1], place.rest[2]
    role = {title: role for role, title in GROUP_NAMES.items()}.get(group) or group.removeprefix(f"{project.id}_")
    if name not in state.users or role not in GROUP_NAMES:
        raise Refusal(404, "Unknown user or group")
    with state.lock:
        if request.method == "PUT":
            project.roles[name] = role
        elif project.roles.get(name) == role:
            del project.roles[name]
    return text("")
