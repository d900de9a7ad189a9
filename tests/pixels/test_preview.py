"""Pictures of compressed frames: by our own codecs, as an installation without tests has no decoder of pydicom."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.uid import JPEGBaseline8Bit

from xnat_pixelanon.pixels import render_frame, transfer_syntaxes
from xnat_pixelanon.sandbox.phantoms import phantom, save

from .phantoms import JPEG_BASELINE, write_native
from .test_recode import BY_NAME, ROUTED, Route, cells_of, source_of

COLOURS = replace(BY_NAME["RLE colour"], name="RLE YBR", photometric="YBR_FULL")
SHOWN = (*ROUTED, COLOURS)


@pytest.fixture(autouse=True)
def no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """pydicom finds none of its plugins for compressed frames."""

    def missing(*_: Any, **__: Any) -> None:
        raise AssertionError("pydicom was asked to decompress a frame")

    monkeypatch.setattr("pydicom.pixels.decoders.base.DecodeRunner._decode_frame", missing, raising=True)


def native_of(route: Route, path: Path) -> Path:
    """The cells that another decoder takes out of the frames, uncompressed."""
    cells = cells_of(route.frames, route.coder, route.form, route.pixels).astype(np.uint64)
    named = "RGB" if route.photometric in ("YBR_RCT", "YBR_ICT") else route.photometric
    return write_native(path, replace(route.pixels, cells=cells.reshape(route.pixels.cells.shape), photometric=named))


@pytest.mark.parametrize("route", SHOWN, ids=lambda route: route.name)
def test_a_compressed_frame_is_shown_as_the_same_pixels_are_uncompressed(tmp_path: Path, route: Route) -> None:
    compressed = render_frame(source_of(route, tmp_path / "source.dcm"), 1, tmp_path).astype(int)
    native = render_frame(native_of(route, tmp_path / "native.dcm"), 1, tmp_path).astype(int)
    assert compressed.shape == native.shape
    assert np.ptp(native) > 20
    assert abs(compressed - native).max() <= (2 if route.lost else 0)


def test_every_compressed_transfer_syntax_is_shown() -> None:
    compressed = {row.uid for row in transfer_syntaxes() if row.encapsulated}
    assert compressed == {route.syntax for route in SHOWN} | {JPEG_BASELINE}


@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "YBR_FULL", "RGB", "MONOCHROME2"])
def test_the_colours_of_an_ultrasound_in_jpeg_are_those_of_a_viewer(tmp_path: Path, photometric: str) -> None:
    window = {"WindowCenter": 128, "WindowWidth": 256}
    ds = phantom("US", rows=48, columns=64, photometric=photometric, transfer_syntax=JPEGBaseline8Bit, **window)
    path = save(ds, tmp_path / "source.dcm")
    frame = next(generate_frames(dcmread(path).PixelData, number_of_frames=1))
    seen = np.asarray(Image.open(io.BytesIO(frame)), int)
    picture = render_frame(path, 0, tmp_path).astype(int)
    assert picture.shape == seen.shape
    assert abs(picture - seen).max() <= 3
