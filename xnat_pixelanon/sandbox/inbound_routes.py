"""`/data/services/{import,archive,prearchive}` and `/data/prearchive` (sections 2.7 and 2.8)."""

from __future__ import annotations

from . import prearchive
from .accounts import require
from .archiver import ArchiveFailed, ArchiveOrder, archive_and_wait
from .importer import Order, Upload, order_from
from .prearchive import Busy
from .records import Experiment, PrearchiveEntry, User
from .state import UNASSIGNED, State
from .wire import Answer, Refusal, Request, text

_FORMATS = {"application/zip": "zip"}


def import_(state: State, request: Request) -> Answer:
    """One zip, or one object; the answer lists the entries, one URL a line, or nothing when all was filtered."""
    if request.user.guest:
        raise Refusal(403, "Guests may not import")
    handler = request.query.get("import-handler", "DICOM-zip")
    if request.content_type == "application/dicom":
        handler = "gradual-DICOM"
    order = order_from(request.query, request.user)
    upload = Upload(state, order)
    request.body.seek(0)
    if handler == "gradual-DICOM":
        upload.take_object(request.body, "")
    elif handler == "DICOM-zip":
        _check_format(request)
        upload.take_zip(request.body)
    else:
        raise Refusal(404, f"Unknown import handler {handler}")
    urls = [_finish(state, entry, order) for entry in upload.entries]
    return text("".join(f"{url}\r\n" for url in urls), content_type="text/uri-list")


def _check_format(request: Request) -> None:
    """XNAT takes the format from the Content-Type, not from the bytes."""
    content_type = request.content_type
    if content_type in ("application/octet-stream", ""):
        raise Refusal(400, "Unsupported format: upload")
    if content_type not in _FORMATS:
        raise Refusal(400, "Unable to identify upload format")
    if request.body_size < 1:
        raise Refusal(400, "Unable to read the zip file")


def _finish(state: State, entry: PrearchiveEntry, order: Order) -> str:
    """Leaves the entry RECEIVING, builds it, or archives it, as the upload wished."""
    by_project = entry.autoarchive != "Manual" and order.commit
    if entry.project != UNASSIGNED and (order.destination == "archive" or order.auto_archive or by_project):
        archive = ArchiveOrder(
            order.user.name,
            overrides=order.overwrite == "delete" and not by_project,
            overwrite_files=order.overwrite_files or entry.autoarchive == "AutoArchiveOverwrite",
            quarantine=order.quarantine,
            may_merge=bool(order.overwrite) or by_project,
        )
        try:
            return f"/data{archive_uri(state, archive_and_wait(state, entry, archive))}"
        except (ArchiveFailed, Busy) as error:
            raise Refusal(400, "unable to archive for the Prearchive session") from error
    if order.destination == "prearchive" or order.commit:
        prearchive.build(state, entry)
    return f"/data{entry.uri}"


def archive_uri(state: State, experiment: Experiment) -> str:
    subject = state.subjects[experiment.subject_id].label
    return f"/archive/projects/{experiment.project}/subjects/{subject}/experiments/{experiment.label}"


def auto_archive(state: State, entry: PrearchiveEntry) -> None:
    """What the rebuild job does on a project that archives by itself; a failure stays in the prearchive."""
    replaces = entry.autoarchive == "AutoArchiveOverwrite"
    try:
        archive_and_wait(state, entry, ArchiveOrder("admin", overwrite_files=replaces))
    except (ArchiveFailed, Busy):
        return


def archive_service(state: State, request: Request) -> Answer:
    """`POST /data/services/archive?src=...`: waits, answers the URL, 303 for auto-archive entries, 500 on conflict."""
    entry = source_entry(state, request)
    if entry.project == UNASSIGNED:
        raise Refusal(400, "Unassigned sessions cannot be archived")
    target = state.projects.get(request.query.get("project") or entry.project)
    if target is None:
        raise Refusal(404, "Unable to identify project")
    require(request.user, state.projects[entry.project], "edit")
    require(request.user, target, "edit")
    order = ArchiveOrder(
        request.user.name,
        target.id,
        request.query.get("subject", ""),
        request.query.get("session", ""),
        request.query.get("overwrite", "").lower() in ("append", "delete"),
        request.flag("overwrite_files"),
        request.flag("quarantine"),
        reason=request.query.get("event_reason", ""),
    )
    auto = entry.autoarchive != "Manual"
    try:
        experiment = archive_and_wait(state, entry, order)
    except Busy:
        raise Refusal(403, "Operation already in progress on this prearchive entry.") from None
    except ArchiveFailed as failure:
        label = order.session or entry.name
        raise Refusal(500, f"FAILED: Unable to archive {label}: Operation Failed: {failure.args[0]}") from failure
    uri = f"/data{archive_uri(state, experiment)}"
    if auto or request.flag("redirect"):
        return Answer(b"", 303, headers=(("Location", uri),))
    return text(f"{uri}\r\n", content_type="text/uri-list")


def source_entry(state: State, request: Request) -> PrearchiveEntry:
    source = request.query.get("src", "")
    words = [word for word in source.split("/") if word and word != "data"]
    if len(words) != 5 or words[:2] != ["prearchive", "projects"]:
        raise Refusal(400, f"Invalid source {source}")
    entry = prearchive.find_entry(state, words[2], words[3], words[4])
    if entry is None:
        raise Refusal(404, f"{source} not found.")
    require_prearchive(state, request.user, entry.project, "edit")
    return entry


def require_prearchive(state: State, user: User, project: str, right: str) -> None:
    if project == UNASSIGNED:
        if not user.admin:
            raise Refusal(403, "Only admins may see unassigned sessions")
        return
    found = state.projects.get(project)
    if found is None:
        raise Refusal(404, f"Unable to identify project {project}")
    require(user, found, right)
