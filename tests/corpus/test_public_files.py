"""Every public sample file through the command line: written, proved and judged, or refused with a code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from pydicom import dcmread

from xnat_pixelanon.domain.codes import CODES

from .files import PACKAGES, package_folder
from .runs import Outcome, census, environment, outcomes, rules

STRAYS = {"stray: not-dicom", "stray: damaged-dicom", "stray: dicomdir"}
REFUSALS = {code for code, row in CODES.items() if not row.kind.sends} - {"proof-failed", "no-template"}
WRITTEN = {
    "1.2.840.10008.1.2": 5,
    "1.2.840.10008.1.2.1": 114,
    "1.2.840.10008.1.2.1.99": 3,
    "1.2.840.10008.1.2.2": 16,
    "1.2.840.10008.1.2.4.50": 24,
    "1.2.840.10008.1.2.4.51": 2,
    "1.2.840.10008.1.2.4.70": 5,
    "1.2.840.10008.1.2.4.80": 2,
    "1.2.840.10008.1.2.4.81": 1,
    "1.2.840.10008.1.2.4.90": 10,
    "1.2.840.10008.1.2.4.91": 8,
    "1.2.840.10008.1.2.5": 11,
}
"""How many files of each transfer syntax are written at least: refusing them would be clean, and of no use."""


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_is_written_and_proved_or_refused_with_a_code(package: str, shared: Path) -> None:
    found = outcomes(package, shared)
    print(f"\n{package}\n{census(found)}")
    assert len(found) >= PACKAGES[package]
    assert [one.name for one in found if not _clean(one)] == []


def _clean(one: Outcome) -> bool:
    """A proved copy without findings, or no copy and a code; the exit status says the same; never a traceback."""
    if one.traceback:
        return False
    if one.end == "written":
        expected = 0 if one.reached == "command" else 1
        return one.proof == "ok" and one.copies == 1 and not one.findings and one.status == expected
    return one.copies == 0 and one.end in REFUSALS | STRAYS and one.status in (0, 1)


def test_no_transfer_syntax_is_refused_more_than_before(shared: Path) -> None:
    found = [one for package in PACKAGES for one in outcomes(package, shared)]
    written = Counter(one.syntax for one in found if one.end == "written")
    print(f"\n{census(found)}")
    assert {syntax: written[syntax] for syntax, floor in WRITTEN.items() if written[syntax] < floor} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_whole_package_as_one_folder_leaves_no_file_unsaid(package: str, tmp_path: Path) -> None:
    """As a user would do it: one process, all studies, broken files and files that are no DICOM among them."""
    root = package_folder(package)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    words = rules(tmp_path, [path for path in files if path.suffix != ".py"])
    places = ("--from", f"dir:{root}", "--to", f"dir:{tmp_path / 'out'}", "--report", str(tmp_path / "report"))
    command = [sys.executable, "-m", "xnat_pixelanon", "run", *places, *words]
    done = subprocess.run(command, env=environment(), capture_output=True, check=False)
    assert done.returncode in (0, 1)  # 1: a study without a Patient ID, or with several
    assert b"Traceback" not in done.stderr
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    found = [one for session in report["sessions"] for scan in session["scans"] for one in scan["instances"]]
    said = [one["source"] for one in found] + [one["name"] for one in report["strays"]]
    assert sorted(said) == [path.relative_to(root).as_posix() for path in files]
    assert {one["code"] for one in found} <= set(CODES) - {"proof-failed", "no-template"}
    assert {one["proof"] for one in found if one["output"]} <= {"ok"}
    assert [error for session in report["sessions"] if "internal" in (error := session["error"])] == []
    scans = [scan for session in report["sessions"] for scan in session["scans"] if scan["sent"]]
    sent = sorted(one["output"] for scan in scans for one in scan["instances"])
    assert sent == sorted(dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in _copies(tmp_path / "out"))
    assert sent


def _copies(out: Path) -> list[Path]:
    return sorted(out.rglob("*.dcm"))
