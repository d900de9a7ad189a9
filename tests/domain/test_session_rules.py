"""Receipts, consistency over a session, and scan IDs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_pixelanon.domain.consistency import mark_inconsistent
from xnat_pixelanon.domain.decisions import ScanFacts
from xnat_pixelanon.domain.documents import schema_problems
from xnat_pixelanon.domain.instance import InstanceFacts
from xnat_pixelanon.domain.receipt import PlannedScan, Receipt, ReceiptScan, compare, outputs_digest
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.domain.scan_ids import Series, scan_ids
from xnat_pixelanon.errors import ConfigurationError

SHA = "sha256:" + "0" * 64


def planned(uid: str = "2.25.1", **changes: object) -> PlannedScan:
    return replace(PlannedScan(uid, True, "i", "d", SHA, SHA), **changes)  # type: ignore[arg-type]


def receipt(*uids: str) -> Receipt:
    return Receipt("s", "1", "2.25.9", tuple(ReceiptScan(uid, "i", "d", SHA, SHA, SHA, 3) for uid in uids))


@pytest.mark.parametrize(
    ("sent", "now", "outcome"),
    [
        (["2.25.1"], [planned()], "unchanged"),
        (["2.25.1"], [planned(), planned("2.25.2")], "grown"),
        (["2.25.1"], [planned(), planned("2.25.2", allowed=False)], "unchanged"),
        (["2.25.1"], [planned(decision="other"), planned("2.25.2")], "stale"),
        (["2.25.1"], [planned(inputs="other")], "stale"),
        (["2.25.1"], [], "stale"),
        (["2.25.1", "2.25.2"], [planned(inputs="other"), planned("2.25.2", allowed=False)], "no-longer-allowed"),
    ],
)
def test_what_was_sent_is_compared_with_what_would_be_sent(
    sent: list[str], now: list[PlannedScan], outcome: str
) -> None:
    assert compare(receipt(*sent), now).outcome == outcome


def test_a_receipt_survives_its_own_document() -> None:
    one = receipt("2.25.1", "2.25.2")
    assert schema_problems("receipt", one.as_dict()) == []
    assert Receipt.from_dict(one.as_dict()) == one


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5), st.randoms())
def test_an_outputs_digest_does_not_depend_on_the_order(pairs: list[tuple[str, str]], random: object) -> None:
    mixed = list(pairs)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert outputs_digest(pairs) == outputs_digest(mixed)


def facts(sop: str, series: str = "1.3", study: str = "1.1") -> InstanceFacts:
    return InstanceFacts("f", 1, "00", study, series, sop)


def damages(*scans: tuple[InstanceFacts, ...]) -> list[str | None]:
    marked = mark_inconsistent([ScanFacts(str(number), scan) for number, scan in enumerate(scans)])
    return [one.damage for scan in marked for one in scan.instances]


def test_a_consistent_session_is_left_alone() -> None:
    assert damages((facts("1"), facts("2")), (facts("3", "1.4"),)) == [None, None, None]


def test_two_studies_two_series_in_a_scan_or_a_series_in_two_scans_are_damage() -> None:
    assert damages((facts("1"), facts("2", "1.4", "1.9"))) == ["the session holds 2 studies"] * 2
    assert damages((facts("1"), facts("2", "1.4"))) == ["the scan holds 2 series"] * 2
    assert damages((facts("1"),), (facts("2"),)) == ["its series is spread over several scans"] * 2


def test_an_instance_that_occurs_twice_is_damage() -> None:
    assert damages((facts("1"), facts("1"), facts("2"))) == [
        "its SOP Instance UID occurs 2 times in the session"
    ] * 2 + [None]


@pytest.mark.parametrize(
    ("series", "ids"),
    [
        ([Series("1.2", "4", "CT")], {"1.2": "4"}),
        ([Series("1.2", "+4", "CT")], {"1.2": "_4"}),
        ([Series("1.2", "", "CT")], {"1.2": "1.2"}),
        (
            [Series("1.9", "4", "CT"), Series("1.2", "4", "CT"), Series("1.5", "4", "SR")],
            {"1.9": "4-CT2", "1.2": "4-CT1", "1.5": "4-SR1"},
        ),
    ],
)
def test_scan_ids_follow_xnats_rule(series: list[Series], ids: dict[str, str]) -> None:
    assert scan_ids(series) == ids


def test_a_rectangle_that_covers_no_pixel_cannot_exist() -> None:
    for sides in ((5, 0, 5, 9), (5, 3, 9, 3), (-1, 0, 4, 4)):
        with pytest.raises(ConfigurationError, match="covers no pixel"):
            Rectangle(*sides)
    assert Rectangle(0, 0, 48, 64).inside(48, 64)
    assert not Rectangle(0, 0, 49, 64).inside(48, 64)
