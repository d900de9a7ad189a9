"""`POST /data/services/import`: a zip or one object into the prearchive (section 2.7 of the wire contract)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO
from zipfile import BadZipFile

from pydicom.dataset import FileDataset

from . import anon_script, objects, prearchive, zip_stream
from .accounts import rights
from .configs import script_in_force
from .prearchive import Arrival
from .records import PrearchiveEntry, Project, User
from .state import UNASSIGNED, State, safe_label
from .wire import Refusal

_NESTED = (".zip",)
_UNREADABLE_ARCHIVES = (".gz", ".tar", ".tgz")


@dataclass(frozen=True, slots=True)
class Order:
    """One upload as its query words it. `overwrite` is "", "append" or "delete"."""

    user: User
    project: str = ""
    subject: str = ""
    session: str = ""
    destination: str = ""
    overwrite: str = ""
    overwrite_files: bool = False
    prevent_anon: bool = False
    prevent_auto_commit: bool = False
    rename: bool = False
    ignore_unparsable: bool = False
    commit: bool = False
    auto_archive: bool = False
    quarantine: bool = False
    source: str = ""


def truth(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name)
    return value is not None and value.strip().lower() not in ("false", "0")


def order_from(query: Mapping[str, str], user: User) -> Order:
    """The parameters of section 2.7; `dest` names project, subject and experiment too."""
    destination, named = _destination(query.get("dest", ""))
    value = query.get("overwrite")
    return Order(
        user=user,
        project=query.get("project") or query.get("PROJECT_ID") or named.get("projects", ""),
        subject=query.get("subject") or query.get("SUBJECT_ID") or named.get("subjects", ""),
        session=query.get("session") or query.get("EXPT_LABEL") or named.get("experiments", ""),
        destination=destination,
        # Any other value than these still means that merging is allowed.
        overwrite="" if value is None else "delete" if value.lower() in ("delete", "override") else "append",
        overwrite_files=truth(query, "overwrite_files"),
        prevent_anon=truth(query, "prevent_anon"),
        prevent_auto_commit=truth(query, "prevent_auto_commit"),
        rename=truth(query, "rename"),
        ignore_unparsable=truth(query, "Ignore-Unparsable"),
        commit=query.get("action") == "commit",
        auto_archive=truth(query, "AA") or truth(query, "auto-archive"),
        quarantine=truth(query, "quarantine"),
        source=query.get("SOURCE", ""),
    )


def _destination(dest: str) -> tuple[str, dict[str, str]]:
    parts = [part for part in dest.split("/") if part and part != "data"]
    if not parts:
        return "", {}
    if parts[0] not in ("archive", "prearchive"):
        raise Refusal(400, f"Invalid destination {dest}")
    return parts[0], dict(zip(parts[1::2], parts[2::2], strict=False))


@dataclass(slots=True)
class Upload:
    """One running upload: every object goes to the entry of its study."""

    state: State
    order: Order
    entries: list[PrearchiveEntry] = field(default_factory=list)

    def take_zip(self, body: IO[bytes]) -> None:
        """Each member in turn. The first bad one ends it with 400; those before it stay where they are."""
        try:
            for name, member in zip_stream.members(body, self.state.temporary):
                self._take_member(name, member)
        except BadZipFile as error:
            raise Refusal(400, "Unable to read the zip file") from error

    def _take_member(self, name: str, member: IO[bytes]) -> None:
        if name.lower().endswith(_NESTED):
            self.take_zip(member)
        elif name.lower().endswith(_UNREADABLE_ARCHIVES):
            raise Refusal(400, f"Unable to read zip entry {name}")
        else:
            self.take_object(member, name)

    def take_object(self, source: IO[bytes], name: str) -> None:
        """One DICOM object: routed, edited by the site script, written with a new group 2."""
        try:
            ds = objects.read_object(source, name or "upload")
        except Refusal:
            if self.order.ignore_unparsable:
                return
            raise
        arrival = self._route(ds)
        keep = self.state.settings.series_filter
        if keep is not None and not keep(ds):
            return
        self.state.write_log(
            f"received {name} project={arrival.project.id if arrival.project else UNASSIGNED} "
            f"PatientName={objects.text_of(ds, 'PatientName')} PatientID={objects.text_of(ds, 'PatientID')}"
        )
        try:
            self._site_script(ds, arrival)
        except anon_script.Rejected:
            return
        except anon_script.ScriptError as error:
            # The real importer turns every fault of one object into this 400.
            raise Refusal(400, f"unable to read DICOM object {name}") from error
        while not self._deliver(prearchive.join_or_create(self.state, arrival), ds, name):
            pass

    def _deliver(self, entry: PrearchiveEntry, ds: FileDataset, name: str) -> bool:
        """Writes into an entry, unless it was archived or removed while we waited for its lock."""
        with entry.lock:
            if entry.status == "GONE":
                return False
            self._write(entry, ds, name)
            entry.built = None
            prearchive.set_status(self.state, entry, "RECEIVING")
        if entry not in self.entries:
            self.entries.append(entry)
        return True

    def _route(self, ds: FileDataset) -> Arrival:
        order = self.order
        project = self._readable(order.project)
        if project is None:
            named = (objects.assignment(ds, "Project"), *(objects.text_of(ds, k) for k in _PROJECT_ATTRIBUTES))
            project = next((found for name in named if (found := self._readable(name))), None)
        subject = order.subject or objects.assignment(ds, "Subject") or objects.text_of(ds, "PatientName")
        session = order.session or objects.assignment(ds, "Session") or objects.text_of(ds, "PatientID")
        return Arrival(
            project,
            objects.text_of(ds, "StudyInstanceUID"),
            subject or "Unknown",
            session or "dicom_upload",
            order.prevent_anon,
            order.prevent_auto_commit,
            order.source,
            order.quarantine,
            order.overwrite_files,
        )

    def _readable(self, name: str) -> Project | None:
        """Read access is all that an upload needs; a project that is not readable is as if it were not there."""
        with self.state.lock:
            project = self.state.projects.get(name)
            return project if project and "read" in rights(self.order.user, project) else None

    def _site_script(self, ds: FileDataset, arrival: Arrival) -> None:
        script = script_in_force(self.state, "")
        if self.order.prevent_anon or script is None:
            return
        project = arrival.project.id if arrival.project else UNASSIGNED
        context = anon_script.Context(project, safe_label(arrival.subject), safe_label(arrival.session))
        anon_script.run_script(script, ds, context)

    def _write(self, entry: PrearchiveEntry, ds: FileDataset, name: str) -> None:
        key = (objects.text_of(ds, "SOPClassUID"), objects.text_of(ds, "SOPInstanceUID"))
        template = objects.template_file_name(ds)
        file_name = template if self.order.rename or not name else objects.entry_file_name(name)
        below = f"SCANS/{objects.scan_folder(ds)}/DICOM"
        if entry.objects.get(f"{below}/{file_name}", key) != key:
            file_name = template
        # An object that was moved to `secondary` by an earlier build is replaced there.
        moved = f"SCANS/{objects.scan_folder(ds)}/secondary/{file_name}"
        path = moved if entry.objects.get(moved) == key else f"{below}/{file_name}"
        objects.write_object(ds, entry.folder / path)
        entry.objects[path] = key


_PROJECT_ATTRIBUTES = ("StudyDescription", "AccessionNumber")
