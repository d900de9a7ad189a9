"""What is done about a session that is published already, line by line."""

from __future__ import annotations

import itertools

import pytest

from xnat_pixelanon.domain.changes import Found, OnChange, Step, next_step
from xnat_pixelanon.domain.codes import Outcome

MODES: tuple[OnChange, ...] = ("report", "replace", "withdraw")


@pytest.mark.parametrize("on_change", MODES)
def test_what_only_grew_or_did_not_change_is_never_taken_away(on_change: OnChange) -> None:
    assert next_step("grown", on_change, (1,)) is Step.ADD
    assert next_step("unchanged", on_change, (1,)) is Outcome.UNCHANGED
    assert next_step("grown", on_change, None) is next_step("unchanged", on_change, None) is Outcome.WAITING


@pytest.mark.parametrize("found", ["stale", "no-longer-allowed"])
def test_a_change_of_what_was_sent_follows_the_policy(found: Found) -> None:
    assert next_step(found, "report", (1,)) is Outcome(found)
    assert next_step(found, "replace", (1,)) is Step.REPLACE
    assert next_step(found, "replace", ()) is Step.WITHDRAW
    assert next_step(found, "replace", None) is Outcome(found)
    assert {next_step(found, "withdraw", send) for send in ((1,), (), None)} == {Step.WITHDRAW}


def test_nothing_is_taken_away_by_a_policy_that_reports() -> None:
    for found, send in itertools.product(("unchanged", "grown", "stale", "no-longer-allowed"), ((1,), (), None)):
        assert next_step(found, "report", send) not in (Step.REPLACE, Step.WITHDRAW)  # type: ignore[arg-type]
