"""From the prearchive into the archive: labels, conflicts, merging, project script (section 2.8)."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from . import catalog, objects, prearchive
from .anon_script import Context, Rejected, ScriptError, run_script
from .builder import BuiltFile, BuiltScan, BuiltSession
from .configs import script_in_force
from .records import CatalogEntry, Experiment, PrearchiveEntry, Resource, Scan, SessionEvent, Subject, WorkflowEntry
from .state import State, safe_label, timestamp
from .wire import Refusal


class ArchiveFailed(Exception):
    """Archiving stopped; the entry is in CONFLICT or ERROR."""


@dataclass(frozen=True, slots=True)
class ArchiveOrder:
    """What an archive call asks for; empty words leave the choice to the entry. `overrides`: few conflicts count."""

    user: str
    project: str = ""
    subject: str = ""
    session: str = ""
    overrides: bool = False
    overwrite_files: bool = False
    quarantine: bool = False
    may_merge: bool = True
    may_mix: bool = False
    reason: str = ""
    announce: bool = True


def archive_entry(state: State, entry: PrearchiveEntry, order: ArchiveOrder) -> Experiment:
    """Archives one claimed entry; raises ArchiveFailed. The session appears only when everything is in its place."""
    label = safe_label(order.session or entry.name)
    project = state.projects[order.project or entry.project]
    with entry.lock, state.session_lock(project.id, label):
        try:
            return _archive(state, entry, order, label)
        except ArchiveFailed as failure:
            prearchive.set_status(state, entry, str(failure.args[1]), str(failure.args[0]))
            raise


def archive_and_wait(state: State, entry: PrearchiveEntry, order: ArchiveOrder) -> Experiment:
    """Claims and archives an entry; raises Busy, or ArchiveFailed also when it takes longer than the site waits.

    In that last case the work goes on, and the session appears later.
    """
    prearchive.claim(state, entry, "ARCHIVING")
    outcome: list[Experiment | ArchiveFailed] = []

    def work() -> None:
        try:
            outcome.append(archive_entry(state, entry, order))
        except ArchiveFailed as failure:
            outcome.append(failure)
        finally:
            # A fault of the sandbox itself: the thread reports it, the caller must not wait for more.
            if not outcome:
                prearchive.set_status(state, entry, "ERROR", "internal error")
                outcome.append(ArchiveFailed("Internal error", "ERROR"))

    thread = threading.Thread(target=work, name="sandbox-archive", daemon=True)
    thread.start()
    thread.join(state.settings.archive_timeout)
    if not outcome:
        raise ArchiveFailed("Timeout occurred while waiting for the session to be archived", "ARCHIVING")
    if isinstance(outcome[0], ArchiveFailed):
        raise outcome[0]
    return outcome[0]


def _archive(state: State, entry: PrearchiveEntry, order: ArchiveOrder, label: str) -> Experiment:
    project = state.projects[order.project or entry.project]
    built = _built(state, entry)
    with state.lock:
        existing = state.experiment_by(label, project.id)
    merge: WorkflowEntry | None = None
    if existing is not None:
        _check_workflows(state, order, existing)
        merge = _begin(state, order, "Merged", existing)
    try:
        return _into(state, entry, order, existing, built, merge)
    except ArchiveFailed as failure:
        with state.lock:
            if merge is not None:
                merge.status, merge.details = "Failed", str(failure.args[0])
        raise


def _begin(state: State, order: ArchiveOrder, pipeline: str, experiment: Experiment) -> WorkflowEntry:
    return state.note(
        order.user, pipeline, experiment.id, experiment.project, reason=order.reason, comment=experiment.label,
        status="In Progress",
    )  # fmt: skip


def _into(
    state: State, entry: PrearchiveEntry, order: ArchiveOrder, existing: Experiment | None, built: BuiltSession,
    merge: WorkflowEntry | None,
) -> Experiment:  # fmt: skip
    project = state.projects[order.project or entry.project]
    label = safe_label(order.session or entry.name)
    # Made before the rest is checked: it stays when that fails.
    subject = state.subject_or_new(safe_label(order.subject or entry.subject), project.id, order.user)
    if existing is not None:
        _check_conflict(state, entry, order, existing, built, subject)
    built = _project_script(state, entry, built, Context(project.id, subject.label, label))
    if state.settings.archive_delay:
        time.sleep(state.settings.archive_delay)
    quarantine = order.quarantine or entry.quarantine or project.quarantine_code != 0
    experiment = existing or _new_experiment(state, subject, label, built, order.user)
    _move(state, entry, experiment, built, order)
    with state.lock:
        if quarantine:
            experiment.status = "quarantine"
        state.experiments[experiment.id] = experiment
        workflow = merge or _begin(state, order, "Transfer", experiment)
    # Fired by the save: the prearchive still has its copy, and the workflow is open.
    if order.announce:
        state.announce(SessionEvent("MERGED" if existing else "CREATED", experiment, order.user))
    prearchive.discard(state, entry)
    with state.lock:
        workflow.status = "Complete"
    return experiment


def _built(state: State, entry: PrearchiveEntry) -> BuiltSession:
    built = entry.built or prearchive.build(state, entry, working="ARCHIVING", done="ARCHIVING")
    if built is None:
        raise ArchiveFailed("Unable to build the session XML", "ERROR")
    return built


def _check_workflows(state: State, order: ArchiveOrder, existing: Experiment) -> None:
    at_work = state.open_workflows(existing.id)
    if at_work and state.settings.open_workflow == "conflict" and not order.overrides:
        raise ArchiveFailed(
            f"Session processing may already be in progress: {at_work[0].pipeline}.  Concurrent modification is "
            "discouraged.", "CONFLICT",
        )  # fmt: skip


def _check_conflict(
    state: State, entry: PrearchiveEntry, order: ArchiveOrder, existing: Experiment, built: BuiltSession,
    subject: Subject,
) -> None:  # fmt: skip
    if not order.may_merge:
        raise ArchiveFailed("Session already exists, retry with overwrite enabled", "CONFLICT")
    mixes = order.may_mix or not state.settings.prevent_cross_modality
    if not mixes and existing.xsi_type != built.xsi_type:
        raise ArchiveFailed(
            "Invalid modification of session modality via archive process.  Data may require a manual merge.",
            "CONFLICT",
        )
    if existing.subject_id != subject.id:
        raise ArchiveFailed(
            f"Invalid modification of session subject via archive process.: {existing.label} Already Exists for "
            "another Subject", "CONFLICT",
        )  # fmt: skip
    if existing.uid and existing.uid != built.fields["UID"] and not order.overrides:
        raise ArchiveFailed("Session already exists with a different study UID", "CONFLICT")
    if order.overrides or order.overwrite_files or entry.overwrite_files:
        return
    if state.settings.matching_files != "conflict":
        return
    ids = _target_ids(existing, built)
    for scan in built.scans:
        present = existing.scans.get(ids[scan.uid])
        if present is not None and any(Path(file.path).name in names for file, names in _overlap(scan, present)):
            raise ArchiveFailed(
                "Session already exists with matching files, retry with overwrite=delete enabled", "CONFLICT"
            )


def _overlap(scan: BuiltScan, present: Scan) -> list[tuple[BuiltFile, frozenset[str]]]:
    pairs = []
    for label, files in (("DICOM", scan.primary), ("secondary", scan.secondary)):
        resource = present.resources.get(label)
        names = frozenset(resource.entries) if resource else frozenset()
        pairs += [(file, names) for file in files]
    return pairs


def _project_script(state: State, entry: PrearchiveEntry, built: BuiltSession, context: Context) -> BuiltSession:
    """Runs the project's script over the prearchive copy; the XML is rebuilt only if that changed something."""
    script = script_in_force(state, context.project)
    if script is None or entry.prevent_anon:
        return built
    changed = False
    for scan in built.scans:
        for file in (*scan.primary, *scan.secondary):
            path = entry.folder / file.path
            try:
                ds = objects.read_object(path, file.path)
                if run_script(script, ds, context):
                    objects.write_object(ds, path)
                    changed = True
            except Rejected:
                path.unlink()
                changed = True
            except (ScriptError, Refusal) as error:
                raise ArchiveFailed(f"Anonymization of the session failed: {error}", "ERROR") from error
    if not changed:
        return built
    entry.built = None
    return _built(state, entry)


def _new_experiment(state: State, subject: Subject, label: str, built: BuiltSession, user: str) -> Experiment:
    project = state.projects[subject.project]
    folder = state.project_folder(project) / label
    experiment = Experiment(
        state.next_id("E"), label, project.id, subject.id, built.xsi_type, folder, timestamp(), user
    )
    experiment.fields.update(built.fields)
    return experiment


def _target_ids(experiment: Experiment, built: BuiltSession) -> dict[str, str]:
    """Scan IDs after merging: an own scan is found by its UID, a number taken by another UID is given a suffix."""
    by_uid = {scan.uid: scan.id for scan in experiment.scans.values()}
    taken = set(experiment.scans)
    ids: dict[str, str] = {}
    for scan in built.scans:
        chosen = by_uid.get(scan.uid, scan.id)
        index = 1
        while scan.uid not in by_uid and chosen in taken:
            chosen = f"{scan.id}-{scan.modality}{index}"
            index += 1
        taken.add(chosen)
        ids[scan.uid] = chosen
    return ids


def _move(
    state: State, entry: PrearchiveEntry, experiment: Experiment, built: BuiltSession, order: ArchiveOrder
) -> None:
    ids = _target_ids(experiment, built)
    for built_scan in built.scans:
        with state.lock:
            scan = experiment.scans.get(ids[built_scan.uid])
        if scan is None:
            folder_name = built_scan.folder_name if built_scan.id == ids[built_scan.uid] else ids[built_scan.uid]
            scan = Scan(ids[built_scan.uid], built_scan.uid, folder_name, built_scan.xsi_type)
            scan.fields.update(built_scan.fields)
        for label, files in (("DICOM", built_scan.primary), ("secondary", built_scan.secondary)):
            if files:
                _move_files(state, entry, _scan_resource(state, experiment, scan, label), files)
        with state.lock:
            experiment.scans[scan.id] = scan
    log = entry.folder / prearchive.BUILDER_LOG
    if log.is_file():
        shutil.move(log, experiment.folder / log.name)


def _scan_resource(state: State, experiment: Experiment, scan: Scan, label: str) -> Resource:
    resource = scan.resources.get(label)
    if resource is None:
        middle = "" if label == "DICOM" else f"_{label}"
        folder = experiment.folder / "SCANS" / scan.folder_name / label
        name = f"scan_{scan.id}{middle}_catalog.xml"
        resource = catalog.new_resource(state, label, folder, catalog_name=name, dicom=True)
        resource.content = "RAW" if label == "DICOM" else "secondary"
        scan.resources[label] = resource
    return resource


def _move_files(state: State, entry: PrearchiveEntry, resource: Resource, files: list[BuiltFile]) -> None:
    for file in files:
        source = entry.folder / file.path
        target = resource.folder / source.name
        if target.exists():
            if state.settings.matching_files == "keep":
                continue
            catalog.retire(state, target)
        shutil.move(source, target)
        row = CatalogEntry(source.name, format="DICOM", uid=file.sop_instance_uid, instance_number=file.instance_number)
        if state.settings.checksums:
            row.digest = catalog.md5_of(target)
        with state.lock:
            resource.entries[row.uri] = row
    with state.lock:
        catalog.write_catalog(resource)
