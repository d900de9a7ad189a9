"""JPEG frames by three encoders in every form that DICOM allows, and three decoders as judges of an edit."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import imagecodecs
import numpy as np
from PIL import Image

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.pixels.dct import Colour, blacken, effective_box, read_shape
from xnat_pixelanon.pixels.turbojpeg import Transformer

from .codestreams import segment

Decode = Callable[[bytes], np.ndarray]

SAMPLINGS: Mapping[str, str] = {
    "grey": "",
    "4:4:4": "444",
    "4:2:2": "422",
    "4:2:0": "420",
    "4:4:0": "440",
    "4:1:1": "411",
    "rgb": "444",
}


@cache
def picture(rows: int, columns: int) -> np.ndarray:
    """Noise over a ramp: every block has its own coefficients, and chroma changes from pixel to pixel."""
    noise = np.random.default_rng(rows * 1000 + columns).integers(0, 160, (rows, columns, 3))
    ramp = (np.arange(rows)[:, None] + np.arange(columns)) % 96
    return (noise + ramp[..., None]).astype(np.uint8)


@cache
def encoded(kind: str, rows: int, columns: int, quality: int = 75, optimise: bool = False) -> bytes:
    """One scan, JFIF for grey and YCbCr; "rgb" has no marker at all, as DICOM toolkits write it."""
    pixels = picture(rows, columns)
    if kind == "grey":
        return bytes(imagecodecs.jpeg8_encode(pixels[..., 0].copy(), level=quality, optimize=optimise))
    space = "RGB" if kind == "rgb" else "YCBCR"
    data = bytes(
        imagecodecs.jpeg8_encode(
            pixels, level=quality, optimize=optimise, outcolorspace=space, subsampling=SAMPLINGS[kind]
        )
    )
    return with_ids(without_applications(data), b"\x01\x02\x03") if kind == "rgb" else data


def colour_of_kind(kind: str) -> Colour:
    return "grey" if kind == "grey" else "rgb" if kind == "rgb" else "ybr"


def by_cjpeg(rows: int, columns: int, *options: str) -> bytes:
    """A frame by the command line encoder, which knows forms that no Python library offers."""
    header = f"P6 {columns} {rows} 255\n".encode()
    source = header + picture(rows, columns).tobytes()
    return subprocess.run(["cjpeg", *options], input=source, capture_output=True, check=True).stdout


# The judges. "Raw" ones give component values without conversion of colour.


def raw(data: bytes) -> np.ndarray:
    """libjpeg-turbo 3 by imagecodecs."""
    if read_shape(data).components[1:]:
        return np.asarray(imagecodecs.jpeg8_decode(data, colorspace="RGB", outcolorspace="RGB"))
    return np.asarray(imagecodecs.jpeg8_decode(data))


def rgb(data: bytes) -> np.ndarray:
    return np.asarray(imagecodecs.jpeg8_decode(data))


def raw_by_pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        if image.mode == "RGB":
            image.draft("YCbCr", image.size)
        return np.asarray(image)


def rgb_by_pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def _by_djpeg(*options: str) -> Decode:
    def decode(data: bytes) -> np.ndarray:
        answer = subprocess.run(["djpeg", "-strict", "-pnm", *options], input=data, capture_output=True, check=True)
        kind, size, _, pixels = answer.stdout.split(b"\n", 3)
        columns, rows = (int(number) for number in size.split())
        return np.frombuffer(pixels, np.uint8).reshape((rows, columns, 3) if kind == b"P6" else (rows, columns))

    return decode


djpeg, djpeg_plain, djpeg_luma = _by_djpeg(), _by_djpeg("-nosmooth"), _by_djpeg("-grayscale")

BLACK: Mapping[Colour, tuple[int, ...]] = {"grey": (0,), "rgb": (0, 0, 0), "ybr": (0, 128, 128)}
WHITE: Mapping[Colour, tuple[int, ...]] = {"grey": (255,), "rgb": (255, 255, 255), "ybr": (255, 128, 128)}


def assert_blackened(
    before: bytes,
    rectangles: Sequence[Rectangle],
    colour: Colour,
    transformer: Transformer,
    *,
    white: bool = False,
    shown: Sequence[Decode] = (),
) -> bytes:
    """Edit, and let the judges look: nothing changed outside the boxes, nothing but the fill inside what was asked.

    `shown`: more decoders, that convert to what is displayed.
    """
    after = blacken(transformer, before, rectangles, colour=colour, white=white)
    shape = read_shape(before)
    outside = np.ones((shape.rows, shape.columns), bool)
    for rectangle in rectangles:
        outside[effective_box(shape, rectangle).slices] = False
    fill = (WHITE if white else BLACK)[colour]
    judges = [(raw, fill), *((judge, (fill[0],)) for judge in shown)]
    if colour != "rgb":  # Pillow takes components for YCbCr whatever they are
        judges.append((raw_by_pillow, fill))
    for judge, value in judges:
        old, new = judge(before), judge(after)
        assert old.shape == new.shape
        assert (old[outside] == new[outside]).all(), f"{judge.__name__} sees changes outside the box"
        for rectangle in rectangles:
            assert (new[rectangle.slices] == np.array(value, np.uint8)).all(), f"{judge.__name__} sees no black box"
    return after


# Headers taken apart.


def markers(data: bytes) -> list[tuple[int, int, int]]:
    """Marker, start and end of every segment; that of SOS ends where its entropy-coded data end. Without SOI, EOI."""
    found, at = [], 2
    while data[at + 1] != 0xD9:
        assert data[at] == 0xFF
        marker, end = data[at + 1], at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        while marker == 0xDA and not (data[end] == 0xFF and data[end + 1] != 0 and not 0xD0 <= data[end + 1] <= 0xD7):
            end += 1
        found.append((marker, at, end))
        at = end
    assert at + 2 == len(data)
    return found


def pieces(data: bytes, *kinds: int) -> list[bytes]:
    """The segments of some markers."""
    return [data[start:end] for marker, start, end in markers(data) if marker in kinds]


def rebuilt(data: bytes, change: Callable[[int, bytes], bytes]) -> bytes:
    """The frame with every segment as `change` gives it."""
    return data[:2] + b"".join(change(marker, data[start:end]) for marker, start, end in markers(data)) + data[-2:]


def without_applications(data: bytes) -> bytes:
    return rebuilt(data, lambda marker, piece: b"" if 0xE0 <= marker <= 0xEF else piece)


def with_adobe(data: bytes, transform: int) -> bytes:
    adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))
    plain = without_applications(data)
    return plain[:2] + adobe + plain[2:]


def with_ids(data: bytes, ids: bytes) -> bytes:
    """Other component ids, in the frame header and in every scan header."""
    old = pieces(data, 0xC0, 0xC1)[0][10::3]
    new = dict(zip(old, ids, strict=True))

    def change(marker: int, piece: bytes) -> bytes:
        edited = bytearray(piece)
        places = {0xC0: range(10, len(piece), 3), 0xC1: range(10, len(piece), 3)}.get(marker, range(0))
        if marker == 0xDA:
            places = range(5, 5 + 2 * piece[4], 2)
        for at in places:
            edited[at] = new[edited[at]]
        return bytes(edited)

    return rebuilt(data, change)
