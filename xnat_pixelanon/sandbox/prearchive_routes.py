"""`/data/prearchive` and `/data/services/prearchive` (section 2.8 of the wire contract)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from . import archive_zip, prearchive
from .archiver import ArchiveFailed, ArchiveOrder, archive_and_wait
from .builder import BuiltScan, BuiltSession
from .inbound_routes import archive_uri, require_prearchive, source_entry
from .prearchive import Busy
from .records import PrearchiveEntry, User
from .state import State
from .wire import Answer, Refusal, Request, as_json, file_body, table, text


def prearchive_service(state: State, request: Request, operation: str) -> Answer:
    """`/data/services/prearchive/{rebuild,delete,move}`: queued; the answer is a table of the new states."""
    entry = source_entry(state, request)
    work: dict[str, tuple[str, Callable[[], object]]] = {
        "rebuild": ("QUEUED_BUILDING", lambda: prearchive.build(state, entry)),
        "delete": ("QUEUED_DELETING", lambda: prearchive.discard(state, entry)),
    }
    if operation not in work:
        raise Refusal(400, f"Unknown operation {operation}")
    status, action = work[operation]
    try:
        prearchive.claim(state, entry, status)
    except Busy:
        raise Refusal(403, "Operation already in progress on this prearchive entry.") from None
    answer = table([_row(entry)])
    threading.Thread(target=action, name=f"sandbox-{operation}", daemon=True).start()
    return answer


def prearchive_route(state: State, request: Request) -> Answer:
    """`/data/prearchive[/projects[/P[/TS/SESS[/...]]]]`."""
    words = request.segments[1:]
    if words[:1] == ("projects",):
        words = words[1:]
    if len(words) <= 1:
        return _entries(state, request, words)
    require_prearchive(state, request.user, words[0], "read")
    entry = prearchive.find_entry(state, words[0], words[1], words[2]) if len(words) > 2 else None
    if request.method == "GET" and len(words) == 3 and request.query.get("format") == "json":
        return table([_row(entry)] if entry else [])
    if entry is None:
        raise Refusal(404, "Unable to find the prearchive session")
    if request.method == "DELETE":
        require_prearchive(state, request.user, entry.project, "edit")
        prearchive.discard(state, entry)
        return text("")
    if request.method == "POST":
        return _act(state, request, entry)
    return _look(request, entry, words[3:])


def _entries(state: State, request: Request, words: Sequence[str]) -> Answer:
    if words:
        require_prearchive(state, request.user, words[0], "read")
        found = state.entries_of(words[0])
    else:
        with state.lock:
            found = [e for e in state.prearchive if request.user.admin or _readable(state, request.user, e.project)]
    if "tag" in request.query and not request.user.admin:
        raise Refusal(403, "Only data admins may search by tag")
    tag = request.query.get("tag")
    return table([_row(entry) for entry in found if tag in (None, entry.tag)])


def _readable(state: State, user: User, project: str) -> bool:
    try:
        require_prearchive(state, user, project, "read")
    except Refusal:
        return False
    return True


def _row(entry: PrearchiveEntry) -> dict[str, str]:
    return {
        "project": entry.project,
        "timestamp": entry.timestamp,
        "lastmod": entry.last_modified,
        "uploaded": entry.uploaded,
        "scan_date": entry.scan_date,
        "scan_time": entry.scan_time,
        "subject": entry.subject,
        "folderName": entry.folder_name,
        "name": entry.name,
        "tag": entry.tag,
        "status": entry.status,
        "url": entry.uri,
        "autoarchive": entry.autoarchive,
        "prevent_anon": str(entry.prevent_anon).lower(),
        "prevent_auto_commit": str(entry.prevent_auto_commit).lower(),
        "SOURCE": entry.source,
        "VISIT": "",
        "PROTOCOL": "",
        "TIMEZONE": "",
    }


def _act(state: State, request: Request, entry: PrearchiveEntry) -> Answer:
    require_prearchive(state, request.user, entry.project, "edit")
    action = request.query.get("action", "")
    if action not in ("build", "commit", "reset"):
        raise Refusal(400, f"Unknown action {action}")
    if action == "commit" and entry.autoarchive != "Manual":
        try:
            experiment = archive_and_wait(state, entry, ArchiveOrder(request.user.name))
        except (Busy, ArchiveFailed) as error:
            raise Refusal(409, "Unable to commit the session") from error
        return Answer(b"", 301, headers=(("Location", f"/data{archive_uri(state, experiment)}"),))
    if action == "reset":
        prearchive.set_status(state, entry, "RECEIVING")
        return text(f"/data{entry.uri}")
    try:
        prearchive.claim(state, entry, "BUILDING")
    except Busy:
        raise Refusal(409, "The session is locked") from None
    prearchive.build(state, entry)
    return text(f"/data{entry.uri}")


def _look(request: Request, entry: PrearchiveEntry, words: Sequence[str]) -> Answer:
    """XML, zip, logs, scans, resources and files of one entry."""
    asked = request.query.get("format")
    if not words and asked == "zip":
        files = [path for path in sorted(entry.folder.rglob("*")) if path.is_file()]
        names = [f"{entry.folder_name}/{path.relative_to(entry.folder).as_posix()}" for path in files]
        return Answer(archive_zip.stream(list(zip(names, files, strict=True))), content_type="application/zip")
    if words and words[0] == "logs":
        return as_json({"ResultSet": {"Result": [{"entry": line} for line in entry.log]}})
    if not entry.xml_path.is_file():
        raise Refusal(404, "The session XML has not been built")
    if not words:
        return Answer(entry.xml_path.read_bytes(), content_type="text/xml; charset=UTF-8")
    if words[0] != "scans":
        raise Refusal(404, "Not found")
    with entry.lock:
        if entry.built is None:
            raise Refusal(404, "The session XML is out of date")
        return _scans(entry, entry.built, words[1:])


def _scans(entry: PrearchiveEntry, built: BuiltSession, words: Sequence[str]) -> Answer:
    if not words:
        names = ("type", "series_description", "quality", "modality", "UID", "frames")
        rows = [{"ID": s.id, "xsiType": s.xsi_type} | {n: s.fields.get(n, "") for n in names} for s in built.scans]
        return table(rows)
    scan = next((s for s in built.scans if s.id == words[0]), None)
    if scan is None or words[1:2] != ("resources",):
        raise Refusal(404, "Unable to identify scan")
    files = _files(entry, scan)
    if len(words) == 2:
        counts = [{"label": label, "file_count": str(len(paths)), "category": "scans", "cat_id": scan.id}
                  for label, paths in files.items() if paths]  # fmt: skip
        return table(counts)
    paths = files.get(words[2], [])
    if not paths:
        raise Refusal(404, "Unable to find the specified resource")
    base = f"/data{entry.uri}/scans/{scan.id}/resources/{words[2]}/files"
    if len(words) == 4:
        return table([{"Name": p.name, "Size": str(p.stat().st_size), "URI": f"{base}/{p.name}"} for p in paths])
    found = next((p for p in paths if p.name == PurePosixPath(words[4]).name), None) if len(words) == 5 else None
    if found is None:
        raise Refusal(404, "Unable to find the specified file")
    return Answer(file_body(found), content_type="application/octet-stream", length=found.stat().st_size)


def _files(entry: PrearchiveEntry, scan: BuiltScan) -> dict[str, list[Path]]:
    return {
        "DICOM": [entry.folder / file.path for file in scan.primary],
        "secondary": [entry.folder / file.path for file in scan.secondary],
    }
