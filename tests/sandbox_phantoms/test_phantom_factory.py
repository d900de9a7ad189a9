from __future__ import annotations

import itertools
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, convert_color_space, pixel_array
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from xnat_pixelanon.sandbox.phantoms import Burned, Person, phantom, save, text_seen, uid

NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422")
MARK = Burned("ADA 1", (4, 4), 12)


def _shape(ds: Dataset) -> tuple[int, ...]:
    frames = (int(ds.NumberOfFrames),) if ds.get("NumberOfFrames", 1) > 1 else ()
    return (*frames, ds.Rows, ds.Columns, *((3,) if ds.SamplesPerPixel == 3 else ()))


def _first_frame(ds: Dataset) -> np.ndarray:
    array = ds.pixel_array
    return array[0] if ds.get("NumberOfFrames", 1) > 1 else array


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize("photometric", GREY)
@pytest.mark.parametrize(("bits", "signed"), [((8, 8), False), ((16, 12), False), ((16, 16), True), ((32, 32), False)])
@pytest.mark.parametrize("frames", [1, 3])
def test_grey_phantoms_open_and_show_their_text(
    tmp_path: Path, syntax: str, photometric: str, bits: tuple[int, int], signed: bool, frames: int
) -> None:
    made = phantom(
        "US",
        rows=33,
        columns=61,
        photometric=photometric,
        bits=bits,
        signed=signed,
        frames=frames,
        transfer_syntax=syntax,
        burned=MARK,
    )
    ds = pydicom.dcmread(save(made, tmp_path / "a.dcm"))

    assert ds.pixel_array.shape == _shape(ds)
    assert (ds.BitsAllocated, ds.BitsStored, ds.PhotometricInterpretation) == (*bits, photometric)
    assert text_seen(_first_frame(ds), *MARK)
    low, high = (-(2 ** (bits[1] - 1)), 2 ** (bits[1] - 1) - 1) if signed else (0, 2 ** bits[1] - 1)
    white = low if photometric == "MONOCHROME1" else high
    assert low <= ds.pixel_array.min()
    assert ds.pixel_array.max() <= high
    # Thin strokes are drawn with soft edges: the brightest pixel is nearly white.
    assert np.abs(ds.pixel_array.astype(float) - white).min() <= 0.02 * (high - low)


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize(("photometric", "planar"), [("RGB", 0), ("RGB", 1), ("YBR_FULL", 0), ("YBR_FULL", 1)])
def test_colour_phantoms_are_the_same_picture_in_every_arrangement(
    tmp_path: Path, syntax: str, photometric: str, planar: int
) -> None:
    wanted = {"rows": 31, "columns": 55, "frames": 2, "burned": MARK}
    plain = phantom("US", **wanted)
    made = phantom("US", **wanted, photometric=photometric, planar=planar, transfer_syntax=syntax)
    ds = pydicom.dcmread(save(made, tmp_path / "a.dcm"))

    rgb = pixel_array(ds, raw=True)
    if photometric != "RGB":
        rgb = convert_color_space(rgb, photometric, "RGB", per_frame=True)
    assert ds.PlanarConfiguration == planar
    assert np.abs(rgb.astype(int) - plain.pixel_array.astype(int)).max() <= 3
    assert text_seen(rgb[1], *MARK)


def test_native_ybr_full_422_stores_two_bytes_for_each_pixel(tmp_path: Path) -> None:
    ds = pydicom.dcmread(save(phantom("US", photometric="YBR_FULL_422", rows=30, burned=MARK), tmp_path / "a.dcm"))

    assert len(ds.PixelData) == 30 * 128 * 2
    assert text_seen(ds.pixel_array[..., 0], *MARK)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian])
def test_the_palette_runs_backwards(tmp_path: Path, syntax: str) -> None:
    made = phantom("US", photometric="PALETTE COLOR", transfer_syntax=syntax, burned=MARK)
    ds = pydicom.dcmread(save(made, tmp_path / "a.dcm"))

    shown = apply_color_lut(ds.pixel_array, ds)
    assert ds.pixel_array.max() == 255
    assert shown[ds.pixel_array == 255].max() == 0
    assert text_seen(shown, *MARK)


@pytest.mark.parametrize(
    ("photometric", "syntax"),
    [
        *itertools.product(("MONOCHROME2", *COLOUR), [JPEGBaseline8Bit]),
        *itertools.product(("MONOCHROME1", "MONOCHROME2", "RGB", "PALETTE COLOR", "YBR_FULL"), [RLELossless]),
        *itertools.product(("MONOCHROME2", "RGB"), [JPEG2000Lossless]),
    ],
)
def test_compressed_phantoms_open_and_show_their_text(tmp_path: Path, photometric: str, syntax: str) -> None:
    made = phantom(
        "US", frames=2, rows=48, columns=64, photometric=photometric, transfer_syntax=syntax, burned=MARK, bits=(8, 8)
    )
    ds = pydicom.dcmread(save(made, tmp_path / "a.dcm"))

    assert ds.file_meta.TransferSyntaxUID == syntax
    assert ds.pixel_array.shape == _shape(ds)
    assert text_seen(_first_frame(ds)[..., 0] if ds.SamplesPerPixel == 3 else _first_frame(ds), *MARK)
    assert ds.SOPInstanceUID == made.SOPInstanceUID == uid("phantom", "instance", 1, 1, 1)


@pytest.mark.parametrize("modality", ["CT", "MR", "US", "OT", "DX", "CR", "XA", "SEG"])
def test_every_imaging_modality_opens(tmp_path: Path, modality: str) -> None:
    ds = pydicom.dcmread(save(phantom(modality), tmp_path / "a.dcm"))

    assert ds.Modality == modality
    assert ds.pixel_array.shape == (128, 128, *((3,) if ds.SamplesPerPixel == 3 else ()))
    assert ds.pixel_array.std() > 0


def test_a_segmentation_stores_one_bit_for_each_pixel(tmp_path: Path) -> None:
    ds = pydicom.dcmread(save(phantom("SEG", rows=21, columns=13, frames=3), tmp_path / "a.dcm"))

    assert len(ds.PixelData) == (21 * 13 * 3 + 7) // 8 + 1
    assert set(np.unique(ds.pixel_array)) == {0, 1}


def test_several_frames_choose_the_multi_frame_class() -> None:
    assert phantom("US", frames=2).SOPClassUID.name == "Ultrasound Multi-frame Image Storage"
    assert "True Color" in phantom("OT", frames=2).SOPClassUID.name
    assert "Grayscale Byte" in phantom("OT", frames=2, photometric="MONOCHROME2", bits=(8, 8)).SOPClassUID.name


@pytest.mark.parametrize("modality", ["RTSTRUCT", "SR", "KO", "DOC"])
def test_objects_without_pixels_carry_the_name_and_their_references(tmp_path: Path, modality: str) -> None:
    image = phantom("CT")
    made = phantom(modality, series=2, references=[image])
    path = save(made, tmp_path / "a.dcm")
    ds = pydicom.dcmread(path)

    assert "PixelData" not in ds
    assert image.SOPInstanceUID.encode() in path.read_bytes()
    assert b"Ada Phantom" in path.read_bytes()


def test_the_pdf_has_a_valid_cross_reference_table() -> None:
    content = phantom("DOC").EncapsulatedDocument
    start = int(content.split(b"startxref\n")[1].split()[0])
    entries = [line for line in content[start:].split(b"\n") if line.endswith(b" n ")]

    assert content.startswith(b"%PDF-1.4")
    assert content[start:].startswith(b"xref")
    assert len(entries) == 5
    for number, entry in enumerate(entries, 1):
        assert content[int(entry.split()[0]) :].startswith(b"%d 0 obj" % number)


@pytest.mark.parametrize("number", [0, 1, 17, 25])
@pytest.mark.parametrize("modality", ["CT", "US", "RTSTRUCT", "SR", "KO", "DOC", "SEG"])
def test_every_string_of_the_person_stands_in_the_header(tmp_path: Path, modality: str, number: int) -> None:
    person = Person.numbered(number) if number else Person()
    content = save(phantom(modality, person=person), tmp_path / "a.dcm").read_bytes()

    encoding = "latin-1" if person.name.isascii() else "utf-8"
    assert [text for text in person.strings() if text.encode(encoding) not in content] == []


def test_the_person_stands_in_typed_free_text_nested_and_private_elements() -> None:
    ds = phantom("US", person=Person.numbered(3))

    assert ds.PatientName == "Phantom^Clothilde"
    assert "Clothilde" in ds.ImageComments
    assert "Clothilde" in ds.RequestAttributesSequence[0].ScheduledProcedureStepDescription
    block = ds.private_block(0x0029, "ACME PRIVATE HEADER 1.0")
    assert b"Clothilde" in block[0x11].value
    assert block[0x12].value[0].PatientName == "Phantom^Clothilde"


def test_invented_people_differ_from_one_another() -> None:
    people = [Person.numbered(number) for number in range(1, 40)]

    for one in ("id", "accession_number", "institution", "station", "serial", "other_id", "study_id", "phone"):
        assert len({getattr(person, one) for person in people}) == len(people)
    assert len({person.name for person in people[:36]}) == 36


def test_carriers_outside_the_pixels_hold_the_text(tmp_path: Path) -> None:
    name = Burned("PHANTOM ADA", (6, 6), 14)
    made = phantom("CT", overlay=name, icon=True, burned=name)
    ds = pydicom.dcmread(save(made, tmp_path / "a.dcm"))

    assert text_seen(ds.overlay_array(0x6000), *name)
    assert ds.IconImageSequence[0].Rows == 64
    assert len(ds.IconImageSequence[0].PixelData) == 64 * 64


def test_an_overlay_is_the_same_in_big_endian(tmp_path: Path) -> None:
    name = Burned("PHANTOM ADA", (6, 6), 14)
    made = phantom("CT", overlay=name, transfer_syntax=ExplicitVRBigEndian)
    ds = pydicom.dcmread(save(made, tmp_path / "a.dcm"))

    words = np.frombuffer(ds[0x60003000].value, ">u2").astype("<u2")
    bits = np.unpackbits(words.view(np.uint8), bitorder="little")[: 128 * 128].reshape(128, 128)
    assert text_seen(bits, *name)


def test_an_embedded_overlay_sits_above_the_stored_bits(tmp_path: Path) -> None:
    name = Burned("PHANTOM ADA", (6, 6), 14)
    ds = pydicom.dcmread(save(phantom("CT", embedded=name), tmp_path / "a.dcm"))
    cells = np.frombuffer(ds.PixelData, "<u2").reshape(128, 128)

    assert (ds[0x60000100].value, ds[0x60000102].value) == (16, 15)
    assert text_seen(cells >> 15, *name)
    assert not text_seen(cells & 0x0FFF, *name)
    assert not (cells & 0x7000).any()


@settings(max_examples=15, deadline=None)
@given(
    modality=st.sampled_from(["CT", "US", "OT", "SR", "DOC", "SEG"]),
    number=st.integers(1, 99),
    syntax=st.sampled_from(NATIVE),
    seed=st.text("abc", min_size=1, max_size=3),
)
def test_equal_arguments_give_equal_bytes(
    tmp_path_factory: pytest.TempPathFactory, modality: str, number: int, syntax: str, seed: str
) -> None:
    folder = tmp_path_factory.mktemp("twice")
    wanted = {"person": Person.numbered(number), "transfer_syntax": syntax, "seed": seed, "rows": 24, "columns": 24}
    first, second = (save(phantom(modality, **wanted), folder / name) for name in ("a.dcm", "b.dcm"))

    assert first.read_bytes() == second.read_bytes()


def test_seed_and_numbers_give_their_own_uids() -> None:
    base = phantom("CT", rows=8, columns=8)
    other = phantom("CT", rows=8, columns=8, instance=2)

    assert other.SeriesInstanceUID == base.SeriesInstanceUID
    assert other.SOPInstanceUID != base.SOPInstanceUID
    assert phantom("CT", rows=8, columns=8, series=2).StudyInstanceUID == base.StudyInstanceUID
    assert phantom("CT", rows=8, columns=8, seed="x").StudyInstanceUID != base.StudyInstanceUID
    assert base.SOPInstanceUID.is_valid


def test_attributes_are_set_removed_or_refused() -> None:
    ds = phantom("US", BurnedInAnnotation="YES", Manufacturer=None, SOPInstanceUID="2.25.7")

    assert ds.BurnedInAnnotation == "YES"
    assert "Manufacturer" not in ds
    assert ds.file_meta.MediaStorageSOPInstanceUID == "2.25.7"
    with pytest.raises(TypeError):
        phantom("US", Manufacturor="x")


@pytest.mark.parametrize(
    "wanted",
    [
        {"photometric": "YBR_FULL_422", "columns": 33},
        {"photometric": "RGB", "bits": (16, 12)},
        {"photometric": "MONOCHROME2", "bits": (16, 12), "transfer_syntax": JPEGBaseline8Bit},
        {"photometric": "MONOCHROME1", "transfer_syntax": JPEG2000Lossless},
        {"photometric": "MONOCHROME2", "bits": (8, 8), "embedded": MARK},
        {"transfer_syntax": "1.2.840.10008.1.2.4.80"},
        {"burned": ("ADA", (500, 4), 12)},
    ],
)
def test_a_format_that_cannot_be_made_is_refused(wanted: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".{20}"):
        phantom("US", **wanted)


def test_deflated_files_are_really_deflated(tmp_path: Path) -> None:
    content = save(phantom("CT", transfer_syntax=DeflatedExplicitVRLittleEndian), tmp_path / "a.dcm").read_bytes()
    length = int.from_bytes(content[140:144], "little")

    assert b"Phantom^Ada" not in content
    assert b"Phantom^Ada" in zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[144 + length :])
