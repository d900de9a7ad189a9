"""The pixel proof catches what the tools before us got silently wrong (reference: one fault, one finding)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.pixels import PixelProof, prove_pixels

from . import codestreams as made
from .phantoms import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG_2000,
    JPEG_BASELINE,
    NATIVE,
    RLE,
    Pixels,
    native_value,
    proved,
    random_pixels,
    write_encapsulated,
    write_native,
    written,
)

BOX = (Rectangle(2, 3, 5, 8),)
Cells = np.ndarray[Any, Any]
GREY16 = random_pixels(frames=3, rows=9, columns=12, allocated=16, stored=12)
SIGNED = random_pixels(frames=3, rows=9, columns=12, allocated=16, stored=12, signed=True)
RGB = random_pixels("RGB", frames=3, rows=9, columns=12)


def blackened(pixels: Pixels, cell: int = 0) -> Cells:
    cells = pixels.cells.copy()
    cells[:, 2:5, 3:8] = cell
    return cells


def proof_of(tmp_path: Path, pixels: Pixels, cells: Cells, syntax: str = EXPLICIT, **more: Any) -> PixelProof:
    """Source with `pixels`, copy with `cells` and header changes `more`, BOX asked for and said to be filled."""
    vr = more.pop("vr", "")
    source = write_native(tmp_path / "source.dcm", pixels, syntax, vr=vr)
    changed = Pixels(cells, pixels.photometric, pixels.allocated, pixels.stored, pixels.signed, pixels.planar)
    copy = write_native(tmp_path / "copy.dcm", changed, syntax, vr=vr, **more)
    return prove_pixels(source, copy, BOX, BOX, tmp_path)


@pytest.mark.parametrize("syntax", NATIVE)
def test_a_right_copy_is_proved(tmp_path: Path, syntax: str) -> None:
    proof = proof_of(tmp_path, RGB, blackened(RGB), syntax)
    assert (proof.ok, proof.findings, proof.frames, proof.compared) == (True, (), 3, "box-and-outside")


def missed_frame(cells: Cells, before: Cells) -> None:
    cells[1] = before[1]


def missed_last_frame(cells: Cells, before: Cells) -> None:
    cells[2] = before[2]


def row_short(cells: Cells, before: Cells) -> None:
    cells[:, 4] = before[:, 4]


def column_short(cells: Cells, before: Cells) -> None:
    cells[:, :, 7] = before[:, :, 7]


def off_by_one(cells: Cells, before: Cells) -> None:
    cells[:] = before
    cells[:, 3:6, 3:8] = 0


def too_large(cells: Cells, before: Cells) -> None:
    cells[:, 5, 3:8] = 0


def one_pixel_outside(cells: Cells, before: Cells) -> None:
    cells[2, 8, 11] ^= 1


def one_pixel_inside(cells: Cells, before: Cells) -> None:
    cells[2, 4, 7] = 1


def constant_but_grey(cells: Cells, before: Cells) -> None:
    cells[:, 2:5, 3:8] = 7


def another_black_in_one_frame(cells: Cells, before: Cells) -> None:
    cells[1, 2:5, 3:8] = 1


def frames_exchanged(cells: Cells, before: Cells) -> None:
    cells[[0, 1]] = cells[[1, 0]]


def lowest_bit_dropped(cells: Cells, before: Cells) -> None:
    cells &= ~np.uint64(1)


FAULTS = [
    missed_frame,
    missed_last_frame,
    row_short,
    column_short,
    off_by_one,
    too_large,
    one_pixel_outside,
    one_pixel_inside,
    constant_but_grey,
    another_black_in_one_frame,
    frames_exchanged,
    lowest_bit_dropped,
]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.__name__ for fault in FAULTS])
@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize("pixels", [GREY16, RGB, Pixels(RGB.cells, "RGB", planar=1)], ids=["grey", "rgb", "planar"])
def test_every_fault_in_the_pixels_is_found(
    tmp_path: Path, fault: Callable[[Cells, Cells], None], syntax: str, pixels: Pixels
) -> None:
    cells = blackened(pixels)
    fault(cells, pixels.cells)
    proof = proof_of(tmp_path, pixels, cells, syntax)
    assert not proof.ok
    assert proof.findings


@pytest.mark.parametrize("cell", [0, 1, 0x07FF, 0x0800, 0x7800])
def test_signed_data_are_black_at_their_lowest_value_only(tmp_path: Path, cell: int) -> None:
    proof = proof_of(tmp_path, SIGNED, blackened(SIGNED, cell))
    assert proof.ok == (cell == 0x0800)
    assert proof_of(tmp_path, SIGNED, blackened(SIGNED, 0xF800)).ok  # the same value, sign-extended


def test_bits_above_the_stored_ones_have_to_be_written_in_the_box(tmp_path: Path) -> None:
    cells = blackened(GREY16)
    cells[:, 2:5, 3:8] |= 0x4000
    assert not proof_of(tmp_path, GREY16, cells).ok


def test_a_high_bit_dropped_outside_is_found(tmp_path: Path) -> None:
    noisy = Pixels(GREY16.cells | 0x8000, "MONOCHROME2", 16, 12)
    assert not proof_of(tmp_path, noisy, blackened(noisy) & 0x0FFF).ok


def test_exchanged_bytes_are_found(tmp_path: Path) -> None:
    cells = blackened(GREY16)
    assert not proof_of(tmp_path, GREY16, (cells >> 8 | cells << 8) & 0xFFFF).ok
    assert not proof_of(tmp_path, GREY16, cells, value=native_value(Pixels(cells, allocated=16), BIG_ENDIAN, "OW")).ok


LABELS: list[tuple[Pixels, dict[str, Any]]] = [
    (RGB, {"PhotometricInterpretation": "YBR_FULL"}),
    (RGB, {"PlanarConfiguration": 1}),
    (RGB, {"Rows": 12, "Columns": 9}),
    (RGB, {"Rows": 12, "Columns": 9, "PatientID": "TEST-0002"}),
    (GREY16, {"PhotometricInterpretation": "MONOCHROME1"}),
    (GREY16, {"BitsStored": 16, "HighBit": 15}),
    (GREY16, {"PixelRepresentation": 1}),
    (GREY16, {"PresentationLUTShape": "INVERSE"}),
    (GREY16, {"NumberOfFrames": 2}),
    (GREY16, {"NumberOfFrames": 4}),
    (GREY16, {"Rows": None}),
]


@pytest.mark.parametrize(("pixels", "labels"), LABELS, ids=["-".join(labels) for _, labels in LABELS])
def test_wrong_labels_over_right_bytes_are_found(tmp_path: Path, pixels: Pixels, labels: dict[str, Any]) -> None:
    assert not proof_of(tmp_path, pixels, blackened(pixels), **labels).ok


def test_an_extra_frame_is_found_with_and_without_its_count(tmp_path: Path) -> None:
    more = np.concatenate([blackened(RGB), RGB.cells[:1]])
    assert not proof_of(tmp_path, RGB, more).ok
    assert not proof_of(tmp_path, RGB, more, NumberOfFrames=3).ok


def test_bytes_behind_the_copy_are_found(tmp_path: Path) -> None:
    assert not proof_of(tmp_path, RGB, blackened(RGB), after=b"\0\0").ok
    value = native_value(Pixels(blackened(RGB), "RGB"), EXPLICIT, "OB")
    assert not proof_of(tmp_path, RGB, blackened(RGB), value=value + b"\0\0").ok
    assert not proof_of(tmp_path, RGB, blackened(RGB), value=value[:-2]).ok


def test_a_pad_byte_that_says_something_is_found(tmp_path: Path) -> None:
    odd = random_pixels(frames=3, rows=9, columns=11)
    value = native_value(Pixels(blackened(odd)), EXPLICIT, "OB")
    assert proof_of(tmp_path, odd, blackened(odd), value=value).ok
    assert not proof_of(tmp_path, odd, blackened(odd), value=value[:-1] + b"N").ok


def test_the_boxes_reported_have_to_be_those_asked_for(tmp_path: Path) -> None:
    source = write_native(tmp_path / "source.dcm", RGB)
    copy = write_native(tmp_path / "copy.dcm", Pixels(blackened(RGB), "RGB"))
    inner = (Rectangle(2, 3, 5, 7),)
    assert not prove_pixels(source, copy, inner, BOX, tmp_path).ok
    assert not prove_pixels(source, copy, (*BOX, Rectangle(0, 0, 1, 1)), BOX, tmp_path).ok
    assert not prove_pixels(source, copy, (), BOX, tmp_path).ok
    assert not prove_pixels(source, copy, (), (), tmp_path).ok
    assert not prove_pixels(source, copy, (Rectangle(0, 0, 99, 99),), (Rectangle(0, 0, 99, 99),), tmp_path).ok


def test_another_transfer_syntax_or_no_pixels_at_all_are_found(tmp_path: Path) -> None:
    source = write_native(tmp_path / "source.dcm", RGB)
    other = write_native(tmp_path / "other.dcm", RGB, IMPLICIT)
    assert not prove_pixels(source, other, (), (), tmp_path).ok
    bare = tmp_path / "bare.dcm"
    bare.write_bytes(source.read_bytes()[: source.read_bytes().index(b"\xe0\x7f\x10\x00")])
    for one, two in ((source, bare), (bare, source)):
        assert not prove_pixels(one, two, (), (), tmp_path).ok
    assert prove_pixels(bare, bare, (), (), tmp_path).ok
    assert not prove_pixels(bare, bare, BOX, BOX, tmp_path).ok


@pytest.mark.parametrize("syntax", NATIVE)
def test_a_copy_without_a_box_has_to_be_equal_to_the_bit(tmp_path: Path, syntax: str) -> None:
    source = write_native(tmp_path / "source.dcm", GREY16, syntax)
    cells = GREY16.cells.copy()
    cells[2, 8, 11] ^= 0x8000
    copy = write_native(tmp_path / "copy.dcm", Pixels(cells, "MONOCHROME2", 16, 12), syntax)
    assert not prove_pixels(source, copy, (), (), tmp_path).ok


def test_files_that_cannot_be_read_are_findings(tmp_path: Path) -> None:
    source = write_native(tmp_path / "source.dcm", RGB)
    broken = tmp_path / "broken.dcm"
    for content in (b"", b"no DICOM", source.read_bytes()[:400], source.read_bytes()[:-30]):
        broken.write_bytes(content)
        assert not prove_pixels(source, broken, BOX, BOX, tmp_path).ok
        assert not prove_pixels(broken, source, BOX, BOX, tmp_path).ok
    assert not prove_pixels(source, tmp_path / "absent.dcm", BOX, BOX, tmp_path).ok


def test_a_truncated_deflated_copy_is_a_finding(tmp_path: Path) -> None:
    source = write_native(tmp_path / "source.dcm", RGB, DEFLATED)
    copy = tmp_path / "copy.dcm"
    copy.write_bytes(source.read_bytes()[:-40])
    assert not prove_pixels(source, copy, (), (), tmp_path).ok


def palette(*entries: int) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for colour in ("Red", "Green", "Blue"):
        table[f"{colour}PaletteColorLookupTableDescriptor"] = [len(entries), 0, 16]
        table[f"{colour}PaletteColorLookupTableData"] = np.array(entries, "<u2").tobytes()
    return table


def test_a_palette_that_changed_or_an_index_that_is_not_the_darkest_is_found(tmp_path: Path) -> None:
    pixels = random_pixels("PALETTE COLOR", stored=2, extra=palette(900, 5, 0, 70), frames=2, rows=6, columns=9)
    source = write_native(tmp_path / "source.dcm", pixels)
    result = written(source, tmp_path / "out.dcm", BOX)
    assert proved(source, tmp_path / "out.dcm", BOX, result).ok
    data_set = dcmread(tmp_path / "out.dcm")
    data_set.GreenPaletteColorLookupTableData = data_set.GreenPaletteColorLookupTableData[::-1]
    data_set.save_as(tmp_path / "other.dcm")
    assert not prove_pixels(source, tmp_path / "other.dcm", BOX, BOX, tmp_path).ok
    cells = pixels.cells.copy()
    cells[:, 2:5, 3:8] = 1
    changed = Pixels(cells, "PALETTE COLOR", stored=2, extra=pixels.extra)
    write_native(tmp_path / "other.dcm", changed)
    assert not prove_pixels(source, tmp_path / "other.dcm", BOX, BOX, tmp_path).ok


TWO = random_pixels(frames=2, rows=6, columns=5)
FRAMES = [made.jpeg(6, 5), made.jpeg(6, 5, entropy=b"\x01\x02\x03")]
COMMENT = made.jpeg(6, 5, segments=[(0xFE, b"Phantom^Ada")])
STREAM_FAULTS: dict[str, tuple[list[bytes], dict[str, Any]]] = {
    "exchanged": (FRAMES[::-1], {}),
    "missing": (FRAMES[:1], {}),
    "extra": ([*FRAMES, FRAMES[0]], {}),
    "one byte": ([FRAMES[0], FRAMES[1].replace(b"\x02", b"\x04")], {}),
    "a comment": ([FRAMES[0], made.jpeg(6, 5, entropy=b"\x01\x02\x03", segments=[(0xFE, b"Phantom^Ada")])], {}),
    "trailing bytes": ([FRAMES[0], FRAMES[1] + b"Phantom^Ada"], {}),
    "wrong offsets": (FRAMES, {"offsets": [0, 4]}),
    "too few offsets": (FRAMES, {"offsets": [0]}),
    "wrong extended offsets": (FRAMES, {"extended": ([0, 4], [1, 1])}),
    "cut": ([FRAMES[0], FRAMES[1][:-2]], {}),
    "no delimiter": (FRAMES, {"end": b""}),
    "label": (FRAMES, {"PhotometricInterpretation": "MONOCHROME1"}),
    "frames": (FRAMES, {"NumberOfFrames": 1}),
}


@pytest.mark.parametrize("name", STREAM_FAULTS)
def test_every_fault_in_compressed_pixel_data_is_found(tmp_path: Path, name: str) -> None:
    frames, more = STREAM_FAULTS[name]
    source = write_encapsulated(tmp_path / "source.dcm", TWO, JPEG_BASELINE, FRAMES)
    copy = write_encapsulated(tmp_path / "copy.dcm", TWO, JPEG_BASELINE, frames, **more)
    assert not prove_pixels(source, copy, (), (), tmp_path).ok
    assert prove_pixels(source, source, (), (), tmp_path).ok


@pytest.mark.parametrize(
    ("syntax", "frame"),
    [
        (JPEG_BASELINE, COMMENT),
        (JPEG_BASELINE, made.jpeg(6, 5, segments=[(0xE1, b"Exif Phantom^Ada")])),
        (JPEG_BASELINE, made.jpeg(6, 5, segments=[(0xE0, b"JFIF\0\1\1\0\0\1\0\1\1\1abc")])),
        (JPEG_BASELINE, FRAMES[0] + b"Phantom^Ada"),
        (JPEG_2000, made.jpeg2000(6, 5, comment=b"Phantom^Ada")),
        (JPEG_2000, made.jp2(made.jpeg2000(6, 5), extra=made.box(b"xml ", b"Phantom^Ada"))),
    ],
    ids=["comment", "exif", "thumbnail", "trailing", "j2k-comment", "jp2-box"],
)
def test_a_copy_that_still_carries_text_beside_the_image_is_no_proof(tmp_path: Path, syntax: str, frame: bytes) -> None:
    """Equal to the bit is not enough where the source itself had text in its stream."""
    path = write_encapsulated(tmp_path / "source.dcm", TWO, syntax, [frame] * 2)
    assert not prove_pixels(path, path, (), (), tmp_path).ok


def test_what_was_taken_out_has_to_be_reported(tmp_path: Path) -> None:
    path = write_encapsulated(tmp_path / "source.dcm", TWO, JPEG_BASELINE, [COMMENT, FRAMES[0]])
    result = written(path, tmp_path / "out.dcm")
    assert prove_pixels(path, tmp_path / "out.dcm", (), (), tmp_path, scrubbed=result.scrubbed).ok
    assert not prove_pixels(path, tmp_path / "out.dcm", (), (), tmp_path, scrubbed=()).ok


def test_a_box_in_compressed_data_is_not_proved_in_this_way(tmp_path: Path) -> None:
    path = write_encapsulated(tmp_path / "source.dcm", TWO, RLE, [made.rle(b"\xe3\1")] * 2)
    box = (Rectangle(0, 0, 1, 1),)
    assert not prove_pixels(path, path, box, box, tmp_path).ok
    assert prove_pixels(path, path, (), (), tmp_path).ok


def test_findings_name_no_header_value(tmp_path: Path) -> None:
    source = write_native(tmp_path / "source.dcm", RGB)
    other = write_native(tmp_path / "other.dcm", RGB, PhotometricInterpretation="PHANTOM ADA", Rows=77)
    findings = " ".join(prove_pixels(source, other, (), (), tmp_path).findings)
    assert "PHANTOM" not in findings
    assert "77" not in findings


def test_a_data_set_is_not_changed_by_its_proof(tmp_path: Path) -> None:
    source = write_native(tmp_path / "source.dcm", RGB)
    before = source.read_bytes()
    prove_pixels(source, source, (), (), tmp_path)
    assert source.read_bytes() == before
    assert isinstance(dcmread(source), Dataset)
