"""Labels, provenance attributes, file meta and preamble of what is written."""

from __future__ import annotations

import zlib

import pytest
from header_makers import EXPLICIT, IDENTITY, identified, image, put, reopen, request, reread, run
from pydicom.dataset import Dataset

from xnat_pixelanon.headers import (
    PROFILE_EDITION,
    HeaderMemory,
    ProofMemory,
    clean_header,
    encode_header,
    encode_parts,
    prove_header,
    write_header,
)

REVIEWED = {"reviewed": True, "template_digest": "ab" * 32}
CHANGED = {**REVIEWED, "pixels_changed": True}


def codes(ds: Dataset) -> list[str]:
    return [item.CodeValue for item in ds.DeidentificationMethodCodeSequence]


def test_a_reviewed_instance_says_so():
    _, written, proof = run(reread(identified(BurnedInAnnotation="YES")), request(**REVIEWED))
    assert proof.findings == ()
    assert written.BurnedInAnnotation == "NO"
    assert codes(written) == ["113100", "113101"]
    assert list(written.DeidentificationMethod) == [
        "xnat-pixelanon 0.1.0",
        f"template sha256:{'ab' * 20}",
        PROFILE_EDITION,
    ]
    assert all(len(text) <= 64 for text in written.DeidentificationMethod)


@pytest.mark.parametrize("before", ["YES", "NO", None])
def test_an_instance_that_no_template_decided_claims_nothing_about_its_pixels(before):
    source = identified() if before is None else identified(BurnedInAnnotation=before)
    _, written, proof = run(reread(source))
    assert proof.findings == ()
    assert written.get("BurnedInAnnotation") == before
    assert codes(written) == ["113100"]
    assert (written.PatientIdentityRemoved, written.LongitudinalTemporalInformationModified) == ("YES", "REMOVED")


def test_changed_pixels_are_derived_and_what_was_computed_from_them_goes():
    source = identified(
        SmallestImagePixelValue=1, LargestImagePixelValue=9, LargestPixelValueInSeries=9, LossyImageCompression="01"
    )
    frame_type = put(Dataset(), "FrameType", ["ORIGINAL", "PRIMARY", "M", "NONE"])
    group = put(Dataset(), "MRImageFrameTypeSequence", [frame_type])
    put(source, "SharedFunctionalGroupsSequence", [group])
    put(source, "HistogramSequence", [put(Dataset(), "HistogramNumberOfBins", 2)])
    _, written, proof = run(reread(source), request(**CHANGED))
    assert proof.findings == ()
    assert list(written.ImageType) == ["DERIVED", "PRIMARY", "M"]
    frame = written.SharedFunctionalGroupsSequence[0].MRImageFrameTypeSequence[0]
    assert list(frame.FrameType) == ["DERIVED", "PRIMARY", "M", "NONE"]
    assert written.DerivationDescription == "Rectangles blackened"
    for keyword in (
        "SmallestImagePixelValue",
        "LargestImagePixelValue",
        "LargestPixelValueInSeries",
        "HistogramSequence",
    ):
        assert keyword not in written
    assert written.LossyImageCompression == "01"


def test_unchanged_pixels_keep_what_describes_them():
    source = identified(SmallestImagePixelValue=1, LargestImagePixelValue=9)
    written = run(reread(source), request(**REVIEWED))[1]
    assert (written.SmallestImagePixelValue, written.LargestImagePixelValue) == (1, 9)
    assert list(written.ImageType) == ["ORIGINAL", "PRIMARY", "M"]
    assert "DerivationDescription" not in written


def test_a_missing_image_type_is_not_invented():
    source = identified()
    del source.ImageType
    _, written, proof = run(reread(source), request(**CHANGED))
    assert proof.ok
    assert "ImageType" not in written


@pytest.mark.parametrize("memory", [None, HeaderMemory()])
def test_laterality_is_there_where_nothing_says_any_more_that_the_body_part_has_no_sides(memory):
    for elements, there in (
        ({"BodyPartExamined": "TEST-0001"}, True),
        ({"BodyPartExamined": "HEAD"}, False),
        ({"BodyPartExamined": ""}, False),
        ({"BodyPartExamined": "TEST-0001", "ImageLaterality": "R"}, False),
        ({}, False),
    ):
        source = reread(identified(**elements))
        header = write_header(source, request(**REVIEWED), memory)
        written = reopen(header.head + header.body)
        assert ("Laterality" in written) is there
        assert written.get("Laterality", "") == ""
        assert prove_header(source, written, request(**REVIEWED), ProofMemory()).ok
    written.Laterality = "R"
    assert "(0020,0060): not in the source" in prove_header(source, written, request(**REVIEWED)).findings


def test_what_earlier_tools_wrote_stays_before_ours_unless_it_identifies():
    code = put(
        put(put(Dataset(), "CodeValue", "113107"), "CodingSchemeDesignator", "DCM"), "CodeMeaning", "Retain Dates"
    )
    machine = put(put(Dataset(), "Manufacturer", "Gateway"), "InstitutionName", "Sample Hospital North")
    source = identified(
        DeidentificationMethod=["gateway 1", "for Phantom"],
        DeidentificationMethodCodeSequence=[code],
        ContributingEquipmentSequence=[machine],
    )
    _, written, proof = run(reread(source))
    assert proof.findings == ()
    assert list(written.DeidentificationMethod) == ["gateway 1", "xnat-pixelanon 0.1.0", PROFILE_EDITION]
    assert codes(written) == ["113107", "113100"]
    first, ours = written.ContributingEquipmentSequence
    assert (first.Manufacturer, "InstitutionName" in first) == ("Gateway", False)
    assert ours.Manufacturer == "xnat-pixelanon"
    assert ours.PurposeOfReferenceCodeSequence[0].CodeValue == "109104"
    assert "ContributionDateTime" not in ours
    assert "OperatorsName" not in ours


def test_the_writer_of_pixels_can_describe_what_it_wrote():
    described = (
        ("PhotometricInterpretation", "RGB"),
        ("PlanarConfiguration", 0),
        ("LossyImageCompressionRatio", (1.0, 9.5)),
    )
    asked = request(pixel_description=described)
    _, written, proof = run(reread(image(PhotometricInterpretation="YBR_FULL_422")), asked)
    assert proof.findings == ()
    assert (written.PhotometricInterpretation, written.PlanarConfiguration) == ("RGB", 0)
    assert written.LossyImageCompressionRatio == [1, 9.5]
    with pytest.raises(ValueError, match="PatientName"):
        request(pixel_description=(("PatientName", "x"),))


def test_file_meta_and_preamble_are_made_from_scratch():
    source = reread(identified())
    source.preamble = b"Phantom" + bytes(121)
    written = run(source)[1]
    assert written.preamble == bytes(128)
    assert [int(element.tag) & 0xFFFF for element in written.file_meta] == [0, 1, 2, 3, 0x10, 0x12, 0x13]
    assert written.file_meta.MediaStorageSOPInstanceUID == written.SOPInstanceUID
    assert written.file_meta.ImplementationVersionName == "XNATPIXELANON_1"
    assert written.file_meta.ImplementationClassUID.startswith("2.25.")


def test_a_deflated_header_is_given_in_parts_for_one_stream_with_the_pixels():
    deflated = "1.2.840.10008.1.2.1.99"
    asked = request(transfer_syntax_uid=deflated)
    source = reread(identified())
    dataset = clean_header(source, asked).dataset
    with pytest.raises(ValueError, match="encode_parts"):
        encode_header(dataset, deflated)
    head, body = encode_parts(dataset, deflated)
    packer = zlib.compressobj(wbits=-15)
    written = reopen(head + packer.compress(body) + packer.flush())
    assert prove_header(source, written, asked).findings == ()
    assert IDENTITY.uid("x") != encode_header(dataset, EXPLICIT)
