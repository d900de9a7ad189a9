"""What a memory must not mix up or hold on to: keys that forget something, limits, and verdicts of other pairs."""

from __future__ import annotations

import gc
import re
import tracemalloc
from collections.abc import Callable

import pytest
from header_makers import EXPLICIT, STUDY, identified, image, reopen, request, reread
from header_mixes import FIELDS
from header_warm import Worker, file_of, put_raw, twin, written
from pydicom.dataset import Dataset

from xnat_pixelanon.headers import EncodedHeader, HeaderMemory, HeaderRequest, ProofMemory, prove_header
from xnat_pixelanon.headers.proof_search import compiled

BIG_ENDIAN = "1.2.840.10008.1.2.2"
LONG = "1.2.826.0.1.3680043.10.999.3.10111213141516"


def numbered(index: int, **elements: object) -> Dataset:
    return reread(identified(SOPInstanceUID=f"{LONG}.{index}", InstanceNumber=str(index), **elements))


def both(worker: Worker, source: Dataset, asked: HeaderRequest | None = None) -> EncodedHeader:
    """Written and proved, with and without memories."""
    asked = asked or request()
    header = worker.write(source, asked)
    assert isinstance(header, EncodedHeader)
    assert worker.prove(source, reopen(file_of(header, asked)), asked).ok
    worker.search(source, header.body, asked)
    return header


@pytest.mark.parametrize("values", [(0.0, -0.0), ("10", "10.0"), (10.0, (10.0, 2.5))])
def test_numbers_that_are_equal_but_written_otherwise_are_told_apart(values: tuple[object, object]) -> None:
    worker, bodies = Worker(), []
    for value in (*values, *values):
        asked = request(pixel_description=(("LossyImageCompressionRatio", value),))
        bodies.append(both(worker, numbered(1), asked).body)
    assert worker.differences == []
    assert bodies[0] == bodies[2] != bodies[1] == bodies[3]


@pytest.mark.parametrize("padding", [b" ", b"\0", b"\0\0", b"  "])
def test_a_sop_class_uid_is_padded_as_ever(padding: bytes) -> None:
    worker = Worker()
    for index in range(3):
        source = numbered(index)
        put_raw(source, 0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.4" + padding)
        both(worker, source)
    assert worker.differences == []


def test_a_source_that_was_refused_is_refused_again_for_the_same_reason() -> None:
    """pydicom converts an empty sequence when it is looked at, stumbles over Pixel Representation, and leaves it so."""
    source = numbered(1)
    put_raw(source, 0x00280103, "US", b"\1")
    put_raw(source, 0x00400275, "UN", b"")
    source[0x00400275] = source.get_item(0x00400275)._replace(value=None)
    refusals = [str(written(source, request(), memory)) for memory in (None, HeaderMemory(), None, HeaderMemory())]
    assert refusals == ["header-refused: (0040,0275) cannot be read"] * 4


def test_a_described_attribute_that_has_to_stay_is_looked_at_in_each_copy() -> None:
    worker = Worker()
    for index, bits in enumerate((16, 8, 16, 12)):
        asked = request(pixel_description=(("BitsAllocated", bits),))
        header = both(worker, numbered(index), asked)
        for wrong in (8, 16):
            copied = reopen(file_of(header, asked))
            put_raw(copied, 0x00280100, "US", bytes([wrong, 0]))
            assert worker.prove(numbered(index), copied, asked).ok is (wrong == bits)
    for index, wrong in ((5, b"\x08\0"), (6, b""), (7, b"\x08\0")):
        copied = reopen(file_of(worker.write(numbered(index), request()), request()))
        put_raw(copied, 0x00280100, "US", wrong)
        assert not worker.prove(numbered(index), copied, request()).ok
    assert worker.differences == []


def test_a_copy_is_right_for_its_own_request_alone() -> None:
    """Each of many requests proves the copies of all: what one found right is nothing to another."""
    asked = [request(reviewed=True)]
    asked += [request(**{"reviewed": True, name: value}) for name, values in FIELDS.items() for value in values]
    worker, source, wrong = Worker(), described(1, "axial", ImageType=["ORIGINAL", "PRIMARY"]), 0
    copies = [file_of(worker.write(source, one), one) for one in asked if one.transfer_syntax_uid != BIG_ENDIAN]
    for data in copies[:1] + copies[::5]:
        for one in asked:
            wrong += not worker.prove(source, reopen(data), one).ok
    assert worker.differences == []
    assert wrong > 100


def described(index: int, text: str, **elements: object) -> Dataset:
    return numbered(index, SequenceName=text, **elements)


def test_a_word_is_kept_in_one_session_and_goes_in_another_with_the_same_layout() -> None:
    worker = Worker()
    for index, (name, kept) in enumerate([("Phantom^Ada", True), ("Zebra^Ada", False)] * 3):
        body = both(worker, described(index, "zebra 5.0", PatientName=name)).body
        assert (b"zebra 5.0" in body) is kept
    for index, (known, kept) in enumerate([((), True), (("zebra 5",), False)] * 2):
        body = both(worker, described(index, "zebra 5.0"), request(known_identifiers=known)).body
        assert (b"zebra 5.0" in body) is kept
    assert worker.differences == []


def test_a_title_of_the_file_meta_counts_for_its_own_file_alone() -> None:
    worker = Worker()
    for index, (title, kept) in enumerate([("NORTHAE", True), ("ZEBRA5", False)] * 3):
        source = described(index, "zebra 5.0")
        source.file_meta.SourceApplicationEntityTitle = title
        header = both(worker, source)
        assert (b"zebra 5.0" in header.body) is kept
        copied = reopen(file_of(header, request()))
        put_raw(copied, 0x00180024, "SH", b"zebra 5.0 ")
        assert worker.prove(source, copied, request()).ok is kept
    assert worker.differences == []


def content_date(header: EncodedHeader) -> str:
    return str(reopen(file_of(header, request()))[0x00080023].value)


def test_the_sop_class_decides_about_its_neighbours() -> None:
    """Content Date: a dummy in an enhanced object, or in one with functional groups; else empty."""
    worker = Worker()
    classes = [("1.2.840.10008.5.1.4.1.1.4", False), ("1.2.840.10008.5.1.4.1.1.4.1", True)]
    for index, (sop_class, there) in enumerate(classes * 3):
        source = numbered(index, ContentDate="20240517")
        put_raw(source, 0x00080016, "UI", sop_class.encode() + b"\0" * (len(sop_class) % 2))
        assert bool(content_date(both(worker, source))) is there
    for index, groups in enumerate([False, True] * 2):
        source = numbered(index, ContentDate="20240517")
        if groups:
            source = numbered(index, ContentDate="20240517", SharedFunctionalGroupsSequence=[Dataset()])
        assert bool(content_date(both(worker, source))) is groups
    assert worker.differences == []


def test_what_was_computed_from_pixels_goes_once_whether_it_was_valid_or_not() -> None:
    worker, asked = Worker(), request(pixels_changed=True)
    for index, value in enumerate([b"\1\0", b"\1", b"\1\0", b"\1"]):
        source = numbered(index)
        put_raw(source, 0x00280106, "US", value)
        header = both(worker, source, asked)
        assert [one.action for one in header.actions if one.tag == "(0028,0106)"] == ["removed"]
    assert worker.differences == []


def test_provenance_is_put_on_top_of_what_each_file_has() -> None:
    worker, asked = Worker(), request(pixels_changed=True)
    for index, (kind, method) in enumerate(
        [("AXIAL", "tool one"), ("LOCALIZER", "tool one"), ("AXIAL", "tool two")] * 2
    ):
        source = numbered(index, ImageType=["ORIGINAL", "PRIMARY", kind], DeidentificationMethod=method)
        body = both(worker, source, asked).body
        assert b"DERIVED\\PRIMARY\\" + kind.encode() in body
        assert method.encode() + b"\\xnat-pixelanon" in body
    assert worker.differences == []


@pytest.mark.parametrize("hidden", ["{}", "x{}y", "run 7 {} 8"])
@pytest.mark.parametrize("separator", [".", "", "-", " "])
def test_the_digits_of_a_sop_instance_uid_in_another_element(hidden: str, separator: str) -> None:
    """A text that is plain in every file of the series but the one whose UID it has."""
    worker = Worker()
    text = hidden.format(f"{LONG}.7".replace(".", separator))[:64]
    for index in (1, 2, 7, 1, 7):
        source = described(index, text)
        header = both(worker, source)
        if index == 7:
            assert text.encode() not in header.body
            copied = reopen(file_of(header, request()))
            put_raw(copied, 0x00180024, "SH", text.encode())
            assert not worker.prove(source, copied, request()).ok
    assert worker.differences == []


def test_a_leak_of_elements_that_each_were_right_elsewhere_is_found() -> None:
    """The proof has seen every element of the wrong copy, each with its own source, in pairs that were right."""
    worker, asked = Worker(), request()
    ada = described(1, "Head of Olga", PatientName="Phantom^Ada")
    olga = described(2, "Head of Ada", PatientName="Phantom^Olga")
    copies = {}
    for name, source in (("ada", ada), ("olga", olga), ("ada", ada)):
        copies[name] = file_of(both(worker, source), asked)
        assert b"Head of " in copies[name]
    for source, other in ((ada, olga), (olga, ada)):
        name = "ada" if source is ada else "olga"
        mixed, mine = reopen(copies[name]), twin(source)
        for side in (mixed, mine):
            side[0x00180024] = other.get_item(0x00180024)
        assert worker.prove(mine, mixed, asked).findings == ("(0018,0024): identifier",)
        assert worker.prove(source, mixed, asked).findings
        assert not worker.prove(mine, reopen(copies[name]), asked).ok
    assert worker.differences == []


def test_a_finding_is_not_remembered_and_the_right_copy_is_right_after_it() -> None:
    worker, asked = Worker(), request()
    source = described(1, "axial")
    data = file_of(both(worker, source), asked)
    for _ in range(3):
        wrong = reopen(data)
        wrong[0x0020000D] = source.get_item(0x0020000D)
        assert [one.split(":")[0] for one in worker.prove(source, wrong, asked).findings] == ["(0020,000D)"]
        assert worker.prove(source, reopen(data), asked).ok
        for needle in (STUDY.encode(), b"Phantom, Ada", "Phantom Ada".encode("utf-16-le"), f"{LONG}.1".encode()):
            assert not worker.search(source, bytes(600) + needle + bytes(3000), asked).ok
        assert worker.search(source, bytes(600) + f"{LONG}.22222".encode()[1:20] + bytes(9), asked).ok
    assert worker.differences == []


@pytest.mark.parametrize("asked", [request(), request(transfer_syntax_uid=EXPLICIT, reviewed=True)])
def test_tiny_memories_give_the_same_and_stay_small(asked: HeaderRequest) -> None:
    limits = {"entries": 30, "size": 20_000}
    worker = Worker(HeaderMemory(**limits, largest=1000), ProofMemory(**limits, largest=1000))
    free, largest = Worker(), 0
    for index in range(40):
        source = described(index, f"axial {index % 3}", PatientName=f"Phantom^Ada{index % 2}")
        for one in (worker, free):
            both(one, source, asked)
        largest = max(largest, worker.headers.filled[0], worker.proofs.count)
    assert worker.differences == free.differences == []
    assert largest < 30 + 100 < min(free.headers.filled[0], free.proofs.count)


def names(index: int) -> bytes:
    return "\\".join(f"Phantom^Ada{index}x{part}" for part in range(40)).encode()


def image_type(index: int) -> bytes:
    return b"ORIGINAL\\PRIMARY\\" + b"P%05d\\" % index * 1200


LARGE: dict[str, tuple[int, str, Callable[[int], bytes]]] = {
    "an Image Type of 10 kB": (0x00080008, "UT", image_type),
    "40 names": (0x00101001, "UT", names),
    "a character set of 10 kB": (
        0x00080005,
        "UT",
        lambda index: b"ISO_IR 100" + b"\\ISO_IR 100" * 500 + b" " * 2 * index,
    ),
    "a comment of 10 kB": (0x00204000, "UT", lambda index: b"plain %06d " % index * 800),
}


@pytest.mark.parametrize("case", LARGE)
def test_what_is_large_and_another_in_each_file_is_not_held(case: str) -> None:
    """Unless it is counted: what a memory says it holds is about what it holds."""
    tag, vr, value = LARGE[case]
    worker, held = Worker(HeaderMemory(largest=4000), ProofMemory(largest=4000)), []
    for index in range(14):
        source = reread(image(SOPInstanceUID=f"{LONG}.{index}"))
        put_raw(source, tag, vr, value(index))
        if index == 4:
            tracemalloc.start()
        header = written(source, request(), worker.headers)
        if isinstance(header, EncodedHeader):
            prove_header(source, reopen(file_of(header, request())), request(), worker.proofs)
            worker.search(source, b"abcdef", request())
        del source, header
        if index in (6, 13):
            compiled.cache_clear()
            re.purge()
            gc.collect()
            held.append((tracemalloc.get_traced_memory()[0], worker.headers.filled[1] + worker.proofs.size))
    tracemalloc.stop()
    grown, counted = (after - before for before, after in zip(*held, strict=True))
    assert grown < 2 * counted + 30_000
