"""Facts, digests, previews, failures of the disk, memory, and every public sample file."""

from __future__ import annotations

import resource
import tracemalloc
from pathlib import Path
from typing import Any

import data_store
import numpy as np
import pydicom
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from xnat_pixelanon.domain.criteria import CRITERIA
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError, ScratchError
from xnat_pixelanon.pixels import (
    open_source,
    pixel_digest,
    plan_pixels,
    prove_pixels,
    read_facts,
    render_frame,
    transfer_syntaxes,
    write_instance,
)

from . import codestreams as made
from .phantoms import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG_BASELINE,
    MPEG4,
    NATIVE,
    Pixels,
    data_set,
    encode_header,
    pixel_element,
    proved,
    random_pixels,
    write_encapsulated,
    write_native,
    write_raw,
    written,
)

SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"


def test_facts_hold_every_criterion_and_what_the_decision_needs(tmp_path: Path) -> None:
    path = write_native(
        tmp_path / "source.dcm",
        random_pixels("RGB", frames=2, rows=6, columns=8),
        Manufacturer="Phantom Works ",
        ManufacturerModelName="Model 1",
        StationName="STATION",
        SoftwareVersions=["1.0", "2.0"],
        SeriesDescription="phantom",
        ImageType=["ORIGINAL", "PRIMARY", "", "0001"],
        BurnedInAnnotation="YES",
        IssuerOfPatientID="ISSUER",
    )
    facts = read_facts(path, "scans/3/a.dcm", tmp_path)
    assert set(facts.attributes) == set(CRITERIA)
    assert facts.attributes["software_versions"] == "1.0\\2.0"
    assert facts.attributes["image_type"] == "ORIGINAL\\PRIMARY\\\\0001"
    assert facts.attributes["manufacturer"] == "Phantom Works"
    assert (facts.rows, facts.columns, facts.frames, facts.modality) == (6, 8, 2, "US")
    assert (facts.patient_id, facts.issuer_of_patient_id, facts.series_number) == ("TEST-0001", "ISSUER", "3")
    assert (facts.study_instance_uid, facts.series_instance_uid) == ("2.25.102", "2.25.103")
    assert (facts.name, facts.size) == ("scans/3/a.dcm", path.stat().st_size)
    assert facts.attributes["transfer_syntax_uid"] == EXPLICIT
    assert "TEST-0001" not in repr(facts)


def test_missing_and_empty_attributes_are_absent(tmp_path: Path) -> None:
    path = write_native(tmp_path / "source.dcm", random_pixels(), Manufacturer="", Modality=None)
    facts = read_facts(path, "a.dcm", tmp_path)
    assert "manufacturer" not in facts.attributes
    assert facts.modality == ""


@pytest.mark.parametrize(("flavour", "pyramid"), [("VOLUME", True), ("LABEL", False), ("OVERVIEW", False)])
def test_levels_of_a_slide_are_a_pyramid_its_label_is_not(tmp_path: Path, flavour: str, pyramid: bool) -> None:
    kind = ["ORIGINAL", "PRIMARY", flavour, "NONE"]
    path = write_native(tmp_path / "source.dcm", random_pixels(), SOPClassUID=SLIDE, ImageType=kind)
    assert read_facts(path, "a.dcm", tmp_path).pyramid is pyramid


@pytest.mark.parametrize("syntax", [*NATIVE, JPEG_BASELINE])
def test_an_instance_without_pixel_data_is_written_as_its_header(tmp_path: Path, syntax: str) -> None:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.88.11", "2.25.1", "SR"
    path = write_raw(tmp_path / "source.dcm", syntax, encode_header(ds, syntax))
    facts = read_facts(path, "a.dcm", tmp_path)
    assert (facts.damage, facts.has_pixel_data, facts.frames, facts.edit_refusal) == (None, False, 0, None)
    result = written(path, tmp_path / "out.dcm")
    assert result.route == "header-only"
    assert dcmread(tmp_path / "out.dcm").Modality == "SR"
    assert proved(path, tmp_path / "out.dcm", (), result).ok
    assert pixel_digest(path, tmp_path) == pixel_digest(tmp_path / "out.dcm", tmp_path)
    with pytest.raises(InstanceError) as refused:
        written(path, tmp_path / "out.dcm", (Rectangle(0, 0, 1, 1),))
    assert refused.value.code == "no-pixel-data"


def test_a_rectangle_outside_the_image_is_never_ignored(tmp_path: Path) -> None:
    path = write_native(tmp_path / "source.dcm", random_pixels(rows=7, columns=10))
    for outside in (Rectangle(0, 0, 8, 10), Rectangle(0, 0, 7, 11), Rectangle(50, 50, 60, 60)):
        with pytest.raises(InstanceError):
            written(path, tmp_path / "out.dcm", (outside,))
        assert not (tmp_path / "out.dcm").exists()


def test_a_header_for_another_transfer_syntax_is_refused(tmp_path: Path) -> None:
    path = write_native(tmp_path / "source.dcm", random_pixels())
    with open_source(path, tmp_path) as source, pytest.raises(InstanceError):
        write_instance(source, plan_pixels(source, ()), encode_header(source.header, IMPLICIT), tmp_path / "out.dcm")


@pytest.mark.parametrize("allocated", [8, 16, 32])
def test_the_digest_is_that_of_the_values_not_of_their_encoding(tmp_path: Path, allocated: int) -> None:
    pixels = random_pixels(frames=3, rows=3, columns=3, allocated=allocated)
    digests = set()
    for syntax in NATIVE:
        for vr in ("OW", "OB") if allocated == 8 else ("OW",):
            path = write_native(tmp_path / "source.dcm", pixels, syntax, vr=vr, PatientID="TEST-0002")
            digests.add(pixel_digest(path, tmp_path))
    assert len(digests) == 1
    other = pixels.cells.copy()
    other[2, 2, 2] ^= 1
    path = write_native(tmp_path / "source.dcm", Pixels(other, "MONOCHROME2", allocated, allocated))
    assert pixel_digest(path, tmp_path) not in digests


def test_the_digest_of_a_copy_is_that_of_what_a_server_writes_anew(tmp_path: Path) -> None:
    path = write_native(tmp_path / "source.dcm", random_pixels("RGB", planar=1), EXPLICIT)
    written(path, tmp_path / "out.dcm", (Rectangle(0, 0, 3, 3),))
    ds = dcmread(tmp_path / "out.dcm")
    ds.file_meta.TransferSyntaxUID = UID(IMPLICIT)
    ds.save_as(tmp_path / "server.dcm", implicit_vr=True, little_endian=True)
    assert pixel_digest(tmp_path / "out.dcm", tmp_path) == pixel_digest(tmp_path / "server.dcm", tmp_path)
    assert pixel_digest(path, tmp_path) != pixel_digest(tmp_path / "out.dcm", tmp_path)


@pytest.mark.parametrize("syntax", NATIVE)
def test_a_picture_shows_black_where_the_box_is(tmp_path: Path, syntax: str) -> None:
    box = (Rectangle(0, 0, 4, 4),)
    kinds: list[dict[str, Any]] = [
        {"photometric": "MONOCHROME1"},
        {"photometric": "MONOCHROME2", "allocated": 16, "stored": 12, "signed": True},
        {"photometric": "MONOCHROME2", "extra": {"WindowCenter": 128, "WindowWidth": 100}},
        {"photometric": "RGB"},
        {"photometric": "YBR_FULL"},
    ]
    for kind in kinds:
        path = write_native(tmp_path / "source.dcm", random_pixels(rows=12, columns=10, **kind), syntax)
        written(path, tmp_path / "out.dcm", box)
        picture = render_frame(tmp_path / "out.dcm", 1, tmp_path)
        assert picture.dtype == np.uint8
        assert picture.shape[:2] == (12, 10)
        assert picture[:4, :4].max() == 0
        assert picture[4:].max() > 60


def test_pictures_of_palettes_and_of_compressed_frames(tmp_path: Path) -> None:
    table: dict[str, Any] = {}
    for colour, value in (("Red", 300), ("Green", 0x8000), ("Blue", 0xFF00)):
        table[f"{colour}PaletteColorLookupTableDescriptor"] = [2, 1, 16]
        table[f"{colour}PaletteColorLookupTableData"] = np.array([0, value], "<u2").tobytes()
    cells = np.array([0, 1, 2, 200], np.uint64).reshape(1, 2, 2, 1)
    path = write_native(tmp_path / "source.dcm", Pixels(cells, "PALETTE COLOR", extra=table))
    bright = [1, 0x80, 0xFF]
    assert render_frame(path, 0, tmp_path).tolist() == [[[0, 0, 0], [0, 0, 0]], [bright, bright]]
    frame = made.real_jpeg(24, 16, comment=b"", exif=b"")
    grey = random_pixels(frames=1, rows=24, columns=16)
    path = write_encapsulated(tmp_path / "source.dcm", grey, JPEG_BASELINE, [frame], WindowCenter=128, WindowWidth=256)
    difference = render_frame(path, 0, tmp_path).astype(int) - made.decoded(frame)
    assert abs(difference).max() <= 1


@pytest.mark.parametrize("frame", [-1, 2])
def test_a_picture_that_does_not_exist_is_an_instance_error(tmp_path: Path, frame: int) -> None:
    path = write_native(tmp_path / "source.dcm", random_pixels(frames=2))
    with pytest.raises(InstanceError):
        render_frame(path, frame, tmp_path)
    path = write_encapsulated(tmp_path / "source.dcm", random_pixels(), MPEG4, [b"\0\1"])
    with pytest.raises(InstanceError):
        render_frame(path, 0, tmp_path)


@pytest.mark.parametrize("syntax", [EXPLICIT, DEFLATED, JPEG_BASELINE])
def test_a_full_scratch_folder_is_a_scratch_error_and_leaves_nothing(tmp_path: Path, syntax: str) -> None:
    path = tmp_path / "source.dcm"
    if syntax == JPEG_BASELINE:
        frame = made.jpeg(400, 400, entropy=b"\x11" * 300_000)
        write_encapsulated(path, random_pixels(frames=1, rows=400, columns=400), syntax, [frame])
    else:
        write_native(path, random_pixels(frames=2, rows=400, columns=400), syntax)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(ScratchError):
            written(path, tmp_path / "out.dcm")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "out.dcm").exists()


def test_a_scratch_folder_that_is_not_there_is_a_scratch_error(tmp_path: Path) -> None:
    path = write_native(tmp_path / "source.dcm", random_pixels(), DEFLATED)
    absent = tmp_path / "absent"
    with pytest.raises(ScratchError):
        read_facts(path, "a.dcm", absent)
    with pytest.raises(ScratchError):
        prove_pixels(path, path, (), (), absent)
    plain = write_native(tmp_path / "plain.dcm", random_pixels())
    with pytest.raises(ScratchError):
        written(plain, absent / "out.dcm")


def test_temporary_files_are_gone_afterwards(tmp_path: Path) -> None:
    path = write_native(tmp_path / "source.dcm", random_pixels(), DEFLATED)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    result = written(path, tmp_path / "out.dcm", (Rectangle(0, 0, 2, 2),))
    prove_pixels(path, tmp_path / "out.dcm", (Rectangle(0, 0, 2, 2),), result.effective, scratch)
    read_facts(path, "a.dcm", scratch)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN])
def test_4095_frames_pass_through_little_memory(tmp_path: Path, syntax: str) -> None:
    frames, size = 4095, 128
    grey = Pixels(np.zeros((1, size, size, 1), np.uint64))
    header = encode_header(data_set(grey, NumberOfFrames=frames), syntax)
    path = write_raw(tmp_path / "source.dcm", syntax, header, pixel_element(syntax, "OW", frames * size * size))
    with path.open("r+b") as stream:
        stream.seek(0, 2)
        begin = stream.tell()
        for frame in range(frames):  # one bright byte pair inside the box, one outside, in every frame
            for at in (5 * size + 6, 100 * size + 100):
                stream.seek(begin + frame * size * size + at)
                stream.write(b"\xff\xfe")
        stream.truncate(begin + frames * size * size)
    box = (Rectangle(4, 4, 8, 9),)
    tracemalloc.start()
    result = written(path, tmp_path / "out.dcm", box)
    proof = proved(path, tmp_path / "out.dcm", box, result)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (proof.ok, proof.frames) == (True, frames)
    assert peak < 24 << 20
    cells = np.memmap(tmp_path / "out.dcm", np.uint8, "r", begin).reshape(frames, size, size)
    assert not cells[:, 4:8, 4:9].any()
    assert (cells[:, 100, 100:102] != 0).all()


def test_a_deflated_file_far_larger_inside_passes_through_little_memory(tmp_path: Path) -> None:
    """A bomb: 64 MB of zeros in some kilobytes."""
    frames, size = 1024, 256
    header = encode_header(data_set(Pixels(np.zeros((1, size, size, 1))), NumberOfFrames=frames), DEFLATED)
    element = pixel_element(EXPLICIT, "OB", frames * size * size)
    path = write_raw(tmp_path / "source.dcm", DEFLATED, header, element + bytes(frames * size * size))
    tracemalloc.start()
    facts = read_facts(path, "a.dcm", tmp_path)
    result = written(path, tmp_path / "out.dcm", (Rectangle(0, 0, 2, 2),))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (facts.damage, facts.frames, result.route) == (None, frames, "deflated")
    assert peak < 24 << 20


def sample_files() -> list[Path]:
    roots = (Path(pydicom.__file__).parent / "data", Path(data_store.__file__).parent)
    skipped = {".py", ".pyc", ".json", ".txt", ".md"}
    return sorted(path for root in roots for path in root.rglob("*") if path.is_file() and path.suffix not in skipped)


@pytest.mark.parametrize("part", range(4))
def test_every_public_sample_is_proved_or_refused_with_a_code(tmp_path: Path, part: int) -> None:
    """Only counts are kept: these files carry text that looks like a person's."""
    proved_count = {"copy": 0, "box": 0}
    for number, path in enumerate(sample_files()[part::4]):
        facts = read_facts(path, "sample", tmp_path)
        if facts.damage is not None or facts.copy_refusal is not None:
            continue
        boxes: list[tuple[Rectangle, ...]] = [()]
        if facts.has_pixel_data:
            low = Rectangle(0, 0, max(1, facts.rows // 5), max(1, facts.columns // 3))
            boxes.append((low, Rectangle(facts.rows - 1, facts.columns - 1, facts.rows, facts.columns)))
        for rectangles in boxes:
            if rectangles and facts.edit_refusal is not None:
                with pytest.raises(InstanceError) as refused:
                    written(path, tmp_path / "out.dcm", rectangles)
                assert refused.value.code == facts.edit_refusal.code, number
                continue
            result = written(path, tmp_path / "out.dcm", rectangles)
            proof = proved(path, tmp_path / "out.dcm", rectangles, result)
            assert proof.findings == (), (part, number)
            proved_count["box" if rectangles else "copy"] += 1
    assert proved_count["copy"] > 40
    assert proved_count["box"] > 15


def test_the_table_of_transfer_syntaxes_is_whole() -> None:
    rows = transfer_syntaxes()
    assert len({row.uid for row in rows}) == len(rows) == 16
    for row in rows:
        uid = UID(row.uid)
        assert (uid.is_implicit_VR, not uid.is_little_endian, uid.is_deflated, uid.is_encapsulated) == (
            row.implicit,
            row.big_endian,
            row.deflated,
            row.encapsulated,
        )
        targets = [row.uid] if not row.recoded else [row.recoded]
        assert all(target in {other.uid for other in rows} for target in targets)
        assert bool(row.codec) == bool(row.recoded) == row.encapsulated


def test_nothing_that_pydicom_says_about_a_header_is_heard(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its warnings quote values; the reader, the writer and the proof are silent over a header full of wrong ones."""
    # pydicom's switch is the process's: tests that run in threads may leave it off
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.WARN)
    path = write_native(tmp_path / "source.dcm", random_pixels("PALETTE COLOR"))
    content = path.read_bytes()
    for right, wrong in ((b"2.25.101", b"PHANTOM^"), (b"2.25.102", b"ADA....."), (b"\0US\x02\0US", b"\0US\x02\0us")):
        content = content.replace(right, wrong)
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="PHANTOM"):  # what would be heard
        str(dcmread(path).SOPInstanceUID)
    with open_source(path, tmp_path) as source:
        source.header.pop("SOPInstanceUID")
        header = encode_header(source.header, EXPLICIT)
        caplog.clear()
        recwarn.clear()
        write_instance(source, plan_pixels(source, ()), header, tmp_path / "out.dcm")
    read_facts(path, "a.dcm", tmp_path)
    prove_pixels(path, tmp_path / "out.dcm", (), (), tmp_path)
    pixel_digest(path, tmp_path)
    assert caplog.text == ""
    assert len(recwarn) == 0
