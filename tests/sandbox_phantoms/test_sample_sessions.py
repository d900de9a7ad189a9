from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import JPEGBaseline8Bit

from xnat_pixelanon.domain.codes import CODES
from xnat_pixelanon.domain.criteria import CRITERIA
from xnat_pixelanon.domain.decisions import ScanDecision, ScanFacts, decide_session
from xnat_pixelanon.domain.instance import InstanceFacts
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.domain.templates import TemplateSet
from xnat_pixelanon.sandbox.phantoms import text_seen
from xnat_pixelanon.sandbox.sample_public import PUBLIC
from xnat_pixelanon.sandbox.samples import SampleSession, sample_policy, sample_sessions, sample_templates

LOSSLESS_READABLE = ("examples_rgb_color.dcm", "CT_small.dcm", "MR_small.dcm", "MR_small_expb.dcm", "emri_small.dcm")


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SampleSession]:
    """By kind: the label without the patient's ID."""
    made = sample_sessions(tmp_path_factory.mktemp("samples"))
    return {session.label.split("_", 1)[1]: session for session in made}


def _headers(session: SampleSession) -> Iterator[pydicom.Dataset]:
    for path in session.files:
        yield pydicom.dcmread(path, stop_before_pixels=True)


def _facts(path: Path) -> InstanceFacts:
    ds = pydicom.dcmread(path, stop_before_pixels=True)
    found = {**{one.keyword: one.value for one in ds}, "TransferSyntaxUID": ds.file_meta.TransferSyntaxUID}
    attributes = {}
    for name, criterion in CRITERIA.items():
        value = found.get(criterion.keyword)
        if value not in (None, ""):
            attributes[name] = str(value) if isinstance(value, str | int) else "\\".join(map(str, value))
    native = not ds.file_meta.TransferSyntaxUID.is_encapsulated
    cells = ds.get("Rows", 0) * ds.get("Columns", 0) * int(ds.get("NumberOfFrames", 1)) * ds.get("SamplesPerPixel", 1)
    subsampled = ds.get("PhotometricInterpretation") == "YBR_FULL_422"
    expected = cells * ds.get("BitsAllocated", 0) // 8 * (2 if subsampled else 3) // 3
    return InstanceFacts(
        name=path.name,
        size=path.stat().st_size,
        content_sha256="",
        study_instance_uid=ds.StudyInstanceUID,
        series_instance_uid=ds.SeriesInstanceUID,
        sop_instance_uid=ds.SOPInstanceUID,
        series_number=str(ds.SeriesNumber),
        attributes=attributes,
        has_pixel_data="Rows" in ds,
        damage="truncated" if native and path.stat().st_size < expected else None,
    )


def _scans(session: SampleSession) -> list[ScanFacts]:
    by_number: dict[str, list[InstanceFacts]] = defaultdict(list)
    for path in session.files:
        facts = _facts(path)
        by_number[facts.series_number].append(facts)
    return [ScanFacts(number, tuple(found)) for number, found in sorted(by_number.items())]


def _decided(sessions: dict[str, SampleSession]) -> dict[str, tuple[ScanDecision, ...]]:
    templates = TemplateSet.from_document(sample_templates(sessions.values()))
    policy = Policy.from_document(sample_policy("CLEAN", "same"))
    return {kind: decide_session("", _scans(one), templates, policy) for kind, one in sessions.items()}


def test_all_samples_are_made_twice_alike_in_seconds_and_few_megabytes(tmp_path: Path) -> None:
    start = time.process_time()
    first = sample_sessions(tmp_path / "a")
    assert time.process_time() - start < 15
    second = sample_sessions(tmp_path / "b")

    assert len(first) >= 20
    assert sum(path.stat().st_size for one in first for path in one.files) < 60_000_000
    for one, other in zip(first, second, strict=True):
        assert one.label == other.label
        assert one.uids == other.uids
        assert [path.read_bytes() for path in one.files] == [path.read_bytes() for path in other.files]


def test_labels_studies_and_instances_are_unique(sessions: dict[str, SampleSession]) -> None:
    headers = [ds for one in sessions.values() for ds in _headers(one)]

    assert len({one.label for one in sessions.values()}) == len(sessions)
    assert len({ds.StudyInstanceUID for ds in headers}) == len(sessions)
    assert len({ds.SOPInstanceUID for ds in headers}) == len(headers)


def test_every_session_is_one_study_of_its_person(sessions: dict[str, SampleSession]) -> None:
    for one in sessions.values():
        headers = list(_headers(one))
        assert len({ds.StudyInstanceUID for ds in headers}) == 1
        assert {str(ds.PatientName) for ds in headers} == {one.identity.name}
        assert {ds.PatientID for ds in headers} == {one.subject}


def test_uids_of_a_session_are_complete(sessions: dict[str, SampleSession]) -> None:
    for one in sessions.values():
        for ds in _headers(one):
            for element in ds.iterall():
                if element.VR == "UI":
                    values = [element.value] if element.VM == 1 else element.value
                    own = {str(value) for value in values if value.is_private}
                    assert own <= set(one.uids)


def test_every_string_of_the_person_stands_in_the_first_file(sessions: dict[str, SampleSession]) -> None:
    for one in sessions.values():
        content = one.files[0].read_bytes()
        encoding = "latin-1" if one.identity.name.isascii() else "utf-8"
        assert [text for text in one.identity.strings() if text.encode(encoding) not in content] == []


def test_burned_text_is_legible_in_every_frame(sessions: dict[str, SampleSession]) -> None:
    seen = 0
    for one in sessions.values():
        files = {pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID: path for path in one.files}
        for text in one.burned:
            ds = pydicom.dcmread(files[text.sop_instance_uid])
            array = ds.pixel_array[..., 0] if ds.SamplesPerPixel == 3 else ds.pixel_array
            frames = array if array.ndim == 3 else array[np.newaxis]
            assert all(text_seen(frame, text.text, text.at, text.size) for frame in frames)
            seen += 1
    assert seen >= 14


def test_two_makers_share_one_size(sessions: dict[str, SampleSession]) -> None:
    one, other = next(_headers(sessions["US-CINE-A"])), next(_headers(sessions["US-CINE-B"]))

    assert (one.Rows, one.Columns, one.SOPClassUID) == (other.Rows, other.Columns, other.SOPClassUID)
    assert one.Manufacturer != other.Manufacturer


def test_the_scout_sits_inside_the_axial_series(sessions: dict[str, SampleSession]) -> None:
    headers = list(_headers(sessions["CT-SCOUT-INSIDE"]))

    assert len({ds.SeriesInstanceUID for ds in headers}) == 1
    assert {ds.ImageType[2] for ds in headers} == {"AXIAL", "LOCALIZER"}
    assert len({(ds.Rows, ds.Columns) for ds in headers}) == 1


def test_one_patient_has_two_sessions(sessions: dict[str, SampleSession]) -> None:
    assert sessions["CT"].subject == sessions["RT"].subject
    assert sessions["CT"].label != sessions["RT"].label


def test_the_compressed_cine_is_jpeg(sessions: dict[str, SampleSession]) -> None:
    ds = next(_headers(sessions["US-JPEG"]))

    assert ds.file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    assert ds.NumberOfFrames == 12


def test_decisions_come_out_as_each_session_is_meant(sessions: dict[str, SampleSession]) -> None:
    codes = {kind: tuple(scan.decision.code for scan in scans) for kind, scans in _decided(sessions).items()}

    clean, box = "looked-at-clean", "template"
    assert codes == {
        "US-CINE-A": (box,),
        "US-CINE-B": (box,),
        "US-STILL": (box, box),
        "CT": (box, clean),
        "CT-SCOUT-INSIDE": ("mixed-decision",),
        "MR": (clean, clean),
        "SCREEN": (box,),
        "RT": (clean, "annotation"),
        "LETTER": ("encapsulated-document",),
        "TWO-CLASSES": ("mixed-sop-class",),
        "TWO-SIZES": ("mixed-size",),
        "US-JPEG": (box,),
        "DOSE": (clean, "exclusion"),
        "DX": (box,),
        "XA": ("no-template",),
        "CR-YES": ("burned-in-yes",),
        "KO-SEG": (clean, "annotation", "annotation"),
        "DAMAGED": ("damaged",),
        "US-PALETTE": (box,),
        "CARRIERS": (clean, clean),
        "PUBLIC-CT": (clean,),
        "PUBLIC-MR": (clean,) * 4,
        "PUBLIC-US": (box, box),
        "PUBLIC-US-CINE": ("no-template",),
        "PUBLIC-RT": ("annotation",),
    }
    assert {str(CODES[code].kind) for found in codes.values() for code in found} == {
        "hold",
        "unsupported",
        "exclude",
        "redact",
        "pass",
    }


def test_whatever_would_be_sent_has_its_burned_text_under_a_rectangle(sessions: dict[str, SampleSession]) -> None:
    for kind, scans in _decided(sessions).items():
        facts = {one.sop_instance_uid: one for scan in _scans(sessions[kind]) for one in scan.instances}
        sent = {}
        for scan, decided in zip(_scans(sessions[kind]), scans, strict=True):
            if decided.kind.sends:
                sent |= {
                    one.sop_instance_uid: what for one, what in zip(scan.instances, decided.instances, strict=True)
                }
        for text in sessions[kind].burned:
            if text.sop_instance_uid not in sent:
                continue
            plane = pydicom.dcmread(_path(sessions[kind], text.sop_instance_uid)).pixel_array
            plane = (
                plane[0] if facts[text.sop_instance_uid].attributes.get("sop_class_uid", "").endswith("3.1") else plane
            )
            plane = plane.copy()
            for box in sent[text.sop_instance_uid].rectangles:
                plane[box.slices] = 0
            assert not text_seen(plane, text.text, text.at, text.size)


def _path(session: SampleSession, sop_instance_uid: str) -> Path:
    return next(path for path in session.files if sop_instance_uid.encode() in path.read_bytes())


def test_without_public_images_nothing_speaks_of_them(tmp_path: Path) -> None:
    sessions = sample_sessions(tmp_path, public=False)

    assert not any("PUBLIC" in one.label for one in sessions)
    assert not any("public" in template["id"] for template in sample_templates(sessions)["templates"])


def test_the_policy_is_not_armed_unless_asked() -> None:
    assert not Policy.from_document(sample_policy("CLEAN", "SECOND")).enabled
    armed = Policy.from_document(sample_policy("CLEAN", "same", enabled=True))
    assert (armed.enabled, armed.destination.project, armed.settle_minutes) == (True, "CLEAN", 1)


def _texts(ds: pydicom.Dataset) -> set[str]:
    """All values that could name someone: of text, name, date and UID elements at any depth, private ones included."""
    found = set()
    for element in ds.iterall():
        if element.VR in ("PN", "LO", "SH", "LT", "ST", "UT", "UC", "UR", "AE", "DA", "DT", "TM", "UI", "AS"):
            values = [element.value] if element.VM <= 1 else element.value
            found |= {str(value).strip() for value in values if value}
        elif element.VR in ("UN", "OB") and element.keyword != "PixelData" and element.value:
            found.add(bytes(element.value).decode("latin-1").strip("\0 "))
    return found


def test_nothing_of_the_public_headers_is_left(sessions: dict[str, SampleSession]) -> None:
    for kind, names in PUBLIC.items():
        invented = set(sessions[kind].identity.strings())
        for name, path in zip(names, sessions[kind].files, strict=True):
            original = pydicom.dcmread(get_testdata_file(name, read=False, download=False), stop_before_pixels=True)
            ds = pydicom.dcmread(path, stop_before_pixels=True)
            kept = {text for text in _texts(original) & _texts(ds) if not text.startswith("1.2.840.10008.")}
            # Counted, not shown: a failure must not print what looks like a real person's.
            assert len(kept - invented) == 0, f"{name}: {len(kept - invented)} value(s) of the original are left"


@pytest.mark.parametrize("name", LOSSLESS_READABLE)
def test_public_pixels_are_the_installed_ones(sessions: dict[str, SampleSession], name: str) -> None:
    kind = next(kind for kind, names in PUBLIC.items() if name in names)
    path = sessions[kind].files[PUBLIC[kind].index(name)]
    original = pydicom.dcmread(get_testdata_file(name, read=False, download=False))

    assert np.array_equal(pydicom.dcmread(path).pixel_array, original.pixel_array)


def test_public_frames_of_the_compressed_files_are_taken_over_as_they_are(sessions: dict[str, SampleSession]) -> None:
    for kind, name in (("PUBLIC-US-CINE", "examples_ybr_color.dcm"), ("PUBLIC-MR", "MR_small_RLE.dcm")):
        path = sessions[kind].files[PUBLIC[kind].index(name)]
        original = pydicom.dcmread(get_testdata_file(name, read=False, download=False))
        assert pydicom.dcmread(path).PixelData == original.PixelData
