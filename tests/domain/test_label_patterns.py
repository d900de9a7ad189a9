"""Patterns of labels: what they match, what is no pattern, and that no pattern takes long."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_pixelanon.domain.label_patterns import LONGEST, matches, pattern_problem
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.errors import DocumentError


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("S017", ["S017"], ["S0170", "XS017", "s017", "", "S017\n"]),
        (r"PX-S\d{3}", ["PX-S017"], ["PX-S17", "PX-S0171", "PX-SABC", "PX-S٠١٢"]),
        ("^S[0-9]{1,3}_(US|CT|MR2)$", ["S1_US", "S123_MR2"], ["S_US", "S1234_US", "S1_USCT", "S1_"]),
        ("A?[B-D_-]{2}X?", ["AB-", "_CX", "--"], ["A", "AAB-", "E-"]),
        ("[a-c]{0,2}a", ["a", "ba", "cba"], ["", "abca", "ab"]),
        ("(A|AB){1,3}B", ["AB", "ABB", "AABAB"], ["B", "AAAA"]),
    ],
)
def test_a_pattern_says_the_whole_label(pattern: str, yes: list[str], no: list[str]) -> None:
    assert pattern_problem(pattern) == ""
    assert [label for label in yes if not matches(pattern, label)] == []
    assert [label for label in no if matches(pattern, label)] == []


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        (".*", "column 1"), ("S+", "column 2"), ("S*", "column 2"), ("[^A]", "column 1"), ("(S", "column 1"),
        ("S{3", "column 2"), ("S{4,2}", "column 2"), ("S{1,65}", "column 2"), ("[z-a]", "column 2"),
        ("[A-9]", "column 2"), (r"\w", "column 1"), ("(?:S)", "column 1"), ("(S|)", "column 1"), ("S Ä", "column 2"),
        ("^^S", "column 2"), ("((S))", "column 1"), ("^$", "matches nothing"), ("S{0}", "matches nothing"),
        ("S??", "column 3"), ("(a|b){2}{3}", "column 9"),
    ],
)  # fmt: skip
def test_what_is_no_pattern_is_told_with_its_column(pattern: str, problem: str) -> None:
    assert problem in pattern_problem(pattern)


_PARTS = st.sampled_from(["A", "b", "0", "_", r"\d", "[A-C]", "[a-b0-1]", "[A-]", "(A|AB)", "(b|0|b0)"])
_TIMES = st.sampled_from(["", "?", "{2}", "{0,2}", "{1,3}"])
_PATTERNS = st.lists(st.tuples(_PARTS, _TIMES).map("".join), min_size=1, max_size=5).map("".join)


@given(_PATTERNS, st.text("AaBbC01_-", max_size=9))
def test_what_it_matches_is_what_the_same_regular_expression_matches(pattern: str, label: str) -> None:
    assert matches(pattern, label) == (re.fullmatch(pattern, label, re.ASCII) is not None)


@given(_PATTERNS, st.data())
def test_what_is_made_by_the_pattern_is_matched(pattern: str, data: st.DataObject) -> None:
    label = data.draw(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True))
    assert matches(pattern, label)


@pytest.mark.parametrize("part", ["[a]{0,64}", "(a|aa|aaa){0,64}", "a?"])
def test_no_pattern_takes_long(part: str) -> None:
    pattern = part * (128 // len(part) - 1) + "b"
    started = time.process_time()
    assert not matches(pattern, "a" * LONGEST)
    assert time.process_time() - started < 2.0
    assert not matches(pattern, "a" * 100_000)


def labelled(**labels: object) -> Policy:
    document = {"schema_version": 1, "destination": {"server": "same", "project": "C"}, "labels": labels}
    return Policy.from_document(document)


def test_kept_labels_stand_in_the_policy_with_their_patterns() -> None:
    kept = labelled(subject="keep", subject_pattern="S[0-9]{3}", prefix="PX-", written_to_headers=True).labels
    assert (kept.subject, kept.session, kept.keeps, kept.written_to_headers) == ("keep", "pseudonym", True, True)
    assert labelled().labels.keeps is False
    assert labelled(session="keep", session_pattern="S").digest == labelled().digest


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        ({"subject": "keep"}, r"\$\.labels\.subject: .*subject_pattern"),
        ({"session": "keep", "subject_pattern": "S"}, r"\$\.labels\.session: .*session_pattern"),
        ({"session_pattern": "S"}, r"\$\.labels\.session_pattern: it is for labels that are kept"),
        ({"session": "keep", "session_pattern": ".*"}, r"\$\.labels\.session_pattern: column 1"),
        ({"session": "keep", "session_pattern": ""}, r"\$\.labels\.session_pattern"),
        (
            {"subject": "keep", "subject_pattern": "S", "session": "keep", "session_pattern": "S", "prefix": "P"},
            r"\$\.labels\.prefix: it is for pseudonyms",
        ),
        ({"subject": "keep", "subject_pattern": "S", "subject_from": "patient_id"}, r"\$\.labels\.subject_from"),
        ({"written_to_headers": True}, r"\$\.labels\.written_to_headers"),
    ],
)
def test_settings_that_would_be_without_effect_or_bound_are_refused(labels: dict[str, object], problem: str) -> None:
    with pytest.raises(DocumentError, match=problem):
        labelled(**labels)
