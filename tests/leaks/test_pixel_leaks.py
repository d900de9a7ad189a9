"""What the pixel element can smuggle: planes in unused bits, slack in frames, segments with room for text."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.headers import prove_bytes
from xnat_pixelanon.pipeline.cleaning import header_request
from xnat_pixelanon.pipeline.work import Cleaned
from xnat_pixelanon.pixels import open_source, prove_pixels

from ..pixels import codestreams
from .attack import IDENTITY, PIXELS, Result, compressed, element, file, header, publish, traces

BASELINE, LOSSLESS, JPEG_LS = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80"
J2K, RLE = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"
TEXT = b"PHANTOM^ADA "
CELLS = np.kron(np.random.default_rng(1).integers(0, 255, (4, 6), dtype=np.uint8), np.ones((4, 4), np.uint8))


def by_pillow(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(CELLS).save(out, kind, **options)
    return out.getvalue()


FRAMES = {
    BASELINE: by_pillow("JPEG", quality=90),
    LOSSLESS: codestreams.jpeg(16, 24, frame_header=0xC3),
    JPEG_LS: codestreams.jpeg_ls(16, 24),
    J2K: by_pillow("JPEG2000", irreversible=False, no_jp2=True),
}
JP2 = by_pillow("JPEG2000", irreversible=False, no_jp2=False)


def assert_nothing_passes(result: Result) -> None:
    """Refused, or written without it."""
    if isinstance(result.done, Cleaned):
        assert traces(result.data) == []
    else:
        assert result.code in ("damaged", "pixel-format", "proof-failed")


def at(data: bytes, place: int, what: bytes) -> bytes:
    return data[:place] + what + data[place:]


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


@pytest.mark.parametrize("syntax", FRAMES)
def test_a_plain_frame_passes(tmp_path: Path, syntax: str) -> None:
    assert isinstance(publish(tmp_path, compressed(header(), syntax, FRAMES[syntax])).done, Cleaned)


MARKERS = (0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, *range(0xE0, 0xF0), 0xF0, 0xF8, 0xFE)


@pytest.mark.parametrize("syntax", [BASELINE, LOSSLESS, JPEG_LS])
def test_no_jpeg_segment_carries_text(tmp_path: Path, syntax: str) -> None:
    frame = FRAMES[syntax]
    scan = frame.index(b"\xff\xda")
    for marker in MARKERS:
        for place in (2, scan):
            assert_nothing_passes(
                publish(tmp_path, compressed(header(), syntax, at(frame, place, segment(marker, TEXT))))
            )
    unused = segment(0xC4, b"\x13" + bytes((0, 0, 0, 0, 12, *[0] * 11)) + TEXT)
    for hidden in (
        at(frame, 2, segment(0xE0, b"JFIF\0PHANTOM\0\0")),
        at(frame, 2, segment(0xEE, b"AdobePHANTOM")),
        at(frame, scan, unused),
        _longer(frame, scan),
        at(frame, len(frame) - 2, TEXT),
        frame + TEXT,
    ):
        assert_nothing_passes(publish(tmp_path, compressed(header(), syntax, hidden)))
    assert_nothing_passes(publish(tmp_path, compressed(header(), syntax, frame, TEXT)))


def _longer(data: bytes, place: int) -> bytes:
    """The segment at `place`, with text behind its content."""
    length = int.from_bytes(data[place + 2 : place + 4], "big")
    grown = data[: place + 2] + struct.pack(">H", length + len(TEXT)) + data[place + 4 :]
    return at(grown, place + 2 + length, TEXT)


@pytest.mark.parametrize("marker", [*range(0x50, 0x64), 0x30])
def test_no_jpeg2000_segment_carries_text(tmp_path: Path, marker: int) -> None:
    frame, added = FRAMES[J2K], segment(marker, TEXT)
    tile, data = frame.index(b"\xff\x90"), frame.index(b"\xff\x93")
    assert_nothing_passes(publish(tmp_path, compressed(header(), J2K, at(frame, tile, added))))
    in_tile = _grown(at(frame, data, added), tile, len(added))
    assert_nothing_passes(publish(tmp_path, compressed(header(), J2K, in_tile)))


def _grown(frame: bytes, tile: int, by: int) -> bytes:
    length = int.from_bytes(frame[tile + 6 : tile + 10], "big")
    return frame[: tile + 6] + struct.pack(">L", length + by) + frame[tile + 10 :]


def test_slack_in_a_tile_part_is_no_place_for_a_name(tmp_path: Path) -> None:
    frame = FRAMES[J2K]
    hidden = _grown(at(frame, len(frame) - 2, TEXT), frame.index(b"\xff\x90"), len(TEXT))
    assert_nothing_passes(publish(tmp_path, compressed(header(), J2K, hidden)))


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">L4s", len(content) + 8, kind) + content


def test_no_jp2_box_carries_text(tmp_path: Path) -> None:
    assert isinstance(publish(tmp_path, compressed(header(), J2K, JP2)).done, Cleaned)
    kept = JP2.index(b"jp2h") - 4
    end = kept + int.from_bytes(JP2[kept : kept + 4], "big")
    for kind in (b"jP  ", b"ftyp", b"xml ", b"uuid", b"free"):
        for place in (12, kept, end, len(JP2)):
            added = box(kind, b"jp2 \0\0\0\0" + TEXT if kind == b"ftyp" else TEXT)
            assert_nothing_passes(publish(tmp_path, compressed(header(), J2K, at(JP2, place, added))))
    for kind in (b"res ", b"cdef", b"cmap", b"pclr", b"bpcc", b"colr", b"ihdr", b"lbl ", b"url "):
        grown = box(b"jp2h", JP2[kept + 8 : end] + box(kind, b"\1" + TEXT))
        assert_nothing_passes(publish(tmp_path, compressed(header(), J2K, JP2[:kept] + grown + JP2[end:])))


def literal(data: bytes) -> bytes:
    return b"".join(bytes([23]) + data[start : start + 24] for start in range(0, len(data), 24))


def test_text_behind_the_runs_of_an_rle_segment_is_left_out(tmp_path: Path) -> None:
    low, high = literal(CELLS.tobytes()), literal(bytes(16 * 24))
    plain = codestreams.rle(low)
    result = publish(tmp_path, compressed(header(), RLE, plain))
    assert plain in result.data
    assert result.scrubbed == ()
    for rest in (TEXT, b"\x0b" + TEXT, b"\xfe\xff" + TEXT):
        result = publish(tmp_path, compressed(header(), RLE, codestreams.rle(low + rest)))
        assert result.scrubbed == ("bytes after the end of a frame's codestream",)
        assert traces(result.data) == []
        assert plain in result.data
    wide = header(BitsAllocated=16, BitsStored=12, HighBit=11)
    result = publish(tmp_path, compressed(wide, RLE, codestreams.rle(high + TEXT, low)))
    assert traces(result.data) == []
    assert codestreams.rle(high, low) in result.data


def test_an_rle_segment_that_is_short_or_overruns_is_refused(tmp_path: Path) -> None:
    runs = literal(CELLS.tobytes())
    assert publish(tmp_path, compressed(header(), RLE, codestreams.rle(runs[:-25]))).code == "damaged"
    overrun = runs[:-25] + bytes([23 + len(TEXT)]) + runs[-24:] + TEXT
    assert publish(tmp_path, compressed(header(), RLE, codestreams.rle(overrun))).code == "pixel-format"


def test_the_rle_proof_finds_slack_by_itself(tmp_path: Path) -> None:
    source, copy = tmp_path / "a.dcm", tmp_path / "b.dcm"
    for path in (source, copy):
        path.write_bytes(compressed(header(), RLE, codestreams.rle(literal(CELLS.tobytes()) + b"anybody")))
    assert not prove_pixels(source, copy, (), (), tmp_path).ok


WIDE = {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11}
GREY = np.random.default_rng(2).integers(0, 4095, (16, 24)).astype("<u2")
PLANE = np.zeros((16, 24), "<u2")
PLANE[2:6, 3:20] = 1


@pytest.mark.parametrize("boxes", [(), (Rectangle(0, 0, 8, 24),)])
@pytest.mark.parametrize("bit", [12, 13, 15])
@pytest.mark.parametrize("signed", [0, 1])
def test_a_plane_that_no_overlay_declares_is_refused(
    tmp_path: Path, boxes: tuple[Rectangle, ...], bit: int, signed: int
) -> None:
    ds = header(**WIDE, PixelRepresentation=signed)
    cells = GREY if not signed else (GREY ^ 0x800).astype("<i2") - 0x800
    hidden = (cells.astype("<u2") ^ (PLANE << bit)).astype("<u2")
    assert publish(tmp_path, file(ds, pixels=hidden.tobytes()), boxes).code == "pixel-format"
    group = [element(0x60200000 | number, "US", struct.pack("<H", value)) for number, value in _overlay(bit)]
    assert publish(tmp_path, file(ds, *group, pixels=hidden.tobytes()), boxes).code == "pixel-format"


def _overlay(bit: int) -> tuple[tuple[int, int], ...]:
    return (0x10, 16), (0x11, 24), (0x100, 16), (0x102, bit)


def test_bits_below_the_stored_ones_are_no_place_for_a_plane(tmp_path: Path) -> None:
    ds = header(**(WIDE | {"HighBit": 15}))
    assert publish(tmp_path, file(ds, pixels=((GREY << 4) | PLANE).astype("<u2").tobytes())).code == "pixel-format"
    assert isinstance(publish(tmp_path, file(ds, pixels=(GREY << 4).astype("<u2").tobytes())).done, Cleaned)


def test_signs_and_padding_above_the_stored_bits_are_as_they_should_be(tmp_path: Path) -> None:
    negative = (GREY.astype(np.int32) - 2048).astype("<i2")
    padded = np.where(PLANE == 1, np.uint16(63536), GREY).astype("<u2")
    for ds, cells in (
        (header(**WIDE, PixelRepresentation=1), negative),
        (header(**WIDE, PixelRepresentation=1), negative & 0x0FFF),
        (header(**WIDE, PixelPaddingValue=63536), padded),
    ):
        result = publish(tmp_path, file(ds, pixels=cells.tobytes()))
        assert result.data.endswith(cells.tobytes())


def test_the_pixel_proof_finds_a_plane_by_itself(tmp_path: Path) -> None:
    source, copy = tmp_path / "a.dcm", tmp_path / "b.dcm"
    for path in (source, copy):
        path.write_bytes(file(header(**WIDE), pixels=(GREY | PLANE << 12).astype("<u2").tobytes()))
    assert not prove_pixels(source, copy, (), (), tmp_path).ok


def test_what_lies_behind_the_last_row_does_not_stay(tmp_path: Path) -> None:
    assert traces(publish(tmp_path, file(header(), pixels=PIXELS + TEXT)).data) == []
    odd = header(Rows=15, Columns=25)
    assert publish(tmp_path, file(odd, pixels=PIXELS[:375] + b"P")).data.endswith(PIXELS[:375] + b"\0")


@pytest.mark.parametrize("said", ["PHANTOM", "phantom^ada", "Ada Phantom", "4711234", "ACC778899"])
def test_the_net_finds_identifiers_in_the_bytes_of_the_pixel_element(tmp_path: Path, said: str) -> None:
    result = publish(tmp_path, file(header()))
    assert isinstance(result.done, Cleaned)
    request = header_request(IDENTITY, ("SUBJECT", "SESSION"), "CLEAN", ())
    with open_source(tmp_path / "source.dcm", tmp_path) as source:
        for code in ("ascii", "utf-16-le", "utf-16-be"):
            stream = io.BytesIO(bytes(range(256)) * 4095 + bytes(250) + said.encode(code) + bytes(99))
            everything = [(0, len(stream.getvalue()))]
            assert not prove_bytes(source.header, request, stream, everything).ok
        nothing = io.BytesIO(PIXELS)
        assert prove_bytes(source.header, request, nothing, [(0, len(PIXELS))]).ok


def test_a_name_in_the_first_cells_holds_the_image(tmp_path: Path) -> None:
    assert publish(tmp_path, file(header(), pixels=TEXT + PIXELS[12:])).code == "proof-failed"
