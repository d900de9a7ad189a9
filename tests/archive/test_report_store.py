"""Reports that are read back: only those of runs, whatever else lies in the resource."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from xnat_pixelanon.archive.report_store import XnatReportStore

REFERENCE = Path(__file__).parents[2] / "docs" / "reference.md"
RUN = "20261122T101500-3fa2ab"
REPORT = json.loads(re.search(r"```json report\n(.*?)```", REFERENCE.read_text("utf-8"), re.DOTALL)[1]) | {"run": RUN}


@pytest.mark.parametrize(
    ("folder", "content"),
    [
        ("9", b"[" * 100_000),
        ("20261122T101501-3fa2ab", b"[" * 100_000),
        ("20261122T101501-3fa2ab", b"\xff"),
        ("20261122T101501-3fa2ab", json.dumps(REPORT).encode()),
        ("9", json.dumps(REPORT | {"run": "9"}).encode()),
    ],
)
def test_what_is_no_report_of_the_run_that_its_folder_names_is_left_out(world, folder, content):
    store = XnatReportStore(world.connect("owner"), "CLEAN")
    store.keep(RUN, {"report.json": json.dumps(REPORT).encode()})
    store.keep(folder, {"report.json": content})
    assert list(store.runs()) == [REPORT]
