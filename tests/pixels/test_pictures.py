"""Pictures of scans: which frames are shown, how often a file is opened for them, and what is not shown."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

from xnat_pixelanon.domain.pictures import EncodedPicture
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels import ScanPictures, Shown, render_frame, scan_pictures
from xnat_pixelanon.pixels.preview import opened_frames

from .phantoms import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    JPEG_BASELINE,
    Pixels,
    random_pixels,
    write_encapsulated,
    write_native,
)
from .test_preview import SHOWN
from .test_recode import Route, source_of

FRAMES = 60
LEVELS = [10 + 4 * frame for frame in range(FRAMES)]
AS_STORED = {"WindowCenter": 128, "WindowWidth": 256}


def cells() -> np.ndarray[Any, Any]:
    """Frames of one value each, which is another in every frame."""
    return np.repeat(np.array(LEVELS, np.uint64), 16 * 24).reshape(FRAMES, 16, 24, 1)


def jpegs() -> list[bytes]:
    return [bytes(imagecodecs.jpeg8_encode(one[:, :, 0].astype(np.uint8), level=95)) for one in cells()]


def cine(path: Path, frames: list[bytes] | None = None, **more: Any) -> Path:
    return write_encapsulated(path, Pixels(cells()), JPEG_BASELINE, frames or jpegs(), **AS_STORED, **more)


def everything(path: Path) -> ScanPictures:
    return scan_pictures([Shown(path, FRAMES)], path.parent, longest=1024, whole=True)


def level(picture: EncodedPicture | None) -> int:
    assert picture is not None
    return round(float(np.median(imagecodecs.jpeg8_decode(picture.data))))


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN, DEFLATED, JPEG_BASELINE])
def test_the_frames_of_a_cine_are_shown_each_as_what_it_is(tmp_path: Path, syntax: str) -> None:
    path = tmp_path / "cine.dcm"
    if syntax == JPEG_BASELINE:
        cine(path)
    else:
        write_native(path, Pixels(cells()), syntax, **AS_STORED)
    found = everything(path)
    first, middle, last = LEVELS[0], LEVELS[FRAMES // 2], LEVELS[-1]
    assert [one.shows.rpartition(", ")[2] for one in found.pictures] == ["first frame", "middle frame", "last frame"]
    assert [level(one) for one in found.pictures] == pytest.approx([first, middle, last], abs=3)
    shown = (found.thumbnail, found.maximum, found.minimum)
    assert [level(one) for one in shown] == pytest.approx([middle, last, first], abs=3)
    assert (found.grid is not None) is (syntax == JPEG_BASELINE)


def test_a_file_is_opened_once_and_only_the_frames_that_are_shown_are_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xnat_pixelanon.pixels import preview, walk

    calls: Counter[str] = Counter()

    def counted(module: Any, name: str) -> None:
        real = getattr(module, name)

        def told(*given: Any) -> Any:
            calls[name] += 1
            return real(*given)

        monkeypatch.setattr(module, name, told)

    counted(preview, "open_source")
    counted(walk, "_walk_frame")
    path = cine(tmp_path / "cine.dcm")
    everything(path)
    assert calls["open_source"] == 1
    assert 48 <= calls["_walk_frame"] <= 48 + 4  # the first, middle and last, and that of the grid
    calls.clear()
    render_frame(path, 7, tmp_path)
    assert calls == {"open_source": 1, "_walk_frame": 1}


@pytest.mark.parametrize("route", SHOWN, ids=lambda route: route.name)
def test_frames_of_an_opened_file_are_those_of_one_opened_for_each(tmp_path: Path, route: Route) -> None:
    path = source_of(route, tmp_path / "source.dcm")
    with opened_frames(path, tmp_path) as opened:
        for frame in (1, 0, 1):
            assert np.array_equal(opened.picture(frame), render_frame(path, frame, tmp_path))


@pytest.mark.parametrize("syntax", [EXPLICIT, DEFLATED])
def test_frames_of_single_bits_that_begin_within_a_byte_are_shown(tmp_path: Path, syntax: str) -> None:
    bits = random_pixels(frames=3, rows=5, columns=5).cells % 2
    packed = np.packbits(bits.astype(np.uint8).ravel(), bitorder="little").tobytes()
    form = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}
    path = write_native(tmp_path / "bits.dcm", Pixels(bits), syntax, value=packed, **form)
    with opened_frames(path, tmp_path) as opened:
        for frame in (2, 0, 1):
            assert np.array_equal(opened.picture(frame), bits[frame, :, :, 0] * 255)


def broken_at_start(frames: list[bytes]) -> list[bytes]:
    return [*frames[:30], b"\0\0" + frames[30][2:], *frames[31:]]


def cut_short(frames: list[bytes]) -> list[bytes]:
    return [*frames[:30], frames[30][:-20], *frames[31:]]


def test_a_frame_that_is_cut_short_has_no_picture(tmp_path: Path) -> None:
    path = cine(tmp_path / "cine.dcm", cut_short(jpegs()))
    with opened_frames(path, tmp_path) as opened, pytest.raises(InstanceError):
        opened.picture(30)
    assert everything(path) == ScanPictures()  # it is the middle one


def offsets(frames: list[bytes]) -> list[int]:
    lengths = [8 + len(one) + len(one) % 2 for one in frames]
    return [sum(lengths[:frame]) for frame in range(FRAMES)]


@pytest.mark.parametrize(
    ("frames", "more"),
    [
        (jpegs()[:-1], {}),
        ([*jpegs(), jpegs()[0]], {}),
        (broken_at_start(jpegs()), {}),
        (jpegs(), {"offsets": offsets(jpegs())[:-1]}),
        (jpegs(), {"offsets": [0, *offsets(jpegs())[2:], offsets(jpegs())[1]]}),
        (jpegs(), {"offsets": [one + 2 for one in offsets(jpegs())]}),
        (jpegs(), {"extended": (offsets(jpegs()), [1] * FRAMES)}),
        (jpegs(), {"end": b""}),
    ],
    ids=["one short", "one over", "no start", "table short", "table out of order", "table beside", "lengths", "no end"],
)
def test_no_frame_is_shown_where_it_is_not_certain_which_it_is(
    tmp_path: Path, frames: list[bytes], more: dict[str, Any]
) -> None:
    path = cine(tmp_path / "cine.dcm", frames, **more)
    for frame in (0, 1, FRAMES - 1):
        with pytest.raises(InstanceError):
            render_frame(path, frame, tmp_path)
    assert everything(path) == ScanPictures()


@pytest.mark.parametrize("syntax", [EXPLICIT, DEFLATED])
def test_native_frames_of_a_file_that_ends_early_are_not_shown(tmp_path: Path, syntax: str) -> None:
    value = cells().astype(np.uint8).tobytes()[:-200]
    path = write_native(tmp_path / "cine.dcm", Pixels(cells()), syntax, value=value, **AS_STORED)
    assert everything(path) == ScanPictures()
    with pytest.raises(InstanceError):
        render_frame(path, 0, tmp_path)
