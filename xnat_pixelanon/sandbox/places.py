"""From the path of a URL to the item it names, and whether this user may see it (section 2.0)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from .accounts import may_see, require, rights
from .records import Assessor, Experiment, Project, Resource, Scan, Subject, User
from .state import State
from .wire import Refusal


@dataclass(slots=True)
class Place:
    """What a path names; `rest` is what follows, undecoded. `new_*` hold labels of items that are not there."""

    project: Project | None = None
    subject: Subject | None = None
    experiment: Experiment | None = None
    scans: list[Scan] | None = None
    assessor: Assessor | None = None
    new_project: str = ""
    new_subject: str = ""
    new_experiment: str = ""
    new_scan: str = ""
    rest: tuple[str, ...] = field(default=())

    @property
    def missing(self) -> str:
        """The kind of item that does not exist, or ""."""
        for kind in ("project", "subject", "experiment", "scan"):
            if getattr(self, f"new_{kind}"):
                return kind
        return ""

    def owner(self, state: State) -> Project:
        """The project whose rights count."""
        if self.experiment is not None:
            return state.projects[self.experiment.project]
        if self.subject is not None:
            return state.projects[self.subject.project]
        if self.project is None:
            raise Refusal(404, "Unable to identify project")
        return self.project

    def stores(self) -> dict[str, Resource] | None:
        """The resources of the one item that the path names; None for several scans."""
        if self.scans is not None:
            return self.scans[0].resources if len(self.scans) == 1 else None
        for item in (self.assessor, self.experiment, self.subject, self.project):
            if item is not None:
                return item.resources
        return None


def locate(state: State, user: User, raw: tuple[str, ...]) -> Place:
    """Walks `projects/P/subjects/S/experiments/E/scans/1/...`; unreadable is the same as absent: 404."""
    place = Place(rest=raw)
    with state.lock:
        while len(place.rest) >= 2 and not place.missing and _step(state, user, place):
            pass
    return place


def _step(state: State, user: User, place: Place) -> bool:
    kind, key = place.rest[0], unquote(place.rest[1])
    if kind == "projects" and place.project is None and place.experiment is None:
        _project(state, user, place, key)
    elif kind == "subjects" and place.subject is None and place.experiment is None:
        _subject(state, user, place, key)
    elif kind == "experiments" and place.experiment is None:
        _experiment(state, user, place, key)
    elif kind == "scans" and place.experiment is not None and place.scans is None:
        _scans(place, key)
    elif kind == "assessors" and place.experiment is not None and place.assessor is None:
        _assessor(place, key)
    else:
        return False
    place.rest = place.rest[2:]
    return True


def _project(state: State, user: User, place: Place, key: str) -> None:
    project = state.projects.get(key)
    if project is None:
        place.new_project = key
    elif "read" in rights(user, project) or project.accessibility == "protected":
        place.project = project
    else:
        raise Refusal(404, f"Unable to identify project {key}")


def _subject(state: State, user: User, place: Place, key: str) -> None:
    subject = state.subject_by(key, place.project.id) if place.project else state.subjects.get(key)
    if subject is None:
        if place.project is None:
            raise Refusal(404, f"Unable to identify subject {key}")
        require(user, place.project, "read")
        place.new_subject = key
        return
    require(user, state.projects[subject.project], "read")
    place.subject = subject


def _experiment(state: State, user: User, place: Place, key: str) -> None:
    found = state.experiment_by(key, place.project.id if place.project else None)
    if found is not None and not may_see(user, found, state):
        found = None
    if found is None:
        if place.project is None:
            raise Refusal(404, f"Unable to find experiment {key}")
        require(user, place.project, "read")
        place.new_experiment = key
        return
    place.experiment = found


def _scans(place: Place, selector: str) -> None:
    """ID or type, comma lists, `*`, `ALL`: a type that equals another scan's ID gives both."""
    assert place.experiment is not None
    scans = list(place.experiment.scans.values())
    if selector in ("*", "ALL"):
        place.scans = scans
        return
    wanted = {part.replace("[SLASH]", "/").replace("[COMMA]", ",") for part in selector.split(",")}
    wanted = {"" if part == "NULL" else part for part in wanted}
    place.scans = [scan for scan in scans if scan.id in wanted or scan.type in wanted]
    if not place.scans:
        place.new_scan = selector


def _assessor(place: Place, key: str) -> None:
    assert place.experiment is not None
    for assessor in place.experiment.assessors.values():
        if key in (assessor.id, assessor.label):
            place.assessor = assessor
            return
    raise Refusal(404, f"Unable to find assessor {key}")


def find_resources(resources: dict[str, Resource], selector: str) -> list[Resource]:
    """By label or by number, comma lists and `*` too."""
    if selector in ("*", "ALL"):
        return list(resources.values())
    wanted = re.split(r",", selector)
    return [r for r in resources.values() if r.label in wanted or r.id in wanted]
