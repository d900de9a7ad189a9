"""An override without a series stands for its whole session."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.test_decisions import image as ct
from xnat_pixelanon.domain.decisions import ScanFacts, decide_session
from xnat_pixelanon.domain.policy import DestinationPolicy, Policy
from xnat_pixelanon.domain.templates import TemplateSet, with_withdrawal
from xnat_pixelanon.errors import DocumentError

POLICY = Policy(DestinationPolicy("same", "CLEAN"))
EMPTY: dict[str, Any] = {"schema_version": 1, "templates": []}
WHOLE = {"session": {"id": "E1"}, "action": "exclude", "reason": "consent withdrawn"}


def overridden(*overrides: dict[str, Any]) -> TemplateSet:
    return TemplateSet.from_document(EMPTY | {"overrides": list(overrides)})


def test_every_series_of_the_session_is_excluded_with_its_reason_and_no_other_session_is() -> None:
    scans = [ScanFacts("1", (ct(),)), ScanFacts("2", (ct(series_instance_uid="1.9"),))]
    decided = decide_session("E1", scans, overridden(WHOLE), POLICY)
    assert [(one.decision.code, one.decision.detail) for one in decided] == [
        ("override-exclude", "consent withdrawn")
    ] * 2
    assert {one.decision.code for one in decide_session("E2", scans, overridden(WHOLE), POLICY)} == {"no-template"}


def test_it_goes_before_an_override_of_a_series_and_a_series_that_is_gone_holds_nothing() -> None:
    series = {"session": {"id": "E1"}, "series_instance_uid": "1.404", "action": "pass"}
    own = series | {"series_instance_uid": ct().series_instance_uid}
    decided = decide_session("E1", [ScanFacts("1", (ct(),))], overridden(series, own, WHOLE), POLICY)
    assert [one.decision.code for one in decided] == ["override-exclude"]


def test_it_is_found_by_the_sessions_id() -> None:
    found = overridden(WHOLE).withdrawal_of("E1")
    assert found is not None
    assert found.reason == "consent withdrawn"
    assert overridden(WHOLE).withdrawal_of("E2") is None
    series = {"session": {"id": "E1"}, "series_instance_uid": "1.2", "action": "exclude"}
    assert overridden(series).withdrawal_of("E1") is None


@pytest.mark.parametrize("action", ["pass", "templates"])
def test_only_an_exclusion_may_stand_for_a_whole_session(action: str) -> None:
    templates = {"templates": ["x"]} if action == "templates" else {}
    with pytest.raises(DocumentError, match=r"\$\.overrides\[0\]: expected the key series_instance_uid"):
        overridden(WHOLE | {"action": action} | templates)


def test_one_for_a_session_is_enough() -> None:
    with pytest.raises(DocumentError, match=r"\$\.overrides\[1\]: expected one override for a session as a whole"):
        overridden(WHOLE, WHOLE)


def test_adding_one_leaves_the_rest_of_the_document_as_it_was() -> None:
    before = EMPTY | {"based_on": 3, "overrides": [WHOLE | {"session": {"id": "E9"}}]}
    after = with_withdrawal(before, {"id": "E1", "label": "S1"}, "why")
    assert after["overrides"] == [
        *before["overrides"],
        {"session": {"id": "E1", "label": "S1"}, "action": "exclude", "reason": "why"},
    ]
    assert {key: after[key] for key in before if key != "overrides"} == EMPTY | {"based_on": 3}
    assert len(before["overrides"]) == 1
