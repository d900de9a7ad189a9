"""How a frame becomes the bytes of each transfer syntax; each library is imported only where it is used."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from types import MappingProxyType

from benchmarks.pictures import Array
from benchmarks.shapes import Shape


def _jpeg(frame: Array, shape: Shape) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(frame).save(out, "JPEG", quality=85, subsampling="4:2:2")
    return out.getvalue()


def _jpeg_lossless(frame: Array, shape: Shape) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.jpeg8_encode(frame, level=0, lossless=True, predictor=1, bitspersample=shape.bits_stored))


def _jpeg_ls(frame: Array, shape: Shape) -> bytes:
    import jpeg_ls

    return bytes(jpeg_ls.encode_array(frame))  # writes the true precision where imagecodecs writes 16


def _jpeg2000(frame: Array, shape: Shape) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k", reversible=True))


def _htj2k(frame: Array, shape: Shape) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.htj2k_encode(frame, reversible=True))


def _rle(frame: Array, shape: Shape) -> bytes:
    from rle.utils import encode_pixel_data

    return encode_pixel_data(
        frame.tobytes(),
        byteorder="<",
        rows=shape.rows,
        columns=shape.columns,
        samples_per_pixel=shape.samples,
        bits_allocated=shape.bits_allocated,
    )


ENCODERS: Mapping[str, Callable[[Array, Shape], bytes]] = MappingProxyType(
    {
        "1.2.840.10008.1.2.4.50": _jpeg,
        "1.2.840.10008.1.2.4.70": _jpeg_lossless,
        "1.2.840.10008.1.2.4.80": _jpeg_ls,
        "1.2.840.10008.1.2.4.90": _jpeg2000,
        "1.2.840.10008.1.2.4.201": _htj2k,
        "1.2.840.10008.1.2.5": _rle,
    }
)
"""By Transfer Syntax UID; native syntaxes need none."""
