"""Boxes in frames that are decoded and coded anew, or edited in their coefficients: what the copy says and holds."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import generate_frames

from xnat_pixelanon.domain.rectangle import Rectangle

from .jpegs import encoded
from .phantoms import JPEG_LOSSLESS, proved, random_pixels, write_encapsulated, written

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
