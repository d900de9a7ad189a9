"""A writer that slips is found out: `clean` answers "proof-failed" and leaves no file, whatever the slip."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from xnat_pixelanon.pipeline.work import Cleaned, Failed
from xnat_pixelanon.pixels import dct

from .cleaning import Bench
from .subjects import SUBJECTS
from .writer_faults import FAULTS, Fault

SUBJECT_BY_NAME = {subject.name: subject for subject in SUBJECTS}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """What a faulty writer worked out is not for the next test."""
    dct._planes.cache_clear()
    yield
    dct._planes.cache_clear()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_faulty_writer_is_found_out(tmp_path: Path, fault: Fault, capsys: pytest.CaptureFixture[str]) -> None:
    for number, name in enumerate(fault.subjects):
        subject = SUBJECT_BY_NAME[name]
        folder = tmp_path / str(number)
        folder.mkdir()
        bench = Bench(replace(subject, boxes=fault.boxes or subject.boxes), folder)
        with pytest.MonkeyPatch.context() as patch:
            fault.lay(patch)
            result = bench.clean()
        assert isinstance(result, Failed), f"{name} was proved"
        assert result.code == "proof-failed", f"{name}: {result}"
        assert any(text in result.detail for text in fault.found), f"{name}: {result.detail}"
        assert sorted(path.name for path in folder.iterdir()) == ["source.dcm"], name
        dct._planes.cache_clear()
        assert isinstance(bench.clean(), Cleaned), f"{name}: the fault is what fails"
    with capsys.disabled():
        print(f"\nwriter: {fault.name}: found in {', '.join(fault.subjects)}", file=sys.stderr)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_hide_a_fault(tmp_path: Path, threads: int) -> None:
    fault = next(one for one in FAULTS if one.name == "frames come in another order")
    for number, name in enumerate(fault.subjects):
        folder = tmp_path / str(number)
        folder.mkdir()
        bench = Bench(SUBJECT_BY_NAME[name], folder)
        with pytest.MonkeyPatch.context() as patch:
            fault.lay(patch)
            result = bench.clean(threads=threads)
        assert isinstance(result, Failed)
        assert result.code == "proof-failed"
        assert isinstance(bench.clean(threads=threads), Cleaned)
