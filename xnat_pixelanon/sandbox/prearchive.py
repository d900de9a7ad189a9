"""The prearchive: entries on their way in, and the clock that moves them (section 2.8 of the wire contract)."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree

from .builder import BuildError, BuiltSession, build_session
from .records import PrearchiveEntry, Project
from .state import UNASSIGNED, State, safe_label, timestamp

# A new upload of the same study under the same name joins an entry in one of these states.
JOINABLE = frozenset({"RECEIVING", "BUILDING", "READY", "ERROR", "CONFLICT"})
STABLE = frozenset({"RECEIVING", "READY", "ERROR", "CONFLICT"})
_AUTOARCHIVE = {4: "AutoArchive", 5: "AutoArchiveOverwrite"}
BUILDER_LOG = "dcmtoxnat.log"
_XNAT = "http://nrg.wustl.edu/xnat"


class Busy(Exception):
    """Something else works on this entry."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What an upload says about the entry it makes or joins."""

    project: Project | None
    study_uid: str
    subject: str
    session: str
    prevent_anon: bool = False
    prevent_auto_commit: bool = False
    source: str = ""
    quarantine: bool = False
    overwrite_files: bool = False


def join_or_create(state: State, arrival: Arrival) -> PrearchiveEntry:
    """The entry for this study and session name: an old one of a failed upload is joined, leftovers and all."""
    project = arrival.project.id if arrival.project else UNASSIGNED
    name = safe_label(arrival.session)
    with state.lock:
        for entry in state.prearchive:
            same = (entry.project, entry.tag, entry.name) == (project, arrival.study_uid, name)
            if same and entry.status in JOINABLE:
                entry.status = "RECEIVING"
                touch(entry)
                return entry
        stamp = state.prearchive_stamp()
        folder = state.prearchive_root / project / stamp / name
        entry = PrearchiveEntry(
            project,
            stamp,
            name,
            folder,
            name,
            safe_label(arrival.subject),
            arrival.study_uid,
            timestamp(),
            prevent_anon=arrival.prevent_anon,
            prevent_auto_commit=arrival.prevent_auto_commit,
            source=arrival.source,
            quarantine=arrival.quarantine,
            overwrite_files=arrival.overwrite_files,
        )
        if arrival.project is not None:
            entry.autoarchive = _AUTOARCHIVE.get(arrival.project.prearchive_code, "Manual")
        if any(e.project == project and e.folder_name == name for e in state.prearchive):
            entry.folder_name = f"{name}_1"
            entry.folder = folder.with_name(entry.folder_name)
        entry.folder.mkdir(parents=True)
        touch(entry)
        state.prearchive.append(entry)
        return entry


def touch(entry: PrearchiveEntry) -> None:
    entry.last_modified = timestamp()
    entry.quiet_since = time.monotonic()


def claim(state: State, entry: PrearchiveEntry, status: str, *, only: frozenset[str] = STABLE) -> None:
    """Marks an entry as being worked on; raises Busy when somebody else does."""
    with state.lock:
        if entry.status not in only:
            raise Busy
        entry.status = status
        touch(entry)


def set_status(state: State, entry: PrearchiveEntry, status: str, line: str = "") -> None:
    with state.lock:
        entry.status = status
        touch(entry)
        if line:
            entry.log.append(f"{timestamp()} {line}")


def build(
    state: State, entry: PrearchiveEntry, *, working: str = "BUILDING", done: str = "READY"
) -> BuiltSession | None:
    """Makes the session XML; the entry ends `done`, or ERROR and None."""
    with entry.lock:
        set_status(state, entry, working)
        try:
            built = build_session(entry.folder)
        except BuildError as error:
            set_status(state, entry, "ERROR", str(error))
            return None
        part_minor_classes(entry, built)
        _write_session_xml(entry, built)
        if built.warnings:
            (entry.folder / BUILDER_LOG).write_text("\n".join(built.warnings) + "\n", encoding="utf-8")
        entry.built = built
        entry.scan_date, entry.scan_time = built.fields["date"], built.fields["time"]
        set_status(state, entry, done)
        return built


def part_minor_classes(entry: PrearchiveEntry, built: BuiltSession) -> None:
    """Moves the objects of minor SOP classes of a series into its `secondary` folder."""
    for scan in built.scans:
        for index, file in enumerate(scan.secondary):
            source = entry.folder / file.path
            target = entry.folder / "SCANS" / scan.folder_name / "secondary" / source.name
            if source != target:
                target.parent.mkdir(parents=True, exist_ok=True)
                source.rename(target)
                new_path = target.relative_to(entry.folder).as_posix()
                entry.objects[new_path] = entry.objects.pop(file.path, (file.sop_class_uid, file.sop_instance_uid))
                scan.secondary[index] = type(file)(
                    new_path, file.sop_class_uid, file.sop_instance_uid, file.instance_number, file.frames
                )


def _write_session_xml(entry: PrearchiveEntry, built: BuiltSession) -> None:
    ElementTree.register_namespace("xnat", _XNAT)
    attributes = {"project": entry.project, "label": entry.name, "type": built.xsi_type}
    root = ElementTree.Element(f"{{{_XNAT}}}Session", attributes)
    _add_fields(root, built.fields)
    scans = ElementTree.SubElement(root, f"{{{_XNAT}}}scans")
    for scan in built.scans:
        element = ElementTree.SubElement(scans, f"{{{_XNAT}}}scan", {"ID": scan.id, "type": scan.fields["type"]})
        _add_fields(element, scan.fields)
    entry.xml_path.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _add_fields(element: ElementTree.Element, fields: dict[str, str]) -> None:
    for name, value in fields.items():
        # Control characters cannot stand in XML 1.0.
        clean = "".join(c for c in value if c >= " " or c in "\t\n\r")
        ElementTree.SubElement(element, f"{{{_XNAT}}}field", {"name": name}).text = clean


def discard(state: State, entry: PrearchiveEntry) -> None:
    """Takes an entry off the list and its folder off the disk."""
    with entry.lock:
        with state.lock:
            if entry in state.prearchive:
                state.prearchive.remove(entry)
            entry.status = "GONE"
        shutil.rmtree(entry.folder.parent, ignore_errors=True)


def find_entry(state: State, project: str, stamp: str, folder_name: str) -> PrearchiveEntry | None:
    with state.lock:
        for entry in state.prearchive:
            if (entry.project, entry.timestamp, entry.folder_name) == (project, stamp, folder_name):
                return entry
    return None


class Rebuilder:
    """The background job: RECEIVING entries that have gone quiet are built, and archived where the project says so."""

    def __init__(self, state: State, archive: Callable[[PrearchiveEntry], object]) -> None:
        self._state = state
        self._archive = archive
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="sandbox-rebuilder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.wait(self._state.settings.rebuild_repeat):
            for entry in self._due():
                try:
                    claim(self._state, entry, "BUILDING", only=frozenset({"RECEIVING"}))
                except Busy:
                    continue
                if build(self._state, entry) is not None and entry.autoarchive != "Manual":
                    self._archive(entry)

    def _due(self) -> list[PrearchiveEntry]:
        limit = time.monotonic() - self._state.settings.rebuild_interval
        with self._state.lock:
            return [
                entry
                for entry in self._state.prearchive
                if entry.status == "RECEIVING"
                and entry.quiet_since < limit
                and not entry.prevent_auto_commit
                and entry.source != "uploader"
            ]
