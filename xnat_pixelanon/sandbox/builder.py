"""XNAT's session builder: scans, their IDs and types, and the fields that it copies out of the headers.

Sections 4 and 6 of the wire contract: this is where identity leaks into an archive, so every field is filled.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataset import FileDataset

from .objects import PARSE_ERRORS, read_header, text_of

_SESSION_FIELDS: Mapping[str, str] = {
    "dcmPatientName": "PatientName",
    "dcmPatientId": "PatientID",
    "dcmPatientBirthDate": "PatientBirthDate",
    "dcmPatientWeight": "PatientWeight",
    "dcmAccessionNumber": "AccessionNumber",
    "study_id": "StudyID",
    "operator": "OperatorsName",
    "acquisition_site": "InstitutionName",
    "scanner": "StationName",
    "scanner/manufacturer": "Manufacturer",
    "scanner/model": "ManufacturerModelName",
    "session_type": "StudyDescription",
    "UID": "StudyInstanceUID",
    "fields/field[name=studyComments]/field": "StudyComments",
}
_SCAN_FIELDS: Mapping[str, str] = {
    "UID": "SeriesInstanceUID",
    "series_description": "SeriesDescription",
    "modality": "Modality",
    "scanner": "StationName",
    "scanner/manufacturer": "Manufacturer",
    "scanner/model": "ManufacturerModelName",
    "requestedProcedureDescription": "RequestedProcedureDescription",
    "parameters/protocolName": "ProtocolName",
    "bodyPartExamined": "BodyPartExamined",
}
SCAN_TYPES: Mapping[str, str] = {
    "CT": "ctScanData",
    "MR": "mrScanData",
    "PT": "petScanData",
    "US": "usScanData",
    "CR": "crScanData",
    "DX": "dxScanData",
    "XA": "xaScanData",
    "MG": "mgScanData",
    "NM": "nmScanData",
    "ES": "esScanData",
    "SR": "srScanData",
    "SC": "scScanData",
    "SEG": "segScanData",
    "RTIMAGE": "rtImageScanData",
}
_SESSION_TYPES = ("PT", "MR", "CT", "US", "XA", "MG", "DX", "CR", "NM", "ES")
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


class BuildError(Exception):
    """The files of a session do not make one session."""


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """Path below the session folder."""

    path: str
    sop_class_uid: str
    sop_instance_uid: str
    instance_number: str
    frames: int


@dataclass(slots=True)
class BuiltScan:
    id: str
    uid: str
    folder_name: str
    modality: str
    xsi_type: str
    fields: dict[str, str]
    primary: list[BuiltFile]
    secondary: list[BuiltFile]


@dataclass(slots=True)
class BuiltSession:
    xsi_type: str
    fields: dict[str, str]
    scans: list[BuiltScan]
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Series:
    uid: str
    folder_name: str
    number: str
    header: FileDataset
    files: list[BuiltFile]
    modalities: dict[str, str]


def build_session(folder: Path) -> BuiltSession:
    """Reads every object below `SCANS` and says what session they make; raises BuildError."""
    by_uid: dict[str, _Series] = {}
    studies: set[str] = set()
    warnings: list[str] = []
    for path in sorted(folder.glob("SCANS/*/*/*")):
        if not path.is_file() or path.name.endswith("_catalog.xml"):
            continue
        try:
            header = read_header(path)
        except (*PARSE_ERRORS, Warning):
            warnings.append(f"unable to parse {path.relative_to(folder).as_posix()}")
            continue
        studies.add(text_of(header, "StudyInstanceUID"))
        _add(by_uid, header, path, folder)
    if len(studies) != 1:
        raise BuildError("NoUniqueSessionException: the files of this session do not belong to one study")
    series = [by_uid[uid] for uid in sorted(by_uid)]
    ids = scan_ids((s.uid, s.number, _lead(s)[1]) for s in series)
    scans = [_scan(s, ids[s.uid]) for s in series]
    modalities = [scan.modality for scan in scans]
    warnings += _differences([s.header for s in series])
    return BuiltSession(_session_type(modalities), _session_fields(series[0].header, modalities), scans, warnings)


def _differences(headers: list[FileDataset]) -> list[str]:
    """Session attributes that differ between series: the real builder quotes them in its log."""
    lines = []
    for name, keyword in _SESSION_FIELDS.items():
        values = sorted({text_of(header, keyword) for header in headers})
        if len(values) > 1:
            lines.append(f"attribute {name} has several values: {values}")
    return lines


def _add(by_uid: dict[str, _Series], header: FileDataset, path: Path, folder: Path) -> None:
    uid = text_of(header, "SeriesInstanceUID")
    series = by_uid.get(uid)
    if series is None:
        number = text_of(header, "SeriesNumber")
        series = by_uid[uid] = _Series(uid, path.parent.parent.name, number, header, [], {})
    sop_class = text_of(header, "SOPClassUID")
    series.modalities.setdefault(sop_class, text_of(header, "Modality"))
    frames = text_of(header, "NumberOfFrames")
    series.files.append(
        BuiltFile(
            path.relative_to(folder).as_posix(),
            sop_class,
            text_of(header, "SOPInstanceUID"),
            text_of(header, "InstanceNumber"),
            int(frames) if frames.isdigit() else 1,
        )
    )


def scan_ids(series: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """ID by Series Instance UID, from (UID, SeriesNumber, lead modality).

    Section 4: the series number, `+` in front as `_`; without one the UID with `_`; several series under one
    number: `<number>-<modality><index>` in the order of their UIDs.
    """
    rows = sorted(series)
    plain = {uid: re.sub(r"^\+", "_", number) if number else re.sub(r"[^\w-]", "_", uid) for uid, number, _ in rows}
    shared = Counter(plain.values())
    seen: Counter[tuple[str, str]] = Counter()
    ids: dict[str, str] = {}
    for uid, _, modality in rows:
        number = plain[uid]
        if shared[number] == 1:
            ids[uid] = number
            continue
        seen[(number, modality)] += 1
        ids[uid] = f"{number}-{modality}{seen[(number, modality)]}"
    return ids


def _lead(series: _Series) -> tuple[str, str]:
    """The dominant SOP class of a series and its modality."""
    counts = Counter(f.sop_class_uid for f in series.files)
    sop_class = min(counts, key=lambda uid: (-counts[uid], uid))
    return sop_class, series.modalities[sop_class]


def _scan(series: _Series, scan_id: str) -> BuiltScan:
    lead, modality = _lead(series)
    primary = [f for f in series.files if f.sop_class_uid == lead]
    secondary = [f for f in series.files if f.sop_class_uid != lead]
    fields = {name: text_of(series.header, keyword) for name, keyword in _SCAN_FIELDS.items()}
    fields["modality"] = modality
    fields["type"] = fields["series_description"] or fields["parameters/protocolName"] or "Unknown"
    fields["quality"] = "usable"
    fields["frames"] = str(sum(f.frames for f in series.files))
    fields["start_date"] = _date(text_of(series.header, "SeriesDate"))
    fields["startTime"] = _time(text_of(series.header, "SeriesTime"))
    kind = "scScanData" if lead.startswith(_SECONDARY_CAPTURE) else SCAN_TYPES.get(modality, "otherDicomScanData")
    return BuiltScan(scan_id, series.uid, series.folder_name, modality, f"xnat:{kind}", fields, primary, secondary)


def _session_type(modalities: list[str]) -> str:
    present = set(modalities)
    if {"PT", "MR"} <= present:
        return "xnat:petmrSessionData"
    for modality in _SESSION_TYPES:
        if modality in present:
            return f"xnat:{SCAN_TYPES[modality].replace('Scan', 'Session')}"
    return "xnat:otherDicomSessionData"


def _session_fields(header: FileDataset, modalities: list[str]) -> dict[str, str]:
    fields = {name: text_of(header, keyword) for name, keyword in _SESSION_FIELDS.items()}
    fields["dcmPatientBirthDate"] = _date(fields["dcmPatientBirthDate"])
    fields["date"] = _date(text_of(header, "StudyDate"))
    fields["time"] = _time(text_of(header, "StudyTime"))
    order: defaultdict[str, int] = defaultdict(int)
    for modality in modalities:
        order[modality] += 1
    fields["modality"] = max(order, key=lambda m: order[m]) if order else ""
    return fields


def _date(value: str) -> str:
    return f"{value[:4]}-{value[4:6]}-{value[6:8]}" if re.fullmatch(r"\d{8}", value) else value


def _time(value: str) -> str:
    match = re.match(r"(\d{2})(\d{2})(\d{2})", value)
    return ":".join(match.groups()) if match else value
