"""Boxes in compressed pixel data that are decoded, filled and coded again: what comes out, and what is refused."""

from __future__ import annotations

import os
import resource
import signal
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread

from xnat_pixelanon.domain.decisions import Decision
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pipeline import cleaning, work
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.work import Cleaned, CleanTask, Failed, ReadTask
from xnat_pixelanon.pixels import edits, read_facts, recode, turbojpeg
from xnat_pixelanon.pixels.routes import ROUTES
from xnat_pixelanon.pixels.window import in_order

from . import jpegs
from .mutation.cleaning import REQUEST
from .mutation.coders import CODERS, Cells, Form
from .mutation.parts import take_apart
from .phantoms import Pixels, proved, write_encapsulated, written

JPEG = "1.2.840.10008.1.2.4."
RLE = "1.2.840.10008.1.2.5"
ROWS, COLUMNS = 24, 33
BOXES = (Rectangle(2, 3, 9, 14), Rectangle(20, 28, 24, 33))
LOST = "01"


EIGHT = Form(8)


@dataclass(frozen=True)
class Route:
    """A source and what its copy has to be: transfer syntax, colours, and whether the loss has to be told."""

    name: str
    syntax: str
    result: str
    coder: str
    recoder: str
    photometric: str = "MONOCHROME2"
    stored: int = 8
    form: Form = EIGHT
    colours: str = ""
    lost: bool = False
    signed: bool = False
    planar: int = 0

    @property
    def pixels(self) -> Pixels:
        """Noise in the middle of the range, so that lossy decoders need not clip."""
        samples = 1 if self.photometric.startswith("MONO") else 3
        low, high = 3 << self.stored - 3, 5 << self.stored - 3
        cells = np.random.default_rng(7).integers(low, high, (3, ROWS, COLUMNS, samples), np.uint64)
        allocated = 16 if self.stored > 8 else 8
        if self.signed:
            cells -= np.uint64(4 << self.stored - 3)
            cells &= np.uint64((1 << allocated) - 1)
        return Pixels(cells, self.photometric, allocated, self.stored, self.signed, self.planar)

    @property
    def frames(self) -> list[bytes]:
        kind = f"u{self.pixels.allocated // 8}"
        mask = np.uint64((1 << self.form.precision) - 1)
        return [CODERS[self.coder].encode((one & mask).astype(kind), self.form, b"") for one in self.pixels.cells]


RCT = Form(8, transformed=True)
ROUTED = (
    Route("RLE", RLE, RLE, "rle", "rle", stored=12, form=Form(16)),
    Route("RLE colour", RLE, RLE, "rle", "rle", "RGB"),
    Route("RLE signed", RLE, RLE, "rle", "rle", stored=12, form=Form(16), signed=True),
    Route(".70", JPEG + "70", JPEG + "70", "jpeg-lossless", "jpeg-lossless", stored=12, form=Form(12)),
    Route(".70 colour", JPEG + "70", JPEG + "70", "jpeg-lossless", "jpeg-lossless", "RGB"),
    Route(".57", JPEG + "57", JPEG + "57", "jpeg-lossless", "jpeg-lossless", form=Form(8, predictor=4)),
    Route(".80", JPEG + "80", JPEG + "80", "jpeg-ls", "jpeg-ls", stored=12, form=Form(12)),
    Route(".80 colour", JPEG + "80", JPEG + "80", "jpeg-ls", "jpeg-ls", "RGB"),
    Route(".81", JPEG + "81", JPEG + "80", "jpeg-ls", "jpeg-ls", form=Form(8, near=3), lost=True),
    Route(".81 without loss", JPEG + "81", JPEG + "80", "jpeg-ls", "jpeg-ls"),
    Route(".90", JPEG + "90", JPEG + "90", "jpeg2000", "jpeg2000", stored=12, form=Form(12)),
    Route(".90 signed", JPEG + "90", JPEG + "90", "jpeg2000", "jpeg2000", stored=12, form=Form(12, signed=True),
          signed=True),
    Route(".90 colour", JPEG + "90", JPEG + "90", "jpeg2000", "jpeg2000", "YBR_RCT", form=RCT),
    Route(".91", JPEG + "91", JPEG + "90", "jpeg2000-lossy", "jpeg2000", lost=True),
    Route(".91 colour", JPEG + "91", JPEG + "90", "jpeg2000-lossy", "jpeg2000", "YBR_ICT", form=RCT,
          colours="YBR_RCT", lost=True),
    Route(".91 without loss", JPEG + "91", JPEG + "90", "jpeg2000", "jpeg2000", "YBR_RCT", form=RCT),
    Route(".201", JPEG + "201", JPEG + "201", "htj2k", "htj2k", stored=12, form=Form(16)),
    Route(".201 colour", JPEG + "201", JPEG + "201", "htj2k", "htj2k", "YBR_RCT", form=RCT),
    Route(".202", JPEG + "202", JPEG + "202", "htj2k", "htj2k"),
    Route(".203", JPEG + "203", JPEG + "201", "htj2k-lossy", "htj2k", lost=True),
    Route(".203 without loss", JPEG + "203", JPEG + "201", "htj2k", "htj2k"),
    Route(".51 of 12 bits", JPEG + "51", JPEG + "70", "jpeg-dct", "jpeg-lossless", stored=12, form=Form(12),
          lost=True),
)  # fmt: skip
BY_NAME = {route.name: route for route in ROUTED}


def cells_of(frames: Sequence[bytes], coder: str, form: Form, pixels: Pixels) -> Cells:
    like = np.zeros(pixels.shape[1:], f"u{pixels.allocated // 8}")
    return np.stack([CODERS[coder].decode(one, like, form) for one in frames])


def source_of(route: Route, path: Path, **more: Any) -> Path:
    return write_encapsulated(path, route.pixels, route.syntax, route.frames, **more)


def read_back(route: Route, path: Path) -> Cells:
    parts = take_apart(path)
    return cells_of(parts.frames, route.recoder, replace(route.form, near=0), route.pixels)


def outside(boxes: Sequence[Rectangle] = BOXES) -> np.ndarray:
    mask = np.ones((ROWS, COLUMNS), bool)
    for box in boxes:
        mask[box.slices] = False
    return mask


def test_every_route_that_codes_anew_is_tried_here() -> None:
    wanted = {(row.uid, row.recoded) for row in ROUTES.values() if row.edit in ("recode", "jpeg-dct")}
    tried = {(route.syntax, route.result) for route in ROUTED} | {(JPEG + "50", JPEG + "70")}  # below
    assert tried == wanted


@pytest.mark.parametrize("name", BY_NAME)
def test_a_box_is_black_and_the_rest_as_it_was_decoded(tmp_path: Path, name: str) -> None:
    route = BY_NAME[name]
    path, out = source_of(route, tmp_path / "source.dcm"), tmp_path / "out.dcm"
    before = cells_of(route.frames, route.coder, route.form, route.pixels)
    result = written(path, out, BOXES)
    assert (result.route, result.transfer_syntax_uid, result.effective) == ("recode", route.result, BOXES)
    assert bool(result.note) == (route.syntax != route.result)
    after = read_back(route, out)
    np.testing.assert_array_equal(after[:, outside()], before[:, outside()])
    black = 1 << route.stored - 1 if route.signed else 0
    if route.coder == "rle" and route.signed:
        black |= 0xF000
    for box in BOXES:
        assert (after[(slice(None), *box.slices)] == black).all()
    proof = proved(path, out, BOXES, result)
    assert (proof.findings, proof.frames, proof.compared) == ((), 3, "box-and-outside")


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("told", [None, "00", "01"])
def test_what_was_lossy_once_stays_so(tmp_path: Path, name: str, told: str | None) -> None:
    """PS3.3 C.7.6.1.1.5: 01 where information was lost by the source's coding or before; else what the source says."""
    route = BY_NAME[name]
    more = {} if told is None else {"LossyImageCompression": told}
    if told == LOST:
        more |= {"LossyImageCompressionRatio": "12.5", "LossyImageCompressionMethod": "ISO_10918_1"}
    path, out = source_of(route, tmp_path / "source.dcm", **more), tmp_path / "out.dcm"
    assert isinstance(cleaned(path, out), Cleaned)
    copy = dcmread(out)
    assert copy.get("LossyImageCompression") == (LOST if route.lost else told)
    assert copy.get("LossyImageCompressionRatio") == (12.5 if told == LOST else None)
    assert copy.get("LossyImageCompressionMethod") == ("ISO_10918_1" if told == LOST else None)
    assert copy.PhotometricInterpretation == (route.colours or route.photometric)
    assert (copy.BitsStored, copy.PixelRepresentation) == (route.stored, int(route.signed))


def cleaned(path: Path, out: Path, boxes: Sequence[Rectangle] = BOXES, *, threads: int = 1) -> Cleaned | Failed:
    """As a run does it."""
    read = work.read(ReadTask(path, path.name, out.parent))
    return work.clean(CleanTask(read, tuple(boxes), REQUEST, out, out.parent, threads))


def test_planes_of_colour_become_pixels_of_colour_where_the_transfer_syntax_changes(tmp_path: Path) -> None:
    """Planar Configuration of a compressed frame means nothing; of one that is coded anew it is 0 (PS3.5 8.2)."""
    for name, planar in ((".91 colour", 0), (".90 colour", 1)):
        route = BY_NAME[name]
        path = source_of(route, tmp_path / f"{planar}.dcm", PlanarConfiguration=1)
        written(path, tmp_path / "out.dcm", BOXES)
        assert dcmread(tmp_path / "out.dcm").PlanarConfiguration == planar


# Fragments and offset tables


@pytest.mark.parametrize("name", [".80", ".90", ".201", ".70"])
@pytest.mark.parametrize("filled", [True, False])
def test_frames_in_several_fragments_become_one_fragment_each(tmp_path: Path, name: str, filled: bool) -> None:
    route = BY_NAME[name]
    pieces = [piece for one in route.frames for piece in (one[:20], one[20:90], one[90:])]
    starts = [sum(8 + len(one) + len(one) % 2 for one in pieces[:at]) for at in range(0, 9, 3)]
    path = write_encapsulated(
        tmp_path / "source.dcm", route.pixels, route.syntax, pieces, offsets=starts if filled else ()
    )
    assert cells_as_written(route, path, tmp_path / "out.dcm").tables == ("basic" if filled else "none")


@pytest.mark.parametrize("name", ["RLE", ".80", ".91", ".51 of 12 bits"])
@pytest.mark.parametrize("tables", ["none", "basic", "extended"])
def test_the_copy_has_the_offset_tables_of_its_source(tmp_path: Path, name: str, tables: str) -> None:
    route = BY_NAME[name]
    frames = route.frames
    starts = [sum(8 + len(one) + len(one) % 2 for one in frames[:at]) for at in range(3)]
    given: dict[str, Any] = {
        "none": {},
        "basic": {"offsets": starts},
        "extended": {"extended": (starts, [len(one) for one in frames])},
    }[tables]
    path = source_of(route, tmp_path / "source.dcm", **given)
    parts = cells_as_written(route, path, tmp_path / "out.dcm")
    assert parts.tables == tables
    assert len(parts.frames) == 3


def cells_as_written(route: Route, path: Path, out: Path) -> Any:
    """The parts of a copy that is exact and proved; its tables are looked at by the proof."""
    result = written(path, out, BOXES)
    proof = proved(path, out, BOXES, result)
    assert proof.findings == ()
    before = cells_of(route.frames, route.coder, route.form, route.pixels)
    np.testing.assert_array_equal(read_back(route, out)[:, outside()], before[:, outside()])
    return take_apart(out)


# Overlays in the cells


def overlaid(route: Route, bit: int, path: Path) -> tuple[Path, Cells]:
    """A plane in one bit of 16, over 12 stored ones."""
    pixels, form = route.pixels, route.form
    plane = (np.indices((ROWS, COLUMNS)).sum(axis=0) % 3 == 0)[None, :, :, None]
    cells = (pixels.cells | plane.astype(np.uint64) << np.uint64(bit)).astype(np.uint16)
    frames = [CODERS[route.coder].encode(one, form, b"") for one in cells]
    write_encapsulated(path, pixels, route.syntax, frames)
    data = path.read_bytes()
    at = data.index(struct.pack("<HH", 0x7FE0, 0x0010))
    overlay = b"".join(
        struct.pack("<HH2sHH", 0x6000, number, b"US", 2, value)
        for number, value in ((0x10, ROWS), (0x11, COLUMNS), (0x100, 16), (0x102, bit))
    )
    path.write_bytes(data[:at] + overlay + data[at:])
    return path, pixels.cells.astype(np.uint16)


@pytest.mark.parametrize("name", ["RLE", ".80", ".90", ".201", ".70"])
@pytest.mark.parametrize("bit", [12, 15])
@pytest.mark.parametrize("boxes", [BOXES, ()], ids=["boxes", "no box"])
def test_overlay_planes_in_compressed_cells_are_cleared_over_the_whole_image(
    tmp_path: Path, name: str, bit: int, boxes: tuple[Rectangle, ...]
) -> None:
    route = replace(BY_NAME[name], form=Form(16))
    path, plain = overlaid(route, bit, tmp_path / "source.dcm")
    assert read_facts(path, "", tmp_path).copy_refusal is None
    result = written(path, tmp_path / "out.dcm", boxes)
    assert (result.route, result.scrubbed) == ("recode", ("overlay planes in unused bits",))
    after = read_back(route, tmp_path / "out.dcm")
    np.testing.assert_array_equal(after[:, outside(boxes)], plain[:, outside(boxes)])
    for box in boxes:
        assert not after[(slice(None), *box.slices)].any()
    assert proved(path, tmp_path / "out.dcm", boxes, result).findings == ()


@pytest.mark.parametrize(("name", "bit"), [(".81", 15), (".91", 15), (".80", 11), (".70", 4)])
def test_overlay_planes_that_cannot_be_taken_out_refuse_the_copy(tmp_path: Path, name: str, bit: int) -> None:
    """Frames of a lossy process, and planes in bits that hold the image."""
    route = replace(BY_NAME[name], stored=12, form=Form(16, near=BY_NAME[name].form.near))
    path, _ = overlaid(route, bit, tmp_path / "source.dcm")
    facts = read_facts(path, "", tmp_path)
    assert facts.copy_refusal is not None
    assert facts.copy_refusal.code == "pixel-format"
    for boxes in ((), BOXES):
        with pytest.raises(InstanceError) as refused:
            written(path, tmp_path / "out.dcm", boxes)
        assert refused.value.code == "pixel-format"
    assert not (tmp_path / "out.dcm").exists()


# Damaged frames


def cut_jpeg(frame: bytes) -> bytes:
    """A third of the coded data is gone; EOI is there."""
    start = frame.index(b"\xff\xda") + 14
    return frame[: start + 2 * (len(frame) - start) // 3].rstrip(b"\xff") + b"\xff\xd9"


def cut_jpeg2000(frame: bytes) -> bytes:
    """A third of the only tile-part is gone; its length and EOC fit. TLM, where it is, tells the new length too."""
    at = frame.index(b"\xff\x90")
    (length,) = struct.unpack(">L", frame[at + 6 : at + 10])
    length = length or len(frame) - at - 2
    kept = 2 * length // 3
    head = bytearray(frame[:at])
    if (told := head.find(b"\xff\x55")) > 0:
        segment_end = told + 2 + int.from_bytes(head[told + 2 : told + 4], "big")
        head[segment_end - 4 : segment_end] = struct.pack(">L", kept)
    return bytes(head) + frame[at : at + 6] + struct.pack(">L", kept) + frame[at + 10 : at + kept] + b"\xff\xd9"


def cut_rle(frame: bytes) -> bytes:
    return frame[: len(frame) * 2 // 3]


CUTS: dict[str, Callable[[bytes], bytes]] = {
    "RLE": cut_rle,
    "RLE colour": cut_rle,
    ".70": cut_jpeg,
    ".70 colour": cut_jpeg,
    ".57": cut_jpeg,
    ".80": cut_jpeg,
    ".80 colour": cut_jpeg,
    ".81": cut_jpeg,
    ".51 of 12 bits": cut_jpeg,
    ".90": cut_jpeg2000,
    ".90 colour": cut_jpeg2000,
    ".91": cut_jpeg2000,
    ".201": cut_jpeg2000,
    ".201 colour": cut_jpeg2000,
    ".202": cut_jpeg2000,
    ".203": cut_jpeg2000,
}


@pytest.mark.parametrize("name", CUTS)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_truncated_frame_is_damaged_and_never_padded(tmp_path: Path, name: str, number: int) -> None:
    route = BY_NAME[name]
    frames = route.frames
    frames[number] = CUTS[name](frames[number])
    path = write_encapsulated(tmp_path / "source.dcm", route.pixels, route.syntax, frames)
    with pytest.raises(InstanceError) as refused:
        written(path, tmp_path / "out.dcm", BOXES)
    assert refused.value.code == "damaged"
    assert not (tmp_path / "out.dcm").exists()


def test_frames_that_are_coded_in_different_ways_are_not_edited(tmp_path: Path) -> None:
    route = BY_NAME[".57"]
    frames = route.frames
    cells = route.pixels.cells[1].astype(np.uint8)
    frames[1] = CODERS["jpeg-lossless"].encode(cells, Form(8, predictor=2), b"")
    path = write_encapsulated(tmp_path / "source.dcm", route.pixels, route.syntax, frames)
    with pytest.raises(InstanceError) as refused:
        written(path, tmp_path / "out.dcm", BOXES)
    assert refused.value.code == "pixel-format"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_frames_of_different_colours_are_not_edited(tmp_path: Path, number: int) -> None:
    """By Adobe's segment one frame is RGB, the others YCbCr: no fill is black in both."""
    frame = jpegs.encoded("4:4:4", ROWS, COLUMNS)
    frames = [jpegs.with_adobe(frame, 0 if at == number else 1) for at in range(3)]
    pixels = Pixels(np.zeros((3, ROWS, COLUMNS, 3)), "YBR_FULL")
    path = write_encapsulated(tmp_path / "source.dcm", pixels, JPEG + "50", frames)
    with pytest.raises(InstanceError) as refused:
        written(path, tmp_path / "out.dcm", BOXES)
    assert refused.value.code == "pixel-format"
    assert not (tmp_path / "out.dcm").exists()


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("missing", ["", "libturbojpeg"])
def test_frames_of_different_colours_are_not_proved_either(
    tmp_path: Path, number: int, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that did not look at the colours of every frame is found out by the proof."""
    monkeypatch.setattr(turbojpeg, "why_missing", lambda: missing)
    frame = jpegs.encoded("4:4:4", ROWS, COLUMNS)
    frames = [jpegs.with_adobe(frame, 0 if at == number else 1) for at in range(3)]
    pixels = Pixels(np.zeros((3, ROWS, COLUMNS, 3)), "YBR_FULL")
    path = write_encapsulated(tmp_path / "source.dcm", pixels, JPEG + "50", frames)
    refused = cleaned(path, tmp_path / "out.dcm")
    assert isinstance(refused, Failed)
    assert refused.code == "pixel-format"
    monkeypatch.setattr(recode, "_check_colour", lambda data, edit, layout: None)
    found = cleaned(path, tmp_path / "out.dcm")
    assert isinstance(found, Failed)
    assert found.code == "proof-failed"
    assert found.detail in (
        "a box does not show as black",
        "the copy has another PhotometricInterpretation than its frames",
    )


# JPEG frames that cannot be edited in their coefficients


def grey(stored: int = 8, *, signed: bool = False, photometric: str = "MONOCHROME2") -> Pixels:
    return Pixels(np.zeros((2, ROWS, COLUMNS, 1)), photometric, 16 if stored > 8 else 8, stored, signed)


def baseline(kind: str = "grey") -> list[bytes]:
    return [jpegs.encoded(kind, ROWS, COLUMNS, quality) for quality in (75, 75)]


def palette() -> dict[str, Any]:
    """Its darkest entry is neither the first nor the last."""
    table = np.full(256, 9000, "<u2")
    table[100] = 5
    found: dict[str, Any] = {}
    for colour in ("Red", "Green", "Blue"):
        found[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        found[f"{colour}PaletteColorLookupTableData"] = table.tobytes()
    return found


@pytest.mark.parametrize("syntax", [JPEG + "50", JPEG + "51"])
@pytest.mark.parametrize(
    ("pixels", "more", "black"),
    [
        (grey(7), {}, 0),
        (grey(photometric="PALETTE COLOR"), palette(), 100),
    ],
    ids=["fewer bits stored", "palette"],
)
def test_a_fill_that_blocks_cannot_hold_is_stored_without_loss(
    tmp_path: Path, syntax: str, pixels: Pixels, more: dict[str, Any], black: int
) -> None:
    frames = [bytes(imagecodecs.jpeg8_encode(np.full((ROWS, COLUMNS), 60, np.uint8), level=90))] * 2
    path = write_encapsulated(tmp_path / "source.dcm", pixels, syntax, frames, **more)
    assert_stored_without_loss(path, tmp_path / "out.dcm", frames, black, "the fill is neither")


@pytest.mark.parametrize("kind", ["grey", "4:4:4", "4:2:0", "rgb"])
def test_without_libturbojpeg_frames_are_stored_without_loss(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turbojpeg, "why_missing", lambda: "libturbojpeg is not installed")
    named = {"grey": "MONOCHROME2", "rgb": "RGB"}.get(kind, "YBR_FULL_422")
    pixels = replace(grey(), photometric=named, cells=np.zeros((2, ROWS, COLUMNS, 1 if kind == "grey" else 3)))
    path = write_encapsulated(tmp_path / "source.dcm", pixels, JPEG + "50", baseline(kind))
    black = [0, 128, 128] if named.startswith("YBR") else 0
    assert_stored_without_loss(path, tmp_path / "out.dcm", baseline(kind), black, "libturbojpeg")
    copy = dcmread(tmp_path / "out.dcm")
    assert copy.PhotometricInterpretation == ("YBR_FULL" if named == "YBR_FULL_422" else named)
    if kind == "grey":
        return
    shown = [jpegs.rgb(frame) for frame in baseline(kind)]
    for before, frame in zip(shown, take_apart(tmp_path / "out.dcm").frames, strict=True):
        after = components(frame)
        if named != "RGB":
            after = as_rgb(after)
        else:
            before = jpegs.raw(baseline(kind)[0])
        assert np.abs(after.astype(int) - before)[outside()].max() <= 2


@pytest.mark.parametrize("named", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize(("transform", "colours", "black"), [(0, "RGB", [0, 0, 0]), (1, "YBR_FULL", [0, 128, 128])])
def test_frames_that_know_their_colours_better_than_the_header_tell_them(
    tmp_path: Path, named: str, transform: int, colours: str, black: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoders believe Adobe's segment; lossless frames keep it, and their header says the same."""
    monkeypatch.setattr(turbojpeg, "why_missing", lambda: "libturbojpeg is not installed")
    frames = [jpegs.with_adobe(jpegs.encoded("4:4:4", ROWS, COLUMNS), transform)] * 2
    pixels = Pixels(np.zeros((2, ROWS, COLUMNS, 3)), named)
    path = write_encapsulated(tmp_path / "source.dcm", pixels, JPEG + "50", frames)
    assert_stored_without_loss(path, tmp_path / "out.dcm", frames, black, "libturbojpeg")
    assert dcmread(tmp_path / "out.dcm").PhotometricInterpretation == colours
    assert isinstance(cleaned(path, tmp_path / "again.dcm"), Cleaned)


@pytest.mark.parametrize(("transform", "told"), [(0, "YBR_FULL"), (1, "RGB"), (1, "YBR_FULL_422")])
def test_a_header_that_tells_other_colours_than_the_frames_is_not_proved(
    tmp_path: Path, transform: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turbojpeg, "why_missing", lambda: "libturbojpeg is not installed")
    wrong = (("LossyImageCompression", LOST), ("PhotometricInterpretation", told))
    monkeypatch.setattr(edits, "_description", lambda *given: wrong)
    frames = [jpegs.with_adobe(jpegs.encoded("4:4:4", ROWS, COLUMNS), transform)] * 2
    pixels = Pixels(np.zeros((2, ROWS, COLUMNS, 3)), "RGB" if transform else "YBR_FULL_422")
    path = write_encapsulated(tmp_path / "source.dcm", pixels, JPEG + "50", frames)
    result = cleaned(path, tmp_path / "out.dcm")
    assert isinstance(result, Failed)
    assert result.code == "proof-failed"
    assert "PhotometricInterpretation" in result.detail


def as_rgb(ybr: Cells) -> Cells:
    """JFIF's conversion, which PS3.3 C.7.6.3.1.2 has too."""
    luma, blue, red = ybr[..., 0].astype(float), ybr[..., 1] - 128.0, ybr[..., 2] - 128.0
    rgb = np.stack([luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue], axis=-1)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("options", [("-progressive",), ("-progressive", "-grayscale")], ids=["colour", "grey"])
def test_progressive_frames_are_stored_without_loss(tmp_path: Path, options: tuple[str, ...]) -> None:
    frame = jpegs.by_cjpeg(ROWS, COLUMNS, *options)
    samples = 1 if "-grayscale" in options else 3
    named = "MONOCHROME2" if samples == 1 else "YBR_FULL_422"
    pixels = replace(grey(), photometric=named, cells=np.zeros((2, ROWS, COLUMNS, samples)))
    path = write_encapsulated(tmp_path / "source.dcm", pixels, JPEG + "50", [frame] * 2)
    assert_stored_without_loss(
        path, tmp_path / "out.dcm", [frame] * 2, 0 if samples == 1 else [0, 128, 128], "progressive"
    )


def components(frame: bytes) -> Cells:
    """As coded: with both colour spaces the same, nothing is converted."""
    space = None if len(jpegs.pieces(frame, 0xC0, 0xC1, 0xC2, 0xC3)[0]) == 13 else "YCBCR"
    return np.asarray(imagecodecs.jpeg8_decode(frame, colorspace=space, outcolorspace=space))


def assert_stored_without_loss(path: Path, out: Path, frames: Sequence[bytes], black: Any, why: str) -> None:
    result = written(path, out, BOXES)
    assert (result.route, result.transfer_syntax_uid, result.effective) == ("recode", JPEG + "70", BOXES)
    assert result.note.startswith("decoded and stored as lossless JPEG: ")
    assert why in result.note
    parts = take_apart(out)
    assert parts.header.LossyImageCompression == LOST
    for before, after in zip(frames, parts.frames, strict=True):
        one, other = components(before), components(after)
        np.testing.assert_array_equal(one[outside()], other[outside()])
        for box in BOXES:
            assert (other[box.slices] == np.asarray(black)).all()
    proof = proved(path, out, BOXES, result)
    assert proof.findings == ()


# Threads


@pytest.mark.parametrize("name", [*BY_NAME, "baseline"])
def test_three_threads_write_the_same_bytes_as_one(tmp_path: Path, name: str) -> None:
    if name == "baseline":
        frames = [jpegs.encoded("4:2:0", ROWS, COLUMNS, quality) for quality in (70,) * 9]
        pixels = Pixels(np.zeros((9, ROWS, COLUMNS, 3)), "YBR_FULL_422")
        path = write_encapsulated(tmp_path / "source.dcm", pixels, JPEG + "50", frames)
    else:
        route = BY_NAME[name]
        pixels = replace(route.pixels, cells=np.concatenate([route.pixels.cells] * 3))
        path = write_encapsulated(tmp_path / "source.dcm", pixels, route.syntax, route.frames * 3)
    one, three = tmp_path / "one.dcm", tmp_path / "three.dcm"
    results = cleaned(path, one), cleaned(path, three, threads=3)
    assert isinstance(results[0], Cleaned)
    assert results[0] == results[1]
    assert one.read_bytes() == three.read_bytes()


def test_a_frame_that_fails_in_a_thread_fails_the_file(tmp_path: Path) -> None:
    route = BY_NAME[".80"]
    frames = route.frames * 4
    frames[7] = cut_jpeg(frames[7])
    pixels = replace(route.pixels, cells=np.concatenate([route.pixels.cells] * 4))
    path = write_encapsulated(tmp_path / "source.dcm", pixels, route.syntax, frames)
    result = cleaned(path, tmp_path / "out.dcm", threads=3)
    assert isinstance(result, Failed)
    assert result.code == "damaged"
    assert not (tmp_path / "out.dcm").exists()


class Counted:
    """Items taken out and results given back; the difference is what is held in memory."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.most = 0
        self._held = 0
        self._lock = threading.Lock()

    def items(self) -> Iterator[int]:
        for number in range(self.count):
            with self._lock:
                self._held += 1
                self.most = max(self.most, self._held)
            yield number

    def given(self) -> None:
        with self._lock:
            self._held -= 1


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_results_come_in_order_and_few_are_held(threads: int) -> None:
    counted, results = Counted(200), list[int]()
    random = np.random.default_rng(3)
    waits = random.random(200) / 2000

    def work_on(number: int) -> int:
        threading.Event().wait(waits[number])
        return number * number

    for result in in_order(work_on, counted.items(), threads):
        results.append(result)
        counted.given()
    assert results == [number * number for number in range(200)]
    assert counted.most <= 2 * threads


def test_what_goes_wrong_in_a_thread_is_raised_and_nothing_more_is_begun() -> None:
    counted, begun = Counted(1000), list[int]()

    def fails(number: int) -> int:
        begun.append(number)
        if number == 5:
            raise InstanceError("damaged", "a frame")
        return number

    with pytest.raises(InstanceError):
        list(in_order(fails, counted.items(), 3))
    assert len(begun) <= 5 + 2 * 3


def test_a_reader_that_stops_leaves_no_thread() -> None:
    before = threading.active_count()
    results = in_order(lambda number: number, iter(range(1000)), 3)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


@pytest.mark.parametrize("threads", [1, 3])
def test_many_frames_pass_through_little_memory(tmp_path: Path, threads: int) -> None:
    """Of 120 MiB of cells, no more than a few frames of 2 MiB are there at once."""
    rows = columns = 1024
    cells = np.random.default_rng(1).integers(0, 4, (1, rows, columns, 1), np.uint64)
    frame = CODERS["rle"].encode(cells[0].astype(np.uint16), Form(16), b"")
    pixels = Pixels(np.broadcast_to(cells, (60, rows, columns, 1)), "MONOCHROME2", 16, 16)
    path = write_encapsulated(tmp_path / "source.dcm", pixels, RLE, [frame] * 60)
    before = grown_in_child(path, tmp_path / "out.dcm", threads)
    assert before < 60 << 20


def grown_in_child(path: Path, out: Path, threads: int) -> int:
    """How far the memory of a process of its own grows while it cleans."""
    with Workers(1) as workers:
        (done,) = workers.each(memory_of_cleaning, [(path, out, threads)])
    assert done.result is not None
    return done.result


def memory_of_cleaning(task: tuple[Path, Path, int]) -> int:
    path, out, threads = task
    small = replace(BY_NAME["RLE"])
    first = source_of(small, out.with_name("small.dcm"))
    assert isinstance(cleaned(first, out, threads=threads), Cleaned)  # the libraries are loaded
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert isinstance(cleaned(path, out, threads=threads), Cleaned)
    return 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


# A codec that ends its process


def clean_with_a_codec_that_crashes(task: CleanTask) -> Cleaned | Failed:
    """What a worker does; in the bad file the decoder meets what it does not survive."""
    with pytest.MonkeyPatch.context() as patch:
        if task.file.path.name == "bad.dcm":
            patch.setattr(imagecodecs, "jpegls_decode", lambda data: os.kill(os.getpid(), signal.SIGSEGV))
        return work.clean(task)


class Silent:
    """Tells nobody."""

    def step_starts(self, step: str, files: int) -> None: ...

    def file_done(self, step: str) -> None: ...


def test_a_crash_in_a_codec_costs_one_file_and_not_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "clean", clean_with_a_codec_that_crashes)
    paths = [source_of(BY_NAME[".80"], tmp_path / name) for name in ("good.dcm", "bad.dcm", "fine.dcm")]
    files = tuple(work.read(ReadTask(path, path.name, tmp_path)) for path in paths)
    order = cleaning.CleanOrder(0, files, (Decision("template", rectangles=BOXES),) * 3)
    with Workers(2) as workers:
        (scan,) = cleaning.clean_scans(workers, Silent(), [order], REQUEST, tmp_path)  # type: ignore[arg-type]
        assert [type(result) for result in scan.results] == [Cleaned, Failed, Cleaned]
        assert [failure.code for failure in scan.failures] == ["proof-failed"]
        assert len(scan.instances) == 2
        (again,) = cleaning.clean_scans(workers, Silent(), [replace_files(order, files[:1])], REQUEST, tmp_path)  # type: ignore[arg-type]
        assert again.failures == ()


def replace_files(order: cleaning.CleanOrder, files: tuple[work.ReadFile, ...]) -> cleaning.CleanOrder:
    return replace(order, files=files, decisions=order.decisions[: len(files)])
