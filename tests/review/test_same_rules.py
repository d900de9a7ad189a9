"""What the page computes by itself is what the program computes: criteria, decisions, boxes, documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.review.chromium import Page
from tests.review.conftest import Opened, go
from tests.review.surveys import survey_of
from xnat_pixelanon.domain.criteria import CRITERIA, matches
from xnat_pixelanon.domain.documents import schema
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.domain.templates import TemplateSet
from xnat_pixelanon.errors import DocumentError
from xnat_pixelanon.install.commands import SAME_SERVER
from xnat_pixelanon.pixels.jpeg_shape import Component, JpegShape, effective_box
from xnat_pixelanon.review.build import SCRIPTS, WRAPPERS, vocabulary
from xnat_pixelanon.sandbox.samples import sample_sessions, sample_templates

STATIC = Path(__file__).parents[2] / "xnat_pixelanon" / "review" / "static"
LETTERS = "aAbB*\\.+?[](){}^$|ßẞſKkK İIıiΣσςéÉﬁ\u0345\u1e9e\n 0"
TEXT = st.text(st.one_of(st.sampled_from(LETTERS), st.characters(codec="utf-8")), max_size=8)


@pytest.fixture(scope="module")
def page(browser: Any, survey: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    from xnat_pixelanon.review.build import page as build

    file = tmp_path_factory.mktemp("page") / "review.html"
    file.write_text(build(survey), "utf-8")
    found = browser.page(file.as_uri())
    found.ready()
    yield found
    found.close()


def asked(page: Page, function: str, cases: list[list[Any]]) -> list[Any]:
    """A function of the page for each list of arguments, in one go."""
    text = f"JSON.stringify({json.dumps(cases)}.map((one) => review.{function}(...one) ?? null))"
    found = json.loads(page.js(text))
    assert isinstance(found, list)
    return found


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_criteria_match_as_the_programs(page: Page, data: st.DataObject) -> None:
    names = st.sampled_from(sorted(CRITERIA))
    cases = data.draw(
        st.lists(
            st.tuples(
                st.dictionaries(names, TEXT, max_size=2), st.dictionaries(names, TEXT, max_size=4), st.booleans()
            ),
            min_size=40,
            max_size=40,
        )
    )
    # Half of them are made to match nearly: what is found, in other letters, with a star in it.
    near = []
    for match, found, swap in cases:
        for name, text in found.items() if swap else ():
            cut = len(text) // 2
            match = match | {name: text[:cut].swapcase() + "*" + text[cut + 1 :].upper()}
        near.append([match, found])
    assert asked(page, "matches", near) == [matches(match, found) for match, found in near]


def test_every_letter_is_folded_as_the_program_folds_it(page: Page) -> None:
    letters = [chr(code) for code in range(1, 0x20000) if not 0xD800 <= code < 0xE000 and chr(code) != "*"]
    some = [one for one in letters if one.casefold() != one or one.lower() != one or one.upper() != one]
    assert len(some) > 2500
    pairs = [(one, two) for one in some for two in {one.lower(), one.upper(), one.casefold()}]
    cases = [[{"modality": one}, {"modality": two}] for one, two in pairs]
    expected = [matches(match, found) for match, found in cases]
    assert asked(page, "matches", cases) == expected
    assert len(set(expected)) == 2


def test_integers_match_as_text(page: Page) -> None:
    cases = [[{"rows": 480}, {"rows": "480"}], [{"rows": 480}, {"rows": "0480"}], [{"rows": 48}, {}]]
    assert asked(page, "matches", cases) == [True, False, False]


def test_decisions_of_the_samples_are_the_programs(opened: Opened, tmp_path: Path) -> None:
    samples = sample_sessions(tmp_path / "samples", public=False)
    files = {one.label: one.files for one in samples}
    rules = sample_templates(samples)
    series = survey_of(files, tmp_path)["scans"]
    us = [one for one in series if one["attributes"].get("modality") == "US"]
    sr = next(one for one in series if one["attributes"].get("modality") == "RTSTRUCT")
    override = {"session": us[0]["session"], "series_instance_uid": us[0]["series_instance_uid"], "reason": ""}
    for overrides in (
        [],
        [override | {"action": "exclude"}],
        [override | {"action": "pass"}],
        [override | {"action": "templates", "templates": ["us-borealis-cine", "ct-axial"]}],
        [override | {"action": "templates", "templates": ["dx-name"]}],
        [override | {"series_instance_uid": "1.2.3", "action": "pass"}],
        [{"session": us[1]["session"], "action": "exclude", "reason": ""}],
        [override | {"session": sr["session"], "series_instance_uid": sr["series_instance_uid"], "action": "pass"}],
    ):
        document = rules | {"overrides": overrides}
        expected = survey_of(files, tmp_path, templates=document)
        # The page begins with a survey under other rules, and is to come to what a survey under these says.
        page = opened(survey_of(files, tmp_path, templates=rules))
        found = json.loads(page.js(f"JSON.stringify(review.decideAll({json.dumps(document)}, null))"))
        told = [(one["code"], one["templates"], one["boxes"]) for one in found]
        wanted = [(one["code"], one["templates"], one["boxes"]) for one in expected["scans"]]
        for one, other, scan in zip(told, wanted, expected["scans"], strict=True):
            assert one[0] == other[0], (scan["session"]["label"], scan["scan"], overrides)
            if other[2]:
                assert one == other


@pytest.mark.parametrize(("h", "v"), [(1, 1), (2, 1), (2, 2)])
def test_boxes_in_a_jpeg_grow_as_the_program_grows_them(page: Page, h: int, v: int) -> None:
    shape = JpegShape.__new__(JpegShape)
    fields = {"rows": 101, "columns": 203}
    components = (Component(1, h, v, 0, 16), *((Component(2, 1, 1, 1, 16), Component(3, 1, 1, 1, 16))))
    for name in JpegShape.__dataclass_fields__:
        object.__setattr__(shape, name, fields.get(name, components if name == "components" else None))
    (high, wide), (over, beside) = shape.mcu, shape.ring
    boxes = [(0, 0, 101, 203), (1, 1, 2, 2), (15, 16, 33, 48), (50, 100, 99, 202), (100, 202, 101, 203)]
    size = {"rows": 101, "columns": 203}
    grid = {"width": wide, "height": high, "beside": beside, "over": over}
    cases = [[dict(zip(("top", "left", "bottom", "right"), box, strict=True)), grid, size] for box in boxes]
    expected = [effective_box(shape, Rectangle(*box)).as_dict() for box in boxes]
    assert asked(page, "effective", cases) == expected


BOX = {"top": 0, "left": 0, "bottom": 5, "right": 5}
GOOD = {"id": "a", "match": {"modality": "US", "rows": 9, "columns": 9}, "rectangles": [BOX]}
SERIES = {"session": {"id": "X"}, "series_instance_uid": "1.2"}
BAD_TEMPLATES: list[Any] = [
    {},
    {"schema_version": 2, "templates": []},
    {"schema_version": 1, "templates": [], "more": 1},
    *({"schema_version": 1, "templates": [one]} for one in (
        GOOD | {"id": "A"},
        GOOD | {"title": "x" * 201},
        GOOD | {"match": {}},
        GOOD | {"match": {"modality": "US"}},
        GOOD | {"match": {"rows": 9, "columns": "9"}},
        GOOD | {"match": {"rows": 9, "columns": 9, "modality": ""}},
        GOOD | {"match": {"rows": 9, "columns": 9, "sop_class_uid": "US"}},
        GOOD | {"match": {"rows": 9, "columns": 9, "colour": "red"}},
        GOOD | {"rectangles": []},
        GOOD | {"rectangles": [BOX | {"top": 5}]},
        GOOD | {"rectangles": [BOX | {"right": 10}]},
        GOOD | {"rectangles": [BOX | {"left": -1}]},
        GOOD | {"rectangles": [BOX | {"left": 0.5}]},
        GOOD | {"rectangles": [BOX | {"name": "x"}]},
    )),
    {"schema_version": 1, "templates": [GOOD, GOOD]},
    {"schema_version": 1, "templates": [], "exclusions": [{"reason": "x"}]},
    *({"schema_version": 1, "templates": [GOOD], "overrides": one} for one in (
        [SERIES | {"action": "pass"}, SERIES | {"action": "exclude"}],
        [SERIES | {"action": "templates"}],
        [SERIES | {"action": "templates", "templates": ["b"]}],
        [SERIES | {"action": "pass", "templates": ["a"]}],
        [SERIES | {"action": "send"}],
        [{"session": {"id": "X"}, "action": "pass"}],
        [{"session": {"id": ""}, "action": "exclude"}],
    )),
]  # fmt: skip
CLEAN_MATCH = {"modality": "US", "sop_class_uid": "1.2", "rows": 3}
GOOD_TEMPLATES: list[Any] = [
    {"schema_version": 1, "templates": [GOOD]},
    {"schema_version": 1, "templates": [GOOD | {"match": CLEAN_MATCH, "rectangles": []}]},
    {"schema_version": 1, "templates": [GOOD], "overrides": [SERIES | {"action": "templates", "templates": ["a"]}]},
    {"schema_version": 1, "templates": [], "overrides": [{"session": {"id": "X"}, "action": "exclude"}]},
]  # fmt: skip


def test_documents_are_refused_and_taken_as_by_the_program(page: Page) -> None:
    for document in BAD_TEMPLATES:
        with pytest.raises(DocumentError):
            TemplateSet.from_document(document)
    for document in GOOD_TEMPLATES:
        TemplateSet.from_document(document)
    found = asked(page, "documentProblems", [["templates", one] for one in BAD_TEMPLATES + GOOD_TEMPLATES])
    assert [bool(one) for one in found] == [True] * len(BAD_TEMPLATES) + [False] * len(GOOD_TEMPLATES)


def leaves(node: dict[str, Any], root: dict[str, Any], path: str = "$") -> set[str]:
    """Paths of everything that a document may hold."""
    if "$ref" in node:
        node = root["$defs"][node["$ref"].rpartition("/")[2]]
    if "items" in node and "enum" not in node["items"]:
        inner = leaves(node["items"], root, f"{path}[]")
        return inner if "properties" in node["items"] or "$ref" in node["items"] else {path}
    if "properties" in node:
        return {one for key, below in node["properties"].items() for one in leaves(below, root, f"{path}.{key}")}
    return {path}


FULL = {
    "templates": {
        "schema_version": 1,
        "templates": [
            GOOD
            | {
                "title": "t",
                "note": "n",
                "match": {
                    name: 9 if one.integer else "1.2" if name.endswith("uid") else "x" for name, one in CRITERIA.items()
                },
            }
        ],
        "exclusions": [{"match": {"modality": "SR"}, "reason": "r"}],
        "overrides": [
            {
                "session": {"id": "X", "label": "L"},
                "series_instance_uid": "1.2",
                "action": "templates",
                "templates": ["a"],
                "reason": "r",
            }
        ],
    },
    "policy": {
        "schema_version": 1,
        "enabled": True,
        "launchers": "members",
        "destination": {"server": "PUBLIC", "project": "CLEAN"},
        "publish": "available-scans",
        "on_change": "withdraw",
        "mixed": "per-instance",
        "settle_minutes": 3,
        "headers": {
            "profile": "basic",
            "options": ["retain-uids", "clean-graphics"],
            "script": "script",
            "identifiers": ["Doe"],
            "exceptions": [{"tag": "(0010,1030)", "action": "keep", "reason": "r"}],
            "url_hosts": ["example.org"],
        },
        "send_headers_only": ["1.2"],
        "labels": {
            "subject": "keep",
            "session": "keep",
            "subject_pattern": "AB#",
            "session_pattern": "AB#+",
            "prefix": "P",
            "subject_from": "patient_id",
        },
        "pictures": "after",
        "fan_out": True,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ["templates", "policy"])
def test_the_page_holds_every_key_of_the_schema_and_no_other(page: Page, name: str) -> None:
    document = FULL[name]
    found = json.loads(
        page.js(
            f"""JSON.stringify((() => {{
              const form = review.schemaForm({json.dumps(name)}, {json.dumps(document)}, () => {{}});
              const paths = [...form.element.querySelectorAll("[data-path]")].map((one) => one.dataset.path);
              return [form.value(), paths];
            }})())"""
        )
    )
    assert found[0] == document, "what is there comes back as it was"
    root = json.loads(json.dumps(schema(name)))
    wanted = leaves(root, root) - {"$.based_on"}
    groups = {
        one
        for path in found[1]
        for one in [path]
        if any(other.startswith((f"{one}.", f"{one}[")) for other in found[1])
    }
    assert set(found[1]) - groups == wanted


def test_the_least_documents_come_back_as_they_were(page: Page) -> None:
    least = [
        ("policy", {"schema_version": 1, "destination": {"server": "same", "project": "C"}}),
        ("templates", {"schema_version": 1, "templates": []}),
        ("templates", {"schema_version": 1, "templates": [GOOD]}),
    ]
    for name, document in least:
        text = f"JSON.stringify(review.schemaForm({json.dumps(name)}, {json.dumps(document)}, () => {{}}).value())"
        assert json.loads(page.js(text)) == document
    Policy.from_document(least[0][1])


def test_what_is_typed_into_the_policy_is_in_the_document(opened: Opened, survey: dict[str, Any]) -> None:
    page = opened(survey)
    go(page, "policy")
    page.click("button", "Write a policy")
    page.fill("Clean project", "CLEAN")
    page.fill("Quiet time", "5")
    page.click("label", "retain-uids")
    page.js(
        """(() => { const one = document.querySelector("[data-path='$.publish']");
        one.value = "available-scans"; one.dispatchEvent(new Event("change", {bubbles: true})); })()"""
    )
    policy = json.loads(page.js("JSON.stringify(review.state.policy)"))
    found = Policy.from_document(policy)
    assert (found.destination.project, found.settle_minutes, found.publish) == ("CLEAN", 5, "available-scans")
    assert found.headers.options == {"retain-uids"}
    assert not found.enabled
    page.fill("Clean project", "")
    assert "$.destination: expected the key project" in page.text("#main .error")


def test_scripts_are_all_in_the_page_and_short() -> None:
    assert sorted(SCRIPTS) == sorted(path.name for path in STATIC.glob("*.js"))
    for path in STATIC.iterdir():
        assert len(path.read_text("utf-8").splitlines()) < 300, path.name
    text = "".join((STATIC / name).read_text("utf-8") for name in SCRIPTS)
    assert "innerHTML" not in text
    assert "</script" not in text
    assert "<!--" not in text
    assert "eval(" not in text


def test_menu_entries_are_named_as_they_are() -> None:
    commands = json.loads((STATIC.parents[2] / "command.json").read_text("utf-8"))
    labels = {one["label"] for one in commands["xnat"]}
    assert set(WRAPPERS.values()) <= labels
    assert commands["name"] == SAME_SERVER
    assert set(vocabulary()["criteria"]) == set(CRITERIA)


KEPT = {"subject": "keep", "subject_pattern": "AB#"}
PRIVATE, PIXELS, OBJECT = "(0009,1001)", "(0028,0010)", "(0008,0018)"
LEAST = {"schema_version": 1, "destination": {"server": "same", "project": "C"}}
WRONG_POLICIES: list[dict[str, Any]] = [
    {"labels": {"subject": "keep"}},
    {"labels": {"session_pattern": "AB#"}},
    {"labels": {"subject": "keep", "subject_pattern": "A##"}},
    {"labels": KEPT | {"subject_from": "patient_id"}},
    {"labels": KEPT | {"session": "keep", "session_pattern": "CD#", "prefix": "P"}},
    {"headers": {"profile": "none"}},
    {"headers": {"profile": "none", "script": "script", "options": ["retain-uids"]}},
    {"headers": {"url_hosts": ["example.org"]}},
    {"headers": {"options": ["retain-dates-full", "retain-dates-modified"]}},
    *({"headers": {"exceptions": [{"tag": tag, "action": "keep"}]}} for tag in (PRIVATE, PIXELS, OBJECT)),
    {"headers": {"exceptions": [{"tag": "(0010,1030)", "action": "keep"}] * 2}},
    {"send_headers_only": ["1.2.840.10008.5.1.4.1.1.88.11"]},
    {"send_headers_only": ["1.2.840.10008.5.1.4.1.1.2"]},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_POLICIES)
def test_the_page_says_of_a_wrong_policy_what_the_program_says(page: Page, wrong: dict[str, Any]) -> None:
    policy = LEAST | wrong
    with pytest.raises(DocumentError) as caught:
        Policy.from_document(policy)
    assert page.js(f"review.documentProblems('policy', {json.dumps(policy)})") == list(caught.value.problems)


def test_the_page_takes_a_policy_that_the_program_takes(page: Page) -> None:
    options = {"options": ["clean-structured-content"], "exceptions": [{"tag": "(0010,1030)", "action": "keep"}]}
    policy = LEAST | {
        "headers": options,
        "labels": KEPT,
        "send_headers_only": ["1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.5.1.4.1.1.481.5"],
    }
    Policy.from_document(policy)
    assert page.js(f"review.documentProblems('policy', {json.dumps(policy)})") == []
