"""Objects without pixels under the options for their content: reports, presentation states, structure sets."""

from __future__ import annotations

import pytest
from header_makers import IDENTITY, STUDY, identified, put, reread, run
from header_options import asked
from pydicom.dataset import Dataset
from pydicom.uid import UID

ROOT = "1.2.840.10008.5.1.4.1.1."
REFERENCE = "1.2.826.0.1.3680043.10.999.55"
PIXELS = ["Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel", "PixelRepresentation"]


def item(**elements: object) -> Dataset:
    ds = Dataset()
    for keyword, value in elements.items():
        put(ds, keyword, value)
    return ds


def plain(suffix: str, **elements: object) -> Dataset:
    ds = identified(SOPClassUID=UID(ROOT + suffix), **elements)
    for keyword in [*PIXELS, "PhotometricInterpretation", "PixelSpacing", "ImageType"]:
        delattr(ds, keyword)
    return ds


def code(value: str, meaning: str) -> list[Dataset]:
    return [item(CodeValue=value, CodingSchemeDesignator="DCM", CodeMeaning=meaning)]


def report() -> Dataset:
    content = [
        item(ValueType="TEXT", ConceptNameCodeSequence=code("121106", "Comment"), TextValue="Ada has a knee"),
        item(ValueType="PNAME", ConceptNameCodeSequence=code("121008", "Observer"), PersonName="Example^Refer"),
        item(ValueType="UIDREF", ConceptNameCodeSequence=code("121012", "Device"), UID=REFERENCE),
        item(ValueType="DATE", ConceptNameCodeSequence=code("126201", "Date"), Date="20240517"),
        item(
            ValueType="NUM",
            ConceptNameCodeSequence=code("121207", "Height"),
            MeasuredValueSequence=[item(NumericValue="42.5")],
            ContentSequence=[
                item(
                    ValueType="IMAGE",
                    ReferencedSOPSequence=[item(ReferencedSOPClassUID=ROOT + "2", ReferencedSOPInstanceUID=REFERENCE)],
                )
            ],
        ),
    ]
    return plain("88.33", Modality="SR", ContentSequence=content, VerifyingObserverSequence=[item(TextValue="Ada")])


def test_a_report_keeps_codes_numbers_and_references_and_says_nothing():
    source = report()
    asked_here = asked("clean-structured-content", "clean-descriptors")
    _, written, proof = run(reread(source), asked_here)
    assert proof.findings == ()
    text, name, device, day, number = written.ContentSequence
    assert text.TextValue == "Anonymised"
    assert str(name.PersonName) == "Anonymised"
    assert (
        device.UID
        == number.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        == IDENTITY.uid(REFERENCE)
    )
    assert day.Date == "19000101"
    assert number.MeasuredValueSequence[0].NumericValue == 42.5
    assert [part.ConceptNameCodeSequence[0].CodeMeaning for part in (text, number)] == ["Comment", "Height"]
    assert "VerifyingObserverSequence" not in written
    assert written.StudyInstanceUID == IDENTITY.uid(STUDY)


def test_dates_of_a_report_follow_the_option_for_dates():
    _, written, proof = run(reread(report()), asked("clean-structured-content", "retain-dates-full"))
    assert proof.findings == ()
    assert written.ContentSequence[3].Date == "20240517"


def test_without_the_option_a_report_has_no_content():
    _, written, proof = run(reread(report()), asked("clean-graphics"))
    assert proof.findings == ()
    assert "ContentSequence" not in written


def test_a_presentation_state_keeps_its_shapes_and_not_their_text():
    graphic = item(
        GraphicLayer="LAYER",
        TextObjectSequence=[item(UnformattedTextValue="Ada Phantom", AnchorPoint=[1.0, 2.0])],
        GraphicObjectSequence=[item(GraphicData=[1.0, 2.0, 3.0, 4.0], GraphicType="POLYLINE")],
    )
    source = plain("11.1", Modality="PR", GraphicAnnotationSequence=[graphic], ContentCreatorName="Example^Refer")
    _, written, proof = run(reread(source), asked("clean-graphics"))
    assert proof.findings == ()
    kept = written.GraphicAnnotationSequence[0]
    assert list(kept.GraphicObjectSequence[0].GraphicData) == [1.0, 2.0, 3.0, 4.0]
    assert kept.TextObjectSequence[0].UnformattedTextValue == "Anonymised"
    _, written, _ = run(reread(source), asked())
    assert "GraphicAnnotationSequence" not in written


@pytest.mark.parametrize(("option", "name"), [("clean-graphics", ""), ("clean-descriptors", "Left lung")])
def test_a_structure_set_keeps_its_contours(option, name):
    source = plain(
        "481.3",
        Modality="RTSTRUCT",
        StructureSetLabel="Ada",
        StructureSetROISequence=[item(ROINumber="1", ROIName="Left lung Ada")],
        ROIContourSequence=[item(ContourSequence=[item(ContourData=["1.5", "2.5", "3.5"])])],
    )
    _, written, proof = run(reread(source), asked(option))
    assert proof.findings == ()
    assert written.StructureSetROISequence[0].ROIName == name
    assert list(written.ROIContourSequence[0].ContourSequence[0].ContourData) == [1.5, 2.5, 3.5]
