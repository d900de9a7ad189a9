"""Patterns of labels: what they match, and that none takes long."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_pixelanon.domain.label_patterns import LONGEST, matches


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("S017", ["S017"], ["S0170", "XS017", "s017", "", "S017\n", "S01"]),
        ("PX-S###", ["PX-S017"], ["PX-S17", "PX-S0171", "PX-SABC", "PX-S٠١٢"]),
        ("ST_V#+", ["ST_V1", "ST_V10"], ["ST_V", "ST_V1a", "ST_V1_"]),
        ("AB@+#", ["ABx1", "ABxY9"], ["AB1", "ABx", "ABä1"]),
        ("AB#+1#+", ["AB111", "AB9919"], ["AB11", "AB991"]),
    ],
)
def test_a_pattern_says_the_whole_label(pattern: str, yes: list[str], no: list[str]) -> None:
    assert [label for label in yes if not matches(pattern, label)] == []
    assert [label for label in no if matches(pattern, label)] == []


_PATTERNS = st.lists(st.sampled_from(["A", "b", "0", "_", "-", "#", "@", "#+", "@+"]), min_size=1).map("".join)
_AS_REGEX = {"#": "[0-9]", "@": "[A-Za-z]"}


def as_regex(pattern: str) -> str:
    return "".join(_AS_REGEX.get(sign, sign) for sign in pattern)


@given(_PATTERNS, st.text("AbC01_-", max_size=7))
def test_what_it_matches_is_what_a_regular_expression_matches(pattern: str, label: str) -> None:
    assert matches(pattern, label) == (re.fullmatch(as_regex(pattern), label, re.ASCII) is not None)


@given(_PATTERNS, st.data())
def test_what_is_made_by_the_pattern_is_matched(pattern: str, data: st.DataObject) -> None:
    label = data.draw(st.from_regex(re.compile(as_regex(pattern), re.ASCII), fullmatch=True))
    assert matches(pattern, label) == (len(label) <= LONGEST)


def test_no_pattern_takes_long() -> None:
    started = time.process_time()
    assert not matches("#+" * 31 + "A", "1" * LONGEST)
    assert not matches("AB#+", "AB" + "1" * 10**6)
    assert time.process_time() - started < 1.0
