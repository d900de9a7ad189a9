"""What fuzzing has found, each with a file of its own."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from tests.pixels.phantoms import (
    JPEG_LOSSLESS,
    NATIVE,
    random_pixels,
    write_encapsulated,
    write_native,
    written,
)
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels import read_facts

GREY = random_pixels(frames=1, rows=24, columns=32, allocated=16, stored=12)


@pytest.mark.parametrize("syntax", NATIVE)
def test_a_missing_high_bit_is_damage(syntax: str, tmp_path: Path) -> None:
    """It was taken for Bits Stored less one by the writer, and the proof failed for want of it."""
    path = write_native(tmp_path / "a.dcm", GREY, syntax, HighBit=None)
    assert read_facts(path, path.name, tmp_path).damage == "HighBit is missing"


def test_a_codestream_of_more_bits_than_it_says_is_damaged(tmp_path: Path) -> None:
    """Lossless JPEG has no check of its own: damage shows in values that its precision does not allow."""
    cells = np.random.default_rng(3).integers(0, 1 << 16, (24, 32), dtype=np.uint16)
    frame = bytearray(imagecodecs.jpeg8_encode(cells, level=0, lossless=True, predictor=1, bitspersample=16))
    frame[frame.index(b"\xff\xc3") + 4] = 12
    path = write_encapsulated(tmp_path / "a.dcm", GREY, JPEG_LOSSLESS, [bytes(frame)])
    assert read_facts(path, path.name, tmp_path).damage is None
    with pytest.raises(InstanceError, match="more bits") as refused:
        written(path, tmp_path / "out.dcm", [Rectangle(0, 0, 4, 4)])
    assert refused.value.code == "damaged"
