"""The proof finds what is wrong: every mutation of a right copy, in every transfer syntax to which it applies.

The copies are those of `pipeline.work.clean`, and so are the proofs: the mutation comes in between. What is told apart
from a passing test of nothing: the same copies taken apart and put together again, and coded anew, are proved.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from xnat_pixelanon.pipeline.work import Cleaned
from xnat_pixelanon.pixels.routes import ROUTES

from .case import Case
from .cleaning import Bench
from .mutations import MUTATIONS
from .subjects import SUBJECTS, Subject

BY_NAME: Mapping[str, Subject] = {subject.name: subject for subject in SUBJECTS}
ASKED_FOR = (
    "last frame missed",
    "middle frame missed",
    "all frames but the last missed",
    "one row short at the bottom",
    "Photometric Interpretation of other colours",
    "bytes exchanged",
    "a high bit dropped",
    "overlay group kept",
    "overlay kept in the cells",
    "boxes off by one down",
    "icon kept",
)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_right_copy_is_proved(tmp_path: Path, name: str) -> None:
    bench = Bench(BY_NAME[name], tmp_path)
    result = bench.clean()
    assert isinstance(result, Cleaned)
    assert bench.out.exists()
    again = bench.clean_with(_coded_anew)
    assert isinstance(again, Cleaned), again


def _coded_anew(case: Case) -> None:
    """What the mutations of cells do, without one; subsampled chroma is transplanted where it was."""
    if not case.subject.subsampled:
        case.put(case.cells)


@pytest.mark.parametrize("name", BY_NAME)
def test_every_mutation_is_found(tmp_path: Path, name: str) -> None:
    """Right copies come before and after: what the proofs remember of a series hides nothing, and stays right."""
    bench = Bench(BY_NAME[name], tmp_path)
    assert isinstance(bench.clean(), Cleaned)
    missed = [bench.why_not_found(one) for one in MUTATIONS if not one.why_not(bench.subject)]
    assert [why for why in missed if why] == []
    assert len(missed) > 20
    assert isinstance(bench.clean(), Cleaned)


def test_every_mutation_has_its_transfer_syntaxes(capsys: pytest.CaptureFixture[str]) -> None:
    """The table: how many copies of each transfer syntax are mutated; where none is, why."""
    syntaxes = list(dict.fromkeys(subject.syntax for subject in SUBJECTS))
    assert set(syntaxes) == set(ROUTES)
    lines, reasons = [], dict[str, str]()
    for mutation in MUTATIONS:
        cells = []
        for syntax in syntaxes:
            why = [mutation.why_not(subject) for subject in SUBJECTS if subject.syntax == syntax]
            if all(why):
                reasons.setdefault(why[0], chr(ord("a") + len(reasons)))
                cells.append(reasons[why[0]])
            else:
                cells.append(str(why.count("")))
        assert any(cell.isdigit() for cell in cells), mutation.name
        lines.append(f"{mutation.name:52}" + "".join(f"{cell:>5}" for cell in cells))
    heads = "".join(f"{_short(syntax):>5}" for syntax in syntaxes)
    legend = [f"  {letter}: {why}" for why, letter in reasons.items()]
    with capsys.disabled():
        print("\n".join(["", f"{'copies mutated, all found':52}{heads}", *lines, *legend]), file=sys.stderr)
    assert {mutation.name for mutation in MUTATIONS} >= set(ASKED_FOR)


def _short(syntax: str) -> str:
    """The last numbers of its UID."""
    return {"1.2.840.10008.1.2": "impl", "1.2.840.10008.1.2.1": "expl"}.get(syntax, "." + syntax.rpartition(".")[2])
