"""The whole tool from folder to folder: names of files and folders, the receipt, and where report and key may go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydicom import dcmread

from xnat_pixelanon.cli.main import status_of

from .attack import NEEDLES, PIXELS, ROOT, element, encoded, header, traces

TEMPLATE = {"modality": "OT", "sop_class_uid": "1.2.840.10008.5.1.4.1.1.7", "rows": 16}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four series, three of them with an identifier for a Series Number; file names tell the patient too."""
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "in" / "Phantom_Ada"
    source.mkdir(parents=True)
    for index, number in enumerate((b"4711234", b"TESTMRN-4711234", b"Phantom", b"0")):
        ds = header(SeriesInstanceUID=f"{ROOT}.2.{index}", SOPInstanceUID=f"{ROOT}.3.{index}")
        del ds.SeriesNumber
        meta, body = encoded(ds, [element(0x00200011, "IS", number)])
        (source / f"Phantom_{index}.dcm").write_bytes(meta + body + element(0x7FE00010, "OB", PIXELS))
    templates = {"id": "ot", "title": "Ada Phantom", "match": TEMPLATE, "rectangles": []}
    (tmp_path / "t.json").write_text(json.dumps({"schema_version": 1, "templates": [templates]}))
    policy = {"schema_version": 1, "enabled": True, "destination": {"server": "same", "project": "CLEAN"}}
    (tmp_path / "p.json").write_text(json.dumps(policy))
    return tmp_path


def run(site: Path, *words: str) -> int:
    files = ("--templates", str(site / "t.json"), "--policy", str(site / "p.json"), "--workers", "1")
    return status_of(("run", "--from", f"dir:{site / 'in'}", "--to", f"dir:{site / 'out'}", *files, *words))


def test_no_name_of_a_file_or_folder_and_no_receipt_tells_the_patient(site: Path) -> None:
    assert run(site, "--key", str(site / "k"), "--report", str(site / "report")) == 0
    written = sorted((site / "out").rglob("*"))
    copies = [path for path in written if path.suffix == ".dcm"]
    assert len(copies) == 4
    for path in written:
        assert traces(str(path.relative_to(site / "out")).encode(), NEEDLES) == []
        assert path.is_dir() or traces(path.read_bytes(), NEEDLES) == []
    for path in copies:
        ds = dcmread(path)
        number = "" if ds.SeriesNumber is None else str(ds.SeriesNumber)
        assert path.parts[-3] == (number or ds.SeriesInstanceUID)
    assert "0" in {path.parts[-3] for path in copies}


@pytest.mark.parametrize(
    "words", [("--key", "k", "--report", "out/report"), ("--key", "out/k"), ("--key", "k", "--report", "in/../out")]
)
def test_report_and_key_are_not_put_among_the_clean_sessions(site: Path, words: tuple[str, ...]) -> None:
    assert run(site, *words) == 3
    assert not (site / "out").exists()
