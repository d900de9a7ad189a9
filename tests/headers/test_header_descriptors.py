"""Clean Descriptors: the words that identify go, the others stay, and the proof sees both for itself."""

from __future__ import annotations

import dataclasses

import pytest
from header_makers import identified, image, nest, nested, put, reopen, reread, run
from header_options import asked
from pydicom.dataset import Dataset
from pydicom.uid import UID

from xnat_pixelanon.headers import HeaderMemory, ProofMemory, prove_header, write_header
from xnat_pixelanon.headers.descriptors import LONGEST, without_words
from xnat_pixelanon.headers.proof_options import words_left

ASKED = asked("clean-descriptors", known_identifiers=("S042_MR1", "Radiology Upper Floor"))

TEXTS = [
    ("T1 axial", "T1 axial"),
    ("Head of Ada Phantom", "Head of"),
    ("Phantom, Ada: knee left", ", : knee left"),
    ("ADA PHANTOM 1971-02-03 knee", "knee"),
    ("seen 17.05.2024 10:11, knee", "seen 10:11, knee"),
    ("seen on 17 May 2024", "seen on"),
    ("knee, acc# ACC-778899.", "knee, acc# ."),
    ("pat TEST 0001 follow-up", "pat follow-up"),
    ("S042_MR1 knee", "knee"),
    ("from Sample Hospital North, knee", "from , knee"),
    ("by Dr Refer Example", "by Dr"),
    ("ref 1.2.826.0.1.3680043.10.999.1 ok", "ref ok"),
    ("knee at radiology upper floor", "knee at"),
    ("PhantomAda", ""),
    ("knee, sample hospital", "knee,"),
    ("Hospital-North knee", "knee"),
    ("hospital of the north, sample", "hospital of the north, sample"),
    ("lives in Elm Street", "lives in"),
    ("knee_Ada_left", "knee__left"),
    ("20240517", ""),
]


@pytest.mark.parametrize(("text", "left"), TEXTS)
def test_the_words_that_identify_go_and_the_others_stay(text, left):
    source = identified(StudyDescription=text, SeriesDescription=text, ImageComments=text, ProcessingFunction=text)
    source.PatientAddress = "12 Elm Street, Springfield"
    nest(source, put(Dataset(), "RequestedProcedureDescription", text))
    _, written, proof = run(reread(source), ASKED)
    assert proof.findings == ()
    assert written.StudyDescription == written.SeriesDescription == written.ImageComments == left
    assert written.ProcessingFunction == left  # no row of the table: its text is a description too
    assert nested(written).RequestedProcedureDescription == left


def test_names_of_two_letters_and_short_numbers_are_whole_words_of_a_description():
    source = image(
        PatientName="Li^Bo", PatientID="77", StudyDescription="Li slice 77 of 177, bo", SeriesDescription="Lid"
    )
    _, written, proof = run(reread(source), ASKED)
    assert proof.findings == ()
    assert (written.StudyDescription, written.SeriesDescription) == ("slice of 177,", "Lid")


def test_lines_stay_lines_and_values_values():
    source = identified(ImageComments="line one Ada\r\nline two", PatientState=["good", "Phantom ill"])
    _, written, proof = run(reread(source), ASKED)
    assert proof.findings == ()
    assert written.ImageComments == "line one\r\nline two" or written.ImageComments == "line one \r\nline two"
    assert list(written.PatientState) == ["good", "ill"]


@pytest.mark.parametrize("charset", ["ISO_IR 100", "ISO_IR 192"])
def test_other_letters_are_read_and_written_in_their_character_set(charset):
    source = identified(
        SpecificCharacterSet=charset, PatientName="Müller^Zoë", StudyDescription="Übersicht Mueller Füße"
    )
    _, written, proof = run(reread(source), ASKED)
    assert proof.findings == ()
    assert written.StudyDescription == "Übersicht Füße"


def test_a_name_in_a_character_set_that_nothing_declares_goes_too():
    source = identified(SpecificCharacterSet="ISO_IR 192", PatientName="Müller^Zoe", StudyDescription="Knie Müller")
    source = reread(source)
    source[0x00080005] = reread(identified(SpecificCharacterSet="ISO_IR 100")).get_item(0x00080005)
    _, written, proof = run(source, ASKED)
    assert proof.findings == ()
    assert written.StudyDescription in ("Knie", "")


def test_codes_are_no_descriptions():
    item = put(put(Dataset(), "CodeValue", "ACC778899"), "CodeMeaning", "Knee of Phantom")
    source = identified(ProcedureCodeSequence=[item])
    _, written, proof = run(reread(source), ASKED)
    assert proof.findings == ()
    code = written.ProcedureCodeSequence[0]
    assert "Phantom" not in code.CodeMeaning
    assert code.CodeMeaning


def test_without_the_option_descriptions_are_removed():
    _, written, _ = run(reread(identified(StudyDescription="T1 axial")), asked("retain-uids"))
    assert "StudyDescription" not in written


@pytest.mark.parametrize("change", ["T1 axial Ada", "axial T1", "T1 axial extra", "T1 Phantom", "t1 axial", "Li"])
def test_the_proof_finds_a_word_too_many(change):
    source = reread(identified(StudyDescription="T1 Ada axial", PatientName="Phantom^Ada^Li"))
    _, written, proof = run(source, ASKED)
    assert proof.ok
    assert written.StudyDescription == "T1 axial"
    written.StudyDescription = change
    assert any("(0008,1030)" in finding for finding in prove_header(source, written, ASKED).findings)


def test_a_text_too_long_to_be_looked_at_word_by_word_goes_as_a_whole():
    text = "knee " * LONGEST
    assert without_words(text, lambda part: "Ada" in part) == text
    assert without_words(text + "Ada", lambda part: "Ada" in part) == ""
    assert without_words("...", lambda _: True) == ""


def test_words_left_means_the_same_words_in_their_order():
    assert words_left(["a c"], ["a b c"])
    assert words_left([""], ["a"])
    assert not words_left(["c a"], ["a b c"])
    assert not words_left(["ab c"], ["a b c"])
    assert not words_left(["a"], ["a", "b"])


def test_a_series_is_remembered_right_whatever_its_descriptions_say():
    memory, proofs = HeaderMemory(), ProofMemory()
    texts = ["T1 axial", "T1 Ada", "T1 axial", "20240517 T1", "Ada", "T1 1.2.826.0.1.3680043.10.999.3333333333"]
    rules = [ASKED, asked("retain-dates-modified", "clean-descriptors"), asked(), asked("retain-dates-full")]
    for number, text in enumerate(texts * 2):
        for one in rules:
            source = reread(
                identified(StudyDescription=text, SOPInstanceUID=UID(f"1.2.826.0.1.3680043.10.999.333333333{number}"))
            )
            header = write_header(source, one, memory)
            assert header == write_header(source, one)
            copy = reopen(header.head + header.body)
            assert prove_header(source, copy, one, proofs).findings == ()
            other = dataclasses.replace(one, subject_label="ANOTHERSUBJECT77")
            assert prove_header(source, copy, other, proofs) == prove_header(source, copy, other)
