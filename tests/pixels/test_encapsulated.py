"""Compressed pixel data without a box: kept to the bit, but for text and bytes that ride beside the image."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import generate_fragments, generate_frames, parse_basic_offsets

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels import pixel_digest, read_facts

from . import codestreams as made
from .phantoms import (
    JPEG_2000,
    JPEG_BASELINE,
    JPEG_LOSSLESS,
    JPEG_LS,
    MPEG4,
    RLE,
    Pixels,
    proved,
    random_pixels,
    write_encapsulated,
    written,
)

NAME = b"Phantom^Ada TEST-0001"
GREY = random_pixels(frames=2, rows=6, columns=5)
SOUND = {
    JPEG_BASELINE: [made.jpeg(6, 5), made.jpeg(6, 5, scans=3)],
    JPEG_LOSSLESS: [made.jpeg(6, 5, frame_header=0xC3), made.jpeg(6, 5, frame_header=0xC3, end=b"\xff\xff\xd9")],
    JPEG_LS: [made.jpeg_ls(6, 5), made.jpeg_ls(6, 5)],
    JPEG_2000: [made.jpeg2000(6, 5), made.jpeg2000(6, 5, open_ended=True)],
    RLE: [made.rle(b"\x00\x07" * 30), made.rle(b"\xe3\x05")],
}


def offsets_of(fragments: Sequence[bytes]) -> list[int]:
    offsets, at = [], 0
    for one in fragments:
        offsets.append(at)
        at += 8 + len(one) + len(one) % 2
    return offsets


@pytest.mark.parametrize("syntax", SOUND)
@pytest.mark.parametrize("table", ["none", "basic", "extended"])
def test_without_a_box_every_fragment_is_kept_to_the_bit(tmp_path: Path, syntax: str, table: str) -> None:
    frames = SOUND[syntax]
    offsets = offsets_of(frames)
    tables = {
        "none": {},
        "basic": {"offsets": offsets},
        "extended": {"extended": (offsets, [len(one) for one in frames])},
    }
    path = write_encapsulated(tmp_path / "source.dcm", GREY, syntax, frames, **tables[table])
    facts = read_facts(path, "source.dcm", tmp_path)
    assert (facts.damage, facts.copy_refusal, facts.frames) == (None, None, 2)
    result = written(path, tmp_path / "out.dcm")
    assert (result.route, result.scrubbed) == ("copy", ())
    source, copy = dcmread(path), dcmread(tmp_path / "out.dcm")
    assert copy.PixelData == source.PixelData
    assert copy.get("ExtendedOffsetTable") == source.get("ExtendedOffsetTable")
    proof = proved(path, tmp_path / "out.dcm", (), result)
    assert (proof.findings, proof.compared, proof.frames) == ((), "identical-bytes", 2)


def test_a_transfer_syntax_without_a_row_is_refused_by_name(tmp_path: Path) -> None:
    path = write_encapsulated(tmp_path / "source.dcm", GREY, MPEG4, [b"\0" * 16])
    facts = read_facts(path, "source.dcm", tmp_path)
    for refusal in (facts.copy_refusal, facts.edit_refusal):
        assert refusal is not None
        assert refusal.code == "transfer-syntax"
        assert "MPEG-4" in refusal.detail
    for rectangles in ((), (Rectangle(0, 0, 1, 1),)):
        with pytest.raises(InstanceError) as refused:
            written(path, tmp_path / "out.dcm", rectangles)
        assert refused.value.code == "transfer-syntax"
        assert not (tmp_path / "out.dcm").exists()


@pytest.mark.parametrize("syntax", [JPEG_BASELINE, JPEG_LS, JPEG_2000])
@pytest.mark.parametrize("basic", [True, False])
def test_frames_in_several_fragments_are_followed(tmp_path: Path, syntax: str, basic: bool) -> None:
    pieces = [piece for frame in SOUND[syntax] for piece in (frame[:10], frame[10:20], frame[20:])]
    starts = offsets_of(pieces)[::3] if basic else []
    path = write_encapsulated(tmp_path / "source.dcm", GREY, syntax, pieces, offsets=starts)
    assert read_facts(path, "source.dcm", tmp_path).frames == 2
    result = written(path, tmp_path / "out.dcm")
    assert dcmread(tmp_path / "out.dcm").PixelData == dcmread(path).PixelData
    assert proved(path, tmp_path / "out.dcm", (), result).ok


CARRIERS: list[tuple[str, bytes]] = [
    (JPEG_BASELINE, made.jpeg(6, 5, segments=[(0xFE, NAME)])),
    (JPEG_BASELINE, made.jpeg(6, 5, segments=[(0xE1, b"Exif\0\0" + NAME)])),
    (JPEG_BASELINE, made.jpeg(6, 5, segments=[(0xE0, b"JFIF\0\1\1\0\0\1\0\1\x03\x03" + NAME + b"......")])),
    (JPEG_BASELINE, made.jpeg(6, 5, segments=[(0xE0, b"JFXX\0\x10" + NAME)])),
    (JPEG_BASELINE, made.jpeg(6, 5, segments=[(0xEE, b"Adobe\0\x64\0\0\0\0\x01" + NAME)])),
    (JPEG_BASELINE, made.jpeg(6, 5, end=b"\xff\xd9" + NAME)),
    (JPEG_BASELINE, made.jpeg(6, 5, end=b"\xff\xd9" + made.jpeg(6, 5, entropy=NAME))),
    (JPEG_LOSSLESS, made.jpeg(6, 5, frame_header=0xC3, segments=[(0xEF, NAME)])),
    (JPEG_LS, made.jpeg_ls(6, 5, end=made.segment(0xFE, NAME) + b"\xff\xd9")),
    (JPEG_2000, made.jpeg2000(6, 5, comment=NAME)),
    (JPEG_2000, made.jpeg2000(6, 5, end=b"\xff\xd9" + NAME)),
    (JPEG_2000, made.jp2(made.jpeg2000(6, 5), extra=made.box(b"xml ", NAME))),
    (JPEG_2000, made.jp2(made.jpeg2000(6, 5, comment=NAME))),
    (JPEG_2000, made.jp2(made.jpeg2000(6, 5, comment=NAME), open_ended=True)),
    (JPEG_2000, made.jp2(made.jpeg2000(6, 5), extra=made.box(b"uuid", NAME), open_ended=True)),
]


@pytest.mark.parametrize(("syntax", "frame"), CARRIERS, ids=[f"carrier-{number}" for number in range(len(CARRIERS))])
@pytest.mark.parametrize("table", ["none", "basic", "extended"])
def test_text_beside_the_image_is_taken_out_and_reported(tmp_path: Path, syntax: str, frame: bytes, table: str) -> None:
    clean = SOUND[syntax][0]
    frames = [clean, frame]
    offsets = offsets_of(frames)
    tables = {
        "none": {},
        "basic": {"offsets": offsets},
        "extended": {"extended": (offsets, [len(one) for one in frames])},
    }
    path = write_encapsulated(tmp_path / "source.dcm", GREY, syntax, frames, **tables[table])
    result = written(path, tmp_path / "out.dcm", PatientName="Nobody", PatientID="TEST-0002")
    assert result.route == "scrub"
    assert result.scrubbed
    assert NAME not in (tmp_path / "out.dcm").read_bytes()
    copy = dcmread(tmp_path / "out.dcm")
    got = list(generate_frames(copy.PixelData, number_of_frames=2))
    assert got[0].rstrip(b"\0") == clean
    if table == "basic":
        assert parse_basic_offsets(copy.PixelData) == offsets_of(list(generate_fragments(copy.PixelData))[1:])
    proof = proved(path, tmp_path / "out.dcm", (), result)
    assert (proof.findings, proof.compared) == ((), "identical-but-scrubbed")
    assert read_facts(tmp_path / "out.dcm", "", tmp_path).damage is None
    again = written(tmp_path / "out.dcm", tmp_path / "again.dcm")
    assert again.scrubbed == ()


@pytest.mark.parametrize(
    ("marker", "payload"),
    [
        (0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
        (0xEE, b"Adobe\0\x64\0\0\0\0\x01"),
        (0xEE, b"Adobe\0\x64"),
        (0xE8, b"mrfx\x01"),
        (0xDB, bytes(65)),
    ],
    ids=["jfif", "adobe", "short-adobe", "hp-colour", "table"],
)
def test_segments_that_decide_on_colour_or_tables_stay(tmp_path: Path, marker: int, payload: bytes) -> None:
    frames = [made.jpeg(6, 5, segments=[(marker, payload)])] * 2
    path = write_encapsulated(tmp_path / "source.dcm", GREY, JPEG_BASELINE, frames)
    result = written(path, tmp_path / "out.dcm")
    assert result.scrubbed == ()
    assert proved(path, tmp_path / "out.dcm", (), result).ok


@pytest.mark.parametrize("pad", [b"\0", b"\0\0\0", b"\xff"])
def test_padding_behind_a_frame_stays(tmp_path: Path, pad: bytes) -> None:
    frames = [made.jpeg(6, 5) + pad, made.jpeg(6, 5)]
    path = write_encapsulated(tmp_path / "source.dcm", GREY, JPEG_BASELINE, frames)
    result = written(path, tmp_path / "out.dcm")
    assert (result.route, result.scrubbed) == ("copy", ())
    assert proved(path, tmp_path / "out.dcm", (), result).compared == "identical-bytes"


@pytest.mark.parametrize("boxed", [None, False, True])
def test_real_streams_decode_to_the_same_pixels_after_scrubbing(tmp_path: Path, boxed: bool | None) -> None:
    single = random_pixels(frames=1, rows=24, columns=17)
    if boxed is None:
        syntax, frame = JPEG_BASELINE, made.real_jpeg(24, 17, comment=NAME, exif=NAME)
    else:
        syntax, frame = JPEG_2000, made.real_jpeg2000(24, 17, boxed=boxed)
    assert NAME[:11] in frame
    path = write_encapsulated(tmp_path / "source.dcm", single, syntax, [frame])
    result = written(path, tmp_path / "out.dcm", PatientName="Nobody")
    assert result.scrubbed
    (copy,) = generate_frames(dcmread(tmp_path / "out.dcm").PixelData, number_of_frames=1)
    assert NAME[:11] not in copy
    np.testing.assert_array_equal(made.decoded(copy), made.decoded(frame))
    assert proved(path, tmp_path / "out.dcm", (), result).ok


@pytest.mark.parametrize(
    "frame",
    [
        made.jpeg2000(6, 5, tile_comment=NAME),
        made.jp2(made.jpeg2000(6, 5), colour_method=2),
    ],
    ids=["comment-in-tile", "colour-profile"],
)
def test_text_that_cannot_be_taken_out_refuses_the_copy(tmp_path: Path, frame: bytes) -> None:
    path = write_encapsulated(tmp_path / "source.dcm", GREY, JPEG_2000, [frame, frame])
    facts = read_facts(path, "source.dcm", tmp_path)
    assert facts.damage is None
    assert facts.copy_refusal is not None
    assert facts.copy_refusal.code == "pixel-format"
    assert facts.edit_refusal == facts.copy_refusal
    with pytest.raises(InstanceError):
        written(path, tmp_path / "out.dcm")


def test_overlays_embedded_in_compressed_data_refuse_the_copy(tmp_path: Path) -> None:
    wide = Pixels(np.zeros((1, 6, 5, 1), np.uint64), allocated=16, stored=12)
    path = write_encapsulated(tmp_path / "plain.dcm", wide, JPEG_LS, [made.jpeg_ls(6, 5, precision=12)])
    data = path.read_bytes()
    at = data.index(struct.pack("<HH", 0x7FE0, 0x0010))
    overlay = b"".join(
        struct.pack("<HH2sHH", 0x6000, number, b"US", 2, value)
        for number, value in ((0x10, 6), (0x11, 5), (0x100, 16), (0x102, 12))
    )
    path.write_bytes(data[:at] + overlay + data[at:])
    facts = read_facts(path, "source.dcm", tmp_path)
    assert facts.copy_refusal is not None
    assert facts.copy_refusal.code == "pixel-format"


def test_the_digest_does_not_see_offset_tables(tmp_path: Path) -> None:
    frames = SOUND[JPEG_BASELINE]
    plain = write_encapsulated(tmp_path / "plain.dcm", GREY, JPEG_BASELINE, frames)
    sized = write_encapsulated(tmp_path / "sized.dcm", GREY, JPEG_BASELINE, frames, offsets=offsets_of(frames))
    other = write_encapsulated(tmp_path / "other.dcm", GREY, JPEG_BASELINE, frames[::-1])
    assert pixel_digest(plain, tmp_path) == pixel_digest(sized, tmp_path) != pixel_digest(other, tmp_path)
