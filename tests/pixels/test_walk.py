"""The stream walk: every disagreement between header and pixel stream is damage, found without decoding."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xnat_pixelanon.domain.instance import InstanceFacts
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels import open_source, plan_pixels, read_facts, write_instance

from . import codestreams as made
from .phantoms import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG_2000,
    JPEG_BASELINE,
    JPEG_LOSSLESS,
    JPEG_LS,
    MPEG4,
    NATIVE,
    RLE,
    Pixels,
    data_set,
    encode_header,
    native_value,
    pixel_element,
    proved,
    random_pixels,
    write_encapsulated,
    write_native,
    write_raw,
    written,
)

GREY = random_pixels(frames=2, rows=6, columns=5)
FRAME = made.jpeg(6, 5)


def facts_of(path: Path) -> InstanceFacts:
    return read_facts(path, path.name, path.parent)


@pytest.mark.parametrize("syntax", NATIVE)
def test_a_sound_native_file_has_no_damage(tmp_path: Path, syntax: str) -> None:
    facts = facts_of(write_native(tmp_path / "source.dcm", GREY, syntax))
    assert (facts.damage, facts.copy_refusal, facts.edit_refusal, facts.frames) == (None, None, None, 2)


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize("kept", [0.999, 0.8, 0.5, 0.1])
def test_truncated_files_are_damaged(tmp_path: Path, syntax: str, kept: float) -> None:
    path = write_native(tmp_path / "source.dcm", random_pixels(frames=2, rows=20, columns=21), syntax)
    data = path.read_bytes()
    path.write_bytes(data[: min(int(len(data) * kept), len(data) - 2)])
    assert facts_of(path).damage


def test_a_header_cut_between_or_inside_elements_is_damaged(tmp_path: Path) -> None:
    """A file without pixel data that ends inside an element; pydicom alone reads it without a word."""
    header = encode_header(data_set(GREY), EXPLICIT)
    path = tmp_path / "source.dcm"
    for cut in (1, 3, 5, 9):
        path.write_bytes(header[:-cut])
        assert facts_of(path).damage


@pytest.mark.parametrize("content", [b"", b"DICM", b"\0" * 132, b"\0" * 128 + b"DICM", b"not DICOM at all" * 40])
def test_what_is_not_dicom_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "source.dcm").write_bytes(content)
    facts = facts_of(tmp_path / "source.dcm")
    assert facts.damage
    assert facts.size == len(content)


def test_a_file_that_cannot_be_opened_is_damaged(tmp_path: Path) -> None:
    facts = facts_of(tmp_path / "absent.dcm")
    assert facts.damage is not None
    assert facts.damage.startswith("unreadable")


@pytest.mark.parametrize("frames", [1, 3, 4, 1000000])
@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN, DEFLATED])
def test_a_lying_number_of_frames_is_damage_in_native_data(tmp_path: Path, syntax: str, frames: int) -> None:
    path = write_native(tmp_path / "source.dcm", GREY, syntax, NumberOfFrames=frames)
    assert facts_of(path).damage


@pytest.mark.parametrize("frames", [1, 3, 1000000])
@pytest.mark.parametrize(
    ("syntax", "frame"), [(JPEG_BASELINE, FRAME), (JPEG_2000, made.jpeg2000(6, 5)), (RLE, made.rle(b"\xe3\1"))]
)
@pytest.mark.parametrize("basic", [True, False])
def test_a_lying_number_of_frames_is_damage_in_compressed_data(
    tmp_path: Path, syntax: str, frame: bytes, frames: int, basic: bool
) -> None:
    offsets = [0, 8 + len(frame) + len(frame) % 2] if basic else []
    path = write_encapsulated(
        tmp_path / "source.dcm", GREY, syntax, [frame] * 2, offsets=offsets, NumberOfFrames=frames
    )
    assert facts_of(path).damage


MISSING = ["Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "PixelRepresentation"]


@pytest.mark.parametrize("keyword", [*MISSING, "PhotometricInterpretation"])
@pytest.mark.parametrize("syntax", [EXPLICIT, JPEG_BASELINE])
def test_missing_attributes_of_the_matrix_are_damage(tmp_path: Path, keyword: str, syntax: str) -> None:
    path = tmp_path / "source.dcm"
    if syntax == EXPLICIT:
        write_native(path, GREY, **{keyword: None})
    else:
        write_encapsulated(path, GREY, syntax, [FRAME] * 2, **{keyword: None})
    facts = facts_of(path)
    assert facts.damage is not None
    assert facts.has_pixel_data
    assert facts.modality == "US"


@pytest.mark.parametrize(
    "changes",
    [{"Rows": 0}, {"BitsStored": 9}, {"NumberOfFrames": 0}, {"SamplesPerPixel": 9}, {"HighBit": 8}, {"HighBit": None}],
)
def test_impossible_attributes_of_the_matrix_are_damage(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert facts_of(write_native(tmp_path / "source.dcm", GREY, **changes)).damage


@pytest.mark.parametrize("syntax", NATIVE)
def test_bytes_behind_the_last_frame_are_dropped_and_reported(tmp_path: Path, syntax: str) -> None:
    pixels = random_pixels(frames=1, rows=6, columns=10)
    value = native_value(pixels, syntax, "OB") + b"TEST-0001 Phantom^Ada."
    path = write_native(tmp_path / "source.dcm", pixels, syntax, value=value)
    facts = facts_of(path)
    assert facts.damage is None
    result = written(path, tmp_path / "out.dcm", PatientID="TEST-0002", PatientName="Nobody")
    assert result.scrubbed == ("bytes after the last frame",)
    copy = (tmp_path / "out.dcm").read_bytes()
    if syntax == DEFLATED:
        copy = zlib.decompress(copy[144 + struct.unpack("<L", copy[140:144])[0] :], -15)
    assert b"Phantom^Ada" not in copy
    assert copy.endswith(native_value(pixels, syntax, "OB"))
    proof = proved(path, tmp_path / "out.dcm", (), result)
    assert (proof.ok, proof.compared) == (True, "identical-but-scrubbed")


def test_a_pad_byte_that_is_not_zero_is_reported(tmp_path: Path) -> None:
    pixels = random_pixels(frames=1, rows=3, columns=3)
    for syntax, value in ((EXPLICIT, b"123456789X"), (BIG_ENDIAN, b"21436587X9")):
        path = write_native(tmp_path / "source.dcm", pixels, syntax, vr="OW", value=value)
        result = written(path, tmp_path / "out.dcm")
        assert result.scrubbed == ("bytes after the last frame",)
        assert b"X" not in (tmp_path / "out.dcm").read_bytes()[-10:]
        assert proved(path, tmp_path / "out.dcm", (), result).ok


def test_full_chroma_under_a_422_label_is_damage_not_a_third_thrown_away(tmp_path: Path) -> None:
    pixels = random_pixels("RGB", frames=1, rows=4, columns=6)
    path = write_native(tmp_path / "source.dcm", pixels, PhotometricInterpretation="YBR_FULL_422")
    assert facts_of(path).damage


PRIVATE = struct.pack("<HH2sH", 0x7FE1, 0x0010, b"LO", 4) + b"TEST" + struct.pack("<HH2sH", 0x7FE1, 0x1001, b"OB", 0)
FOLLOWING = {
    "Data Set Trailing Padding": struct.pack("<HH2sHL", 0xFFFC, 0xFFFC, b"OB", 0, 4) + b"Name",
    "Digital Signatures Sequence": struct.pack("<HH2sHL", 0xFFFA, 0xFFFA, b"SQ", 0, 0),
    "private elements after the pixel data": PRIVATE + b"\0\0\0\0",
    "zero bytes after the data set": bytes(300),
}


@pytest.mark.parametrize("what", FOLLOWING)
@pytest.mark.parametrize("compressed", [True, False])
def test_what_follows_the_pixel_element_is_dropped_and_reported(tmp_path: Path, what: str, compressed: bool) -> None:
    path = tmp_path / "source.dcm"
    if compressed:
        write_encapsulated(path, GREY, JPEG_BASELINE, [FRAME] * 2)
        path.write_bytes(path.read_bytes() + FOLLOWING[what])
    else:
        write_native(path, GREY, after=FOLLOWING[what])
    assert facts_of(path).damage is None
    result = written(path, tmp_path / "out.dcm")
    assert result.scrubbed == (what,)
    assert len((tmp_path / "out.dcm").read_bytes()) == len(path.read_bytes()) - len(FOLLOWING[what])
    assert proved(path, tmp_path / "out.dcm", (), result).ok


def test_standard_elements_behind_the_pixels_refuse_the_copy_and_rubbish_is_damage(tmp_path: Path) -> None:
    name = struct.pack("<HH2sH", 0x0010, 0x0010, b"PN", 4) + b"Ada "
    facts = facts_of(write_native(tmp_path / "source.dcm", GREY, after=name))
    assert facts.copy_refusal is not None
    assert facts.copy_refusal.code == "pixel-format"
    assert facts_of(write_native(tmp_path / "source.dcm", GREY, after=b"rubbish, no element")).damage


def broken(edit: Callable[[bytes], bytes]) -> list[bytes]:
    return [FRAME, edit(FRAME)]


def test_a_header_that_two_readers_see_differently_is_damage(tmp_path: Path) -> None:
    """An item delimiter that belongs to nothing: pydicom ends the data set there, the walk does not."""
    path = write_native(tmp_path / "source.dcm", GREY)
    data = path.read_bytes()
    at = data.index(struct.pack("<HH", 0x0010, 0x0010))
    path.write_bytes(data[:at] + b"\xfe\xff\x0d\xe0\0\0\0\0" + data[at:])
    assert facts_of(path).damage == "the header cannot be walked to the pixel data"


BROKEN_STREAMS: dict[str, tuple[str, list[bytes]]] = {
    "no SOI": (JPEG_BASELINE, broken(lambda frame: frame[1:])),
    "no EOI": (JPEG_BASELINE, broken(lambda frame: frame[:-2])),
    "cut in the header": (JPEG_BASELINE, broken(lambda frame: frame[:8])),
    "segment beyond the frame": (JPEG_BASELINE, broken(lambda frame: frame[:2] + b"\xff\xdb\xff\xff" + frame[2:])),
    "bytes between segments": (JPEG_BASELINE, broken(lambda frame: frame[:2] + b"\x01\x02" + frame[2:])),
    "other rows": (JPEG_BASELINE, [FRAME, made.jpeg(7, 5)]),
    "other columns": (JPEG_BASELINE, [FRAME, made.jpeg(6, 4)]),
    "other components": (JPEG_BASELINE, [FRAME, made.jpeg(6, 5, 3)]),
    "other precision": (JPEG_BASELINE, [FRAME, made.jpeg(6, 5, precision=12)]),
    "lossless frame in baseline": (JPEG_BASELINE, [FRAME, made.jpeg(6, 5, frame_header=0xC3)]),
    "hierarchical marker": (JPEG_BASELINE, [FRAME, made.jpeg(6, 5, segments=[(0xDE, b"\0\0\0\0\0\0")])]),
    "no scan": (JPEG_BASELINE, [FRAME, made.jpeg(6, 5, scans=0)]),
    "baseline frame in lossless": (JPEG_LOSSLESS, [FRAME, FRAME]),
    "baseline frame in JPEG-LS": (JPEG_LS, [made.jpeg_ls(6, 5), FRAME]),
    "JPEG-LS rows": (JPEG_LS, [made.jpeg_ls(6, 5), made.jpeg_ls(5, 5)]),
    "J2K rows": (JPEG_2000, [made.jpeg2000(6, 5), made.jpeg2000(5, 5)]),
    "J2K components": (JPEG_2000, [made.jpeg2000(6, 5), made.jpeg2000(6, 5, 3)]),
    "J2K precision": (JPEG_2000, [made.jpeg2000(6, 5), made.jpeg2000(6, 5, precision=12)]),
    "J2K without EOC": (JPEG_2000, [made.jpeg2000(6, 5), made.jpeg2000(6, 5, end=b"")]),
    "J2K open without EOC": (JPEG_2000, [made.jpeg2000(6, 5), made.jpeg2000(6, 5, end=b"", open_ended=True)]),
    "J2K cut": (JPEG_2000, [made.jpeg2000(6, 5), made.jpeg2000(6, 5)[:-12]]),
    "J2K header only": (JPEG_2000, [made.jpeg2000(6, 5), made.jpeg2000(6, 5)[:60]]),
    "JP2 without codestream": (JPEG_2000, [made.jpeg2000(6, 5), made.jp2(b"")[:-8] + b"\0\0"]),
    "RLE short": (RLE, [made.rle(b"\xe3\1"), b"\1\0\0\0" * 4]),
    "RLE segments": (RLE, [made.rle(b"\xe3\1"), made.rle(b"\xe3\1", b"\xe3\1")]),
    "RLE offset outside": (RLE, [made.rle(b"\xe3\1"), struct.pack("<16L", 1, 900, *[0] * 14) + b"\xe3\1"]),
    "RLE unused offset": (RLE, [made.rle(b"\xe3\1"), struct.pack("<16L", 1, 64, 66, *[0] * 13) + b"\xe3\1\0\0"]),
    "RLE in two fragments": (RLE, [made.rle(b"\xe3\1"), made.rle(b"\xe3\1"), b"\0\0"]),
    "a second image in a fragment of its own": (JPEG_BASELINE, [FRAME, FRAME + b"\0", b"\0\1"]),
}


@pytest.mark.parametrize("name", BROKEN_STREAMS)
def test_a_codestream_that_disagrees_is_damage(tmp_path: Path, name: str) -> None:
    syntax, frames = BROKEN_STREAMS[name]
    path = write_encapsulated(tmp_path / "source.dcm", GREY, syntax, frames)
    assert facts_of(path).damage
    with pytest.raises(InstanceError) as refused:
        written(path, tmp_path / "out.dcm")
    assert refused.value.code == "damaged"


def test_lines_may_be_told_after_the_first_scan(tmp_path: Path) -> None:
    """DNL (ISO 10918-1 B.2.5): the frame header has 0 lines."""
    lines = made.segment(0xDC, struct.pack(">H", 6))
    good = made.jpeg(0, 5, end=lines + b"\xff\xd9")
    path = write_encapsulated(tmp_path / "source.dcm", GREY, JPEG_BASELINE, [good, FRAME])
    assert facts_of(path).damage is None
    path = write_encapsulated(tmp_path / "source.dcm", GREY, JPEG_BASELINE, [made.jpeg(0, 5), FRAME])
    assert facts_of(path).damage


@pytest.mark.parametrize(
    "tables",
    [
        {"offsets": [0]},
        {"offsets": [0, 4]},
        {"offsets": [8 + len(FRAME) + len(FRAME) % 2, 0]},
        {"offsets": [0, 0]},
        {"offsets": [0, 999999]},
        {"extended": ([0], [len(FRAME)])},
        {"extended": ([0, 5], [len(FRAME)] * 2)},
        {"extended": ([0, 8 + len(FRAME) + len(FRAME) % 2], [len(FRAME), 3])},
        {"extended": ([0, 8 + len(FRAME) + len(FRAME) % 2], [])},
    ],
)
def test_offset_tables_that_lie_are_damage(tmp_path: Path, tables: dict[str, Any]) -> None:
    assert facts_of(write_encapsulated(tmp_path / "source.dcm", GREY, JPEG_BASELINE, [FRAME] * 2, **tables)).damage


@pytest.mark.parametrize("end", [b"", b"\xfe\xff\xdd\xe0", b"\xfe\xff\xdd\xe0\4\0\0\0", b"\xfe\xff\x0d\xe0\0\0\0\0"])
def test_a_sequence_of_fragments_that_does_not_end_is_damage(tmp_path: Path, end: bytes) -> None:
    assert facts_of(write_encapsulated(tmp_path / "source.dcm", GREY, JPEG_BASELINE, [FRAME] * 2, end=end)).damage


def test_native_bytes_under_a_compressed_syntax_and_the_reverse_are_damage(tmp_path: Path) -> None:
    value = native_value(GREY, EXPLICIT, "OB")
    header = encode_header(data_set(GREY), JPEG_BASELINE)
    path = write_raw(tmp_path / "source.dcm", JPEG_BASELINE, header, pixel_element(EXPLICIT, "OB", len(value)) + value)
    assert facts_of(path).damage
    fragments = made.segment(0, b"") and b"".join([b"\xfe\xff\x00\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"])
    header = encode_header(data_set(GREY), EXPLICIT)
    path = write_raw(tmp_path / "source.dcm", EXPLICIT, header, pixel_element(EXPLICIT, "OB", 0xFFFFFFFF) + fragments)
    assert facts_of(path).damage


def test_a_data_set_in_another_encoding_than_its_syntax_is_damage(tmp_path: Path) -> None:
    meta = encode_header(data_set(GREY), EXPLICIT)[: 144 + 200]
    length = struct.unpack("<L", meta[140:144])[0]
    implicit = encode_header(data_set(GREY), IMPLICIT)
    implicit = implicit[144 + struct.unpack("<L", implicit[140:144])[0] :]
    value = native_value(GREY, IMPLICIT, "OB")
    path = tmp_path / "source.dcm"
    path.write_bytes(meta[: 144 + length] + implicit + pixel_element(IMPLICIT, "", len(value)) + value)
    assert facts_of(path).damage


@pytest.mark.parametrize("uid", [MPEG4, "1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.55", "1.3.6.1.4.1.99999.1"])
def test_syntaxes_without_a_row_are_refused_by_name(tmp_path: Path, uid: str) -> None:
    path = write_encapsulated(tmp_path / "source.dcm", GREY, uid, [b"\0\1\2\3"])
    facts = facts_of(path)
    assert facts.damage is None
    assert facts.copy_refusal is not None
    assert facts.copy_refusal.code == "transfer-syntax"
    assert facts.edit_refusal == facts.copy_refusal
    assert facts.has_pixel_data
    assert facts.attributes["transfer_syntax_uid"] == uid
    assert uid not in facts.copy_refusal.detail
    with pytest.raises(InstanceError):
        written(path, tmp_path / "out.dcm")


HOSTILE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@HOSTILE
@given(
    fragments=st.lists(st.binary(max_size=40) | st.just(FRAME) | st.just(FRAME[:20]) | st.just(FRAME[20:]), max_size=6),
    offsets=st.lists(st.integers(0, 200) | st.just(0xFFFFFFFF), max_size=4),
    frames=st.integers(1, 5),
    end=st.sampled_from([b"\xfe\xff\xdd\xe0\0\0\0\0", b"", b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\0" * 9]),
    syntax=st.sampled_from([JPEG_BASELINE, JPEG_LS, JPEG_2000, RLE]),
)
def test_hostile_fragment_tables_are_facts_never_a_traceback(
    tmp_path: Path, fragments: list[bytes], offsets: list[int], frames: int, end: bytes, syntax: str
) -> None:
    path = write_encapsulated(
        tmp_path / "source.dcm", GREY, syntax, fragments, offsets=offsets, end=end, NumberOfFrames=frames
    )
    facts = facts_of(path)
    if facts.damage is None and facts.copy_refusal is None:
        result = written(path, tmp_path / "out.dcm")
        assert proved(path, tmp_path / "out.dcm", (), result).ok
        assert facts.frames == frames


@HOSTILE
@given(data=st.data())
def test_flipped_and_cut_bytes_are_facts_never_a_traceback(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever is damaged: facts come back, and what is still called sound is written and proved, or refused."""
    syntax = data.draw(st.sampled_from([EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED, JPEG_BASELINE, JPEG_2000]))
    path = tmp_path / "source.dcm"
    if syntax == JPEG_BASELINE:
        write_encapsulated(path, GREY, syntax, [FRAME] * 2)
    elif syntax == JPEG_2000:
        write_encapsulated(path, GREY, syntax, [made.jpeg2000(6, 5, comment=b"x"), made.jp2(made.jpeg2000(6, 5))])
    else:
        write_native(path, Pixels(np.ones((2, 6, 5, 1), np.uint64)), syntax)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(132, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    facts = facts_of(path)
    if facts.damage is not None or facts.copy_refusal is not None:
        return
    with open_source(path, tmp_path) as source:
        try:
            header = encode_header(source.header, source.transfer_syntax_uid, source.header.file_meta)
        except Exception:  # the test's own header writer gives up on a broken element: not what is tested
            return
        result = write_instance(source, plan_pixels(source, ()), header, tmp_path / "out.dcm")
    assert proved(path, tmp_path / "out.dcm", (), result).ok
