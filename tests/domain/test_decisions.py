"""The decision table, line by line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_pixelanon.domain.codes import CODES, STRICTEST_FIRST, Kind
from xnat_pixelanon.domain.decisions import Decision, ScanDecision, ScanFacts, decide_session, strictest, verdict
from xnat_pixelanon.domain.instance import InstanceFacts, Refusal
from xnat_pixelanon.domain.policy import DestinationPolicy, Policy
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.domain.templates import Exclusion, Override, Template, TemplateSet

CT = "1.2.840.10008.5.1.4.1.1.2"
POLICY = Policy(DestinationPolicy("same", "CLEAN"))
PER_INSTANCE = replace(POLICY, mixed="per-instance")
BANNER = Rectangle(0, 0, 10, 64)
BOXES = Template("banner", "", {"modality": "CT", "rows": "48", "columns": "64"}, (BANNER,))
CLEAN = Template("clean", "", {"modality": "CT", "sop_class_uid": CT, "image_type": "*AXIAL*"}, ())


def image(number: int = 1, **changes: object) -> InstanceFacts:
    attributes = {
        "modality": "CT",
        "sop_class_uid": CT,
        "rows": "48",
        "columns": "64",
        "image_type": "ORIGINAL\\PRIMARY\\AXIAL",
    } | dict(changes.pop("attributes", {}))  # type: ignore[call-overload]
    facts = InstanceFacts(
        name=f"SCANS/1/DICOM/{number}.dcm",
        size=1,
        content_sha256="00",
        study_instance_uid="1.2.1",
        series_instance_uid="1.2.3",
        sop_instance_uid=f"1.2.3.{number}",
        attributes=attributes,
        frames=1,
        has_pixel_data=True,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


LOOKED_AT = TemplateSet((CLEAN,))


def decide(*images: InstanceFacts, templates: TemplateSet = LOOKED_AT, policy: Policy = POLICY) -> ScanDecision:
    return decide_session("E1", [ScanFacts("1", images)], templates, policy)[0]


def override(action: str, *templates: str, series: str = "1.2.3") -> TemplateSet:
    return TemplateSet((BOXES, CLEAN), (), (Override("E1", series, action, templates, "because"),))  # type: ignore[arg-type]


def test_damage_comes_before_an_override_that_passes() -> None:
    assert decide(image(damage="cut short"), templates=override("pass")).decision.code == "damaged"


def test_a_file_without_identity_is_damaged() -> None:
    decision = decide(image(sop_instance_uid="")).decision
    assert (decision.code, decision.detail) == ("damaged", "SOPInstanceUID missing")


@pytest.mark.parametrize(
    ("action", "templates", "code"),
    [
        ("exclude", (), "override-exclude"),
        ("pass", (), "override-pass"),
        ("templates", ("banner",), "override-templates"),
        ("templates", ("clean",), "override-pass"),
    ],
)
def test_an_override_of_the_series_decides(action: str, templates: tuple[str, ...], code: str) -> None:
    assert decide(image(), templates=override(action, *templates)).decision.code == code


def test_an_override_with_a_template_of_another_size_holds_the_whole_session() -> None:
    small = image(attributes={"rows": "40"})
    other = image(2, series_instance_uid="1.2.9", attributes={"image_type": "AXIAL"})
    decided = decide_session(
        "E1", [ScanFacts("1", (small,)), ScanFacts("2", (other,))], override("templates", "banner"), POLICY
    )
    assert [one.decision.code for one in decided] == ["override-mismatch", "override-mismatch"]


def test_an_override_whose_series_is_gone_holds_what_would_have_gone() -> None:
    scans = [ScanFacts("1", (image(),)), ScanFacts("2", ())]
    decided = decide_session("E1", scans, override("pass", series="1.2.777"), POLICY)
    assert [one.decision.code for one in decided] == ["override-mismatch", "no-dicom"]
    assert verdict(decided, replace(POLICY, publish="available-scans")) is None


def test_an_override_counts_for_its_session_only_and_its_label_means_nothing() -> None:
    scans = [ScanFacts("1", (image(),))]
    renamed = decide_session("E2", scans, override("exclude"), POLICY)
    assert renamed[0].decision.code != "override-exclude"


def test_an_exclusion_wins_over_templates_and_kinds_of_object() -> None:
    templates = TemplateSet((CLEAN,), (Exclusion({"modality": "ct"}, "never"),))
    assert decide(image(), templates=templates).decision == Decision("exclusion", "never")


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (image(attributes={"sop_class_uid": "1.2.840.10008.5.1.4.1.1.481.3"}), "annotation"),
        (image(attributes={"sop_class_uid": "1.2.840.10008.5.1.4.1.1.66.4"}), "annotation"),
        (image(attributes={"sop_class_uid": "1.2.840.10008.5.1.4.1.1.88.67"}), "annotation"),
        (image(attributes={"sop_class_uid": "1.2.840.10008.5.1.4.1.1.104.1"}), "encapsulated-document"),
        (image(has_pixel_data=False), "no-pixel-data"),
        (image(copy_refusal=Refusal("transfer-syntax", "MPEG-4")), "transfer-syntax"),
    ],
)
def test_objects_to_which_no_rectangle_applies_are_unsupported_whatever_a_person_says(
    facts: InstanceFacts, code: str
) -> None:
    assert decide(facts).decision.code == code
    assert decide(facts, templates=override("pass")).decision.code == code


def test_an_rt_image_is_a_picture() -> None:
    facts = image(attributes={"sop_class_uid": "1.2.840.10008.5.1.4.1.1.481.1"})
    assert decide(facts, templates=override("pass")).decision.code == "override-pass"


def test_a_syntax_that_cannot_be_edited_is_unsupported_only_where_a_rectangle_is_needed() -> None:
    jpeg = image(edit_refusal=Refusal("transfer-syntax", "JPEG Baseline"))
    assert decide(jpeg).decision.code == "looked-at-clean"
    assert decide(jpeg, templates=TemplateSet((BOXES,))).decision.code == "transfer-syntax"


@pytest.mark.parametrize(
    ("other", "code"),
    [
        (image(2, attributes={"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7"}), "mixed-sop-class"),
        (image(2, attributes={"rows": "96"}), "mixed-size"),
        (image(2, pyramid=True, attributes={"rows": "96"}), "multi-resolution"),
    ],
)
def test_a_mixed_scan_is_unsupported_unless_the_policy_says_per_instance(other: InstanceFacts, code: str) -> None:
    assert decide(image(), other).decision.code == code
    assert decide(image(), other, policy=PER_INSTANCE).decision.code != code


def test_rectangles_of_all_matching_templates_are_joined() -> None:
    left = Template("left", "", {"rows": "48", "columns": "64"}, (Rectangle(0, 0, 48, 5), BANNER))
    decision = decide(image(), templates=TemplateSet((BOXES, left, CLEAN))).decision
    assert decision == Decision("template", "", ("banner", "left", "clean"), (BANNER, Rectangle(0, 0, 48, 5)))


def test_burned_in_yes_is_not_passed_by_a_template_that_does_not_name_it() -> None:
    burned = image(attributes={"burned_in_annotation": "YES"})
    assert decide(burned).decision.code == "burned-in-yes"
    named = Template("named", "", {**CLEAN.match, "burned_in_annotation": "YES"}, ())
    assert decide(burned, templates=TemplateSet((CLEAN, named))).decision.code == "looked-at-clean"


def test_without_a_template_an_image_is_held() -> None:
    assert decide(image(), templates=TemplateSet()).decision.code == "no-template"


def test_a_scout_inside_a_looked_at_axial_series_is_held_not_passed() -> None:
    scout = image(2, attributes={"image_type": "ORIGINAL\\PRIMARY\\LOCALIZER"})
    decided = decide(image(), scout)
    assert decided.decision.code == "mixed-decision"
    assert verdict([decided], POLICY) is None


def test_a_scout_with_its_own_rectangles_goes_with_its_series_when_instances_are_decided_alone() -> None:
    scout = image(2, attributes={"image_type": "ORIGINAL\\PRIMARY\\LOCALIZER", "station_name": "S1"})
    own = Template("scout", "", {"rows": "48", "columns": "64", "image_type": "*LOCALIZER*"}, (BANNER,))
    decided = decide(image(), scout, templates=TemplateSet((CLEAN, own)), policy=PER_INSTANCE)
    assert decided.kind is Kind.REDACT
    assert [one.code for one in decided.instances] == ["looked-at-clean", "template"]


def test_one_bad_instance_holds_the_scan() -> None:
    decided = decide(image(), image(2, damage="cut short"), image(3))
    assert decided.decision == Decision("damaged", "cut short")


def test_a_scan_without_dicom_is_unsupported() -> None:
    assert decide().decision.code == "no-dicom"


codes = st.sampled_from(sorted(CODES))


@given(st.lists(codes, min_size=1, max_size=6))
def test_a_scan_takes_the_strictest_of_its_instances(found: list[str]) -> None:
    kind = strictest([Decision(code) for code in found]).kind
    assert all(STRICTEST_FIRST.index(kind) <= STRICTEST_FIRST.index(CODES[code].kind) for code in found)


@given(st.lists(codes, max_size=6))
def test_nothing_held_is_ever_sent(found: list[str]) -> None:
    decided = [ScanDecision(Decision(code), ()) for code in found]
    for publish in ("complete-sessions", "available-scans"):
        sends = verdict(decided, replace(POLICY, publish=publish))  # type: ignore[arg-type]
        assert all(decided[index].kind.sends for index in sends or ())
    held = any(one.kind is Kind.HOLD for one in decided)
    assert (verdict(decided, POLICY) is None) == held


attribute = st.sampled_from(["CT", "MR", "US", "", "A*C", "abc", "ABC"])


@given(st.dictionaries(st.sampled_from(["modality", "image_type", "manufacturer"]), attribute, max_size=3))
def test_a_missing_attribute_never_matches(attributes: dict[str, str]) -> None:
    template = Template("t", "", {"station_name": "*"}, ())
    assert not template.applies(attributes)


@pytest.mark.parametrize(
    ("wanted", "found", "matches"),
    [
        ("philips*", "Philips Healthcare", True),
        ("*axial*", "ORIGINAL\\PRIMARY\\AXIAL", True),
        ("epiq", "EPIQ 7", False),
        ("a*b*c", "A--B\nC", True),
        ("a.c", "abc", False),
        ("*", "", False),
    ],
)
def test_text_ignores_case_and_knows_only_the_asterisk(wanted: str, found: str, matches: bool) -> None:
    assert Template("t", "", {"manufacturer": wanted}, ()).applies({"manufacturer": found}) is matches
