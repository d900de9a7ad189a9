"""The demo as a test: the whole job on two stand-in XNATs, looked at by a sweep that shares no code with it."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from tests.pipeline.conftest import told_in
from xnat_pixelanon.archive import Credentials, connect
from xnat_pixelanon.cli.main import status_of
from xnat_pixelanon.domain.codes import CODES, OUTCOMES, Outcome
from xnat_pixelanon.domain.documents import schema_problems
from xnat_pixelanon.sandbox.app import RequestRecord
from xnat_pixelanon.sandbox.demo import (
    CLEAN,
    OWNER,
    PASSWORD,
    STAGING,
    Stage,
    by_hand,
    by_itself,
    commands,
    environment_of,
    stage,
    swept,
)
from xnat_pixelanon.sandbox.sweep import Sweep, SweepResult

EXPECTED = {
    "US-CINE-A": "published",
    "US-CINE-B": "published",
    "US-STILL": "published",
    "CT": "published",
    "CT-SCOUT-INSIDE": "waiting",
    "MR": "published",
    "SCREEN": "published",
    "RT": "published",
    "LETTER": "nothing-to-send",
    "TWO-CLASSES": "nothing-to-send",
    "TWO-SIZES": "nothing-to-send",
    "DOSE": "published",
    "DX": "published",
    "XA": "waiting",
    "CR-YES": "waiting",
    "KO-SEG": "published",
    "DAMAGED": "waiting",
    "US-PALETTE": "published",
    "CARRIERS": "published",
}
"""Phantom sessions; US-JPEG and the public ones depend on the codecs that are there."""

SERVERS_OWN = ("_catalog.xml", "dcmtoxnat.log")
"""What XNAT writes beside the files that it was given; no resource lists it."""


@dataclass(frozen=True)
class Done:
    """The demo after two runs: both reports, what was said, what reached the clean server in the second, the sweep."""

    made: Stage
    first: dict[str, Any]
    second: dict[str, Any]
    said: str
    requests: list[RequestRecord]
    swept: SweepResult

    def sessions(self) -> list[dict[str, Any]]:
        return list(self.first["sessions"])

    def session(self, kind: str) -> dict[str, Any]:
        return next(one for one in self.sessions() if one["label"].partition("_")[2] == kind)


def add_other_files(made: Stage) -> None:
    """What sessions of a real site hold beside their images."""
    label = made.samples[0].label
    name = made.samples[0].identity.spoken.encode()
    made.staging.add_resource_file(STAGING, label, "NOTES", "letter.txt", b"seen: " + name)
    made.staging.add_resource_file(STAGING, label, "NOTES", "more/scan.pdf", b"%PDF " + name)
    for picture in ("1_qc.gif", "1_qc_t.gif"):
        made.staging.add_resource_file(STAGING, label, "SNAPSHOTS", picture, b"GIF89a" + name, scan="1")
    made.staging.add_assessor(STAGING, label, "QC_1", files={"qc.txt": b"by " + name})
    made.staging.add_assessor(STAGING, label, "QC_2")
    made.staging.add_resource_file(STAGING, None, "PROTOCOL", "study.txt", b"by " + name)
    with connect(Credentials(made.staging.url, OWNER, PASSWORD)) as connection:
        uri = f"/data/projects/{STAGING}/subjects/{made.samples[0].subject}/resources/CONSENT"
        connection.put(uri, "making a resource", accepted=(200, 201))
        connection.put(f"{uri}/files/signed.txt?inbody=true", "storing a file", b"signed: " + name)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    root = tmp_path_factory.mktemp("demo")
    said = io.StringIO()
    with stage(root) as made, environment_of(made):
        add_other_files(made)
        out = root / "out"
        out.mkdir()
        with redirect_stdout(said), redirect_stderr(said):
            by_hand(made, out, status_of, said.write)
            found = swept(made, said.write)
        first, second = kept_reports(made)
        assert first == json.loads((out / "report" / "report.json").read_text())
        yield Done(made, first, second, said.getvalue(), made.clean.requests, found)


def kept_reports(made: Stage) -> list[dict[str, Any]]:
    """The reports that staging keeps, the oldest first."""
    paths = [item.path for item in made.staging.stored() if item.path and item.path.name == "report.json"]
    return [json.loads(path.read_text()) for path in sorted(paths)]


def test_every_session_ends_as_it_should(done: Done) -> None:
    found = {one["label"].partition("_")[2]: one["outcome"] for one in done.sessions()}
    assert {kind: found[kind] for kind in EXPECTED} == EXPECTED
    assert len(found) == len(done.made.samples)


def test_the_sweep_finds_nothing_on_the_clean_server(done: Done) -> None:
    found = done.swept
    assert found.leaks == ()
    sent = [
        one for session in done.sessions() for scan in session["scans"] if scan["sent"] for one in scan["instances"]
    ]
    assert found.frames == sum(one["frames"] for one in sent)
    assert found.elements > 30 * len(sent)


def test_the_same_sweep_finds_every_burned_in_name_and_every_header_on_the_staging_server(done: Done) -> None:
    leaks = Sweep(done.made.samples, done.made.ids.values()).of(done.made.staging.stored()).leaks
    kinds = Counter(leak.what for leak in leaks)
    burned = {text.sop_instance_uid for sample in done.made.samples for text in sample.burned}
    assert kinds["burned-in text"] >= len(burned)
    assert kinds["an identifying text"] > 1000
    assert kinds["a UID of staging"] > 500
    assert kinds["a private element"] > 100


def test_members_of_the_clean_project_see_what_the_report_says_was_sent(done: Done) -> None:
    stored = [
        item.where for item in done.made.clean.stored() if item.kind == "file-name" and item.where.endswith(".dcm")
    ]
    wanted = Counter(
        f"{session['clean_session']}/SCANS/{scan['clean_scan']}"
        for session in done.sessions()
        for scan in session["scans"]
        if scan["sent"]
        for _ in scan["instances"]
    )
    found = Counter("/".join(where.split("/")[-5:-2]) for where in stored if f"/{CLEAN}/" in where)
    assert found == wanted
    assert len(stored) == wanted.total()


def test_the_report_validates_and_every_session_and_scan_has_one_decision_and_its_remedy(done: Done) -> None:
    assert schema_problems("report", done.first) == []
    assert schema_problems("report", done.second) == []
    for session in done.sessions():
        assert session["remedy"] == OUTCOMES[Outcome(session["outcome"])].remedy
        ids = [scan["id"] for scan in session["scans"]]
        assert len(ids) == len(set(ids))
        for scan in session["scans"]:
            assert scan["decision"] == CODES[scan["code"]].kind
            assert scan["remedy"] == CODES[scan["code"]].remedy
            for one in scan["instances"]:
                assert one["decision"] == CODES[one["code"]].kind
                assert (one["proof"] == "ok") == scan["sent"] == bool(one["output"])


def staged_files(made: Stage, experiment: str) -> tuple[list[str], dict[str, int]]:
    """As the file system says: DICOM files of a session by path, every other file with its size."""
    folder = made.staging.session_folder(experiment)
    dicom, others = [], {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or name.endswith(SERVERS_OWN):
            continue
        if re.fullmatch(r"SCANS/[^/]+/(DICOM|secondary)/.+", name):
            dicom.append(name)
        else:
            others[name] = path.stat().st_size
    return sorted(dicom), others


def test_the_report_accounts_for_every_file_that_staging_stores(done: Done) -> None:
    everything = 0
    for session in done.sessions():
        dicom, others = staged_files(done.made, session["id"])
        listed = sorted(one["source"] for scan in session["scans"] for one in scan["instances"])
        assert listed == dicom
        assert sum(one["files"] for one in session["not_sent"]) == len(others)
        assert sum(one["bytes"] for one in session["not_sent"]) == sum(others.values())
        everything += len(dicom) + len(others)
    archive = done.made.staging.root / "archive" / STAGING
    stored = [path for path in archive.rglob("*") if path.is_file() and not path.name.endswith(SERVERS_OWN)]
    reports = [path for path in stored if "PIXELANON" in path.parts]
    assert [(one["kind"], one["name"], one["files"]) for one in done.first["strays"]] == [
        ("project-resource", "PROTOCOL", 1),
        ("subject-resource", "STAGE_S00001/CONSENT", 1),
    ]
    kept = {one["name"]: one["files"] for one in done.second["strays"]}
    assert kept["PIXELANON"] == len(reports) - 4  # by then the first run had kept its report
    assert len(stored) == everything + 2 + len(reports)


def test_what_is_not_sent_is_named_with_its_place_and_reason(done: Done) -> None:
    found = {(one["kind"], one["name"], one["files"]): one["reason"] for one in done.session("US-CINE-A")["not_sent"]}
    assert set(found) == {
        ("session-resource", "NOTES", 2),
        ("scan-resource", "1/SNAPSHOTS", 2),
        ("assessor", "STAGE_A00001/DATA", 1),
        ("assessor", "QC_2", 0),
    }
    assert all(found.values())


def test_a_secondary_resource_belongs_to_its_scan(done: Done) -> None:
    (scan,) = done.session("TWO-CLASSES")["scans"]
    resources = Counter(one["source"].split("/")[2] for one in scan["instances"])
    assert resources == {"DICOM": 3, "secondary": 1}
    assert scan["code"] == "mixed-sop-class"


def test_the_second_run_changes_nothing_and_only_reads(done: Done) -> None:
    before = {one["id"]: one["outcome"] for one in done.sessions()}
    after = {one["id"]: one["outcome"] for one in done.second["sessions"]}
    assert after == {key: "unchanged" if value == "published" else value for key, value in before.items()}
    assert not any(scan["sent"] for one in done.second["sessions"] for scan in one["scans"])
    shapes = Counter((one.method, one.path) for one in done.requests if one.method != "GET")
    assert shapes == {("PUT", "/data/services/auth"): 1, ("DELETE", "/data/JSESSION"): 1}


def test_nothing_that_was_said_names_a_session_a_person_or_a_uid(done: Done) -> None:
    assert "session STAGE_E00001: published" in done.said
    assert told_in(done.said.replace("phantoms", ""), done.made.samples) == []
    assert not re.search(r"Traceback|\b2\.25\.\d|\b1\.2\.840", done.said)


@pytest.fixture(scope="module")
def arrived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, str]]:
    """A stage on which nobody ran anything by hand, after its second part; and what was said."""
    root = tmp_path_factory.mktemp("arrived")
    said = io.StringIO()
    with stage(root, public=False) as made, environment_of(made), redirect_stdout(said), redirect_stderr(said):
        for words in commands(made, root)[:-1]:
            assert status_of(words) == 0
        by_itself(made, root, status_of, lambda text: print(text, file=said))
        yield made, said.getvalue()


def test_a_session_that_is_archived_is_published_by_the_container_that_its_event_starts(
    arrived: tuple[Stage, str],
) -> None:
    made, said = arrived
    (container,) = made.staging.containers()
    assert (container.status, container.user, container.line) == ("Complete", OWNER, "launch")
    copies = [item.path for item in made.clean.stored() if item.path and item.path.suffix == ".dcm"]
    assert len(copies) == len(made.samples[-1].files) == 1
    assert made.samples[-1].label.endswith("_ARRIVING")
    before, after = (pydicom.dcmread(path).pixel_array for path in (made.samples[-1].files[0], copies[0]))
    for box in (np.s_[:, 440:480, 0:460], np.s_[:, 0:32, 390:640]):
        assert before[box].any()
        assert not after[box].any()
        before[box] = 0
    np.testing.assert_array_equal(before, after)
    assert made.sweep().leaks == ()
    for words in ("subscription CREATED: done", "redact: template  2 rectangles", "sessions: published 1", "Complete"):
        assert words in said
    assert told_in(said.replace("phantoms", ""), made.samples) == []


def test_documents_and_reports_of_staging_do_not_reach_the_clean_server(done: Done) -> None:
    names = {Path(item.where).name for item in done.made.clean.stored() if item.kind == "file-name"}
    assert {name for name in names if not name.endswith((".dcm", "_catalog.xml", ".xml"))} == {
        "receipt.json",
        "released.txt",
    }
