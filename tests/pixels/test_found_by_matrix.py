"""What the matrix found, in its smallest form: frames with boxes, and what the copy says of them and holds."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import generate_frames

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.pixels import read_facts

from .codestreams import rle
from .jpegs import encoded, without_applications
from .phantoms import (
    EXPLICIT,
    JPEG_BASELINE,
    JPEG_LOSSLESS,
    RLE,
    data_set,
    encode_header,
    native_value,
    pixel_element,
    proved,
    random_pixels,
    write_encapsulated,
    write_raw,
    written,
)

BOX = Rectangle(2, 3, 5, 9)


def lossless(picture: np.ndarray) -> bytes:
    """Process 14; of three components without JFIF or Adobe and with the ids R, G, B."""
    space = None if picture.ndim == 2 else "RGB"
    return bytes(imagecodecs.jpeg8_encode(picture, lossless=True, predictor=1, colorspace=space, outcolorspace=space))


@pytest.mark.parametrize("fill", [b"\xff", b"\xff\xff\xff"])
def test_fill_bytes_before_a_marker_are_not_taken_for_the_end_of_a_scan(tmp_path: Path, fill: bytes) -> None:
    """ISO 10918-1 B.1.1.2; dcmtk writes one before EOI to make the length even."""
    pixels = random_pixels(frames=1, rows=8, columns=16)
    truth = pixels.cells[0, ..., 0].astype(np.uint8)
    frame = lossless(truth)[:-2] + fill + b"\xff\xd9"
    path = write_encapsulated(tmp_path / "source.dcm", pixels, JPEG_LOSSLESS, [frame])
    out = tmp_path / "out.dcm"
    result = written(path, out, [BOX])
    assert proved(path, out, [BOX], result).findings == ()
    (copy,) = generate_frames(dcmread(out).PixelData, number_of_frames=1)
    expected = truth.copy()
    expected[BOX.slices] = 0
    np.testing.assert_array_equal(imagecodecs.jpegsof3_decode(copy), expected)


@pytest.mark.parametrize("kind", ["grey", "4:2:0", "rgb"])
def test_an_edit_in_coefficients_says_that_the_image_was_compressed_with_loss(tmp_path: Path, kind: str) -> None:
    """PS3.3 C.7.6.1.1.5, also where the source does not say so; without a box nothing is said of its pixels."""
    photometric = {"grey": "MONOCHROME2", "rgb": "RGB"}.get(kind, "YBR_FULL_422")
    pixels = random_pixels(photometric, frames=1, rows=48, columns=64)
    path = write_encapsulated(tmp_path / "source.dcm", pixels, JPEG_BASELINE, [encoded(kind, 48, 64)])
    result = written(path, tmp_path / "out.dcm", [BOX])
    copy = dcmread(tmp_path / "out.dcm")
    assert (copy.file_meta.TransferSyntaxUID, copy.LossyImageCompression) == (JPEG_BASELINE, "01")
    assert copy.PhotometricInterpretation == photometric
    assert proved(path, tmp_path / "out.dcm", [BOX], result).findings == ()
    written(path, tmp_path / "plain.dcm")
    assert "LossyImageCompression" not in dcmread(tmp_path / "plain.dcm")


JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"


@pytest.mark.parametrize(
    ("photometric", "jfif", "black"), [("YBR_FULL", False, (0, 0, 0)), ("RGB", True, (0, 128, 128))]
)
def test_black_of_lossless_jpeg_is_that_of_the_colours_its_frames_name(
    tmp_path: Path, photometric: str, jfif: bool, black: tuple[int, int, int]
) -> None:
    """As of lossy ones: decoders go by JFIF, Adobe and the components' ids before the header."""
    pixels = random_pixels(photometric, frames=1, rows=12, columns=20)
    truth = pixels.cells[0].astype(np.uint8)
    frame = lossless(truth)
    if jfif:
        frame = frame[:2] + JFIF + without_applications(frame)[2:]
    path = write_encapsulated(tmp_path / "source.dcm", pixels, JPEG_LOSSLESS, [frame])
    facts = read_facts(path, "source.dcm", tmp_path)
    assert (facts.damage, facts.edit_refusal) == (None, None)
    result = written(path, tmp_path / "out.dcm", [BOX])
    assert proved(path, tmp_path / "out.dcm", [BOX], result).findings == ()
    copy = dcmread(tmp_path / "out.dcm")
    assert copy.PhotometricInterpretation == photometric
    (data,) = generate_frames(copy.PixelData, number_of_frames=1)
    expected = truth.copy()
    expected[BOX.slices] = black
    np.testing.assert_array_equal(imagecodecs.jpegsof3_decode(data), expected)


@pytest.mark.parametrize("text", [b"TEST^EXCESS 4711", b"\x09TEST^ROW10"], ids=["bytes", "a whole row of runs"])
def test_what_is_behind_the_last_run_is_neither_copied_nor_in_the_way_of_the_proof(tmp_path: Path, text: bytes) -> None:
    pixels = random_pixels(frames=1, rows=4, columns=10)
    truth = pixels.cells[0, ..., 0].astype(np.uint8)
    plane = bytes(imagecodecs.packbits_encode(truth)) + text
    path = write_encapsulated(tmp_path / "source.dcm", pixels, RLE, [rle(plane)])
    for boxes in ([], [Rectangle(1, 2, 3, 7)]):
        out = tmp_path / f"out{len(boxes)}.dcm"
        result = written(path, out, boxes)
        assert proved(path, out, boxes, result).findings == ()
        assert text not in out.read_bytes()


def test_a_copy_that_no_codec_reads_is_a_finding(tmp_path: Path) -> None:
    """Not an error that ends the worker."""
    pixels = random_pixels(frames=1, rows=4, columns=10)
    truth = pixels.cells[0, ..., 0].astype(np.uint8)
    good = rle(bytes(imagecodecs.packbits_encode(truth)))
    path = write_encapsulated(tmp_path / "source.dcm", pixels, RLE, [good])
    box, out = Rectangle(1, 2, 3, 7), tmp_path / "out.dcm"
    result = written(path, out, [box])
    write_encapsulated(out, pixels, RLE, [good[:64] + b"\x7f" + good[65:]])
    assert not proved(path, out, [box], result).ok


@pytest.mark.parametrize("allocated", [8, 16, 32])
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "RGB"])
def test_a_single_pixel_is_coded_as_runs(tmp_path: Path, allocated: int, photometric: str) -> None:
    pixels = random_pixels(photometric, frames=1, rows=1, columns=1, allocated=allocated)
    octets = pixels.cells[0, 0, 0].astype(f">u{allocated // 8}").tobytes()
    frame = rle(*(bytes([0, octet]) for octet in octets))
    path = write_encapsulated(tmp_path / "source.dcm", pixels, RLE, [frame])
    box, out = Rectangle(0, 0, 1, 1), tmp_path / "out.dcm"
    result = written(path, out, [box])
    assert proved(path, out, [box], result).findings == ()
    (data,) = generate_frames(dcmread(out).PixelData, number_of_frames=1)
    assert data == rle(*[b"\0\0"] * len(octets))


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL_422"])
def test_a_few_bytes_behind_several_frames_are_dropped(tmp_path: Path, photometric: str, frames: int) -> None:
    pixels = random_pixels(photometric, frames=frames)
    text = b"TEST^471"
    value = native_value(pixels, EXPLICIT, "OB")
    header = encode_header(data_set(pixels), EXPLICIT)
    rest = pixel_element(EXPLICIT, "OB", len(value) + len(text)) + value + text
    path = write_raw(tmp_path / "source.dcm", EXPLICIT, header, rest)
    result = written(path, tmp_path / "out.dcm", [BOX])
    assert proved(path, tmp_path / "out.dcm", [BOX], result).findings == ()
    assert text not in (tmp_path / "out.dcm").read_bytes()
