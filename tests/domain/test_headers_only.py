"""send_headers_only: which SOP classes a policy may list, and what is decided then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.test_decisions import image as ct
from xnat_pixelanon.domain.codes import Kind
from xnat_pixelanon.domain.decisions import ScanFacts, decide_session
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.domain.templates import TemplateSet
from xnat_pixelanon.errors import DocumentError

STORAGE = "1.2.840.10008.5.1.4.1.1."
RT_PLAN, SR, PR, STRUCTURES = (STORAGE + suffix for suffix in ("481.5", "88.33", "11.1", "481.3"))


def policy(*classes: str, options: tuple[str, ...] = ()) -> Policy:
    document: dict[str, Any] = {
        "schema_version": 1,
        "destination": {"server": "same", "project": "C"},
        "headers": {"options": list(options)},
        "send_headers_only": list(classes),
    }
    return Policy.from_document(document)


def decided(rules: Policy, uid: str, **changes: Any) -> str:
    facts = ct(attributes={"sop_class_uid": uid}, **({"has_pixel_data": False} | changes))
    (scan,) = decide_session("E1", [ScanFacts("1", (facts,))], TemplateSet(), rules)
    return scan.decision.code


def test_a_listed_class_without_pixels_goes_with_its_own_decision() -> None:
    assert decided(policy(RT_PLAN), RT_PLAN) == "headers-only"
    assert Kind.HEADERS_ONLY.sends


def test_what_is_not_listed_or_has_pixels_stays() -> None:
    assert decided(policy(), RT_PLAN) == "annotation"
    assert decided(policy(RT_PLAN), STORAGE + "481.8") == "annotation"
    assert decided(policy(RT_PLAN), RT_PLAN, has_pixel_data=True) == "annotation"
    assert decided(policy(RT_PLAN), RT_PLAN, damage="truncated") == "damaged"


@pytest.mark.parametrize(
    ("uid", "options"),
    [
        (SR, ("clean-structured-content",)),
        (PR, ("clean-graphics",)),
        (STRUCTURES, ("clean-graphics",)),
        (STRUCTURES, ("clean-structured-content",)),
    ],
)
def test_reports_states_and_structures_need_their_option(uid: str, options: tuple[str, ...]) -> None:
    assert decided(policy(uid, options=options), uid) == "headers-only"
    with pytest.raises(DocumentError) as caught:
        policy(uid)
    assert options[0] in caught.value.problems[0]


@pytest.mark.parametrize(
    "suffix",
    ["2", "104.1", "4.2", "66.4", "66", "481.1", "481.2", "481.33", "9.1.1", "66.11"],
)
def test_pixels_documents_spectra_and_the_unknown_are_refused(suffix: str) -> None:
    everything = ("clean-graphics", "clean-structured-content")
    with pytest.raises(DocumentError) as caught:
        policy(STORAGE + suffix, options=everything)
    assert caught.value.problems[0].startswith("$.send_headers_only[0]: not one of")
