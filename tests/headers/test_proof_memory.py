"""A memory of right copies never lets a wrong one through: each verdict is that of the whole comparison."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import pydicom
import pytest
from header_bytes import looked_into
from header_judged import same_net, same_proof
from header_makers import EXPLICIT, IMPLICIT, put, reopen, request
from header_series import ct_file, ct_slice, series
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from xnat_pixelanon.domain.header_rules import HeaderRules, TagException
from xnat_pixelanon.headers import (
    HeaderProof,
    HeaderRequest,
    Identity,
    ProofMemory,
    proof_bytes,
    proof_series,
    prove_bytes,
    prove_header,
    write_header,
)

ASKED = request(
    pixels_changed=True,
    reviewed=True,
    template_digest="ab" * 32,
    known_identifiers=("SUB0042",),
    pixel_description=(("BitsStored", 12),),
)


def copied(data: bytes, asked: HeaderRequest = ASKED) -> bytes:
    header = write_header(looked_into(data), asked)
    return header.head + header.body


def warm(files: list[bytes], asked: HeaderRequest = ASKED) -> ProofMemory:
    memory = ProofMemory()
    for data in files:
        assert same_proof(partial(looked_into, data), copied(data, asked), asked, memory).ok
    return memory


def never(*_: object) -> Any:
    raise AssertionError("the whole comparison was made")


@pytest.mark.parametrize("elements", [30, 250])
@pytest.mark.parametrize("how", [{}, {"syntax": IMPLICIT}, {"undefined": True}], ids=["explicit", "implicit", "items"])
def test_right_copies_of_a_series_need_no_whole_comparison(
    elements: int, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = series(3, elements, **how)
    asked = request(transfer_syntax_uid=how.get("syntax", EXPLICIT), pixels_changed=True)
    copies = [copied(data, asked) for data in files]
    monkeypatch.setattr(proof_series, "compare", never)
    memory, right = ProofMemory(), HeaderProof(True, ())
    for _ in range(2):
        for data, copy in zip(files, copies, strict=True):
            assert prove_header(looked_into(data), reopen(copy), asked, memory) == right


def test_a_warm_series_is_judged_by_what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = request(pixels_changed=True)
    files = series(3, 250)
    memory = warm(files, asked)
    before = memory.count, memory.size
    monkeypatch.setattr(proof_series, "Walk", never)
    monkeypatch.setattr(proof_series, "compare", never)
    for data in files:
        assert prove_header(looked_into(data), reopen(copied(data, asked)), asked, memory).ok
    assert (memory.count, memory.size) == before


def leaks(source: Dataset, written: Dataset) -> dict[str, Callable[[Dataset], object]]:
    """Every way of leaving an element of the source in, of damaging one that is written, and of losing one."""
    ways: dict[str, Callable[[Dataset], object]] = {}

    def put_back(ds: Dataset, tag: BaseTag) -> None:
        ds._dict[tag] = source.get_item(tag)
        ds._dict = dict(sorted(ds._dict.items()))

    def damage(ds: Dataset, tag: BaseTag) -> None:
        raw = written.get_item(tag)
        assert isinstance(raw, RawDataElement)
        value = raw.value or b"x"
        value = value[:-1] + b"Q" if raw.VR == "SQ" else b"Q" + value[1:]  # pydicom reads past an item's tag
        ds._dict[tag] = raw._replace(value=value, length=len(value))

    for tag in source._dict:
        if tag not in written or source.get_item(tag).value != written.get_item(tag).value:
            ways[f"{tag} is the source's"] = partial(put_back, tag=tag)
    for tag in written._dict:
        if isinstance(written.get_item(tag), RawDataElement):
            ways[f"{tag} is damaged"] = partial(damage, tag=tag)
        ways[f"{tag} is missing"] = lambda ds, tag=tag: ds._dict.pop(tag)
    return ways


@pytest.mark.parametrize(("elements", "every"), [(30, 1), (250, 16)])
def test_no_copy_with_one_element_changed_is_proved_because_others_were_right(elements: int, every: int) -> None:
    files = series(3, elements)
    memory = warm(files)
    source, copy = pydicom.dcmread(io.BytesIO(files[1]), stop_before_pixels=True), copied(files[1])
    passed, ways = [], leaks(source, pydicom.dcmread(io.BytesIO(copy)))
    for name, change in list(ways.items())[::every]:
        written = pydicom.dcmread(io.BytesIO(copy))
        change(written)
        if same_proof(partial(looked_into, files[1]), written, ASKED, memory).ok:
            passed.append(name)
    assert len(ways) > 3 * len(source) // 2
    # What may be emptied by the profile may be missing, and most of what is kept.
    assert [name for name in passed if not name.endswith("missing")] == []
    assert same_proof(partial(looked_into, files[1]), copy, ASKED, memory).ok


NESTED = {"ReferencedImageSequence": [put(Dataset(), "ReferencedSOPInstanceUID", "1.2.826.0.1.3680043.10.999.5")]}
OTHERS: dict[str, Callable[[Dataset], object]] = {
    "preamble": lambda ds: setattr(ds, "preamble", b"II*\0" + bytes(124)),
    "no preamble": lambda ds: setattr(ds, "preamble", None),
    "meta instance": lambda ds: put(ds.file_meta, 0x00020003, "1.2.826.0.1.3680043.10.999.5"),
    "meta class": lambda ds: put(ds.file_meta, 0x00020002, "1.2.840.10008.5.1.4.1.1.4"),
    "meta syntax": lambda ds: put(ds.file_meta, 0x00020010, IMPLICIT),
    "meta title": lambda ds: put(ds.file_meta, 0x00020016, "NORTHAE"),
    "meta version": lambda ds: put(ds.file_meta, 0x00020013, "OTHER"),
    "no meta version": lambda ds: ds.file_meta._dict.pop(BaseTag(0x00020013)),
    "no meta": lambda ds: setattr(ds, "file_meta", pydicom.dataset.FileMetaDataset()),
    "private": lambda ds: put(ds, 0x7FDF0010, "MAKER", "LO"),
    "instance": lambda ds: put(ds, "SOPInstanceUID", "1.2.826.0.1.3680043.10.999.5"),
    "an element more": lambda ds: put(ds, 0x7FD00010, "x", "LO"),
    "bits": lambda ds: put(ds, "BitsStored", 16),
    "nested": lambda ds: put(ds["ReferencedImageSequence"].value[0], "PatientComments", "Ada"),
    "nested UID": lambda ds: put(ds["ReferencedImageSequence"].value[0], 0x00081155, "1.2.826.0.1.3680043.10.999.5"),
    "an item more": lambda ds: ds["ReferencedImageSequence"].value.append(Dataset()),
    "an item less": lambda ds: put(ds, "ReferencedImageSequence", []),
    "smallest value": lambda ds: put(ds, "SmallestImagePixelValue", 1, "US"),
    "character set": lambda ds: put(ds, "SpecificCharacterSet", "PHANTOM"),
    "provenance item": lambda ds: put(ds, "ContributingEquipmentSequence", []),
}


@pytest.mark.parametrize("name", OTHERS)
def test_no_copy_that_is_wrong_elsewhere_is_proved_because_others_were_right(name: str) -> None:
    files = [ct_file(ct_slice(index, **NESTED)) for index in range(3)]
    memory = warm(files)
    for data in files[:2]:
        written = reopen(copied(data))
        OTHERS[name](written)
        written._dict = dict(sorted(written._dict.items()))
        assert not same_proof(partial(looked_into, data), written, ASKED, memory).ok
        assert same_proof(partial(looked_into, data), copied(data), ASKED, memory).ok


def test_a_copy_of_another_file_of_the_series_is_not_proved() -> None:
    files = series(3)
    memory = warm(files)
    for data, other in pairwise(files):
        assert not same_proof(partial(looked_into, data), copied(other), ASKED, memory).ok


SOURCES: dict[str, dict[str, Any]] = {
    "patient": {"PatientName": "Quixley^Zoe"},
    "patient's number": {"PatientID": "QUIXLEY"},
    "birth date": {"PatientBirthDate": "19710203"},
    "study date": {"StudyDate": "19710203"},
    "station": {"StationName": "QUIXLEY"},
    "identifier in a sequence": {"OtherPatientIDsSequence": [put(Dataset(), "PatientID", "QUIXLEY")]},
    "private name": {"private": "Quixley^Zoe"},
    "title in the file meta": {"title": "QUIXLEY"},
}


@pytest.mark.parametrize("name", SOURCES)
def test_the_copy_of_one_is_not_proved_for_another_whom_it_names(name: str) -> None:
    """The same kept values, right for the one, name the other: the engine would have taken them out."""
    kept = {"DoseModeName": "Quixley", "TypeOfFilters": "seen 3 Feb 1971", "PatientBirthDate": "19600304"}
    one, changes = ct_slice(0, **kept), SOURCES[name]
    other = ct_slice(0, **{**kept, **{key: value for key, value in changes.items() if key not in ("private", "title")}})
    for ds in (one, other):
        put(put(ds, 0x00290010, "MAKER", "LO"), 0x00291001, "Nobody^Here", "PN")
    if "private" in changes:
        put(other, 0x00291001, changes["private"], "PN")
    files = [ct_file(one), ct_file(other, title=changes.get("title", "NORTHAE"))]
    copy = copied(files[0])
    memory = warm(files[:1])
    assert not same_proof(partial(looked_into, files[1]), copy, ASKED, memory).ok
    assert same_proof(partial(looked_into, files[0]), copy, ASKED, memory).ok
    assert same_proof(partial(looked_into, files[1]), copied(files[1]), ASKED, memory).ok


REQUESTS: dict[str, dict[str, Any]] = {
    "identity": {"identity": Identity.from_keys(bytes(32))},
    "subject": {"subject_label": "SUBJECT2"},
    "syntax": {"transfer_syntax_uid": "1.2.840.10008.1.2.4.80"},
    "pixels": {"pixels_changed": False},
    "reviewed": {"reviewed": False},
    "templates": {"template_digest": "cd" * 32},
    "version": {"tool_version": "0.2.0"},
    "what XNAT knows": {"known_identifiers": ("SUB0042", "Quixley")},
    "description": {"pixel_description": (("BitsStored", 8),)},
    "options": {"rules": HeaderRules(frozenset({"clean-descriptors"}))},
    "dates": {"rules": HeaderRules(frozenset({"retain-dates-modified"}))},
    "UIDs": {
        "rules": HeaderRules(frozenset({"retain-uids"})),
        "identity": dataclasses.replace(ASKED.identity, keeps_uids=True),
    },
    "an exception": {"rules": HeaderRules(frozenset(), (TagException("(0018,0050)", "remove"),))},
    "no description": {"pixel_description": (("SamplesPerPixel", 3),)},
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_copy_made_for_one_request_is_not_proved_for_another(name: str) -> None:
    files = [ct_file(ct_slice(index, DoseModeName="Quixley", ImageType=["A", "B"])) for index in range(2)]
    other = request(**{**{key: getattr(ASKED, key) for key in HeaderRequest.__slots__}, **REQUESTS[name]})
    memory = warm(files)
    for data in files:
        assert not same_proof(partial(looked_into, data), copied(data), other, memory).ok
        assert same_proof(partial(looked_into, data), copied(data, other), other, memory).ok
        assert same_proof(partial(looked_into, data), copied(data), ASKED, memory).ok


def test_bytes_that_another_character_set_reads_as_a_name_are_found() -> None:
    """Kept as they are where nothing says that they are a name's: the key holds the character set of both sides."""
    names = {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Zo\xebquix^Ada", "TypeOfFilters": "free"}
    data = ct_file(ct_slice(0, **names))
    memory = warm([data])
    for value in ("Zo\xebquix".encode(), "Zo\xebquix".encode("latin-1"), b"ZOEQUIX "):
        written = reopen(copied(data))
        raw = written.get_item("TypeOfFilters")
        written._dict[BaseTag(raw.tag)] = raw._replace(value=value, length=len(value))
        assert not same_proof(partial(looked_into, data), written, ASKED, memory).ok


def test_the_instance_s_own_uid_is_found_in_what_was_right_in_other_files() -> None:
    uids = [f"1.2.826.0.1.3680043.10.999.{3 + index}.31415926" for index in range(3)]
    text = uids[1].replace(".", "")
    files = [ct_file(ct_slice(0, SOPInstanceUID=uid, DoseModeName=text)) for uid in uids]
    memory = warm(files)
    for data, right in zip(files, (True, False, True), strict=True):
        written = reopen(copied(data))
        put(written, "DoseModeName", text)
        written._dict = dict(sorted(written._dict.items()))
        written = reopen(ct_like(written))
        assert same_proof(partial(looked_into, data), written, ASKED, memory).ok is right


def ct_like(written: Dataset) -> bytes:
    """The same data set in a file, raw elements and all."""
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, written)
    return buffer.getvalue()


def test_what_cannot_be_read_is_a_finding_with_a_memory_too() -> None:
    data = ct_file(ct_slice(0))
    memory = warm([data])
    empty = same_proof(partial(looked_into, data), Dataset(), ASKED, memory)
    assert not empty.ok
    broken = reopen(copied(data))
    broken[0x00200032] = DataElement(0x00200032, "DS", None)
    broken._dict[BaseTag(0x00200032)] = RawDataElement(BaseTag(0x00200032), "SQ", 3, b"abc", 0, False, True)
    assert not same_proof(partial(looked_into, data), broken, ASKED, memory).ok


@pytest.mark.parametrize(("limit", "value"), [("entries", 60), ("size", 30_000)])
def test_a_proof_s_memory_is_dropped_when_it_is_full(limit: str, value: int) -> None:
    memory = ProofMemory(**{limit: value})
    for data in series(5, 250):
        assert same_proof(partial(looked_into, data), copied(data), ASKED, memory).ok
        assert same_net(partial(looked_into, data), b"\1\2" * 50, ASKED, memory).ok
        memory.begin()
        assert {"entries": memory.count, "size": memory.size}[limit] <= value


def test_large_values_are_not_remembered_by_the_proof() -> None:
    memory = ProofMemory()
    for text in ("x", "y" * 200_000, "z" * 200_000):
        data = ct_file(ct_slice(0, TextValue=text))
        assert same_proof(partial(looked_into, data), copied(data), ASKED, memory).ok
    assert memory.size < 100_000


NEEDLES = [
    *("phantom", "PHANTOM", "test0001", "sub0042", "acc778899", "Phantom Ada", "Phantom_Ada", "Phantom, Ada"),
    *("1.2.826.0.1.3680043.10.999.20240517.1", "northct1"),
]


@pytest.mark.parametrize("code", ["ascii", "utf-16-le", "utf-16-be"])
def test_the_net_finds_what_it_finds_without_a_memory(code: str) -> None:
    files = series(3)
    memory = warm(files)
    uids = [str(ct_slice(index).SOPInstanceUID) for index in range(3)]
    noise = bytes(range(256)) * 40
    for at, data in enumerate(files):
        read = partial(looked_into, data)
        assert same_net(read, noise, ASKED, memory).ok
        for needle in (*NEEDLES, *(word[:-1] for word in NEEDLES), *(" ".join(word) for word in NEEDLES)):
            same_net(read, noise + needle.encode(code) + noise, ASKED, memory)
        for needle in NEEDLES:
            assert not same_net(read, noise + needle.encode(code) + noise, ASKED, memory).ok
        found = [not same_net(read, noise + uid.encode(code) + noise, ASKED, memory).ok for uid in uids]
        assert found == [at == index for index in range(3)]


def test_the_net_keeps_people_and_requests_apart() -> None:
    memory, data = ProofMemory(), b"\0 by Quixley, sub0042 \0"
    one, other = (ct_file(ct_slice(0, PatientName=name)) for name in ("Phantom^Ada", "Quixley^Zoe"))
    for source, asked, right in (
        *((one, request(), True), (other, request(), False), (one, ASKED, False)),
        *((one, request(known_identifiers=("SUB0043",)), True), (one, request(), True)),
    ):
        assert same_net(partial(looked_into, source), data, asked, memory).ok is right


def test_the_net_holds_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof_bytes, "_BLOCK", 16)
    read, memory = partial(looked_into, ct_file(ct_slice(0))), ProofMemory()
    for before in range(16):
        for code in ("ascii", "utf-16-le"):
            data = b"\xff" * before + "Phantom".encode(code) + b"\xff" * 20
            assert not same_net(read, data, ASKED, memory).ok
    short = prove_bytes(read(), ASKED, io.BytesIO(b"\xff" * 20), [(0, 40)], memory)
    assert short.findings == ("pixel element: ends too early",)
