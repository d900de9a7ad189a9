"""Pictures of compressed frames: by our own codecs, as an installation without tests has no decoder of pydicom."""

from __future__ import annotations

import io
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.uid import JPEGBaseline8Bit

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels import render_frame, transfer_syntaxes
from xnat_pixelanon.pixels.pictures import encoded
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


def test_a_large_frame_is_shown_in_little_more_memory_than_it_has(tmp_path: Path) -> None:
    x_ray = phantom("DX", rows=3000, columns=2000, WindowCenter=2048, WindowWidth=4096)
    path = save(x_ray, tmp_path / "large.dcm")
    tracemalloc.start()
    picture = render_frame(path, 0, tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * len(x_ray.PixelData)
    cells = x_ray.pixel_array.astype(float)
    assert np.abs(picture - cells * 255 / 4095).max() <= 1


def test_a_frame_that_would_fill_the_memory_is_not_shown(tmp_path: Path) -> None:
    path = save(phantom("OT", photometric="MONOCHROME2", rows=65534, columns=2), tmp_path / "tall.dcm")
    assert render_frame(path, 0, tmp_path).shape == (65534, 2)
    huge = dcmread(path)
    huge.Columns, length = 65535, 65534 * 65535
    del huge.PixelData
    huge.save_as(path)
    with path.open("ab") as stream:
        stream.write(b"\xe0\x7f\x10\x00OB\0\0" + length.to_bytes(4, "little"))
        stream.truncate(stream.tell() + length)
    with pytest.raises(InstanceError, match="too large"):
        render_frame(path, 0, tmp_path)


def test_pictures_that_are_scaled_down_have_the_mean_of_each_square() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)
    data = encoded(np.kron(picture, np.ones((5, 5, 1), np.uint8)), 96).data
    assert Image.open(io.BytesIO(data)).size == (96, 64)
    assert data == encoded(picture, 96).data
