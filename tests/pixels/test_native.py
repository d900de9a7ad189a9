"""Rectangles in native pixel data: black as displayed inside, the stored values of the source outside."""

from __future__ import annotations

import dataclasses
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels.utils import pixel_array

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels import open_source, read_facts

from .phantoms import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    NATIVE,
    Pixels,
    data_set,
    encode_header,
    native_value,
    pixel_element,
    proved,
    random_pixels,
    stored_cells,
    write_native,
    write_raw,
    written,
)

BOXES = (Rectangle(1, 3, 4, 8), Rectangle(6, 9, 7, 10), Rectangle(0, 0, 1, 1), Rectangle(2, 6, 5, 9))


def lut(*entries: tuple[int, int, int], first: int = 0, bits: int = 16) -> dict[str, Any]:
    """A plain palette: RGB entries, packed two to a word where they have 8 bits."""
    table: dict[str, Any] = {}
    for index, colour in enumerate(("Red", "Green", "Blue")):
        values = [entry[index] for entry in entries]
        data = np.array(values, "<u2" if bits == 16 else "u1").tobytes()
        table[f"{colour}PaletteColorLookupTableDescriptor"] = [len(entries), first, bits]
        table[f"{colour}PaletteColorLookupTableData"] = data + b"\0" * (len(data) % 2)
    return table


DARK_SECOND = [(9, 9, 9), (0, 0, 1), (5, 0, 0), (255, 255, 255)] * 64

# what is filled in, worked out by hand: (name, pixels, cell of one pixel)
CASES = [
    ("M2 8", {"photometric": "MONOCHROME2"}, [0]),
    ("M1 8", {"photometric": "MONOCHROME1"}, [255]),
    ("M2 8/7", {"photometric": "MONOCHROME2", "stored": 7}, [0]),
    ("M1 8/7", {"photometric": "MONOCHROME1", "stored": 7}, [127]),
    ("M2 signed 8", {"photometric": "MONOCHROME2", "signed": True}, [0x80]),
    ("M2 16", {"photometric": "MONOCHROME2", "allocated": 16}, [0]),
    ("M1 16/12", {"photometric": "MONOCHROME1", "allocated": 16, "stored": 12}, [0x0FFF]),
    ("M2 signed 16/12", {"photometric": "MONOCHROME2", "allocated": 16, "stored": 12, "signed": True}, [0xF800]),
    ("M1 signed 16/12", {"photometric": "MONOCHROME1", "allocated": 16, "stored": 12, "signed": True}, [0x07FF]),
    ("M2 signed 16", {"photometric": "MONOCHROME2", "allocated": 16, "signed": True}, [0x8000]),
    ("M2 inverse", {"photometric": "MONOCHROME2", "extra": {"PresentationLUTShape": "INVERSE"}}, [255]),
    ("M1 inverse", {"photometric": "MONOCHROME1", "extra": {"PresentationLUTShape": "INVERSE"}}, [255]),
    ("M2 slope<0", {"photometric": "MONOCHROME2", "extra": {"RescaleSlope": -1, "RescaleIntercept": 0}}, [255]),
    ("M2 32", {"photometric": "MONOCHROME2", "allocated": 32}, [0]),
    ("RGB 8", {"photometric": "RGB"}, [0, 0, 0]),
    ("RGB 8 planar", {"photometric": "RGB", "planar": 1}, [0, 0, 0]),
    ("RGB 16 planar", {"photometric": "RGB", "planar": 1, "allocated": 16}, [0, 0, 0]),
    ("YBR_FULL", {"photometric": "YBR_FULL"}, [0, 128, 128]),
    ("YBR_FULL planar", {"photometric": "YBR_FULL", "planar": 1}, [0, 128, 128]),
    ("YBR_FULL 16", {"photometric": "YBR_FULL", "allocated": 16}, [0, 32768, 32768]),
    ("palette 8", {"photometric": "PALETTE COLOR", "extra": lut(*DARK_SECOND)}, [1]),
    ("palette first", {"photometric": "PALETTE COLOR", "extra": lut(*DARK_SECOND[:6], first=20)}, [21]),
    ("palette 8 bit", {"photometric": "PALETTE COLOR", "extra": lut(*DARK_SECOND, bits=8)}, [1]),
    ("palette 16", {"photometric": "PALETTE COLOR", "allocated": 16, "extra": lut(*DARK_SECOND, first=300)}, [301]),
]


def expected_cells(pixels: Pixels, boxes: tuple[Rectangle, ...], cell: list[int]) -> np.ndarray[Any, Any]:
    """The judge's own idea: copy, then put the cell into every pixel of every box of every frame, one by one."""
    cells = pixels.cells.copy()
    for box in boxes:
        for row, column in product(range(box.top, box.bottom), range(box.left, box.right)):
            cells[:, row, column, :] = cell
    return cells


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize(("name", "settings", "cell"), CASES, ids=[case[0] for case in CASES])
def test_boxes_are_black_and_the_rest_is_as_before(
    tmp_path: Path, syntax: str, name: str, settings: dict[str, Any], cell: list[int]
) -> None:
    for frames, rows, columns in ((1, 7, 10), (3, 7, 11)):
        pixels = random_pixels(frames=frames, rows=rows, columns=columns, **settings)
        if syntax == BIG_ENDIAN and "palette" in name:
            pixels = _big_endian_palette(pixels)
        path = write_native(tmp_path / "source.dcm", pixels, syntax)
        out = tmp_path / "out.dcm"
        result = written(path, out, BOXES)
        assert result.effective == BOXES
        assert result.route == ("deflated" if syntax == DEFLATED else "native")
        assert result.scrubbed == ()
        np.testing.assert_array_equal(stored_cells(out), expected_cells(pixels, BOXES, cell))
        assert proved(path, out, BOXES, result).findings == ()
        assert len(dcmread(out).PixelData) % 2 == 0


def _big_endian_palette(pixels: Pixels) -> Pixels:
    extra = {
        key: b"".join(value[at : at + 2][::-1] for at in range(0, len(value), 2)) if isinstance(value, bytes) else value
        for key, value in pixels.extra.items()
    }
    return Pixels(pixels.cells, pixels.photometric, pixels.allocated, pixels.stored, extra=extra)


@pytest.mark.parametrize("vr", ["OB", "OW"])
def test_big_endian_bytes_in_words_are_filled_where_they_are_seen(tmp_path: Path, vr: str) -> None:
    """8 bit cells under OW lie exchanged in big endian files; an odd column shows when that is forgotten."""
    pixels = random_pixels("MONOCHROME1", frames=3, rows=5, columns=5)
    path = write_native(tmp_path / "source.dcm", pixels, BIG_ENDIAN, vr=vr)
    box = (Rectangle(1, 1, 4, 2),)
    result = written(path, tmp_path / "out.dcm", box)
    assert result.scrubbed == ()
    seen = pixel_array(tmp_path / "out.dcm", raw=True)
    np.testing.assert_array_equal(seen, expected_cells(pixels, box, [255])[..., 0])
    assert proved(path, tmp_path / "out.dcm", box, result).ok
    assert vr == dcmread(tmp_path / "out.dcm")["PixelData"].VR


@pytest.mark.parametrize(("photometric", "black"), [("YBR_FULL_422", 0), ("YBR_PARTIAL_422", 16)])
def test_native_422_boxes_grow_to_even_columns_and_say_so(tmp_path: Path, photometric: str, black: int) -> None:
    pixels = random_pixels(photometric, frames=2, rows=5, columns=8)
    path = write_native(tmp_path / "source.dcm", pixels)
    asked = (Rectangle(1, 3, 3, 5), Rectangle(4, 7, 5, 8))
    result = written(path, tmp_path / "out.dcm", asked)
    assert result.effective == (Rectangle(1, 2, 3, 6), Rectangle(4, 6, 5, 8))
    expected = expected_cells(pixels, result.effective, [black, 128, 128])
    np.testing.assert_array_equal(stored_cells(tmp_path / "out.dcm"), expected)
    assert proved(path, tmp_path / "out.dcm", asked, result).ok


def test_a_box_over_the_whole_image_leaves_nothing(tmp_path: Path) -> None:
    pixels = random_pixels("RGB", frames=3, rows=3, columns=5)
    path = write_native(tmp_path / "source.dcm", pixels)
    box = (Rectangle(0, 0, 3, 5),)
    result = written(path, tmp_path / "out.dcm", box)
    assert not any(dcmread(tmp_path / "out.dcm").PixelData)
    assert proved(path, tmp_path / "out.dcm", box, result).ok


def test_segmented_palettes_are_expanded(tmp_path: Path) -> None:
    """One discrete entry, then a line down to 0 over 3 and up again over 4: index 3 is the darkest."""
    segments = np.array([0, 1, 300, 1, 3, 0, 1, 4, 65535], "<u2").tobytes()
    extra: dict[str, Any] = {}
    for colour in ("Red", "Green", "Blue"):
        extra[f"{colour}PaletteColorLookupTableDescriptor"] = [8, 0, 16]
        extra[f"Segmented{colour}PaletteColorLookupTableData"] = segments
    pixels = random_pixels("PALETTE COLOR", stored=3, extra=extra)
    path = write_native(tmp_path / "source.dcm", pixels)
    result = written(path, tmp_path / "out.dcm", BOXES)
    np.testing.assert_array_equal(stored_cells(tmp_path / "out.dcm"), expected_cells(pixels, BOXES, [3]))
    assert proved(path, tmp_path / "out.dcm", BOXES, result).ok


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize("columns", [4, 5])
def test_without_a_box_pixel_bytes_are_kept(tmp_path: Path, syntax: str, columns: int) -> None:
    pixels = random_pixels(frames=3, rows=3, columns=columns)
    path = write_native(tmp_path / "source.dcm", pixels, syntax)
    result = written(path, tmp_path / "out.dcm", PatientID="TEST-0002")
    assert (result.route, result.fill, result.scrubbed) == ("copy", "", ())
    assert dcmread(tmp_path / "out.dcm").PixelData == dcmread(path).PixelData
    proof = proved(path, tmp_path / "out.dcm", (), result)
    assert (proof.ok, proof.compared, proof.frames) == (True, "identical-bytes", 3)


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN])
def test_overlay_planes_in_unused_bits_are_cleared_over_the_whole_image(tmp_path: Path, syntax: str) -> None:
    pixels = random_pixels(allocated=16, stored=16)
    noisy = Pixels(pixels.cells, "MONOCHROME2", 16, 12, signed=True)
    path = write_native(tmp_path / "plain.dcm", noisy, syntax)
    with open_source(path, tmp_path) as source:
        header = source.header
    overlay = {(0x6000, 0x0010): 7, (0x6000, 0x0011): 10, (0x6000, 0x0100): 16, (0x6000, 0x0102): 13}
    for tag, value in overlay.items():
        header.add_new(tag, "US", value)
    ow = _element_with_overlay(tmp_path / "source.dcm", header, noisy, syntax)
    for boxes, cell in (((), [0]), (BOXES, [0x800])):
        result = written(ow, tmp_path / "out.dcm", boxes)
        assert result.scrubbed == ("overlay planes in unused bits",)
        plain = Pixels(noisy.cells & 0x0FFF)
        np.testing.assert_array_equal(stored_cells(tmp_path / "out.dcm"), expected_cells(plain, boxes, cell))
        assert proved(ow, tmp_path / "out.dcm", boxes, result).ok


def _element_with_overlay(path: Path, header: Any, pixels: Pixels, syntax: str) -> Path:
    value = native_value(pixels, syntax, "OW")
    return write_raw(path, syntax, encode_header(header, syntax), pixel_element(syntax, "OW", len(value)) + value)


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("64 bits", {"allocated": 64, "stored": 32}, {}),
    ("RCT", {"photometric": "YBR_RCT"}, {}),
    ("ICT", {"photometric": "YBR_ICT"}, {}),
    ("unknown", {"photometric": "HSV"}, {}),
    ("signed colour", {"photometric": "RGB", "signed": True}, {}),
    ("no planar configuration", {"photometric": "RGB"}, {"PlanarConfiguration": None}),
    ("grey with three samples", {"photometric": "RGB"}, {"PhotometricInterpretation": "MONOCHROME2"}),
    ("colour with a high bit", {"photometric": "RGB", "allocated": 16, "stored": 12}, {"HighBit": 15}),
    ("no palette", {"photometric": "PALETTE COLOR"}, {}),
]


@pytest.mark.parametrize(("name", "settings", "changes"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_cannot_be_blackened_is_copied_but_never_edited(
    tmp_path: Path, name: str, settings: dict[str, Any], changes: dict[str, Any]
) -> None:
    pixels = random_pixels(**settings)
    if "HighBit" in changes:  # nothing below the stored bits
        pixels = dataclasses.replace(pixels, cells=pixels.cells << np.uint64(4))
    path = write_native(tmp_path / "source.dcm", pixels, **changes)
    facts = read_facts(path, "source.dcm", tmp_path)
    assert facts.damage is None
    assert facts.copy_refusal is None
    assert facts.edit_refusal is not None
    assert facts.edit_refusal.code == "pixel-format"
    with pytest.raises(InstanceError) as refused:
        written(path, tmp_path / "out.dcm", (Rectangle(0, 0, 1, 1),))
    assert refused.value.code == "pixel-format"
    assert not (tmp_path / "out.dcm").exists()
    assert proved(path, tmp_path / "out.dcm", (), written(path, tmp_path / "out.dcm")).ok


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("frames", "rows", "columns"), [(3, 5, 5), (2, 7, 10), (1, 16, 24), (9, 3, 1)])
def test_single_bits_are_filled_though_frames_are_not_whole_bytes(
    tmp_path: Path, syntax: str, photometric: str, frames: int, rows: int, columns: int
) -> None:
    cells = np.random.default_rng(rows).integers(0, 2, (frames, rows, columns, 1), np.uint64)
    pixels = Pixels(cells, photometric, allocated=1, stored=1)
    packed = np.packbits(cells.ravel().astype(np.uint8), bitorder="little").tobytes()
    packed += b"\0" * (len(packed) % 2)
    if syntax == BIG_ENDIAN:
        packed = np.frombuffer(packed, "<u2").astype(">u2").tobytes()
    path = write_native(tmp_path / "source.dcm", pixels, syntax, value=packed, vr="OW")
    box = Rectangle(1, 0, 3, (columns + 1) // 2)
    result = written(path, tmp_path / "out.dcm", (box,))
    value = dcmread(tmp_path / "out.dcm").PixelData
    if syntax == BIG_ENDIAN:
        value = np.frombuffer(value, ">u2").astype("<u2").tobytes()
    bits = np.unpackbits(np.frombuffer(value, np.uint8), bitorder="little")[: cells.size].reshape(cells.shape)
    expected = cells.copy()
    expected[:, box.top : box.bottom, box.left : box.right] = photometric == "MONOCHROME1"
    np.testing.assert_array_equal(bits, expected)
    assert proved(path, tmp_path / "out.dcm", (box,), result).ok
    assert proved(path, tmp_path / "out.dcm", (), written(path, tmp_path / "out.dcm")).ok


@pytest.mark.parametrize(("number", "vr", "size"), [(8, "OF", 4), (9, "OD", 8)])
@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG_ENDIAN])
@pytest.mark.parametrize("padding", [None, -1.5])
def test_float_pixels_are_filled_with_their_padding_value_or_zero(
    tmp_path: Path, number: int, vr: str, size: int, syntax: str, padding: float | None
) -> None:
    order = ">" if syntax == BIG_ENDIAN else "<"
    numbers = np.linspace(1, 2, 35).reshape(5, 7)
    value = numbers.astype(f"{order}f{size}").tobytes()
    pixels = Pixels(np.zeros((1, 5, 7, 1), np.uint64), allocated=8 * size, stored=8 * size)
    ds = data_set(pixels, BitsStored=None, HighBit=None, PixelRepresentation=None)
    if padding is not None:
        setattr(ds, "FloatPixelPaddingValue" if size == 4 else "DoubleFloatPixelPaddingValue", padding)
    element = pixel_element(syntax, vr, len(value), (0x7FE0, number))
    path = write_raw(tmp_path / "source.dcm", syntax, encode_header(ds, syntax), element + value)
    facts = read_facts(path, "source.dcm", tmp_path)
    assert (facts.damage, facts.copy_refusal, facts.edit_refusal, facts.has_pixel_data) == (None, None, None, True)
    result = written(path, tmp_path / "copy.dcm")
    assert proved(path, tmp_path / "copy.dcm", (), result).ok
    assert (tmp_path / "copy.dcm").read_bytes().endswith(element + value)
    box = Rectangle(1, 2, 3, 7)
    result = written(path, tmp_path / "out.dcm", (box,))
    assert proved(path, tmp_path / "out.dcm", (box,), result).ok
    found = np.frombuffer((tmp_path / "out.dcm").read_bytes()[-len(value) :], f"{order}f{size}").reshape(5, 7)
    expected = np.frombuffer(value, f"{order}f{size}").reshape(5, 7).copy()
    expected[1:3, 2:7] = padding or 0
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN])
@pytest.mark.parametrize(("photometric", "signed", "cell"), [
    ("MONOCHROME2", False, 0), ("MONOCHROME1", False, 0xFFF0), ("MONOCHROME2", True, 0x8000),
])  # fmt: skip
def test_values_above_unused_low_bits_are_filled_in_their_place(
    tmp_path: Path, syntax: str, photometric: str, signed: bool, cell: int
) -> None:
    pixels = random_pixels(photometric, allocated=16, stored=12, signed=signed)
    pixels = dataclasses.replace(pixels, cells=pixels.cells << np.uint64(4))
    path = write_native(tmp_path / "source.dcm", pixels, syntax, HighBit=15)
    result = written(path, tmp_path / "out.dcm", BOXES)
    np.testing.assert_array_equal(stored_cells(tmp_path / "out.dcm"), expected_cells(pixels, BOXES, [cell]))
    assert proved(path, tmp_path / "out.dcm", BOXES, result).ok


def test_pairs_of_16_bit_pixels_are_filled_with_their_chroma(tmp_path: Path) -> None:
    pixels = random_pixels("YBR_FULL_422", allocated=16, columns=12)
    path = write_native(tmp_path / "source.dcm", pixels)
    box = Rectangle(1, 2, 3, 6)
    result = written(path, tmp_path / "out.dcm", (box,))
    expected = expected_cells(pixels, (box,), [0, 0x8000, 0x8000])
    np.testing.assert_array_equal(stored_cells(tmp_path / "out.dcm"), expected)
    assert proved(path, tmp_path / "out.dcm", (box,), result).ok


def test_frames_larger_than_a_chunk_are_filled_in_every_band(tmp_path: Path) -> None:
    pixels = random_pixels("RGB", frames=2, rows=701, columns=999)
    path = write_native(tmp_path / "source.dcm", pixels)
    boxes = (Rectangle(340, 1, 701, 998), Rectangle(0, 0, 2, 2))
    result = written(path, tmp_path / "out.dcm", boxes)
    expected = pixels.cells.copy()
    for box in boxes:
        expected[:, box.top : box.bottom, box.left : box.right] = 0
    np.testing.assert_array_equal(stored_cells(tmp_path / "out.dcm"), expected)
    assert proved(path, tmp_path / "out.dcm", boxes, result).ok
