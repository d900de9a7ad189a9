"""A frame as a viewer would show it: for pictures in reports and on the review page, never for decisions or proofs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_modality_lut, convert_color_space
from pydicom.pixels.utils import pixel_array

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.codecs import Cells, decode
from xnat_pixelanon.pixels.codestream import StreamForm
from xnat_pixelanon.pixels.jpeg_shape import colour_of
from xnat_pixelanon.pixels.layout import VALUE_ERRORS, PixelLayout
from xnat_pixelanon.pixels.palette import read_palette
from xnat_pixelanon.pixels.quiet import no_library_text
from xnat_pixelanon.pixels.source import PixelSource, open_source
from xnat_pixelanon.pixels.walk import Survey, survey, walk_frames

Picture = NDArray[np.uint8]


def render_frame(path: Path, frame: int, scratch: Path) -> Picture:
    """Frame `frame` (from 0) as (rows, columns) or (rows, columns, 3), 8 bits.

    Every transfer syntax of routes.py, whatever decoders pydicom finds installed; InstanceError where there is no such
    picture, ScratchError when a deflated file does not fit into `scratch`.
    """
    with open_source(path, scratch) as source, no_library_text():
        found = survey(source)
        layout = source.layout
        if layout is None:
            raise InstanceError("no-pixel-data", "there is no pixel data to show")
        if not 0 <= frame < layout.frames:
            raise InstanceError("pixel-format", "there is no such frame to show")
        try:
            if layout.encapsulated:
                return _shown(_decompressed(source, layout, found, frame), source.header, layout)
            return _shown(_native(source, frame), source.header, layout)
        except (*VALUE_ERRORS, MemoryError, OSError, RuntimeError) as error:
            raise InstanceError("pixel-format", "the frame cannot be decoded for a picture") from error


def _decompressed(source: PixelSource, layout: PixelLayout, found: Survey, frame: int) -> NDArray[np.generic]:
    """By the codecs of the copies. YBR comes back as RGB of 8 bits stored; other values as the header describes them.

    pydicom's own decoders are packages that only tests have: without them most scans would have no picture.
    """
    assert source.syntax is not None
    stream = next(walk_frames(source, layout, found.divided[frame : frame + 1]))
    data = b"".join(stream.pieces)
    cells = _stored(decode(source.syntax.codec, data, stream.form, layout), stream.form, layout)
    if layout.samples == 1:
        return cells[:, :, 0]
    if layout.samples == 3 and _is_ybr(source.syntax.stream, data, stream.form, layout):
        octets = (cells >> max(layout.bits_stored - 8, 0)).clip(0, 255).astype(np.uint8)
        return convert_color_space(octets, "YBR_FULL", "RGB").astype(np.int64) << max(layout.bits_stored - 8, 0)
    return cells


def _stored(cells: Cells, form: StreamForm, layout: PixelLayout) -> NDArray[np.int64]:
    """The values that patterns of a codestream stand for: the stored bits alone, with their sign."""
    bits = min(layout.bits_stored, form.precision)
    lowest = layout.high_bit + 1 - layout.bits_stored if layout.high_bit < form.precision else 0
    values = cells.astype(np.int64) >> lowest & (1 << bits) - 1
    return values - (values >> bits - 1 << bits) if layout.signed else values


def _is_ybr(stream: str, data: bytes, form: StreamForm, layout: PixelLayout) -> bool:
    if stream in ("jpeg-dct", "jpeg-lossless"):
        return colour_of(data, layout.photometric) == "ybr"
    return layout.photometric.startswith("YBR_FULL") and not form.transformed  # JPEG 2000 undoes its own


def _native(source: PixelSource, frame: int) -> NDArray[np.generic]:
    """YBR comes back as RGB; one frame is read, from the stream, inflated where it was deflated."""
    assert source.element is not None
    if source.structure.start != 0:
        source.stream.seek(0)
        return pixel_array(source.stream, index=frame)
    data_set = Dataset(source.header)  # an inflated stream has no file meta information of its own
    data_set.file_meta = source.header.file_meta
    source.stream.seek(source.element.value_offset)
    data_set.PixelData = source.stream.read(source.element.length)
    return pixel_array(data_set, index=frame)


def _shown(pixels: NDArray[np.generic], header: Dataset, layout: PixelLayout) -> Picture:
    if layout.photometric == "PALETTE COLOR":
        return _coloured(pixels, header, layout)
    if layout.samples > 1:
        spare = max(layout.bits_stored - 8, 0)
        return (pixels.astype(np.int64) >> spare).clip(0, 255).astype(np.uint8)
    grey = pixels.astype(np.float64) * 255 if layout.bits_allocated == 1 else _windowed(pixels, header)
    if layout.photometric == "MONOCHROME1" or header.get("PresentationLUTShape") == "INVERSE":
        grey = 255 - grey
    return grey.clip(0, 255).astype(np.uint8)


def _coloured(pixels: NDArray[np.generic], header: Dataset, layout: PixelLayout) -> Picture:
    palette = read_palette(header, big_endian=layout.big_endian)
    table = np.array(palette.tables).T
    index = (pixels.astype(np.int64) - palette.first).clip(0, palette.entries - 1)
    picture: Picture = (table[index] >> (8 if table.max() > 255 else 0)).astype(np.uint8)
    return picture


def _windowed(pixels: NDArray[np.generic], header: Dataset) -> NDArray[np.float64]:
    """The first window of the header (PS3.3 C.11.2.1.2), or a stretch over all values but the lowest, that of boxes."""
    values = np.nan_to_num(np.asarray(apply_modality_lut(pixels, header), np.float64))
    center, width = _first(header, "WindowCenter"), _first(header, "WindowWidth")
    if center is not None and width is not None and width >= 1:
        lowest, highest = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    else:
        rest = values[values > values.min()]
        lowest, highest = np.percentile(rest, (0.5, 99.5)) if rest.size else (values.min(), values.min() + 1)
    shown: NDArray[np.float64] = (values - lowest) * (255 / max(highest - lowest, 1e-9))
    return shown


def _first(header: Dataset, keyword: str) -> float | None:
    value = header.get(keyword)
    if value is None or value == "":
        return None
    return float(value[0] if isinstance(value, MultiValue) else value)
