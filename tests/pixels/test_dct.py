"""Rectangles in baseline JPEG frames: black inside, the very same samples outside, judged by three decoders."""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import data_store
import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import generate_frames

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels import dct, turbojpeg
from xnat_pixelanon.pixels.dct import blacken, colour_of, editable, effective_box, read_shape
from xnat_pixelanon.pixels.header import read_file_meta
from xnat_pixelanon.pixels.layout import read_layout
from xnat_pixelanon.pixels.quiet import no_library_text
from xnat_pixelanon.pixels.turbojpeg import Missing, Plane, Transformer, dc_pattern, open_library
from xnat_pixelanon.pixels.turbojpeg_check import self_test

from . import codestreams, jpegs
from .jpegs import SAMPLINGS, assert_blackened, by_cjpeg, colour_of_kind, encoded, markers, pieces, raw, rebuilt

ROOT = Path(__file__).parents[2]
SIZES = ((1, 1), (1, 17), (7, 9), (8, 8), (9, 33), (16, 16), (17, 33), (33, 17), (40, 50))


@pytest.fixture(scope="module")
def transformer() -> Iterator[Transformer]:
    with Transformer() as one:
        yield one


def boxes(rows: int, columns: int) -> list[list[Rectangle]]:
    """One pixel; one pixel in the last corner; a band along an edge with a box; all."""
    last = Rectangle(rows - 1, columns - 1, rows, columns)
    middle = Rectangle(rows // 3, columns // 3, rows // 3 + 1, columns // 3 + 1)
    band = Rectangle(0, 0, max(1, rows // 4), columns)
    box = Rectangle(rows // 2, 0, rows, max(1, columns // 5))
    return [[middle], [last], [band, box], [Rectangle(0, 0, rows, columns)]]


def refusal(data: bytes, transformer: Transformer, **options: object) -> InstanceError:
    rectangles = options.pop("rectangles", [Rectangle(0, 0, 1, 1)])
    with pytest.raises(InstanceError) as caught:
        blacken(transformer, data, rectangles, **{"colour": "ybr", "white": False, **options})  # type: ignore[arg-type]
    return caught.value


# Outside the same, inside black.


@pytest.mark.parametrize("optimise", [False, True], ids=["standard", "optimised"])
@pytest.mark.parametrize("kind", SAMPLINGS)
def test_nothing_changes_outside_and_the_box_is_black(kind: str, optimise: bool, transformer: Transformer) -> None:
    shown = () if kind == "rgb" else (jpegs.rgb, jpegs.rgb_by_pillow)
    for (rows, columns), quality in product(SIZES, (30, 75, 95, 100)):
        data = encoded(kind, rows, columns, quality, optimise)
        for rectangles in boxes(rows, columns):
            assert_blackened(data, rectangles, colour_of_kind(kind), transformer, shown=shown)


@pytest.mark.parametrize("kind", SAMPLINGS)
def test_every_size_around_one_and_two_units(kind: str, transformer: Transformer) -> None:
    for rows, columns in product((1, 2, 7, 8, 9, 15, 16, 17), (1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33)):
        for rectangles in boxes(rows, columns):
            assert_blackened(encoded(kind, rows, columns, 85), rectangles, colour_of_kind(kind), transformer)


@pytest.mark.parametrize("kind", SAMPLINGS)
def test_another_decoder_with_and_without_interpolation_agrees(kind: str, transformer: Transformer) -> None:
    shown = () if kind == "rgb" else (jpegs.djpeg, jpegs.djpeg_plain, jpegs.djpeg_luma)
    for rows, columns in ((1, 1), (17, 33), (50, 70)):
        data = encoded(kind, rows, columns, 90)
        if kind == "rgb":  # markers that tell djpeg what the components are
            data, shown = jpegs.with_adobe(data, 0), (jpegs.djpeg, jpegs.djpeg_plain)
        for rectangles in boxes(rows, columns):
            assert_blackened(data, rectangles, colour_of_kind(kind), transformer, shown=shown)


@pytest.mark.parametrize("kind", SAMPLINGS)
def test_the_box_is_white_where_white_is_the_darkest(kind: str, transformer: Transformer) -> None:
    for quality in (30, 75, 95, 100):
        data = encoded(kind, 33, 41, quality)
        assert_blackened(data, [Rectangle(3, 5, 20, 30)], colour_of_kind(kind), transformer, white=True)


@pytest.mark.parametrize(
    "options",
    [
        ["-restart", "1"],
        ["-restart", "3B", "-sample", "1x1"],
        ["-restart", "5B", "-grayscale"],
        ["-sample", "4x1", "-optimize"],
        ["-sample", "2x1,2x1,2x1"],
        ["-sample", "1x2,1x2,1x2"],
        ["-sample", "3x1,3x1,3x1"],
        ["-sample", "2x2,1x2,1x2"],
        ["-sample", "2x2,2x1,2x1"],
        ["-grayscale", "-sample", "2x2"],
        ["-rgb"],
        ["-rgb", "-restart", "2"],
        ["-quality", "1"],
        ["-quality", "3", "-grayscale"],
        ["-quality", "100", "-sample", "1x1"],
    ],
    ids=" ".join,
)
def test_forms_that_only_the_command_line_encoder_makes(options: list[str], transformer: Transformer) -> None:
    for rows, columns in ((17, 33), (50, 70)):
        data = by_cjpeg(rows, columns, *options)
        assert options[0] != "-restart" or pieces(data, 0xDD)
        assert "-quality" not in options or "100" in options or pieces(data, 0xC1), "tables of 16 bits make it SOF1"
        for rectangles in boxes(rows, columns):
            shown = (jpegs.djpeg, jpegs.djpeg_plain, jpegs.rgb)
            after = assert_blackened(data, rectangles, colour_of(data, ""), transformer, shown=shown)
            assert not pieces(after, 0xDD)


@pytest.mark.parametrize("script", ["0;1;2;", "0 1;2;", "2;0;1;", "0;1 2;"])
@pytest.mark.parametrize("sample", ["1x1", "2x1", "2x2"])
@pytest.mark.parametrize("optimise", [False, True])
def test_several_scans_become_one(
    script: str, sample: str, optimise: bool, tmp_path: Path, transformer: Transformer
) -> None:
    (tmp_path / "scans").write_text(script)
    options = ["-scans", str(tmp_path / "scans"), "-sample", sample, "-restart", "2"]
    data = by_cjpeg(41, 50, *options, *(["-optimize"] if optimise else []))
    assert len(pieces(data, 0xDA)) == script.count(";")
    after = assert_blackened(data, boxes(41, 50)[2], "ybr", transformer, shown=(jpegs.djpeg, jpegs.rgb))
    assert len(pieces(after, 0xDA)) == 1


def test_an_extended_frame_with_four_huffman_tables(transformer: Transformer) -> None:
    tables, selectors = {0x00: 0x02, 0x10: 0x12, 0x01: 0x03, 0x11: 0x13}, {0x00: 0x22, 0x11: 0x33}

    def change(marker: int, piece: bytes) -> bytes:
        if marker == 0xC0:
            return b"\xff\xc1" + piece[2:]
        if marker == 0xC4:
            return piece[:4] + bytes([tables[piece[4]]]) + piece[5:]
        if marker == 0xDA:
            header = bytearray(piece[:14])
            header[6:12:2] = bytes(selectors[one] for one in header[6:12:2])
            return bytes(header) + piece[14:]
        return piece

    data = rebuilt(by_cjpeg(33, 40), change)
    assert read_shape(data).process == "extended"
    after = assert_blackened(data, [Rectangle(4, 4, 9, 30)], "ybr", transformer, shown=(jpegs.djpeg, jpegs.rgb))
    assert pieces(after, 0xC1) == pieces(data, 0xC1)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_size_any_boxes(drawn: st.DataObject) -> None:
    kind, optimise = drawn.draw(st.sampled_from(list(SAMPLINGS))), drawn.draw(st.booleans())
    rows, columns = drawn.draw(st.integers(1, 70)), drawn.draw(st.integers(1, 70))
    rectangles = []
    for _ in range(drawn.draw(st.integers(1, 4))):
        top, left = drawn.draw(st.integers(0, rows - 1)), drawn.draw(st.integers(0, columns - 1))
        bottom, right = drawn.draw(st.integers(top + 1, rows)), drawn.draw(st.integers(left + 1, columns))
        rectangles.append(Rectangle(top, left, bottom, right))
    data = encoded(kind, rows, columns, drawn.draw(st.sampled_from([5, 50, 80, 100])), optimise)
    shown = () if kind == "rgb" else (jpegs.rgb, jpegs.rgb_by_pillow)
    with Transformer() as transformer:
        assert_blackened(
            data, rectangles, colour_of_kind(kind), transformer, white=drawn.draw(st.booleans()), shown=shown
        )


def test_a_flat_image_of_two_bits_a_block_is_not_taken_for_truncated(transformer: Transformer) -> None:
    flat = np.full((512, 512), 90, np.uint8)
    data = bytes(imagecodecs.jpeg8_encode(flat, level=90, optimize=True))
    assert len(data) < 1200
    assert_blackened(data, [Rectangle(0, 0, 50, 512)], "grey", transformer)


def test_one_transformer_takes_frames_of_any_size_in_turn(transformer: Transformer) -> None:
    for rows, columns in ((300, 400), (1, 1), (40, 50), (301, 399), (300, 400)):
        for kind in ("4:2:0", "grey", "4:1:1"):
            assert_blackened(encoded(kind, rows, columns), [Rectangle(0, 0, 1, 1)], colour_of_kind(kind), transformer)


def test_two_threads_with_a_transformer_each() -> None:
    data = encoded("4:2:0", 200, 300, 90)
    expected = _edited(data)
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: results.extend(_edited(data) for _ in range(20)), daemon=True) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 40
    assert set(results) == {expected}


def _edited(data: bytes) -> bytes:
    with Transformer() as transformer:
        return blacken(transformer, data, [Rectangle(10, 20, 90, 110)], colour="ybr", white=False)


# The boxes that are reported.


@pytest.mark.parametrize(
    ("kind", "asked", "effective"),
    [
        ("grey", Rectangle(9, 9, 16, 17), Rectangle(8, 8, 16, 24)),
        ("rgb", Rectangle(8, 8, 16, 16), Rectangle(8, 8, 16, 16)),
        ("4:4:4", Rectangle(0, 0, 1, 1), Rectangle(0, 0, 8, 8)),
        ("4:2:2", Rectangle(8, 17, 16, 31), Rectangle(8, 15, 16, 33)),
        ("4:2:2", Rectangle(8, 16, 16, 32), Rectangle(8, 0, 16, 49)),
        ("4:2:0", Rectangle(17, 17, 31, 31), Rectangle(15, 15, 33, 33)),
        ("4:2:0", Rectangle(0, 0, 16, 16), Rectangle(0, 0, 33, 33)),
        ("4:4:0", Rectangle(17, 9, 31, 16), Rectangle(15, 8, 33, 16)),
        ("4:1:1", Rectangle(0, 34, 8, 62), Rectangle(0, 30, 8, 66)),
        ("4:2:0", Rectangle(70, 90, 72, 100), Rectangle(63, 79, 72, 100)),
    ],
)
def test_the_effective_box_is_the_grid_and_the_ring(kind: str, asked: Rectangle, effective: Rectangle) -> None:
    assert effective_box(read_shape(encoded(kind, 72, 100)), asked) == effective


def test_the_ring_is_needed_and_wide_enough(transformer: Transformer) -> None:
    """Pixels of the ring really change: without it the promise would be false for most colour ultrasound."""
    data = encoded("4:2:0", 64, 64, 95)
    box = Rectangle(17, 17, 31, 31)
    after = blacken(transformer, data, [box], colour="ybr", white=False)
    changed = (raw(data) != raw(after)).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    reached = Rectangle(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    assert reached == effective_box(read_shape(data), box) == Rectangle(15, 15, 33, 33)


# Headers and colours.


@pytest.mark.parametrize("kind", SAMPLINGS)
def test_the_header_is_the_frames_own(kind: str, transformer: Transformer) -> None:
    data = jpegs.with_ids(encoded(kind, 40, 50), b"\x07" if kind == "grey" else b"\x07\x03\xf0")
    after = blacken(transformer, data, [Rectangle(0, 0, 9, 9)], colour=colour_of_kind(kind), white=False)
    own = (0xE0, 0xEE, 0xDB, 0xC0)
    assert pieces(after, *own) == pieces(data, *own)
    assert {marker for marker, *_ in markers(after)} <= {*own, 0xC4, 0xDA}
    assert len(pieces(after, 0xDA)) == 1


def test_no_text_comes_through_the_header(transformer: Transformer) -> None:
    def change(marker: int, piece: bytes) -> bytes:
        text = b"TEST-0001 Phantom^Ada"
        extra = [codestreams.segment(code, text) for code in (0xFE, 0xE1, 0xE0, 0xEE, 0xEF)]
        return b"".join(extra) + b"\xff\xff" + piece if marker == 0xDB else piece

    data = rebuilt(encoded("4:2:0", 40, 50), change)
    assert b"Phantom" in data
    after = assert_blackened(data, [Rectangle(0, 0, 9, 9)], "ybr", transformer)
    assert b"Phantom" not in after


@pytest.mark.parametrize(
    ("change", "photometric", "colour"),
    [
        (lambda data: data, "RGB", "ybr"),  # JFIF rules
        (jpegs.without_applications, "RGB", "rgb"),
        (jpegs.without_applications, "YBR_FULL_422", "ybr"),
        (jpegs.without_applications, "YBR_FULL", "ybr"),
        (lambda data: jpegs.with_adobe(data, 0), "YBR_FULL", "rgb"),
        (lambda data: jpegs.with_adobe(data, 1), "RGB", "ybr"),
        (lambda data: jpegs.with_adobe(data, 2), "RGB", "ybr"),
        (lambda data: jpegs.with_ids(jpegs.without_applications(data), b"RGB"), "YBR_FULL", "rgb"),
        (lambda data: jpegs.with_ids(data, b"RGB"), "RGB", "ybr"),
    ],
)
def test_colour_by_jfif_then_adobe_then_ids_then_the_header(
    change: jpegs.Decode, photometric: str, colour: str, transformer: Transformer
) -> None:
    data = change(encoded("4:4:4", 20, 20))
    assert colour_of(data, photometric) == colour
    assert_blackened(data, [Rectangle(0, 0, 9, 9)], colour, transformer)  # type: ignore[arg-type]


def test_no_colour_is_guessed(transformer: Transformer) -> None:
    with pytest.raises(InstanceError) as caught:
        colour_of(jpegs.without_applications(encoded("4:4:4", 20, 20)), "MONOCHROME2")
    assert caught.value.code == "pixel-format"
    assert colour_of(encoded("grey", 20, 20), "PALETTE COLOR") == "grey"
    assert refusal(encoded("4:4:4", 20, 20), transformer, colour="grey").code == "pixel-format"
    assert refusal(encoded("grey", 20, 20), transformer, colour="rgb").code == "pixel-format"


def test_markers_that_make_the_library_warn_do_not_make_a_frame_damaged(transformer: Transformer) -> None:
    def newer(marker: int, piece: bytes) -> bytes:
        return piece[:9] + b"\x02" + piece[10:] if marker == 0xE0 else piece

    box = [Rectangle(0, 0, 9, 9)]
    assert blacken(transformer, rebuilt(encoded("4:4:4", 20, 20), newer), box, colour="ybr", white=False)


# What is refused, and how.


def _late_table(data: bytes) -> bytes:
    scans = [start for marker, start, _ in markers(data) if marker == 0xDA]
    return data[: scans[1]] + pieces(data, 0xDB)[0] + data[scans[1] :]


def _late_lines(data: bytes) -> bytes:
    def change(marker: int, piece: bytes) -> bytes:
        if marker == 0xC0:
            return piece[:5] + b"\0\0" + piece[7:]
        return piece + codestreams.segment(0xDC, struct.pack(">H", 41)) if marker == 0xDA else piece

    return rebuilt(data, change)


def _scan_dropped(data: bytes) -> bytes:
    start, end = next((start, end) for marker, start, end in markers(data) if marker == 0xDA)
    return data[:start] + data[end:]


def _scan_twice(data: bytes) -> bytes:
    start, end = next((start, end) for marker, start, end in markers(data) if marker == 0xDA)
    return data[:end] + data[start:]


def _step_of(number: int) -> jpegs.Decode:
    def change(marker: int, piece: bytes) -> bytes:
        if marker != 0xDB:
            return b"\xff\xc1" + piece[2:] if marker == 0xC0 else piece
        table = struct.pack(">64H", number, *piece[6:69])
        return codestreams.segment(0xDB, bytes([0x10 | piece[4]]) + table)

    return lambda data: rebuilt(data, change)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_late_table, "first scan"),
        (_late_lines, "number of lines"),
        (_scan_dropped, "no scan, or two"),
        (_scan_twice, "no scan, or two"),
        (_step_of(0), "quantisation step"),
        (_step_of(2049), "quantisation step"),
    ],
)
def test_frames_that_cannot_be_edited_say_why(
    change: jpegs.Decode, why: str, tmp_path: Path, transformer: Transformer
) -> None:
    (tmp_path / "scans").write_text("0;1;2;")
    data = change(by_cjpeg(41, 50, "-scans", str(tmp_path / "scans")))
    assert why in editable(read_shape(data))  # type: ignore[arg-type]
    error = refusal(data, transformer)  # type: ignore[arg-type]
    assert error.code == "pixel-format"
    assert why in error.detail


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["-progressive"], "progressive"),
        (["-sample", "3x1"], "sampled"),
        (["-sample", "1x4"], "sampled"),
        (["-sample", "2x2,1x1,2x2"], "sampled"),
        (["-sample", "4x2"], "sampled"),
    ],
    ids=" ".join,
)
def test_processes_and_samplings_that_are_left_to_another_route(
    options: list[str], why: str, transformer: Transformer
) -> None:
    data = by_cjpeg(41, 50, *options)
    assert why in editable(read_shape(data))
    assert refusal(data, transformer).code == "pixel-format"


def test_twelve_bits_and_four_components_are_left_to_another_route(transformer: Transformer) -> None:
    twelve = bytes(imagecodecs.jpeg8_encode(np.arange(4096, dtype=np.uint16).reshape(64, 64), bitspersample=12))
    assert "8 bits" in editable(read_shape(twelve))
    assert refusal(twelve, transformer, colour="grey").code == "pixel-format"
    shape = read_shape(encoded("4:4:4", 8, 8))
    assert "sampled" in editable(dataclasses.replace(shape, components=(*shape.components, shape.components[0])))


@pytest.mark.parametrize("number", range(4))
def test_a_huffman_table_is_never_taken_from_the_frame_before(number: int, transformer: Transformer) -> None:
    """Libraries keep tables from frame to frame: whether such a frame is read right depends on what came before."""
    data = encoded("4:2:0", 40, 50, 75, True)
    tables = pieces(data, 0xC4)
    assert len(tables) == 4
    assert_blackened(data, [Rectangle(0, 0, 9, 9)], "ybr", transformer)
    error = refusal(rebuilt(data, lambda _, piece: b"" if piece == tables[number] else piece), transformer)
    assert (error.code, "Huffman" in error.detail) == ("pixel-format", True)


@pytest.mark.parametrize("options", [["-arithmetic"], ["-arithmetic", "-grayscale"]], ids=" ".join)
def test_another_process_is_damage(options: list[str], transformer: Transformer) -> None:
    assert refusal(by_cjpeg(20, 20, *options), transformer).code == "damaged"


def test_coefficients_that_the_standard_tables_cannot_code_are_not_called_damage(transformer: Transformer) -> None:
    """With a DC step of 1, white beside black of an encoder that overshot is a difference of more than 11 bits."""
    codes = bytes([0, 0, 2, *[0] * 13]), bytes([0, 1, *[0] * 14])  # DC categories 0 and 12; AC: end of block
    header = codestreams.segment(0xDB, b"\0" + b"\1" * 64)
    header += codestreams.segment(0xC1, struct.pack(">BHHB", 8, 8, 16, 1) + b"\1\x11\0")
    header += codestreams.segment(
        0xC4, b"\0" + bytes([2, *[0] * 15][:0]) + codes[0] + b"\0\x0c" + b"\x10" + codes[1] + b"\0"
    )
    # 001: category 12 of 3 bits, DC 2048 + 15; 00: end of block; 000: no difference; 00; filled with ones.
    bits = "001" + "100000001111" + "00" + "000" + "00"
    bits += "1" * (-len(bits) % 8)
    entropy = int(bits, 2).to_bytes(len(bits) // 8, "big")
    data = b"\xff\xd8" + header + codestreams.segment(0xDA, b"\1\1\0\0\x3f\0") + entropy + b"\xff\xd9"
    error = refusal(data, transformer, colour="grey", rectangles=[Rectangle(0, 8, 1, 9)])
    assert (error.code, "cannot be coded again" in error.detail) == ("pixel-format", True)


def test_a_rectangle_outside_the_image_is_refused(transformer: Transformer) -> None:
    error = refusal(encoded("grey", 20, 20), transformer, colour="grey", rectangles=[Rectangle(0, 0, 21, 20)])
    assert error.code == "proof-failed"


# Damage.


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-2],
        lambda data: data[2:],
        lambda data: data + b"\0",
        lambda data: b"",
        lambda data: data[: len(data) // 2] + b"\xff\xd9",
        lambda data: data[:-40] + b"\xff\xd9",
        lambda data: data[:-2] + b"TEST-0001 Phantom^Ada" + b"\xff\xd9",
        lambda data: data[:300],
        lambda data: rebuilt(data, lambda marker, piece: b"" if marker == 0xC0 else piece),
        lambda data: rebuilt(data, lambda marker, piece: piece * 2 if marker == 0xC0 else piece),
        lambda data: rebuilt(
            data, lambda marker, piece: piece[:5] + b"\xff\xff\xff\xff" + piece[9:] if marker == 0xC0 else piece
        ),
        lambda data: rebuilt(data, lambda marker, piece: piece[:7] + b"\0\0" + piece[9:] if marker == 0xC0 else piece),
        lambda data: rebuilt(data, lambda marker, piece: piece[:11] + b"\0" + piece[12:] if marker == 0xC0 else piece),
    ],
)
def test_a_truncated_or_broken_frame_is_damaged_never_padded(change: jpegs.Decode, transformer: Transformer) -> None:
    data = change(encoded("4:2:0", 60, 80, 90))
    assert refusal(data, transformer).code == "damaged"  # type: ignore[arg-type]
    assert_blackened(encoded("4:2:0", 60, 80, 90), [Rectangle(0, 0, 9, 9)], "ybr", transformer)  # it still works


def test_what_lies_between_the_last_block_and_eoi_does_not_come_along(transformer: Transformer) -> None:
    """The library reads a few bytes ahead and says nothing of them; no decoder shows them."""
    data = encoded("4:2:0", 60, 80, 90)
    after = assert_blackened(data[:-2] + b"ADA" + data[-2:], [Rectangle(0, 0, 9, 9)], "ybr", transformer)
    assert b"ADA" not in after


def test_a_scan_too_many_is_damage(transformer: Transformer) -> None:
    data = encoded("4:4:4", 20, 20)
    assert refusal(_scan_twice(data), transformer).code == "damaged"


def test_hostile_frames_never_crash_hang_or_change_what_is_outside() -> None:
    """Every truncation, with and without EOI, and thousands of flipped bits, in a process of its own."""
    command = [sys.executable, "-m", "tests.pixels.hostile_jpegs"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    outcomes = json.loads(done.stdout)
    assert outcomes["changed outside"] == 0
    assert outcomes["refused"] > 1000
    assert outcomes["edited"] > 100
    assert not done.stderr


# The public sample files.


def _public_files() -> list[Path]:
    roots = Path(data_store.__file__).parent, Path(pydicom.__file__).parent / "data"
    syntaxes, found = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"), []
    for path in sorted(path for root in roots for path in root.rglob("*.dcm")):
        with path.open("rb") as stream:
            try:
                meta = read_file_meta(stream, path.stat().st_size)
            except InstanceError:
                continue
        if meta.transfer_syntax_uid in syntaxes:
            found.append(path)
    return found


PUBLIC = _public_files()


def test_the_public_files_are_there() -> None:
    assert len(PUBLIC) >= 17


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: path.name)
def test_every_frame_of_the_public_files(path: Path, transformer: Transformer) -> None:
    with no_library_text():
        header = pydicom.dcmread(path)
    layout = read_layout(header, 0x7FE00010, encapsulated=True, big_endian=False)
    rows, columns = layout.rows, layout.columns
    rectangles = [Rectangle(0, 0, max(1, rows // 9), columns), Rectangle(rows // 2, columns // 2, rows, columns)]
    frames = list(generate_frames(header.PixelData, number_of_frames=layout.frames))
    assert len(frames) == layout.frames
    for frame in frames:
        data = frame[: frame.rindex(b"\xff\xd9") + 2]
        if layout.bits_stored == 12:
            assert "8 bits" in editable(read_shape(data))
            continue
        colour = colour_of(data, layout.photometric)
        assert_blackened(data, rectangles, colour, transformer, shown=() if colour == "rgb" else (jpegs.rgb,))


# The library.


def test_the_library_is_loaded_and_tested_once_and_only_when_asked_for() -> None:
    code = "from xnat_pixelanon.pixels import dct, turbojpeg; print(turbojpeg._loaded.cache_info().currsize)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
    assert turbojpeg.why_missing() == ""
    assert turbojpeg.load() is turbojpeg.load()


@pytest.mark.parametrize("name", ["libturbojpeg-of-nowhere.so.0", "libc.so.6"])
def test_a_library_that_is_not_there_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turbojpeg, "LIBRARY", name)
    monkeypatch.setattr(turbojpeg, "_loaded", turbojpeg.cache(turbojpeg._loaded.__wrapped__))
    why = turbojpeg.why_missing()
    assert "libturbojpeg" in why
    assert name not in why
    with pytest.raises(Missing, match=why):
        Transformer()


def test_the_self_test_finds_a_library_that_edits_nothing() -> None:
    library = open_library(turbojpeg.LIBRARY)
    assert self_test(library) == ""

    def unfiltered(handle: int, data: bytes, size: int, count: int, out: object, sizes: object, *rest: object) -> int:
        transform = turbojpeg._Transform(options=64)
        return int(library.transform(handle, data, size, count, out, sizes, transform, 1024))

    assert "does not edit" in self_test(dataclasses.replace(library, transform=unfiltered))


def test_the_self_test_finds_a_library_that_writes_rubbish_or_gives_no_handle() -> None:
    library = open_library(turbojpeg.LIBRARY)

    def rubbish(*arguments: object) -> int:
        result = int(library.transform(*arguments))
        output = arguments[4]._obj.value  # type: ignore[attr-defined]
        ctypes.memset(output, 0, 400)
        return result

    assert "does not edit" in self_test(dataclasses.replace(library, transform=rubbish))
    assert "does not edit" in self_test(dataclasses.replace(library, init=lambda: None))
    assert "does not edit" in self_test(dataclasses.replace(library, buffer_size=lambda *_: 0))


def test_the_self_test_finds_a_library_that_does_not_tell_of_truncation() -> None:
    library = open_library(turbojpeg.LIBRARY)

    def content(*arguments: object) -> int:
        library.transform(*arguments[:-1], 1024)  # without stop on warning
        return 0

    assert "truncated" in self_test(dataclasses.replace(library, transform=content))


def test_an_edit_never_reaches_outside_its_component() -> None:
    for edits in (
        {-1: ()},
        {2: ()},
        {0: ((-1, dc_pattern(0, 1)),)},
        {0: ((2, dc_pattern(0, 2)),)},
        {0: ((0, b"\0" * 127),)},
    ):
        with pytest.raises(ValueError, match="outside"):
            Plane(3, 2, edits)


@pytest.mark.parametrize(
    "planes",
    [
        (Plane(9, 3, {0: ((0, dc_pattern(-9, 9)),)}),),  # wider than the frame
        (Plane(5, 9, {0: ((0, dc_pattern(-9, 1)),)}),),  # higher
        (Plane(5, 9, {8: ((0, dc_pattern(-9, 1)),)}),),  # a row that is not there
        (Plane(5, 3, {}), Plane(5, 3, {0: ((0, dc_pattern(-9, 1)),)})),  # a component that is not there
    ],
)
def test_a_frame_that_is_read_otherwise_is_refused_before_anything_is_written(planes: tuple[Plane, ...]) -> None:
    with Transformer() as transformer:
        with pytest.raises(InstanceError) as caught:
            transformer.transform(encoded("grey", 24, 40), 24, 40, planes)
        assert caught.value.code == "pixel-format"
        assert_blackened(encoded("grey", 24, 40), [Rectangle(0, 0, 9, 9)], "grey", transformer)


def test_what_is_raised_in_the_callback_arrives_and_the_transformer_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    data = encoded("4:2:0", 40, 50)
    with Transformer() as transformer:
        with monkeypatch.context() as patch:
            patch.setattr(transformer, "_write", interrupted)
            with pytest.raises(KeyboardInterrupt):
                blacken(transformer, data, [Rectangle(0, 0, 9, 9)], colour="ybr", white=False)
        assert_blackened(data, [Rectangle(0, 0, 9, 9)], "ybr", transformer)


def test_a_library_that_writes_another_header_or_another_scan_is_refused(
    monkeypatch: pytest.MonkeyPatch, transformer: Transformer
) -> None:
    data = encoded("4:2:0", 40, 50)
    other = {
        "another size": encoded("4:2:0", 41, 50),
        "other components": jpegs.with_ids(data, b"\1\2\4"),
        "restart markers": rebuilt(
            data, lambda marker, piece: codestreams.segment(0xDD, b"\0\1") + piece if marker == 0xDA else piece
        ),
        "no tables": rebuilt(data, lambda marker, piece: b"" if marker == 0xC4 else piece),
        "no end": data[:-2] + b"\0\0",
    }
    for result in other.values():
        monkeypatch.setattr(transformer, "transform", lambda *_, result=result: memoryview(result))
        assert refusal(data, transformer).code == "pixel-format"


def test_a_closed_transformer_is_of_no_use() -> None:
    transformer = Transformer()
    transformer.close()
    transformer.close()
    with pytest.raises(ValueError, match="closed"):
        blacken(transformer, encoded("grey", 8, 8), [Rectangle(0, 0, 1, 1)], colour="grey", white=False)


def test_the_public_names() -> None:
    assert all(hasattr(dct, name) for name in dct.__all__)
