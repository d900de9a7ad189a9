"""Tables and items of projects, subjects, experiments and scans (section 2.3 of the wire contract)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

from .accounts import may_see, require, rights
from .places import Place
from .records import GROUP_NAMES, Experiment, Project, Scan, Subject
from .state import State
from .wire import Answer, Refusal, Request, as_json, item, table

_Reader = Callable[[State, Experiment, str], str]


def _subject_label(state: State, experiment: Experiment, project: str) -> str:
    subject = state.subjects.get(experiment.subject_id)
    return subject.label if subject else ""


_EXPERIMENT: Mapping[str, _Reader] = {
    "ID": lambda state, e, p: e.id,
    "label": lambda state, e, p: e.shared.get(p, e.label),
    "project": lambda state, e, p: p or e.project,
    "xsiType": lambda state, e, p: e.xsi_type,
    "insert_date": lambda state, e, p: e.inserted,
    "insert_user": lambda state, e, p: e.insert_user,
    "date": lambda state, e, p: e.fields.get("date", ""),
    "time": lambda state, e, p: e.fields.get("time", ""),
    "note": lambda state, e, p: e.fields.get("note", ""),
    "subject_ID": lambda state, e, p: e.subject_id,
    "subject_label": _subject_label,
    "subject_project": lambda state, e, p: e.project,
    "URI": lambda state, e, p: f"/data/experiments/{e.id}",
}
# Asking for one of these drops every experiment that is not an image session.
_SESSION: Mapping[str, _Reader] = {
    name: (lambda state, e, p, _name=name: e.fields.get(_name, ""))  # type: ignore[misc]
    for name in ("UID", "modality", "scanner", "operator", "session_type", "acquisition_site", "dcmPatientName",
                 "dcmPatientId", "dcmPatientBirthDate", "dcmAccessionNumber", "study_id")
}  # fmt: skip
_DEFAULT_COLUMNS = ("ID", "project", "date", "xsiType", "label", "insert_date")
_SCAN_DEFAULT = ("xnat_imagescandata_id", "ID", "type", "quality", "xsiType", "note", "series_description")
_SCAN_SHORT = frozenset({"xnat_imagescandata_id", "ID", "type", "quality", "xsiType", "note", "series_description",
                         "UID", "modality", "frames", "scanner", "URI"})  # fmt: skip
_META_STATUS = "xnat:imagesessiondata/meta/status"


def projects(state: State, request: Request) -> Answer:
    """Those that the user may read, and the titles of protected ones."""
    with state.lock:
        seen = [
            p for p in state.projects.values() if "read" in rights(request.user, p) or p.accessibility == "protected"
        ]
        rows = [_project_row(p) for p in seen]
    asked = request.query.get("columns")
    if asked:
        wanted = asked.split(",")
        rows = [{key: row.get(key, "") for key in (*wanted, "URI")} for row in rows]
    return table(rows, title="Projects")


def _project_row(project: Project) -> dict[str, str]:
    return {
        "ID": project.id,
        "secondary_ID": project.id,
        "name": project.name,
        "description": "",
        "pi_firstname": "",
        "pi_lastname": "",
        "URI": f"/data/projects/{project.id}",
    }


def project_item(state: State, request: Request, place: Place) -> Answer:
    project = place.owner(state)
    fields = {"ID": project.id, "name": project.name, "secondary_ID": project.id}
    return as_json({"items": [item("xnat:projectData", fields)]})


def subjects(state: State, request: Request, place: Place) -> Answer:
    project = place.owner(state)
    require(request.user, project, "read")
    with state.lock:
        rows = [_subject_row(s) for s in state.subjects.values() if s.project == project.id]
    asked = request.query.get("columns")
    if asked:
        rows = [{key: row.get(key, "") for key in (*asked.split(","), "URI")} for row in rows]
    wanted = {k: v for k, v in request.query.items() if k in ("label", "ID")}
    rows = [row for row in rows if all(row.get(k) == v for k, v in wanted.items())]
    return table(rows, title="Subjects")


def _subject_row(subject: Subject) -> dict[str, str]:
    return {
        "ID": subject.id,
        "project": subject.project,
        "label": subject.label,
        "insert_date": subject.inserted,
        "insert_user": subject.insert_user,
        "URI": f"/data/subjects/{subject.id}",
    }


def subject_item(state: State, request: Request, place: Place) -> Answer:
    if place.subject is None:
        raise Refusal(404, "Unable to find subject")
    subject = place.subject
    fields = {"ID": subject.id, "label": subject.label, "project": subject.project, **subject.fields}
    return as_json({"items": [item("xnat:subjectData", fields)]})


def experiments(state: State, request: Request, place: Place) -> Answer:
    """Also those shared into the project, with label and project as they are there, and assessors."""
    project = place.owner(state)
    require(request.user, project, "read")
    asked = request.query.get("columns")
    columns = tuple(asked.split(",")) if asked else _DEFAULT_COLUMNS
    session_only = any(_is_session_column(column) for column in columns)
    with state.lock:
        found = [
            e
            for e in state.experiments.values()
            if (e.project == project.id or project.id in e.shared)
            and (place.subject is None or e.subject_id == place.subject.id)
            and may_see(request.user, e, state)
        ]
        rows = [{c.lower() if ":" in c else c: _cell(state, e, project.id, c) for c in columns} for e in found]
        if "URI" not in columns:
            for row, e in zip(rows, found, strict=True):
                row["URI"] = f"/data/experiments/{e.id}"
        kinds = [e.xsi_type for e in found]
        if not session_only:
            for e in found:
                for assessor in e.assessors.values():
                    facts = {"ID": assessor.id, "label": assessor.label, "xsiType": assessor.xsi_type,
                             "project": e.project, "insert_date": assessor.inserted}  # fmt: skip
                    rows.append({c: facts.get(c, "") for c in columns} | {"URI": f"/data/experiments/{assessor.id}"})
                    kinds.append(assessor.xsi_type)
    return _page(request, rows, kinds)


def _page(request: Request, rows: list[dict[str, str]], kinds: list[str]) -> Answer:
    query = request.query
    wanted = query.get("xsiType")
    if wanted:
        rows = [row for row, kind in zip(rows, kinds, strict=True) if kind in wanted.split(",")]
    for name in ("label", "ID", "date"):
        if name in query:
            rows = [row for row in rows if row.get(name) == query[name]]
    if "limit" not in query:
        return table(rows)
    offset = int(query.get("offset", "0"))
    return table(rows[offset:] if query["limit"] == "*" else rows[offset : offset + int(query["limit"])], total=False)


def _is_session_column(column: str) -> bool:
    return column in _SESSION or ("SessionData/" in column and ":" in column)


def _cell(state: State, experiment: Experiment, project: str, column: str) -> str:
    reader = _EXPERIMENT.get(column) or _SESSION.get(column)
    if reader is not None:
        return reader(state, experiment, project)
    if ":" not in column or "/" not in column:
        raise Refusal(400, f"Unknown column {column}")
    if column.lower() == _META_STATUS:
        return experiment.status
    name = column.split("/", 1)[1]
    reader = _EXPERIMENT.get(name)
    return reader(state, experiment, project) if reader else experiment.fields.get(name, "")


def experiment_item(state: State, request: Request, place: Place) -> Answer:
    """The item JSON with its scans, resources, assessors and shares as children."""
    experiment = place.experiment
    if experiment is None:
        raise Refusal(404, "Unable to find experiment")
    with state.lock:
        fields = {
            "ID": experiment.id,
            "label": experiment.label,
            "project": experiment.project,
            "subject_ID": experiment.subject_id,
            **experiment.fields,
        }
        scans = [item(s.xsi_type, {"ID": s.id, **s.fields}, _files_of(s)) for s in experiment.scans.values()]
        shares = [
            item("xnat:experimentData_share", {"project": p, "label": label}) for p, label in experiment.shared.items()
        ]
        resources = [
            item("xnat:resourceCatalog", {"label": r.label, "URI": str(r.folder / r.catalog_name)})
            for r in experiment.resources.values()
        ]
        assessors = [item(a.xsi_type, {"ID": a.id, "label": a.label}) for a in experiment.assessors.values()]
        groups = {
            "scans/scan": scans,
            "sharing/share": shares,
            "resources/resource": resources,
            "assessors/assessor": assessors,
        }
        children = [{"field": name, "items": items} for name, items in groups.items() if items]
        whole = item(experiment.xsi_type, fields, children)
    return as_json({"items": [whole]})


def _files_of(scan: Scan) -> list[dict[str, object]]:
    files = [
        item("xnat:resourceCatalog", {"label": r.label, "content": r.content, "format": r.format,
                                      "file_count": str(len(r.entries)), "URI": str(r.folder / r.catalog_name)})
        for r in scan.resources.values()
    ]  # fmt: skip
    return [{"field": "file", "items": files}] if files else []


def scans(state: State, request: Request, place: Place) -> Answer:
    experiment = place.experiment
    if experiment is None:
        raise Refusal(404, "Unable to find experiment")
    asked = request.query.get("columns")
    columns = tuple(asked.split(",")) if asked else _SCAN_DEFAULT
    with state.lock:
        rows = [_scan_row(experiment, scan, columns) for scan in experiment.scans.values()]
    return table(rows)


def _scan_row(experiment: Experiment, scan: Scan, columns: tuple[str, ...]) -> dict[str, str]:
    uri = f"/data/experiments/{experiment.id}/scans/{scan.id}"
    facts = {"ID": scan.id, "xsiType": scan.xsi_type, "xnat_imagescandata_id": str(zlib.crc32(uri.encode()) % 10**6)}
    row: dict[str, str] = {}
    for column in columns:
        if column not in _SCAN_SHORT and ":" not in column and "/" not in column:
            raise Refusal(400, f"Unknown column {column}")
        name = column.split("/", 1)[1] if ":" in column else column
        row[column.lower() if ":" in column else column] = facts.get(name, scan.fields.get(name, ""))
    row["URI"] = uri
    return row


def scan_item(state: State, request: Request, place: Place) -> Answer:
    if not place.scans:
        raise Refusal(404, "Unable to identify scan")
    with state.lock:
        items = [item(s.xsi_type, {"ID": s.id, **s.fields}, _files_of(s)) for s in place.scans]
    return as_json({"items": items})


def assessors(state: State, request: Request, place: Place) -> Answer:
    experiment = place.experiment
    if experiment is None:
        raise Refusal(404, "Unable to find experiment")
    rows = [
        {"ID": a.id, "label": a.label, "xsiType": a.xsi_type, "project": experiment.project,
         "URI": f"/data/experiments/{a.id}", "insert_date": a.inserted}
        for a in experiment.assessors.values()
    ]  # fmt: skip
    return table(rows)


def members(state: State, request: Request, place: Place) -> Answer:
    """Who has which role in a project."""
    project = place.owner(state)
    require(request.user, project, "read")
    rows = [
        {"displayname": GROUP_NAMES[role], "GROUP_ID": f"{project.id}_{role}", "login": name,
         "firstname": name, "lastname": "Invented", "email": f"{name}@example.invalid"}
        for name, role in sorted(project.roles.items())
    ]  # fmt: skip
    return table(rows)
