"""The workflows of items: `/data/workflows` of XNAT itself, and `/xapi/workflows` of its Batch Launch plugin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from .accounts import may_see, rights
from .records import User, WorkflowEntry
from .state import State
from .wire import Answer, Refusal, Request, as_json, item, text
from .xapi import body_of, require_login

_PROJECT, _SUBJECT, _USER = "xnat:projectData", "xnat:subjectData", "xdat:user"
_PAGE = 50


def workflows(state: State, request: Request) -> Answer:
    """The workflows of one item, `/workflows?wrk:workflowData/id=ITEM`, or one workflow, `/workflows/ID`."""
    words = request.segments[1:]
    wanted = words[0] if words else request.query.get("wrk:workflowData/id", "")
    with state.lock:
        rows = [w for w in state.workflow if wanted == (w.id if words else w.item) and _reads(state, request.user, w)]
        fields = [{"wrk_workflowData_id": w.id, "pipeline_name": w.pipeline, "ID": w.item, "ExternalID": w.project,
                   "data_type": w.data_type, "launch_time": w.at, "status": w.status, "details": w.details,
                   "jobID": w.job, "justification": w.reason, "comments": w.comment} for w in rows]  # fmt: skip
    if words and not fields:
        raise Refusal(404, "Unable to find the workflow")
    return as_json({"items": [item("wrk:workflowData", f) for f in fields]})


def _reads(state: State, user: User, workflow: WorkflowEntry) -> bool:
    """Those of projects that the user may read, and his own."""
    project = state.projects.get(workflow.project)
    return user.admin or workflow.user == user.name or (project is not None and "read" in rights(user, project))


def listed(state: State, request: Request) -> Answer:
    """`POST /xapi/workflows`: a page of the newest of one item, of all in a project, or of those a user may see.

    The plugin reads no `days` any more; what is that old comes all the same.
    """
    if not state.settings.batch_launch:
        raise Refusal(404, "Not found")
    require_login(request)
    wanted = body_of(request)
    if not isinstance(wanted, dict):
        raise Refusal(400, "Could not read JSON: an object is needed")
    kind, key = wanted.get("data_type"), str(wanted.get("id") or "")
    if not isinstance(kind, str):
        raise Refusal(500, "data_type is null")
    if wanted.get("filters"):
        raise Refusal(500, "This stand-in knows no filters")
    with state.lock:
        if not _may_ask(state, request.user, kind, key):
            return text("", 401)
        rows = [_row(state, one) for one in state.workflow if _of(one, kind, key) and _told(state, request.user, one)]
    return as_json(_page(rows, wanted))


def _page(rows: list[dict[str, object]], wanted: Mapping[str, object]) -> list[dict[str, object]]:
    try:
        size, number = (int(str(wanted.get(name, default))) for name, default in (("size", _PAGE), ("page", 1)))
    except ValueError:
        raise Refusal(400, "Could not read JSON: size and page are numbers") from None
    column = str(wanted.get("sort_col", "launchTime"))
    if rows and column not in rows[0]:
        raise Refusal(500, f"No column corresponding to {column}")
    newest = str(wanted.get("sort_dir", "desc")).lower() != "asc"
    ordered = sorted(rows, key=lambda row: (row[column], row["wfid"]), reverse=newest)
    return ordered[(number - 1) * size :][:size] if size > 0 else ordered


def _may_ask(state: State, user: User, kind: str, key: str) -> bool:
    if kind == _USER:
        return True
    if kind == _PROJECT:
        project = state.projects.get(key)
    elif kind == _SUBJECT:
        subject = state.subjects.get(key)
        project = state.projects[subject.project] if subject is not None else None
    else:
        experiment = state.experiments.get(key)
        return experiment is not None and may_see(user, experiment, state)
    return project is not None and "read" in rights(user, project)


def _of(workflow: WorkflowEntry, kind: str, key: str) -> bool:
    return kind == _USER or workflow.item == key or (kind == _PROJECT and workflow.project == key)


def _told(state: State, user: User, workflow: WorkflowEntry) -> bool:
    """Those of what the user may read; a project's own only to who may edit it."""
    if user.admin:
        return True
    project = state.projects.get(workflow.project)
    right = "edit" if workflow.data_type == _PROJECT else "read"
    return project is not None and right in rights(user, project)


def _row(state: State, workflow: WorkflowEntry) -> dict[str, object]:
    experiment, subject = state.experiments.get(workflow.item), state.subjects.get(workflow.item)
    found = experiment or subject
    launched = datetime.strptime(workflow.at, "%Y-%m-%d %H:%M:%S.%f")
    return {
        "wfid": int(workflow.id),
        "id": workflow.item,
        "label": workflow.item if found is None else found.label,
        "externalId": workflow.project or None,
        "pipelineName": workflow.pipeline,
        "dataType": workflow.data_type or (experiment.xsi_type if experiment is not None else None),
        "comments": workflow.comment or None,
        "details": workflow.details or None,
        "justification": workflow.reason or None,
        "launchTime": int(launched.timestamp() * 1000),
        "status": workflow.status,
        "createUser": workflow.user,
        "stepDescription": None,
        "percentageComplete": None,
        "jobId": workflow.job or None,
    }
