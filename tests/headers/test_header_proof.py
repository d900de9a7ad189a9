"""The proof fails on anything left, invented or changed: one mutation at a time of a header that was proved."""

from __future__ import annotations

import copy
import re
import warnings
from pathlib import Path

import pydicom
import pytest
from header_makers import (
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

from xnat_pixelanon.headers import HeaderProof, clean_header, encode_header, prove_header
from xnat_pixelanon.headers import proof as proof_module

ASKED = request(reviewed=True, pixels_changed=True, template_digest="cd" * 32, known_identifiers=("S042_MR1",))


def rich() -> Dataset:
    """A source in which every kind of action happens, at the top level and three levels down."""
    source = identified(
        SpecificCharacterSet="ISO_IR 100",
        BurnedInAnnotation="YES",
        ContentDate="20240517",
        ContentTime="101112",
        AcquisitionDateTime="20240517101112",
        OperatorsName="Operator^Olga",
        SeriesDescription="t1 of Ada",
        ProtocolName="brain",
        SoftwareVersions=["V1 Phantom", "V2"],
        SequenceName="tse_ada",
        ProcessingFunction="mean",
        AcquisitionNumber="20240517",
        SmallestImagePixelValue=1,
        PatientAge="053Y",
        CodeValue="S042_MR1",
        PatientTelephoneNumbers="555-0100",
        XRaySourceID="tube 7",
        ICCProfile=b"desc Phantom ",
        StationAETitle="NORTHAE",
        ContrastBolusAgent="Gado for Ada",
        AcquisitionContextSequence=[put(Dataset(), "TextValue", "x")],
        ReferencedImageSequence=[put(Dataset(), "ReferencedSOPInstanceUID", INSTANCE)],
        SharedFunctionalGroupsSequence=[Dataset()],
    )
    put(source, 0x00142006, "Evaluator^Eva")
    put(source, 0x00140102, "20240517")
    put(source, 0x00082256, "old free words")
    put(source, 0x54001010, b"\1\2", "OW")
    put(source, 0x60020010, 4)
    put(source, 0x60023000, b"\1\2", "OW")
    source.add_new(0x00290010, "LO", "MAKER HEADER")
    source.add_new(0x00291010, "LO", "Phantom")
    source.add_new(0x00087771, "SH", "x")
    deep = put(put(Dataset(), "PatientID", "TEST-0001"), "VolumeFrameOfReferenceUID", "1.2.826.0.1.3680043.10.999.8")
    put(put(put(deep, "OperatorsName", "Operator^Olga"), "DateTime", "20240517"), "AcquisitionProtocolName", "Ada")
    nest(source, deep)
    return reread(source)


def rebuilt(change) -> HeaderProof:
    """The proof of a cleaned header after `change(dataset, source)` and another writing."""
    source = rich()
    dataset = clean_header(source, ASKED).dataset
    change(dataset, source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, about the damage done
        written = reopen(encode_header(dataset, EXPLICIT))
    return prove_header(source, written, ASKED)


def test_the_rich_header_is_proved_as_it_is_written():
    assert rebuilt(lambda dataset, source: None) == HeaderProof(True, ())


def steps(path: str) -> list[tuple[int, int]]:
    found = re.findall(r"\((\w{4}),(\w{4})\)(?:\[(\d+)\])?", path)
    return [(int(group + element, 16), int(index or 0)) for group, element, index in found]


def at(ds: Dataset, path: str) -> tuple[Dataset, int]:
    *parents, (last, _) = steps(path)
    for tag, index in parents:
        ds = ds[tag].value[index]
    return ds, last


SOURCE_ACTIONS = [
    action
    for action in clean_header(rich(), ASKED).actions
    if action.rule != "group" and at(rich(), action.tag)[1] in at(rich(), action.tag)[0]
]


def test_every_kind_of_action_is_among_the_mutations():
    kinds = {(action.rule, action.action) for action in SOURCE_ACTIONS}
    for kind in (
        ("E.1-1 X", "removed"),
        ("E.1-1 Z", "emptied"),
        ("E.1-1 D", "replaced"),
        ("E.1-1 U", "mapped"),
        ("E.1-1 X/D", "removed"),
        ("E.1-1 X/Z", "emptied"),
        ("E.1-1 X/Z/D", "removed"),
        ("E.1-1 X/Z/D", "replaced"),
        ("E.1-1 Z/D", "emptied"),
        ("project X", "removed"),
        ("private", "removed"),
        ("unknown", "removed"),
        ("retired", "removed"),
        ("binary", "removed"),
        ("VR PN", "emptied"),
        ("VR DA", "removed"),
        ("UID", "mapped"),
        ("identifier", "emptied"),
        ("identifier", "emptied in part"),
        ("identifier", "removed"),
        ("label", "set"),
        ("provenance", "set"),
    ):
        assert kind in kinds, kind


@pytest.mark.parametrize("action", SOURCE_ACTIONS, ids=lambda action: f"{action.tag} {action.rule}")
def test_one_element_left_as_it_was_fails_the_proof(action):
    def leave(dataset: Dataset, source: Dataset) -> None:
        original, tag = at(source, action.tag)
        target, _ = at(dataset, action.tag)
        target[tag] = copy.deepcopy(original[tag])

    proof = rebuilt(leave)
    assert not proof.ok
    assert any(action.tag.split("[")[0].split(".")[0] in finding for finding in proof.findings)
    everything = " ".join(proof.findings).lower()
    assert not any(word in everything for word in ("phantom", "ada", "test-0001", "olga", "20240517"))


def set_to(keyword: str, value):
    return lambda dataset, source: put(dataset, keyword, value)


def drop(keyword: str):
    return lambda dataset, source: dataset.__delitem__(pydicom.datadict.tag_for_keyword(keyword))


@pytest.mark.parametrize(
    "change",
    [
        set_to("Rows", 5),
        set_to("SeriesNumber", "4"),
        set_to("ProcessingFunction", "median"),
        set_to("Manufacturer", "Someone Else"),
        set_to("ImageComments", "words"),
        set_to("BodyPartExamined", "HEAD"),
        set_to("PatientName", "TEST-0002"),
        set_to("PatientIdentityRemoved", "NO"),
        set_to("BurnedInAnnotation", "YES"),
        set_to("LongitudinalTemporalInformationModified", "UNMODIFIED"),
        set_to("StudyDate", "20240518"),
        set_to("ContentDate", "20240517"),
        set_to("SOPInstanceUID", "2.25.1"),
        set_to("FrameOfReferenceUID", "1.2.840.10008.1.4.1.1"),
        set_to("DeidentificationMethod", ["xnat-pixelanon 0.1.0"]),
        set_to("DeidentificationMethodCodeSequence", []),
        set_to("ContributingEquipmentSequence", []),
        set_to("ImageType", ["ORIGINAL", "PRIMARY", "M"]),
        set_to("DerivationDescription", "Rectangles blackened for Ada"),
        lambda dataset, source: put(dataset, "LargestImagePixelValue", 9, "US"),
        set_to("ReferencedImageSequence", []),
        set_to("SpecificCharacterSet", "PHANTOMSET"),
        drop("PatientID"),
        drop("StudyInstanceUID"),
        drop("Rows"),
        drop("PhotometricInterpretation"),
        drop("DeidentificationMethod"),
        lambda dataset, source: put(nested(dataset), "SeriesNumber", "7"),
        lambda dataset, source: nested(dataset).add_new(0x00091001, "LO", "x"),
        lambda dataset, source: nested(dataset).add_new(0x00087771, "LO", "x"),
        lambda dataset, source: dataset.ContributingEquipmentSequence[-1].add_new(0x00081070, "PN", "Someone"),
        lambda dataset, source: dataset.DeidentificationMethodCodeSequence.append(Dataset()),
        lambda dataset, source: put(dataset, "PatientBirthDate", "Phantom", "LO"),
    ],
)
def test_anything_invented_changed_or_missing_fails_the_proof(change):
    assert not rebuilt(change).ok


@pytest.mark.parametrize(
    "change",
    [
        lambda written: setattr(written, "preamble", b"P" + bytes(127)),
        lambda written: setattr(written.file_meta, "SourceApplicationEntityTitle", "NORTHAE"),
        lambda written: setattr(written.file_meta, "ImplementationVersionName", "OTHER"),
        lambda written: setattr(written.file_meta, "TransferSyntaxUID", "1.2.840.10008.1.2"),
        lambda written: setattr(written.file_meta, "MediaStorageSOPInstanceUID", INSTANCE),
        lambda written: setattr(written.file_meta, "MediaStorageSOPClassUID", "1.2.840.10008.5.1.4.1.1.2"),
        lambda written: delattr(written.file_meta, "ImplementationClassUID"),
        lambda written: delattr(written, "file_meta"),
        lambda written: written.add_new(0x7FE00002, "OV", b"") or written.add_new(0x7FE00020, "OW", b"Phantom "),
    ],
)
def test_file_meta_preamble_and_pixel_group_are_part_of_the_proof(change):
    source = reread(identified())
    _, written, proof = run(source)
    assert proof.ok
    change(written)
    assert not prove_header(source, written, request()).ok


def test_pixel_elements_are_left_to_the_proof_of_pixels():
    source = reread(identified())
    _, written, _ = run(source)
    put(written, 0x7FE00001, bytes(8), "OV")
    put(written, 0x7FE00010, bytes(48), "OW")
    assert prove_header(source, written, request()).findings == ()


def test_another_key_or_label_fails_the_proof():
    source = reread(identified())
    _, written, _ = run(source)
    other = type(IDENTITY).from_keys(bytes(32))
    assert not prove_header(source, written, request(identity=other)).ok
    assert not prove_header(source, written, request(subject_label="OTHER")).ok
    assert not prove_header(source, written, request(reviewed=True)).ok
    assert not prove_header(source, written, request(template_digest="00")).ok


def test_what_the_source_calls_itself_in_xnat_is_searched_for():
    source = reread(image(ProcessingFunction="S042_MR1 mean"))
    _, written, proof = run(source)
    assert proof.ok
    proof = prove_header(source, written, request(known_identifiers=("S042_MR1",)))
    assert proof.findings == ("(0018,5020): identifier",)


def test_a_file_that_cannot_be_read_to_its_end_is_a_finding():
    source = reread(identified())
    _, written, _ = run(source)
    raw = written.get_item(0x00280010)
    written[0x00280010] = raw._replace(value=b"\1\2\3", length=3)
    assert prove_header(source, written, request()).findings[-1] == "data set: cannot be read to its end"


def test_the_proof_shares_no_code_with_the_engine():
    # The script is the owner's own text: the proof runs it again, by the one interpreter that there is (0019).
    shared = {"constants", "identity", "profile", "request", "scripted", "silence"}
    folder = Path(proof_module.__file__).parent
    proofs = {path.stem for path in folder.glob("proof*.py")}
    for name in proofs:
        imported = re.findall(r"from xnat_pixelanon\.headers\.(\w+) import", (folder / f"{name}.py").read_text())
        assert set(imported) <= shared | proofs


def test_neither_side_is_touched():
    source = identified()
    lut = put(put(Dataset(), "LUTDescriptor", [2, 65534, 16], "US"), "LUTData", b"\1\0\2\0", "OW")
    put(source, "VOILUTSequence", [lut])
    source = reread(source)
    _, written, _ = run(source)
    before = [ds.get_item(tag) for ds in (source, written) for tag in sorted(ds.keys())]
    prove_header(source, written, request())
    after = [ds.get_item(tag) for ds in (source, written) for tag in sorted(ds.keys())]
    assert all(one is other for one, other in zip(before, after, strict=True))
    for ds in (source, written):
        item = ds.VOILUTSequence[0]
        assert all(isinstance(item.get_item(tag), RawDataElement) for tag in sorted(item.keys()))


def test_numbers_of_ambiguous_vr_are_the_same_however_they_were_read():
    lut = put(put(Dataset(), "LUTDescriptor", [2, 65534, 16], "US"), "LUTData", [1, 65535], "US")
    source = reread(put(identified(), "VOILUTSequence", [lut]))
    assert source.VOILUTSequence[0].LUTData == [1, 65535]
    assert run(source)[2].findings == ()
    assert run(reread(source, IMPLICIT), request(transfer_syntax_uid=EXPLICIT))[2].findings == ()
