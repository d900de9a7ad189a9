"""Headers are walked by code of our own and read by pydicom: both have to find the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom.data
import pytest
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels import open_source, prove_opened, read_facts, reopened
from xnat_pixelanon.pixels.header import check_reading
from xnat_pixelanon.pixels.layout import layout_of, read_layout

from .phantoms import BIG_ENDIAN, EXPLICIT, IMPLICIT, NATIVE, random_pixels, write_native

SAMPLES = sorted(Path(pydicom.data.__file__).parent.rglob("*.dcm"))
GREY = random_pixels(rows=4, columns=6, allocated=16, stored=12)


def raw(header: Dataset) -> dict[int, tuple[Any, ...]]:
    """What pydicom converts when it is asked for it; None for a sequence that it has read already."""
    found = ((int(tag), header.get_item(tag)) for tag in header.keys())  # noqa: SIM118 - converts otherwise
    return {
        tag: (one.VR, one.value, one.is_implicit_VR, one.is_little_endian)
        if isinstance(one, RawDataElement)
        else (one,)
        for tag, one in found
    }


def nested(*, undefined: bool) -> DicomSequence:
    inner, outer = Dataset(), Dataset()
    inner.PatientComments = "PHANTOM COMMENT"
    outer.AnatomicRegionSequence = DicomSequence([inner])
    outer["AnatomicRegionSequence"].is_undefined_length = undefined
    outer.is_undefined_length_sequence_item = undefined
    return DicomSequence([outer, Dataset()])


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("syntax", NATIVE)
def test_the_header_is_the_one_that_pydicom_reads(syntax: str, undefined: bool, tmp_path: Path) -> None:
    long = "PHANTOM " * 9000  # more than is read at once
    path = write_native(
        tmp_path / "a.dcm", GREY, syntax, SourceImageSequence=nested(undefined=undefined), TextValue=long, PatientID=""
    )
    with open_source(path, tmp_path) as source:
        expected = dcmread(path, stop_before_pixels=True)
        assert raw(source.header) == raw(expected)
        assert source.header == expected
        assert source.header.file_meta == expected.file_meta
        assert source.header.preamble == expected.preamble
        assert source.header.original_encoding == expected.original_encoding
        assert source.header.original_character_set == expected.original_character_set


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")  # pydicom says it of some samples
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_the_header_of_a_public_sample_is_the_one_that_pydicom_reads(path: Path, tmp_path: Path) -> None:
    if read_facts(path, path.name, tmp_path).damage:
        return
    with open_source(path, tmp_path) as source:
        expected = dcmread(path, stop_before_pixels=True)
        for tag in (0x7FE00001, 0x7FE00002, 0x7FE00003, 0x00000000):
            expected.pop(tag, None)
        assert raw(source.header).keys() == raw(expected).keys()
        assert source.header == expected


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG_ENDIAN])
def test_another_value_than_the_one_that_pydicom_reads_is_damage(syntax: str, tmp_path: Path) -> None:
    path = write_native(tmp_path / "a.dcm", GREY, syntax, PatientID="PHANTOM")
    with open_source(path, tmp_path) as source:
        check_reading(source.structure, source.walked)
        changed = dict(source.walked.elements)
        element = changed.popitem()
        with pytest.raises(InstanceError):
            check_reading(source.structure, replace(source.walked, elements=changed))
        other = {**changed, element[0]: element[1]._replace(value=b"\1" * element[1].length)}
        with pytest.raises(InstanceError):
            check_reading(source.structure, replace(source.walked, elements=other))
        with pytest.raises(InstanceError):
            check_reading(source.structure, replace(source.walked, end=source.walked.end - 1))


@pytest.mark.parametrize("syntax", NATIVE)
def test_elements_without_a_value_are_no_damage(syntax: str, tmp_path: Path) -> None:
    """One of each kind of value: text, numbers as text, binary numbers, names, dates, sequences."""
    texts = dict.fromkeys(("PatientID", "PatientWeight", "InstanceNumber", "PatientName", "PatientBirthDate"), "")
    empty = {**texts, "TableSpeed": [], "PregnancyStatus": [], "ReferencedStudySequence": []}
    path = write_native(tmp_path / "a.dcm", GREY, syntax, **empty)
    assert read_facts(path, path.name, tmp_path).damage is None


def test_a_layout_that_is_remembered_is_the_one_of_the_header(tmp_path: Path) -> None:
    for path in SAMPLES:
        if read_facts(path, path.name, tmp_path).damage:
            continue
        with open_source(path, tmp_path) as source:
            if source.layout is None or source.element is None or source.syntax is None:
                continue
            means = {"encapsulated": source.syntax.encapsulated, "big_endian": source.syntax.big_endian}
            once, again = (layout_of(source.walked.elements, source.element.tag, **means) for _ in range(2))
            assert once == again == read_layout(source.header, source.element.tag, **means)


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ("Rows", 5),
        ("HighBit", 13),
        ("PixelRepresentation", 1),
        ("PresentationLUTShape", "INVERSE"),
        ("RescaleSlope", "-1"),
    ],
)
def test_a_layout_is_not_taken_for_another(changed: str, value: object, tmp_path: Path) -> None:
    layouts = set()
    for name, more in (("a", {}), ("b", {changed: value})):
        path = write_native(tmp_path / name, GREY, EXPLICIT, **more)
        with open_source(path, tmp_path) as source:
            layouts.add(source.layout)
    assert len(layouts) == 2


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("syntax", NATIVE)
def test_the_proof_reads_headers_of_any_length(syntax: str, undefined: bool, tmp_path: Path) -> None:
    """Those longer than the block that is read at once, and ends inside a sequence of the second one."""
    for length in (100, 65300, 200_000):
        more = {"TextValue": "PHANTOM" * (length // 7), "ReferencedRequestSequence": nested(undefined=undefined)}
        path = write_native(tmp_path / "a.dcm", GREY, syntax, **more)
        with reopened(path, path, tmp_path) as (source, written):
            assert source.header == dcmread(path, stop_before_pixels=True)
            assert prove_opened(source, written, (), ()).ok
