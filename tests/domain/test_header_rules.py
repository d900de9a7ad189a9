"""Options and exceptions in policy.json: what is taken, what is refused and why, and what follows from a change."""

from __future__ import annotations

from typing import Any

import pytest

from xnat_pixelanon.domain.documents import schema
from xnat_pixelanon.domain.header_rules import OPTIONS, PLAIN, HeaderRules, TagException
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.errors import DocumentError


def policy(**headers: Any) -> Policy:
    where = {"server": "same", "project": "CLEAN"}
    return Policy.from_document({"schema_version": 1, "destination": where, "headers": headers})


def problems(**headers: Any) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        policy(**headers)
    return list(caught.value.problems)


def test_without_options_it_is_the_basic_profile() -> None:
    assert policy().headers == policy(options=[], exceptions=[]).headers == PLAIN
    assert PLAIN.described() == ""


def test_the_schema_knows_every_option() -> None:
    headers = schema("policy")["properties"]["headers"]["properties"]
    assert headers["options"]["items"]["enum"] == list(OPTIONS)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_taken_and_changes_what_a_copy_looks_like(option: str) -> None:
    assert policy(options=[option]).headers.options == {option}
    assert policy(options=[option]).digest != policy().digest


def test_dates_are_kept_or_moved_and_not_both() -> None:
    (line,) = problems(options=["retain-dates-full", "retain-dates-modified", "clean-descriptors"])
    assert line.startswith("$.headers.options: retain-dates-full keeps dates as they are")


def test_an_option_that_nobody_knows_is_refused_with_those_that_are() -> None:
    (line,) = problems(options=["retain-everything"])
    assert "retain-uids" in line


def test_exceptions_are_read_with_their_reasons_and_described_without() -> None:
    given = policy(exceptions=[{"tag": "(0018,1030)", "action": "keep", "reason": "needed to sort"}])
    assert given.headers.exceptions == (TagException("(0018,1030)", "keep", "needed to sort"),)
    assert given.headers.described() == "except (0018,1030) keep"
    assert given.digest == policy(exceptions=[{"tag": "(0018,1030)", "action": "keep"}]).digest != policy().digest


@pytest.mark.parametrize(
    ("tag", "why"),
    [
        ("(0010,0010)", "is what the object is"),
        ("(0020,000D)", "is what the object is"),
        ("(0028,0010)", "is what the object is"),
        ("(0012,0063)", "is what the object is"),
        ("(7FE0,0010)", "is what the object is"),
        ("(0002,0003)", "is what the object is"),
        ("(0009,0010)", "is private"),
        ("(0018,103a)", "expected (gggg,eeee)"),
        ("ProtocolName", "expected (gggg,eeee)"),
    ],
)
def test_no_exception_is_made_of_what_an_object_is(tag: str, why: str) -> None:
    (line,) = problems(exceptions=[{"tag": tag, "action": "remove"}])
    assert why in line
    assert line.startswith("$.headers.exceptions[0].tag")


def test_a_tag_has_one_exception() -> None:
    (line,) = problems(exceptions=[{"tag": "(0018,1030)", "action": action} for action in ("keep", "empty")])
    assert line == "$.headers.exceptions[1].tag: (0018,1030) has an exception already"


def test_the_owners_list_is_in_no_digest_and_in_no_text() -> None:
    given = policy(identifiers=["Quixley", "Ward 7 North"])
    assert given.identifiers == ("Quixley", "Ward 7 North")
    assert given.digest == policy().digest
    assert "Quixley" not in repr(given)
    assert "at least 2 characters" in problems(identifiers=["x"])[0]


def test_all_is_told_in_one_line() -> None:
    rules = HeaderRules(frozenset({"clean-graphics", "retain-uids"}), (TagException("(0018,1030)", "empty"),))
    assert rules.described() == "retain-uids, clean-graphics; except (0018,1030) empty"
