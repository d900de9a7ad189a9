"""A run of a part of the tests leaves no test function out."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.thinning import kept

ONE = ["tests/test_a.py::test_one"]
MANY = [f"tests/test_a.py::test_many[{number}-x[0]]" for number in range(20)]
FEW = [f"tests/test_a.py::test_few[{number}]" for number in range(3)]


def test_all_are_taken_unless_told_otherwise() -> None:
    assert all(kept([*MANY, *ONE, *FEW], 1))


@pytest.mark.parametrize("every", [2, 8, 1000])
def test_each_function_is_taken_with_its_share_of_cases(every: int) -> None:
    names = [*MANY, *ONE, *FEW]
    taken = [name for name, is_taken in zip(names, kept(names, every), strict=True) if is_taken]
    assert ONE[0] in taken
    assert len([name for name in taken if "few" in name]) in (1, 2)
    many = [MANY.index(name) for name in taken if "many" in name]
    assert len(many) in (max(1, 20 // every), 20 // every + 1)
    assert {after - before for before, after in pairwise(many)} <= {every}


def test_functions_of_one_matrix_begin_at_different_places() -> None:
    places = {kept([f"test_{name}[{case}]" for case in range(8)], 8).index(True) for name in range(50)}
    assert places == set(range(8))
