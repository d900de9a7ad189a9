"""Codestreams of the phantoms, each by the encoder that the cell's variant names, or imagecodecs where it names none.

A frame comes as (rows, columns, samples) of values of Bits Stored bits, two's complement where signed; only RLE takes
whole cells.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from itertools import groupby
from typing import Any

import imagecodecs
import numpy as np
from jpeg_ls.CharLS import encode_buffer
from numpy.typing import NDArray
from openjpeg.utils import encode_array
from PIL import Image

from . import cell as syntaxes
from .cell import ALL_HTJ2K, ALL_JPEG_2000, ALL_JPEG_LS, DCT, HTJ2K, JPEG_LS_NEAR, LOSSLESS_JPEG, RLE, Cell
from .programs import run
from .truth import sign_extended

Frame = NDArray[Any]
_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_SCRIPT = "0;\n1;\n2;\n"  # cjpeg: each component in a scan of its own


def encode(cell: Cell, frame: NDArray[np.uint64]) -> bytes:
    """The codestream of one frame, not padded."""
    for coded, encoder in _ENCODERS:
        if cell.transfer_syntax in coded:
            return encoder(cell, frame)
    raise ValueError(f"no encoder for {cell}")


def _squeezed(cell: Cell, frame: NDArray[np.uint64], bits: int) -> Frame:
    """As imagecodecs and Pillow want it: two axes for grey, the narrowest type that holds `bits`."""
    kind = "u1" if bits <= 8 else "u2" if bits <= 16 else "u4"
    typed = np.ascontiguousarray(frame.astype(kind))
    return typed[..., 0] if cell.samples == 1 else typed


def _precision(cell: Cell) -> int:
    return 16 if "wide" in cell.words else cell.stored


def _unsigned(cell: Cell, frame: NDArray[np.uint64]) -> Frame:
    """Codecs without a sign see the bits; a `wide` stream has the sign carried on to 16 bits."""
    if "wide" in cell.words and cell.signed:
        frame = sign_extended(frame, cell.stored - 1, 16)
    return _squeezed(cell, frame, _precision(cell))


def _signed(cell: Cell, frame: NDArray[np.uint64]) -> Frame:
    if not cell.signed or "unsigned-stream" in cell.words:
        return _squeezed(cell, frame, _precision(cell))
    bits = 8 if cell.stored <= 8 else 16 if cell.stored <= 16 else 32
    extended = _squeezed(cell, sign_extended(frame, cell.stored - 1, bits), bits)
    return extended.view(f"i{bits // 8}")


def _pnm(frame: Frame) -> bytes:
    kind = b"P5" if frame.ndim == 2 else b"P6"
    return b"%s\n%d %d\n255\n" % (kind, frame.shape[1], frame.shape[0]) + frame.tobytes()


def _sampling(cell: Cell) -> str:
    return next((word for word in ("444", "422", "420", "440", "411") if word in cell.words), "444")


def _jpeg(cell: Cell, frame: NDArray[np.uint64]) -> bytes:
    image = _squeezed(cell, frame, cell.stored)
    if "cjpeg" in cell.words:
        data = _cjpeg(cell, image)
    elif "pillow" in cell.words:
        data = _pillow_jpeg(cell, image)
    else:
        colours = _colours(cell)
        data = bytes(
            imagecodecs.jpeg8_encode(
                image,
                level=30 if "coarse" in cell.words else 90,
                colorspace=colours,
                outcolorspace=colours,
                subsampling=_sampling(cell) if colours == "YCBCR" else None,
                bitspersample=cell.stored,
                optimize="optimised" in cell.words,
            )
        )
    return _odd_headers(cell, data)


def _colours(cell: Cell) -> str:
    if cell.samples == 1:
        return "GRAYSCALE"
    return "RGB" if cell.photometric == "RGB" and "jfif" not in cell.words else "YCBCR"


def _cjpeg(cell: Cell, image: Frame) -> bytes:
    """libjpeg-turbo's own program; it converts colour from RGB unless told not to."""
    arguments = ["-quality", "20" if "coarse" in cell.words else "90"]
    if cell.photometric == "RGB":
        arguments += ["-rgb"]
    elif cell.samples == 3:
        arguments += ["-sample", {"444": "1x1", "422": "2x1", "420": "2x2"}[_sampling(cell)]]
    if "progressive" in cell.words:
        arguments += ["-progressive"]
    if "restart" in cell.words:
        arguments += ["-restart", "1B"]
    if "scans" in cell.words:
        return run("cjpeg", *arguments, "-scans", {"script.txt": _SCRIPT}, input=_pnm(image))
    return run("cjpeg", *arguments, input=_pnm(image))


def _pillow_jpeg(cell: Cell, image: Frame) -> bytes:
    mode = {"GRAYSCALE": "L", "RGB": "RGB", "YCBCR": "YCbCr"}[_colours(cell)]
    buffer = io.BytesIO()
    Image.fromarray(image, mode).save(
        buffer,
        "JPEG",
        quality=30 if "coarse" in cell.words else 90,
        subsampling={"444": 0, "422": 1, "420": 2}[_sampling(cell)],
        keep_rgb=mode == "RGB",
        optimize="optimised" in cell.words,
    )
    return buffer.getvalue()


def _odd_headers(cell: Cell, data: bytes) -> bytes:
    """`bare`: no JFIF or Adobe segment and components 1, 2, 3, so that the header alone tells the colours; `sof1`."""
    bare = "bare" in cell.words or (cell.transfer_syntax in LOSSLESS_JPEG and _unnamed(cell))
    jfif = "jfif" in cell.words and cell.transfer_syntax in LOSSLESS_JPEG
    if not bare and "sof1" not in cell.words:
        return data
    out, at = [data[:2] + _JFIF * jfif], 2
    while True:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        segment = bytearray(data[at : at + 2 + length])
        at += len(segment)
        if bare and marker in (0xE0, 0xEE):
            continue
        if marker == 0xC0 and "sof1" in cell.words:
            segment[1] = 0xC1
        if bare and marker in (0xC0, 0xC1, 0xC3):
            segment[10::3] = bytes(range(1, cell.samples + 1))
        if bare and marker == 0xDA:
            segment[5 : 5 + 2 * cell.samples : 2] = bytes(range(1, cell.samples + 1))
        out.append(bytes(segment))
        if marker == 0xDA:
            return b"".join(out) + data[at:]


def _unnamed(cell: Cell) -> bool:
    """Colour whose components are not called R, G, B by the codestream."""
    return cell.samples == 3 and "says-rgb" not in cell.words and (cell.photometric != "RGB" or "jfif" in cell.words)


def _lossless_jpeg(cell: Cell, frame: NDArray[np.uint64]) -> bytes:
    predictor = next((int(word[1:]) for word in cell.words if word[0] == "p" and word[1:].isdecimal()), 1)
    image = _unsigned(cell, frame)
    colours = {} if cell.samples == 1 else {"colorspace": "RGB", "outcolorspace": "RGB"}
    data = imagecodecs.jpeg8_encode(
        image, lossless=True, predictor=predictor, bitspersample=_precision(cell), **colours
    )
    return _odd_headers(cell, bytes(data))


def _jpeg_ls(cell: Cell, frame: NDArray[np.uint64]) -> bytes:
    image = _unsigned(cell, frame)
    near = next((int(word[4:]) for word in cell.words if word.startswith("near")), 0)
    assert near == 0 or cell.transfer_syntax == JPEG_LS_NEAR, cell
    encoders = [_pyjpegls, _charls]
    for encoder in reversed(encoders) if "imagecodecs" in cell.words else encoders:
        try:
            return encoder(cell, image, near)
        except (RuntimeError, imagecodecs.JpeglsError) as error:
            # Both bindings give noise in a small image too little room; each of them another kind of it.
            if "too small" not in str(error):
                raise
    raise AssertionError(f"no JPEG-LS encoder has room for {cell}")


def _charls(cell: Cell, image: Frame, near: int) -> bytes:
    return bytes(imagecodecs.jpegls_encode(image, level=near))


def _pyjpegls(cell: Cell, image: Frame, near: int) -> bytes:
    interleave = next((int(word[3:]) for word in cell.words if word.startswith("ilv")), 2)
    if cell.samples == 3 and interleave == 0:
        image = image.transpose(2, 0, 1)
    return bytes(
        encode_buffer(
            image.tobytes(), cell.rows, cell.columns, cell.samples, _precision(cell), near, interleave_mode=interleave
        )
    )


def _jpeg_2000(cell: Cell, frame: NDArray[np.uint64]) -> bytes:
    image = _signed(cell, frame)
    transform = cell.photometric in ("YBR_RCT", "YBR_ICT") or "mct" in cell.words
    irreversible = cell.photometric == "YBR_ICT" or "irreversible" in cell.words
    if "openjpeg" in cell.words:
        rates = {"compression_ratios": [8, 3]} if irreversible else {}
        return bytes(encode_array(image, cell.stored, int(cell.samples == 3), transform, **rates))
    if "pillow" in cell.words:
        buffer = io.BytesIO()
        size = {"tile_size": (16, 24)} if "tiles" in cell.words else {}
        Image.fromarray(image).save(
            buffer, "JPEG2000", no_jp2=True, irreversible=irreversible, mct=int(transform), num_resolutions=2,
            quality_mode="rates", quality_layers=[4] if irreversible else None, **size,
        )  # fmt: skip
        return buffer.getvalue()
    return bytes(
        imagecodecs.jpeg2k_encode(
            image, level=60 if irreversible else 0, codecformat="JP2" if "jp2" in cell.words else "J2K",
            bitspersample=_precision(cell), reversible=not irreversible, mct=transform,
        )
    )  # fmt: skip


def _htj2k(cell: Cell, frame: NDArray[np.uint64]) -> bytes:
    """OpenJPH by imagecodecs: 8 or 16 bits of precision, progression RPCL, colour transform where asked for."""
    image = _signed(cell, frame)
    irreversible = cell.photometric == "YBR_ICT" or "irreversible" in cell.words
    assert not irreversible or cell.transfer_syntax == HTJ2K, cell
    if cell.samples == 3 and cell.photometric not in ("YBR_RCT", "YBR_ICT"):
        planes = np.ascontiguousarray(image.transpose(2, 0, 1))
        return bytes(imagecodecs.htj2k_encode(planes, reversible=not irreversible, rgb=False, planar=True))
    return bytes(imagecodecs.htj2k_encode(image, reversible=not irreversible))


def _rle(cell: Cell, frame: NDArray[np.uint64]) -> bytes:
    """PS3.5 annex G: a segment for each byte of each sample, the highest first; runs end with their row."""
    segments = []
    for sample in range(cell.samples):
        for byte in reversed(range(cell.allocated // 8)):
            plane = (frame[..., sample] >> np.uint64(8 * byte)).astype(np.uint8)
            lines = [plane.tobytes()] if "across" in cell.words else [row.tobytes() for row in plane]
            segment = b"".join(_packed(line) for line in lines)
            segments.append(segment + b"\0" * (len(segment) % 2))
    starts = [64 + sum(len(one) for one in segments[:number]) for number in range(len(segments))]
    return struct.pack("<16L", len(segments), *starts, *[0] * (15 - len(starts))) + b"".join(segments)


def _packed(line: bytes) -> bytes:
    """Runs of three and more are repeated, all between them is literal."""
    out, literal = bytearray(), bytearray()
    for value, group in groupby(line):
        count = sum(1 for _ in group)
        if count < 3:
            literal += bytes([value]) * count
            continue
        out += _literal(literal)
        literal.clear()
        while count:
            step = min(count, 128)
            out += bytes([257 - step, value]) if step > 1 else bytes([0, value])
            count -= step
    return bytes(out + _literal(literal))


def _literal(data: bytearray) -> bytes:
    return b"".join(bytes([len(data[at : at + 128]) - 1]) + data[at : at + 128] for at in range(0, len(data), 128))


_ENCODERS: tuple[tuple[tuple[str, ...], Callable[[Cell, NDArray[np.uint64]], bytes]], ...] = (
    (DCT, _jpeg),
    (LOSSLESS_JPEG, _lossless_jpeg),
    (ALL_JPEG_LS, _jpeg_ls),
    (ALL_JPEG_2000, _jpeg_2000),
    (ALL_HTJ2K, _htj2k),
    ((RLE,), _rle),
    ((syntaxes.JPEG_PROGRESSIVE,), _jpeg),
    ((syntaxes.JPEG_2000_PART_2, syntaxes.MPEG4, syntaxes.PRIVATE), _jpeg_2000),  # nobody looks at it
)
