"""The engine beyond the table: what the table does not name, values that are not valid, character sets, syntaxes."""

from __future__ import annotations

import io
import logging
import warnings
from collections import Counter
from random import Random

import pydicom
import pytest
from header_makers import (
    BIG_ENDIAN,
    EXPLICIT,
    IDENTITY,
    IMPLICIT,
    INSTANCE,
    identified,
    image,
    nest,
    nested,
    put,
    reopen,
    request,
    reread,
    run,
)
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers import HeaderAction, clean_header, encode_header
from xnat_pixelanon.headers.conditions import CONDITIONS, resolve
from xnat_pixelanon.headers.profile import lookup

ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
PET = "1.2.840.10008.5.1.4.1.1.128"
SR = "1.2.840.10008.5.1.4.1.1.88.11"


def item(**elements) -> Dataset:
    ds = Dataset()
    for keyword, value in elements.items():
        put(ds, keyword, value)
    return ds


def raw_file(element: bytes, **elements) -> Dataset:
    """An explicit little endian file with `element` as raw bytes before all others of higher tags."""
    source = image(**elements)
    data = io.BytesIO()
    pydicom.dcmwrite(data, reread(source), enforce_file_format=False)
    whole = data.getvalue()
    at = whole.index(b"\x20\x00\x0d\x00UI")
    return pydicom.dcmread(io.BytesIO(whole[:at] + element + whole[at:]), stop_before_pixels=True)


def short(tag: int, vr: bytes, value: bytes) -> bytes:
    return (
        (tag >> 16).to_bytes(2, "little")
        + (tag & 0xFFFF).to_bytes(2, "little")
        + vr
        + len(value).to_bytes(2, "little")
        + value
    )


def long(tag: int, vr: bytes, value: bytes) -> bytes:
    return short(tag, vr, b"")[:6] + b"\0\0" + len(value).to_bytes(4, "little") + value


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
def test_an_identified_image_comes_out_clean_and_proved_in_every_uncompressed_syntax(syntax):
    source = reread(identified(), syntax)
    _, written, proof = run(source, request(transfer_syntax_uid=syntax))
    assert proof.findings == ()
    assert written.PatientName == written.PatientID == "ABCDEFGHIJKLMNOP"
    assert written.SOPInstanceUID == IDENTITY.uid(INSTANCE)
    assert (written.StudyDate, written.AccessionNumber, written.StudyID) == ("", "", "")
    assert written.SeriesNumber == 3
    assert written.PixelSpacing == [0.5, 0.5]
    assert (written.Rows, written.Columns) == (4, 6)


@pytest.mark.parametrize(("before", "after"), [(EXPLICIT, IMPLICIT), (IMPLICIT, EXPLICIT), (BIG_ENDIAN, EXPLICIT)])
def test_another_encoding_keeps_every_value(before, after):
    source = identified(SmallestImagePixelValue=3, WindowCenter=["40", "50"], SeriesNumber="12")
    nest(source, item(ReferencedSOPInstanceUID="1.2.3", ReferencedFrameNumber=["1", "2"]))
    _, written, proof = run(reread(source, before), request(transfer_syntax_uid=after))
    assert proof.findings == ()
    assert (written.SmallestImagePixelValue, written.WindowCenter) == (3, [40, 50])


def test_the_same_input_gives_the_same_bytes():
    first, second = (encode_header(clean_header(reread(identified()), request()).dataset, EXPLICIT) for _ in range(2))
    assert first == second


def test_cleaning_what_is_clean_adds_nothing_twice():
    once = run(reread(identified()))[1]
    twice = run(once)[1]
    assert twice.DeidentificationMethod == once.DeidentificationMethod
    assert len(twice.ContributingEquipmentSequence) == len(twice.DeidentificationMethodCodeSequence) == 1


def test_the_source_is_not_touched():
    source = reread(identified())
    nest(source, item(PatientID="TEST-0001"))
    before = {tag: source.get_item(tag) for tag in source.keys()}  # noqa: SIM118
    run(source)
    assert all(source.get_item(tag) is element for tag, element in before.items())
    assert nested(source).PatientID == "TEST-0001"


def test_kept_values_are_written_with_the_bytes_that_were_read():
    source = reread(image())
    source[0x00280030] = source.get_item(0x00280030)._replace(value=b"0.500000\\0.5000e0", length=17)
    data = encode_header(clean_header(source, request()).dataset, EXPLICIT)
    assert b"0.500000\\0.5000e0" in data


def test_private_elements_group_lengths_and_unknown_tags_go_at_every_depth():
    bad = Dataset()
    bad.add_new(0x00290010, "LO", "MAKER HEADER")
    bad.add_new(0x00291010, "OB", b"Phantom")
    bad.add_new(0x00200000, "UL", 8)
    bad.add_new(0x00081301, "SH", "diagnosis")
    bad.add_new(0x00087771, "LO", "Phantom")
    source = identified()
    source.update(bad)
    nest(source, bad)
    cleaned, written, proof = run(source)
    assert proof.ok
    assert not any(tag in ds for tag in bad.keys() for ds in (written, nested(written)))  # noqa: SIM118
    assert (
        HeaderAction("(0008,9092)[0].(0008,1115)[0].(0008,114A)[0].(0029,1010)", "private", "removed")
        in cleaned.actions
    )


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (0x00142006, "Evaluator^Eva"),  # a person the table does not name
        (0x00140102, "20240517"),  # a date
        (0x00081190, "http://north.example/studies/1"),  # an address
        (0x0040A067, "Author^Old"),  # retired
        (0x00082256, "free words"),  # retired text
        (0x54001010, b"\1\2"),  # bytes that are not on the list
        (0x00080202, b"\1\2"),
    ],
)
def test_what_the_table_forgot_is_removed_by_kind(tag, value):
    vr = "OB" if isinstance(value, bytes) else None
    _, written, proof = run(reread(put(identified(), tag, value, vr)))
    assert proof.ok
    assert tag not in written or written[tag].value == ""


def test_palettes_stay_and_palettes_with_a_name_in_them_are_refused():
    table = bytes(range(256)) * 2
    source = image(PhotometricInterpretation="PALETTE COLOR", RedPaletteColorLookupTableDescriptor=[256, 0, 16])
    put(source, "RedPaletteColorLookupTableData", table)
    assert run(reread(source))[1].RedPaletteColorLookupTableData == table
    put(source, "RedPaletteColorLookupTableData", b"Phantom " * 64)
    put(source, "PatientName", "Phantom^Ada")
    with pytest.raises(InstanceError) as caught:
        clean_header(reread(source), request())
    assert caught.value.code == "header-refused"


def test_an_icc_profile_with_a_name_in_it_is_removed():
    source = identified(ICCProfile=b"desc Phantom, Ada ")
    _, written, proof = run(reread(source))
    assert proof.ok
    assert "ICCProfile" not in written


def test_a_trace_in_kept_text_empties_the_text_and_is_listed_without_its_value():
    source = identified(SoftwareVersions=["V1 for Phantom", "V2"], SequenceName="tse_ada", ProcessingFunction="mean")
    cleaned, written, proof = run(reread(source))
    assert proof.ok
    assert (list(written.SoftwareVersions), written.SequenceName, written.ProcessingFunction) == (
        ["", "V2"],
        "",
        "mean",
    )
    assert HeaderAction("(0018,0024)", "identifier", "emptied") in cleaned.actions
    assert HeaderAction("(0018,1020)", "identifier", "emptied in part") in cleaned.actions
    assert "ada" not in repr(cleaned.actions).lower()


def test_a_number_that_is_the_patient_id_is_emptied():
    source = image(PatientID="20714455", AcquisitionNumber="20714455")
    _, written, proof = run(reread(source))
    assert proof.ok
    assert written["AcquisitionNumber"].value in (None, "")


def test_a_trace_in_what_the_pixels_need_is_refused():
    with pytest.raises(InstanceError, match=r"^header-refused: \(0028,0004\) would have to be emptied: identifier$"):
        clean_header(reread(image(PatientID="SECRET77", PhotometricInterpretation="SECRET77")), request())


def test_station_names_do_not_take_the_product_away():
    source = image(StationName="VISION900", ManufacturerModelName="Vision 900", Manufacturer="Maker")
    _, written, proof = run(reread(source))
    assert proof.ok
    assert written.ManufacturerModelName == "Vision 900"


@pytest.mark.parametrize("keyword", ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"])
def test_objects_without_their_uids_are_refused(keyword):
    source = image()
    del source[keyword]
    with pytest.raises(InstanceError) as caught:
        clean_header(source, request())
    assert caught.value.code == "header-refused"


def test_a_sop_class_that_the_standard_does_not_know_is_refused():
    with pytest.raises(InstanceError, match="SOP Class"):
        clean_header(image(SOPClassUID="1.2.3.4"), request())


def test_deep_nesting_is_refused():
    source = image()
    ds = source
    for _ in range(60):
        ds.ReferencedSeriesSequence = [Dataset()]
        ds = ds.ReferencedSeriesSequence[0]
    with pytest.raises(InstanceError, match="nested deeper"):
        clean_header(source, request())


def test_references_follow_the_mapping_at_every_depth_and_classes_stay():
    reference = item(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.4", ReferencedSOPInstanceUID=INSTANCE)
    source = image(ReferencedImageSequence=[reference], FailedSOPInstanceUIDList=[INSTANCE, "1.2.9"])
    nest(source, item(SourceImageSequence=Sequence([reference]), VolumeFrameOfReferenceUID="1.2.8"))
    _, written, proof = run(reread(source))
    assert proof.ok
    assert written.ReferencedImageSequence[0].ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.4"
    assert written.ReferencedImageSequence[0].ReferencedSOPInstanceUID == written.SOPInstanceUID
    assert nested(written).SourceImageSequence[0].ReferencedSOPInstanceUID == written.SOPInstanceUID
    assert nested(written).VolumeFrameOfReferenceUID == IDENTITY.uid("1.2.8")
    assert list(written.FailedSOPInstanceUIDList) == [written.SOPInstanceUID, IDENTITY.uid("1.2.9")]


def test_type_1_attributes_of_multi_frame_objects_get_dummies_and_others_go():
    plain = image(DeviceSerialNumber="SN556677", ContentDate="20240517", AcquisitionDateTime="20240517101112")
    written = run(reread(plain))[1]
    assert "DeviceSerialNumber" not in written
    assert "AcquisitionDateTime" not in written
    assert written.ContentDate == ""
    plain.SOPClassUID = ENHANCED_MR
    plain.SharedFunctionalGroupsSequence = [item(FrameContentSequence=[item(FrameAcquisitionDateTime="20240517")])]
    _, written, proof = run(reread(plain))
    assert proof.ok
    assert (written.DeviceSerialNumber, written.ContentDate) == ("Anonymised", "19000101")
    assert written.AcquisitionDateTime == "19000101000000"


def test_an_enhanced_object_that_lost_its_functional_groups_is_known_by_its_sop_class():
    source = image(SOPClassUID=ENHANCED_MR, DeviceSerialNumber="SN556677", ContentDate="20240517", ContentTime="101112")
    _, written, proof = run(reread(source))
    assert proof.ok
    assert (written.DeviceSerialNumber, written.ContentDate) == ("Anonymised", "19000101")
    assert written.ContentTime == "000000"


def test_operators_name_is_emptied_in_radiotherapy_and_removed_elsewhere():
    source = image(OperatorsName="Phantom^Operator")
    assert "OperatorsName" not in run(reread(source))[1]
    source.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.1"
    _, written, proof = run(reread(source))
    assert proof.ok
    assert written.OperatorsName == ""


def test_conditions_are_about_compound_rows_and_choose_what_the_row_allows():
    for tag, condition in CONDITIONS.items():
        row = lookup(tag)
        assert row is not None
        assert condition.action in row.basic.split("/")
    source = image(
        SOPClassUID=PET, AcquisitionDate="20240517", AcquisitionTime="101112", AcquisitionContextSequence=[item()]
    )
    written = run(reread(source))[1]
    assert (written.AcquisitionDate, written.AcquisitionTime) == ("", "")
    assert len(written.AcquisitionContextSequence) == 0
    source = image(SOPClassUID=SR, ReferencedPerformedProcedureStepSequence=[item()], ContentDate="20240517")
    written = run(reread(source))[1]
    assert (len(written.ReferencedPerformedProcedureStepSequence), written.ContentDate) == (0, "19000101")


def test_every_compound_action_is_resolved():
    from xnat_pixelanon.headers.conditions import Context
    from xnat_pixelanon.headers.profile import rows

    for row in rows():
        tag = 0 if "x" in row.tag else int(row.tag[1:5] + row.tag[6:10], 16)
        assert resolve(row.basic, tag, Context(ENHANCED_MR, True)) in "XZDUK"


@pytest.mark.parametrize(
    ("charset", "name", "kept"),
    [
        ("ISO_IR 192", "Фантом^Ада", "срез мозга"),
        ("ISO_IR 144", "Фантом^Ада", "срез мозга"),
        ("ISO_IR 100", "Fäntom^Ada", "Schädel"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎", "頭部"),
        (["", "ISO 2022 IR 149"], "Kim^Gildong=김^길동", "뇌"),
        ("GB18030", "Wang^XiaoDong=王^小东", "头部"),
    ],
)
def test_text_of_every_character_set_is_read_right_and_kept(charset, name, kept):
    source = image(SpecificCharacterSet=charset, PatientName=name, ProcessingFunction=kept, SequenceName="x")
    _, written, proof = run(reread(source))
    assert proof.findings == ()
    assert written.ProcessingFunction == kept
    part = name.split("=")[-1].split("^")[1]
    source = image(SpecificCharacterSet=charset, PatientName=name, ProcessingFunction=f"x {part}")
    _, written, proof = run(reread(source))
    assert proof.findings == ()
    assert written.ProcessingFunction == ""


def test_misspelt_character_sets_are_put_right_and_unknown_ones_removed():
    for term, after in (("ISO-IR 100", "ISO_IR 100"), ("NONSENSE", None)):
        source = put(reread(image()), "SpecificCharacterSet", term)
        _, written, proof = run(source)
        assert proof.findings == ()
        assert written.get("SpecificCharacterSet") == after


@pytest.mark.parametrize(
    "value",
    [b"caf\xe9 ", b"x\0Phantom Ada", b"\xff\xfe\x41\x41", b"\x1b$BPhantom"],
    ids=["latin", "nul", "bytes", "escape"],
)
def test_text_that_cannot_be_decoded_is_emptied(value):
    source = raw_file(short(0x00185020, b"LO", value))
    cleaned, written, proof = run(source)
    assert proof.ok
    assert written.ProcessingFunction == ""
    assert HeaderAction("(0018,5020)", "invalid", "emptied") in cleaned.actions


@pytest.mark.parametrize(
    "element",
    [
        short(0x00181310, b"US", b"\1\2\3"),  # length
        short(0x00181114, b"LO", b"Phantom "),  # a text where a number belongs
        long(0x00181310, b"OB", b"Phantom "),  # bytes where numbers belong
        short(0x00181310, b"UL", b"\1\2\3\4"),
    ],
)
def test_values_that_are_not_what_their_vr_allows_are_removed(element):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = raw_file(element)
        cleaned, written, proof = run(source)
    assert proof.ok
    assert "invalid" in {action.rule for action in cleaned.actions}
    assert "AcquisitionMatrix" not in written


def test_number_strings_with_words_in_them_are_emptied():
    source = raw_file(short(0x00181114, b"DS", b"Phantom "))
    _, written, proof = run(source)
    assert proof.ok
    assert written["EstimatedRadiographicMagnificationFactor"].value in (None, "")


def test_un_elements_are_resolved_by_the_dictionary_or_removed():
    source = raw_file(
        long(0x00181020, b"UN", b"V1.0") + long(0x00189999, b"UN", b"Phantom "), PatientName="Phantom^Ada"
    )
    _, written, proof = run(source)
    assert proof.ok
    assert (written.SoftwareVersions, written["SoftwareVersions"].VR) == ("V1.0", "LO")
    assert 0x00189999 not in written
    source = raw_file(long(0x00181020, b"UN", b"Phantom "), PatientName="Phantom^Ada")
    assert run(source)[1].SoftwareVersions == ""


def test_a_sequence_in_un_is_read_as_implicit_and_cleaned():
    content = short(0x00100010, b"", b"")[:4] + (8).to_bytes(4, "little") + b"Phantom "
    sequence = b"\xfe\xff\x00\xe0" + len(content).to_bytes(4, "little") + content
    source = raw_file(long(0x00189006, b"UN", sequence), PatientID="TEST-0001")
    _, written, proof = run(source)
    assert proof.ok
    assert b"Phantom" not in encode_header(clean_header(source, request()).dataset, EXPLICIT)
    assert written[0x00189006].value[0].PatientName == ""


def test_a_person_in_an_element_of_another_vr_is_found_all_the_same():
    source = raw_file(short(0x00185020, b"LO", b"for Zoe Zander"), PatientID="x")
    source[0x00100010] = pydicom.dataelem.DataElement(0x00100010, "LO", "Zander^Zoe")
    _, written, _ = run(source)
    assert written.ProcessingFunction == ""
    assert written.PatientName == "ABCDEFGHIJKLMNOP"


def test_elements_that_were_not_read_are_refused():
    raw = reread(image(ProcessingFunction="x" * 60)).get_item(0x00185020)
    source = reread(image())
    source[0x00185020] = raw._replace(value=None)
    with pytest.raises(InstanceError, match=r"\(0018,5020\) cannot be read"):
        clean_header(source, request())


def test_a_value_that_cannot_be_written_is_refused_without_quoting_it():
    source = image()
    source[0x00181310] = pydicom.dataelem.DataElement(0x00181310, "US", 7)
    source[0x00181310]._value = "Phantom"
    cleaned = clean_header(source, request())
    with pytest.raises(InstanceError) as caught:
        encode_header(cleaned.dataset, EXPLICIT)
    assert caught.value.code == "header-refused"
    assert "Phantom" not in str(caught.value)


def test_palettes_are_not_brought_into_another_byte_order():
    source = image(RedPaletteColorLookupTableData=bytes(8))
    cleaned = clean_header(reread(source, BIG_ENDIAN), request())
    with pytest.raises(InstanceError, match="byte order"):
        encode_header(cleaned.dataset, EXPLICIT)


def test_palettes_in_sequences_are_not_brought_into_another_byte_order_either():
    lut = put(put(Dataset(), "LUTDescriptor", [2, 0, 16], "US"), "LUTData", b"\1\0\2\0", "OW")
    cleaned = clean_header(
        reread(put(image(), "VOILUTSequence", [lut]), BIG_ENDIAN), request(transfer_syntax_uid=EXPLICIT)
    )
    with pytest.raises(InstanceError, match="byte order"):
        encode_header(cleaned.dataset, EXPLICIT)


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SOPInstanceUID"])
def test_an_identity_uid_of_another_vr_is_refused(keyword):
    source = put(image(), keyword, "1.2.3", "LO")
    with pytest.raises(InstanceError, match="would have to be removed"):
        clean_header(source, request())


@pytest.mark.parametrize("text", [b"1971-02-03", b"555-0100", b"1 2 ", b"1e", b"12:30 "])
def test_number_strings_have_to_be_numbers(text):
    _, written, proof = run(raw_file(short(0x00181114, b"DS", text)))
    assert proof.ok
    assert written["EstimatedRadiographicMagnificationFactor"].value in (None, "")


@pytest.mark.parametrize("text", [b"1971-02-03", b"1A"])
def test_a_number_string_that_pydicom_has_read_as_text_has_to_be_a_number_too(text):
    source = raw_file(short(0x00201002, b"IS", text))
    with pydicom.config.disable_value_validation():
        assert isinstance(source["ImagesInAcquisition"].value, str)
    _, written, proof = run(source)
    assert proof.ok
    assert written["ImagesInAcquisition"].value in (None, "")


@pytest.mark.parametrize("text", [b"1.5", b"-.5\\1.e-3 ", b" +7 \\", b"12\0", b""])
def test_number_strings_that_are_numbers_stay(text):
    source = raw_file(short(0x00181114, b"DS", text))
    cleaned, _, proof = run(source)
    assert proof.findings == ()
    assert "invalid" not in {action.rule for action in cleaned.actions}


def test_nothing_is_warned_or_logged(caplog):
    source = raw_file(short(0x00180050, b"DS", b"Phantom "), PatientName="Phantom^Ada")
    put(source, "SpecificCharacterSet", "PHANTOMSET")
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings():
        warnings.simplefilter("error")
        run(source)
    assert "hantom" not in caplog.text.lower()


def test_pixel_elements_and_what_follows_them_are_never_written():
    source = image()
    put(source, 0x7FE00001, bytes(8), "OV")
    put(source, 0x7FE00010, b"pixels!!", "OW")
    put(source, 0xFFFCFFFC, b"Phantom ", "OB")
    cleaned = clean_header(source, request())
    assert cleaned.dataset.get("PixelData") is None
    data = encode_header(cleaned.dataset, EXPLICIT)
    assert b"pixels" not in data
    assert b"Phantom" not in data
    put(cleaned.dataset, 0x7FE00010, b"pixels!!", "OW")
    assert encode_header(cleaned.dataset, EXPLICIT) == data
    assert reopen(data).Rows == 4


def test_a_sequence_where_text_belongs_is_removed():
    source = image()
    source[0x00181020] = pydicom.dataelem.DataElement(0x00181020, "SQ", [item(SequenceName="x")])
    _, written, proof = run(reread(source))
    assert proof.ok
    assert "SoftwareVersions" not in written


def test_damaged_files_are_refused_or_proved_or_held_and_never_crash():
    data = io.BytesIO()
    source = identified(
        SoftwareVersions="V1 Phantom", ReferencedImageSequence=[item(ReferencedSOPInstanceUID=INSTANCE)]
    )
    nest(source, item(OperatorsName="Operator^Olga", PatientID="TEST-0001"))
    pydicom.dcmwrite(data, reread(source), enforce_file_format=True)
    random = Random(20)
    outcomes = Counter()
    for _ in range(400):
        damaged = bytearray(data.getvalue())
        for _ in range(random.randint(1, 5)):
            at = random.randrange(132, len(damaged))
            if random.random() < 0.8:
                damaged[at] = random.randrange(256)
            else:
                del damaged[at : at + random.randint(1, 8)]
        outcomes[fate(bytes(damaged))] += 1
    assert set(outcomes) == {"unreadable", "header-refused", "proved"}


def fate(data: bytes) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            source = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
        except Exception:
            return "unreadable"
        try:
            return "proved" if run(source)[2].ok else "held"
        except InstanceError as error:
            return error.code


def test_a_sequence_that_pydicom_reads_as_text_is_refused():
    """Explicit items in a UN sequence, which is read as implicit ones (PS3.5 6.2.2 note)."""
    item = b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 144\x08\x00\x08\x00CS\x04\x00caf\xe9"
    value = b"\xfe\xff\x00\xe0" + len(item).to_bytes(4, "little") + item
    source = image()
    source[0x00081115] = RawDataElement(BaseTag(0x00081115), "UN", len(value), value, 0, False, True)
    with pytest.raises(InstanceError, match="cannot be read"):
        clean_header(source, request())
