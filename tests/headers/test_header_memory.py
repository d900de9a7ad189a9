"""What a worker remembers of headers: used where it may be, kept apart by everything it depends on, and bounded."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from header_bytes import looked_into
from header_judged import same_header
from header_makers import EXPLICIT, IMPLICIT, put, request, reread
from header_series import ROOT, ct_file, ct_slice, series
from pydicom.dataset import Dataset

from xnat_pixelanon.headers import EncodedHeader, HeaderMemory, HeaderRequest, Identity, splice, write_header

ENHANCED_CT, PET = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.128"


def judged(data: bytes, memory: HeaderMemory, **asked: Any) -> EncodedHeader:
    outcome = same_header(partial(looked_into, data), request(**asked), memory)
    assert isinstance(outcome, EncodedHeader)
    return outcome


def never(*_: object) -> Any:
    raise AssertionError("the whole way was taken")


@pytest.mark.parametrize("elements", [30, 250])
@pytest.mark.parametrize("how", [{}, {"syntax": IMPLICIT}, {"undefined": True}], ids=["explicit", "implicit", "items"])
def test_files_of_a_series_never_take_the_whole_way(
    elements: int, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, syntax = HeaderMemory(), how.get("syntax", EXPLICIT)
    files = series(4, elements, **how)
    right = [judged(data, memory, transfer_syntax_uid=syntax, pixels_changed=True) for data in files]
    monkeypatch.setattr(splice, "clean_header", never)
    asked = request(transfer_syntax_uid=syntax, pixels_changed=True)
    assert [write_header(looked_into(data), asked, memory) for data in files] == right
    assert [write_header(looked_into(data), asked, HeaderMemory()) for data in files] == right


def test_a_warm_series_is_neither_read_nor_encoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, files = HeaderMemory(), series(3, 250)
    for data in files:
        write_header(looked_into(data), request(), memory)
    read: list[int] = []
    whole = splice.Layout.read
    monkeypatch.setattr(splice.Layout, "read", lambda own, at, ds: read.append(at) or whole(own, at, ds))
    before = memory.filled
    for data in files:
        write_header(looked_into(data), request(), memory)
    assert memory.filled == before
    assert len(read) == len(files)  # the SOP Instance UID of each


KEPT = {"DoseModeName": "Scan for Quixley", "TypeOfFilters": "seen 3 Feb 1971", "FilterType": b"\xc4rger"}
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "patient": ({"PatientName": "Quixley^Zoe"}, {}),
    "birth date": ({"PatientBirthDate": "19710203"}, {}),
    "identifier in a sequence": (
        {"OtherPatientIDsSequence": [put(put(Dataset(), "PatientID", "QUIXLEY"), "IssuerOfPatientID", "x")]},
        {},
    ),
    "private name": ({"private": "Quixley^Zoe"}, {}),
    "what XNAT knows": ({}, {"known_identifiers": ("Quixley",)}),
    "title in the file meta": ({"title": "QUIXLEY"}, {}),
    "character set": ({"SpecificCharacterSet": "ISO_IR 144"}, {}),
    "no character set": ({"SpecificCharacterSet": None}, {}),
    "SOP class": ({"SOPClassUID": PET}, {}),
    "another SOP class": ({"SOPClassUID": ENHANCED_CT}, {}),
    "functional groups": ({"SharedFunctionalGroupsSequence": [Dataset()]}, {}),
    "a neighbour more": ({"ImageComments": "none"}, {}),
    "a value": ({"DoseModeName": "Scan for Anybody"}, {}),
    "study": ({"StudyInstanceUID": f"{ROOT}.77"}, {}),
    "earlier methods": ({"DeidentificationMethod": "By hand"}, {}),
    "computed values": ({"LargestImagePixelValue": 7}, {}),
    "image type": ({"ImageType": ["DERIVED", "SECONDARY"]}, {}),
    "identity": ({}, {"identity": Identity.from_keys(bytes(32))}),
    "subject": ({}, {"subject_label": "SUBJECT2"}),
    "version": ({}, {"tool_version": "0.2.0"}),
    "reviewed": ({}, {"reviewed": True}),
    "templates": ({}, {"template_digest": "cd" * 32}),
    "pixels changed": ({}, {"pixels_changed": True}),
    "described as 0.0": ({}, {"pixel_description": (("LossyImageCompressionRatio", 0.0),)}),
    "described as -0.0": ({}, {"pixel_description": (("LossyImageCompressionRatio", -0.0),)}),
    "another syntax": ({}, {"transfer_syntax_uid": "1.2.840.10008.1.2.4.80"}),
    "another encoding": ({}, {"transfer_syntax_uid": IMPLICIT}),
}


def changed(changes: dict[str, Any]) -> bytes:
    ds = ct_slice(0)
    for keyword, value in {"AcquisitionDate": "20240517", "PatientBirthDate": "19600304", **KEPT, **changes}.items():
        if keyword == "private":
            put(put(ds, 0x00290010, "MAKER", "LO"), 0x00291001, value, "PN")
        elif keyword != "title":
            put(ds, keyword, value)
    if changes.get("SpecificCharacterSet", "") is None:
        del ds.SpecificCharacterSet
    return ct_file(ds, title=changes.get("title", "NORTHAE"))


@pytest.mark.parametrize("change", CHANGES)
def test_one_thing_that_differs_keeps_what_is_remembered_apart(change: str) -> None:
    """Both ways round, and the same again: each has to be what the whole way makes of it."""
    elements, asked = CHANGES[change]
    one, other = changed({}), changed(elements)
    assert (one, {}) != (other, asked)
    memory = HeaderMemory()
    outcomes = [judged(one, memory), judged(other, memory, **asked), judged(one, memory)]
    assert outcomes[0] == outcomes[2] != outcomes[1]
    backwards = HeaderMemory()
    assert [judged(other, backwards, **asked), judged(one, backwards)] == outcomes[1::-1]


def test_equal_numbers_that_are_written_otherwise_are_told_apart() -> None:
    memory, data = HeaderMemory(), changed({})
    one, other = (CHANGES[f"described as {number}"][1] for number in ("0.0", "-0.0"))
    assert one == other
    assert judged(data, memory, **one) != judged(data, memory, **other)


@pytest.mark.parametrize("spell", [lambda uid: uid.replace(".", ""), lambda uid: f"for {uid.replace('.', '-')}!"])
def test_a_text_that_is_kept_elsewhere_goes_where_it_is_the_instance_s_own_uid(spell: Callable[[str], str]) -> None:
    uids = [f"1.2.826.0.1.3680043.10.999.{3 + index}.31415926" for index in range(3)]
    files = [ct_file(ct_slice(0, SOPInstanceUID=uid, DoseModeName=spell(uids[1]))) for uid in uids]
    memory = HeaderMemory()
    there = ["(0018,11B1)" in {action.tag for action in judged(data, memory).actions} for data in files]
    assert there == [False, True, False]


@pytest.mark.parametrize(
    "uid", ["1.2.3.4", "1.2.840.10008.1.1", "0.2.826.0.1.3680043.10.999.5", "1.2.826.0.1.3680043.10.999.20240517\\1.2"]
)
def test_an_instance_uid_that_is_not_long_and_plain_takes_the_whole_way(uid: str) -> None:
    files = [ct_file(ct_slice(0, SOPInstanceUID=uid, DoseModeName="12 34"))] * 2
    memory = HeaderMemory()
    for data in files:
        same_header(partial(looked_into, data), request(), memory)


def test_a_data_set_made_by_hand_is_written_as_by_the_whole_way() -> None:
    memory = HeaderMemory()
    for source in (ct_slice(0), ct_slice(0), reread(ct_slice(1))):
        same_header(lambda source=source: source, request(), memory)


def test_what_is_too_much_is_dropped_and_nothing_changes() -> None:
    small = HeaderMemory(entries=60, size=1 << 30)
    narrow = HeaderMemory(entries=10**6, size=30_000)
    for data in series(12, 250):
        for memory in (small, narrow):
            judged(data, memory)
        small.begin()
        narrow.begin()
        assert small.filled[0] <= 60
        assert narrow.filled[1] <= 30_000


def test_large_values_are_not_remembered_and_large_identifiers_are_counted() -> None:
    memory = HeaderMemory()
    judged(ct_file(ct_slice(0)), memory)
    before = memory.filled
    judged(ct_file(ct_slice(0, TextValue="x" * 200_000)), memory)
    assert memory.filled[1] - before[1] < 100_000
    many = [put(Dataset(), "PatientID", f"ID-{number:09}") for number in range(2_000)]
    for index in range(3):  # values that identify: held once, however often they come
        judged(ct_file(ct_slice(index, OtherPatientIDsSequence=many)), memory)
    assert 200_000 < memory.filled[1] - before[1] < 2_000_000


def test_a_refusal_is_the_same_every_time_and_leaves_nothing_behind() -> None:
    memory, good = HeaderMemory(), ct_file(ct_slice(0))
    right = judged(good, memory)
    for bad in ({"SOPClassUID": "1.2.3"}, {"Modality": "\x01"}, {"StudyInstanceUID": ""}):
        outcome = same_header(partial(looked_into, ct_file(ct_slice(0, **bad))), request(), memory)
        assert isinstance(outcome, tuple)
    assert judged(good, memory) == right


def test_without_a_memory_it_is_the_whole_way() -> None:
    data, asked = ct_file(ct_slice(0)), request()
    assert isinstance(asked, HeaderRequest)
    assert write_header(looked_into(data), asked) == judged(data, HeaderMemory())


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("ImageType", (["ORIGINAL", "PRIMARY"], ["ORIGINAL", "SECONDARY"], ["", "PRIMARY"])),
        ("FrameType", (["ORIGINAL", "PRIMARY"], ["ORIGINAL", "SECONDARY"], ["DERIVED"])),
        ("DeidentificationMethod", ("By hand", "By an earlier tool", "")),
        ("LargestImagePixelValue", (7, 8, None)),
        (
            "DeidentificationMethodCodeSequence",
            ([put(Dataset(), "CodeValue", "113100")], [put(Dataset(), "CodeValue", "113105")], []),
        ),
        (
            "ContributingEquipmentSequence",
            ([put(Dataset(), "Manufacturer", "One")], [put(Dataset(), "Manufacturer", "Two")], []),
        ),
    ],
)
def test_what_was_there_before_is_kept_apart_where_provenance_adds_to_it(keyword: str, values: tuple[Any, ...]) -> None:
    memory, files = HeaderMemory(), [ct_file(ct_slice(0, **{keyword: value})) for value in values]
    for changed_pixels in (True, False):
        for data in (*files, *files[::-1]):
            judged(data, memory, pixels_changed=changed_pixels, reviewed=True)


def test_frame_types_deep_in_functional_groups_are_derived_where_pixels_change() -> None:
    memory = HeaderMemory()
    for value in (["ORIGINAL", "PRIMARY"], ["ORIGINAL", "SECONDARY"], ["ORIGINAL", "PRIMARY"]):
        group = put(Dataset(), "CTImageFrameTypeSequence", [put(Dataset(), "FrameType", value)])
        data = ct_file(ct_slice(0, SharedFunctionalGroupsSequence=[group], SOPClassUID=ENHANCED_CT))
        assert b"DERIVED" in judged(data, memory, pixels_changed=True).body
        assert b"DERIVED" not in judged(data, memory).body
