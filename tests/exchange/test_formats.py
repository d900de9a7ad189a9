"""Rectangles of other tools: what comes in, what is left out and said, and the same pixels black after a way round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xnat_pixelanon.domain.decisions import ScanFacts, decide_session
from xnat_pixelanon.domain.policy import DestinationPolicy, Policy
from xnat_pixelanon.domain.templates import TemplateSet
from xnat_pixelanon.errors import DocumentError
from xnat_pixelanon.exchange import FORMATS
from xnat_pixelanon.exchange.rules import by_expression, expression_of
from xnat_pixelanon.headers.script import compile_script
from xnat_pixelanon.pixels import open_source, plan_pixels, read_facts, write_instance
from xnat_pixelanon.sandbox.phantoms import phantom, save

ROWS, COLUMNS = 48, 64
POLICY = Policy(destination=DestinationPolicy("same", "CLEAN"), mixed="per-instance")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Ultrasound of two makers and CT, all of one size."""
    folder = tmp_path_factory.mktemp("images")
    kinds = {"acme": ("US", "Acme Imaging"), "borealis": ("US", "Borealis (Medical) 2.0"), "ct": ("CT", "Acme Imaging")}
    return {
        name: save(phantom(modality, rows=ROWS, columns=COLUMNS, Manufacturer=maker), folder / f"{name}.dcm")
        for name, (modality, maker) in kinds.items()
    }


def black(document: dict[str, Any], path: Path, folder: Path) -> tuple[str, np.ndarray]:
    """The decision, and the image as it is written: by the pixel engine itself."""
    facts = read_facts(path, path.name, folder)
    templates = TemplateSet.from_document(document)
    (decision,) = decide_session("S", [ScanFacts("1", (facts,))], templates, POLICY)
    boxes = decision.instances[0].rectangles
    out = folder / "out.dcm"
    with open_source(path, folder) as source:
        write_instance(source, plan_pixels(source, boxes), path.read_bytes()[:0] + head_of(path), out)
    return decision.kind.value, pydicom.dcmread(out).pixel_array


def head_of(path: Path) -> bytes:
    """The file's own header, up to its pixel data."""
    ds = pydicom.dcmread(path, stop_before_pixels=True)
    buffer = pydicom.filebase.DicomBytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return bytes(buffer.getvalue())


def template(name: str = "a", boxes: Any = ((0, 0, 9, 64),), **match: Any) -> dict[str, Any]:
    sides = ("top", "left", "bottom", "right")
    return {
        "id": name,
        "title": name,
        "match": {"rows": ROWS, "columns": COLUMNS} | match,
        "rectangles": [dict(zip(sides, box, strict=True)) for box in boxes],
    }


def documents(*templates: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"schema_version": 1, "templates": list(templates)} | more


def imported(kind: str, text: str, size: tuple[int, int] | None = None) -> tuple[dict[str, Any], list[str]]:
    carried = FORMATS[kind].read(text, "file", size)
    document = documents(*carried.templates, **({"exclusions": carried.exclusions} if carried.exclusions else {}))
    TemplateSet.from_document(document)
    return document, carried.notes


def boxes_of(document: dict[str, Any]) -> list[tuple[int, int, int, int]]:
    sides = ("left", "top", "right", "bottom")
    return [tuple(box[side] for side in sides) for one in document["templates"] for box in one["rectangles"]]


US = "1.2.840.10008.5.1.4.1.1.6.1"
WAYS: dict[str, dict[str, Any]] = {
    "everything": documents(template(modality="US"), template("b", ((30, 50, 48, 64), (0, 0, 1, 1)), modality="CT")),
    "makers": documents(
        template(manufacturer="Acme*"),
        template("b", ((10, 10, 20, 20),), manufacturer="*(Medical) 2.0"),
        template("c", ((40, 0, 48, 8),), manufacturer="*eal*Med*"),
    ),
}


@pytest.mark.parametrize("kind", ["dicomedit", "ctp"])
@pytest.mark.parametrize("way", list(WAYS))
def test_out_and_in_the_same_pixels_are_black(kind: str, way: str, images: dict[str, Path], tmp_path: Path) -> None:
    writer = FORMATS[kind].write
    assert writer is not None
    text, _ = writer(WAYS[way])
    again, _ = imported(kind, text)
    twice, _ = imported(kind, writer(again)[0])
    for path in images.values():
        wanted = black(WAYS[way], path, tmp_path)
        for document in (again, twice):
            found = black(document, path, tmp_path)
            assert found[0] == wanted[0]
            assert np.array_equal(found[1], wanted[1])


FOREIGN = {
    "dicomedit": 'version "6.1"\nif ((0008,0060) = "US") {\n if ((0028,0010) = "48") { if ((0028,0011) = "64") {\n'
    'alterPixels["rectangle", "l=0, t=0, r=64, b=9", "solid", "v=100"]\n}}}',
    "ctp": 'A banner\n { Modality.equals("US") * Rows.equals("48") * [0028,0011].equals("64") } (0,0,63,8)',
    "desktop": json.dumps(
        [{"name": "A", "data": {"modality": "US", "Rows": 48, "Columns": 64}, "rectangles": [[0, 0, 64, 9]]}]
    ),
}


@pytest.mark.parametrize("kind", list(FOREIGN))
@pytest.mark.parametrize("other", ["dicomedit", "ctp"])
def test_in_out_and_in_again_through_any_format(kind: str, other: str, images: dict[str, Path], tmp_path: Path) -> None:
    document, _ = imported(kind, FOREIGN[kind])
    writer = FORMATS[other].write
    assert writer is not None
    again, _ = imported(other, writer(document)[0])
    for name, path in images.items():
        decision, pixels = black(document, path, tmp_path)
        assert decision == ("redact" if name != "ct" else "hold")
        assert not pixels[:9].any() or name == "ct"
        assert np.array_equal(pixels, black(again, path, tmp_path)[1])


def test_the_desktop_clients_templates_go_out_and_in() -> None:
    document = documents(template(modality="US", sop_class_uid=US), template("b", modality="US"))
    writer = FORMATS["desktop"].write
    assert writer is not None
    text, notes = writer(document)
    assert boxes_of(imported("desktop", text)[0]) == [(0, 0, 64, 9)]
    assert len(notes) == 1


def test_a_script_that_was_written_compiles_and_an_exclusion_is_a_reject() -> None:
    excluded = [{"match": {"modality": "CT", "series_description": "a*\\(b)"}, "reason": "x"}]
    document = documents(template(manufacturer="Acme*"), exclusions=excluded)
    writer = FORMATS["dicomedit"].write
    assert writer is not None
    text, notes = writer(document)
    compile_script(text)
    assert notes == []
    assert imported("dicomedit", text)[0]["exclusions"][0]["match"] == excluded[0]["match"]


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="*"), min_size=1, max_size=20))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_a_criterion_says_survives_as_an_expression(text: str) -> None:
    for wanted in (text, f"{text}*", f"*{text}", f"*{text}*", f"{text}*{text}"):
        assert by_expression("Manufacturer", expression_of(wanted)) == {"manufacturer": wanted}


class TestCtp:
    def test_its_inclusive_edges_are_covered(self) -> None:
        document, _ = imported("ctp", '{ Rows.equals("48") * Columns.equals("64") } (10,20,5,6)')
        assert boxes_of(document) == [(10, 20, 16, 27)]

    def test_negative_corners_count_from_the_far_side(self) -> None:
        text = '{ Rows.equals("48") * Columns.equals("64") } (-10,-8,4,20) (0,0,999,1)'
        document, notes = imported("ctp", text)
        assert boxes_of(document) == [(54, 40, 59, 48), (0, 0, 64, 2)]
        assert sum("cut to 48x64" in note for note in notes) == 1

    def test_either_and_parentheses(self) -> None:
        text = '{ (Modality.equals("US") + Manufacturer.contains("Acme")) * Rows.equals("48") } (0,0,1,1)'
        document, _ = imported("ctp", text, (48, 64))
        found = [
            {key: one for key, one in t["match"].items() if key not in ("rows", "columns")}
            for t in document["templates"]
        ]
        assert found == [{"modality": "US"}, {"manufacturer": "*Acme*"}]

    @pytest.mark.parametrize(
        ("text", "note"),
        [
            ('{ !Modality.equals("US") } (0,0,1,1)', "is not so"),
            ('{ Rows.isGreaterThan("4") } (0,0,1,1)', "isGreaterThan"),
            ('{ PatientSex.equals("F") } (0,0,1,1)', "no criterion looks at PatientSex"),
            ('{ Modality.equals("US") } (0,0,1,1)', "does not say for which rows and columns"),
            ('{ Modality.equals("US") }', "without regions"),
            ('{ Modality.equals("US" } (0,0,1,1)', "not understood"),
            ('{ Rows.equals("9") * Columns.equals("9") } (20,20,1,1)', "lies outside"),
        ],
    )
    def test_what_cannot_be_carried_over_is_said_with_its_line(self, text: str, note: str) -> None:
        document, notes = imported("ctp", f"a remark\n{text}")
        assert document["templates"] == []
        assert any("line 2" in one and note in one for one in notes)

    def test_a_size_is_taken_where_the_rule_says_none(self) -> None:
        document, _ = imported("ctp", '{ Modality.equals("US") } (0,0,1,1)', (48, 64))
        assert document["templates"][0]["match"] == {"modality": "US", "rows": 48, "columns": 64}

    def test_a_signature_without_an_end_is_an_error(self) -> None:
        with pytest.raises(DocumentError, match="line 2"):
            imported("ctp", '\n{ Modality.equals("US")')


class TestDicomEdit:
    def test_conditions_of_all_forms(self) -> None:
        box = 'alterPixels["rectangle", "l=1, t=2, r=3, b=4", "solid", "v=0"]'
        text = "\n".join(
            (
                f'(0008,0060) = "US" ? {box}',
                f'if (or[equals[(0008,0060), "CT"], ismatch[(0008,0070), "Acme.*"]]) {{ {box} }}',
                f'if ((0028,0010) = "480") {{ {box} }} elseif ((0028,0010) = "600") {{ {box} }}',
            )
        )
        document, notes = imported("dicomedit", text, (48, 64))
        matches = [one["match"] for one in document["templates"]]
        assert [one.get("modality") for one in matches] == ["US", "CT", None, None, None]
        assert matches[2]["manufacturer"] == "Acme*"
        assert [one["rows"] for one in matches[3:]] == [480, 600]
        assert notes == []

    @pytest.mark.parametrize(
        "text",
        [
            '(0008,0060) != "US" ? {}',
            'if ((0008,0060) = "US") {{ - (0008,0080) }} else {{ {} }}',
            'if ((0008,0060) = "US") {{ - (0008,0080) }} elseif ((0008,0070) = "X") {{ {} }}',
            '(0010,0040) = "F" ? {}',
            '(0008,1140)[0]/(0008,1150) = "1" ? {}',
            '(0008,0070) ~ "A|B" ? {}',
        ],
    )
    def test_a_condition_that_no_criterion_says_drops_its_rectangles(self, text: str) -> None:
        box = 'alterPixels["rectangle", "l=1, t=2, r=3, b=4", "solid", "v=0"]'
        document, notes = imported("dicomedit", text.format(box), (48, 64))
        assert document["templates"] == []
        assert any("line 1" in note and "left out" in note for note in notes)

    def test_what_is_not_about_pixels_is_counted(self) -> None:
        _, notes = imported("dicomedit", '(0008,0080) := "x"\n- (0008,0090)')
        assert notes == ["2 statements are not about pixels: not taken over; 'script push' stores the script itself"]

    def test_a_mistake_is_told_with_line_and_column(self) -> None:
        with pytest.raises(DocumentError, match="line 1, column"):
            imported("dicomedit", "(0008,0080 := 3")


class TestDesktop:
    def test_a_corner_between_pixels_covers_what_it_touches(self) -> None:
        data = {"modality": "US", "Rows": 48, "Columns": 64, "SOPClassUID": US}
        text = json.dumps([{"name": "A", "data": data, "rectangles": [[10.4, 9.6, 2.5, -3], [60, 40, 80.2, 99]]}])
        document, _ = imported("desktop", text)
        assert boxes_of(document) == [(2, 0, 11, 10), (60, 40, 64, 48)]

    @pytest.mark.parametrize("wrapped", [False, True])
    def test_the_windows_storage_is_read_as_it_is(self, wrapped: bool) -> None:
        listed = json.dumps([{"name": "A", "data": {"Rows": 48, "Columns": 64}, "rectangles": [[0, 0, 5, 5]]}])
        text = json.dumps({"masking_template_registry": listed}) if wrapped else json.dumps(listed)
        assert boxes_of(imported("desktop", text)[0]) == [(0, 0, 5, 5)]

    @pytest.mark.parametrize(
        "one", [1, {}, {"data": {"a": "b"}}, {"data": {"Rows": 4}, "rectangles": [[1, 2]]}, {"data": {"Rows": 4}}]
    )
    def test_what_is_no_template_is_said(self, one: Any) -> None:
        document, notes = imported("desktop", json.dumps([one]))
        assert document["templates"] == []
        assert notes[0].startswith("template 1: ")

    def test_what_is_no_list_is_an_error(self) -> None:
        with pytest.raises(DocumentError, match="list"):
            imported("desktop", "3")


class TestDeid:
    RECIPE = """FORMAT dicom
%filter whitelist
LABEL seen # (A. Person)
  contains BurnedInAnnotation No
%filter graylist
LABEL dose # remark
  contains Manufacturer Acme|Borealis
  + contains Modality CT || contains SeriesDescription Dose
  coordinates 0,0,64,12
  ctpcoordinates 1,2,3,4
LABEL not
  notcontains Modality CT
  coordinates 0,0,1,1
%filter blacklist
LABEL captures
  contains ImageType SCREEN
%header
REMOVE ALL
"""

    def test_gray_labels_are_templates_and_black_ones_exclusions(self) -> None:
        document, notes = imported("deid", self.RECIPE, (48, 64))
        matches = [
            {key: one for key, one in t["match"].items() if key not in ("rows", "columns")}
            for t in document["templates"]
        ]
        assert matches == [
            {"manufacturer": "*Acme*", "modality": "*CT*"},
            {"manufacturer": "*Acme*", "series_description": "*Dose*"},
            {"manufacturer": "*Borealis*", "modality": "*CT*"},
            {"manufacturer": "*Borealis*", "series_description": "*Dose*"},
        ]
        assert boxes_of(document)[:2] == [(0, 0, 64, 12), (1, 2, 5, 7)]
        assert document["exclusions"] == [{"match": {"image_type": "*SCREEN*"}, "reason": "captures"}]
        assert [note.partition(":")[0] for note in notes[1:]] == ["line 3", "line 11"]
