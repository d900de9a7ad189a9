"""A frame as a viewer would show it: for pictures in reports and on the review page, never for decisions or proofs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_modality_lut, convert_color_space
from pydicom.pixels.utils import pixel_array

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.codecs import Cells, decode
from xnat_pixelanon.pixels.codestream import FrameStream, StreamForm
from xnat_pixelanon.pixels.fragments import Fragment
from xnat_pixelanon.pixels.jpeg_shape import JpegShape, colour_of, editable, read_shape
from xnat_pixelanon.pixels.layout import VALUE_ERRORS, PixelLayout
from xnat_pixelanon.pixels.palette import read_palette
from xnat_pixelanon.pixels.quiet import no_library_text
from xnat_pixelanon.pixels.source import PixelSource, open_source
from xnat_pixelanon.pixels.walk import locate_frames, walk_frames

Picture = NDArray[np.uint8]
_Tone = Callable[[NDArray[np.generic]], Picture]
_AT_ONCE, _SAMPLE = 1 << 18, 1 << 22
_LARGEST = 1 << 27
"""Cells of a frame, as of 11,000 x 12,000 pixels: a larger one is cleaned piece by piece, and has no picture."""
_IN_PLACE = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")


def render_frame(path: Path, frame: int, scratch: Path) -> Picture:
    """Frame `frame` (from 0) as (rows, columns) or (rows, columns, 3), 8 bits.

    Every transfer syntax of routes.py, whatever decoders pydicom finds installed; InstanceError where there is no such
    picture, ScratchError when a deflated file does not fit into `scratch`.
    """
    with opened_frames(path, scratch) as frames:
        return frames.picture(frame)


@contextmanager
def opened_frames(path: Path, scratch: Path) -> Iterator[ShownFrames]:
    """Open a file of which several frames are shown. Errors are those of `render_frame`."""
    with open_source(path, scratch) as source, no_library_text():
        divided = locate_frames(source)
        if source.layout is None:
            raise InstanceError("no-pixel-data", "there is no pixel data to show")
        yield ShownFrames(source, source.layout, divided)


class ShownFrames:
    """The frames of an opened file. Each is found by its fragments or its place; its codestream alone is walked.

    So a frame is not shown that is damaged or of which it is not certain where it lies. Whether all others are
    sound is asked by facts.py, before anything is decided.
    """

    def __init__(self, source: PixelSource, layout: PixelLayout, divided: Sequence[Sequence[Fragment]]) -> None:
        self._source, self._layout, self._divided = source, layout, divided

    def picture(self, frame: int) -> Picture:
        """As `render_frame` gives it."""
        source, layout = self._source, self._layout
        if not 0 <= frame < layout.frames:
            raise InstanceError("pixel-format", "there is no such frame to show")
        if layout.rows * layout.columns * layout.samples > _LARGEST:
            raise InstanceError("pixel-format", "the frame is too large for a picture")
        try:
            pixels = self._decompressed(frame) if layout.encapsulated else self._native(frame)
            return _shown(pixels, source.header, layout)
        except (*VALUE_ERRORS, MemoryError, OSError, RuntimeError) as error:
            raise InstanceError("pixel-format", "the frame cannot be decoded for a picture") from error

    def jpeg_shape(self) -> JpegShape | None:
        """Of the first frame, where the file is one whose frames are edited in place."""
        source = self._source
        if source.transfer_syntax_uid not in _IN_PLACE:
            return None
        try:
            shape = read_shape(b"".join(self._stream(0).pieces))
        except (InstanceError, *VALUE_ERRORS, OSError):
            return None
        return None if editable(shape) else shape

    def _stream(self, frame: int) -> FrameStream:
        return next(walk_frames(self._source, self._layout, self._divided[frame : frame + 1]))

    def _decompressed(self, frame: int) -> NDArray[np.generic]:
        """By the codecs of the copies. YBR comes back as RGB of 8 bits stored; others as the header describes them.

        pydicom's own decoders are packages that only tests have: without them most scans would have no picture.
        """
        syntax, layout = self._source.syntax, self._layout
        assert syntax is not None
        stream = self._stream(frame)
        data = b"".join(stream.pieces)
        cells = _stored(decode(syntax.codec, data, stream.form, layout), stream.form, layout)
        if layout.samples == 1:
            return cells[:, :, 0]
        if layout.samples == 3 and _is_ybr(syntax.stream, data, stream.form, layout):
            spare = max(layout.bits_stored - 8, 0)
            octets = (cells >> spare).clip(0, 255).astype(np.uint8)
            return convert_color_space(octets, "YBR_FULL", "RGB").astype(np.int64) << spare
        return cells

    def _native(self, frame: int) -> NDArray[np.generic]:
        """YBR comes back as RGB; one frame is read, from the stream, inflated where it was deflated."""
        source, layout = self._source, self._layout
        assert source.element is not None
        if source.structure.start != 0:
            source.stream.seek(0)
            return pixel_array(source.stream, index=frame)
        data_set = Dataset()  # an inflated stream has no file meta information of its own
        data_set.update(source.header)
        data_set.file_meta = source.header.file_meta
        at, length, index = source.element.value_offset, source.element.length, frame
        if layout.frame_bits % 8 == 0:
            length, index, data_set.NumberOfFrames = layout.frame_bits // 8, 0, 1
            at += frame * length
        source.stream.seek(at)
        data_set.PixelData = source.stream.read(length) + bytes(length % 2)
        return pixel_array(data_set, index=index)


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


def _shown(pixels: NDArray[np.generic], header: Dataset, layout: PixelLayout) -> Picture:
    """Some rows at a time: in numbers that can be windowed a frame takes several times its place."""
    tone = _tone(pixels, header, layout)
    picture = np.empty(pixels.shape if layout.photometric != "PALETTE COLOR" else (*pixels.shape, 3), np.uint8)
    rows = max(1, _AT_ONCE // max(1, pixels[0].size))
    for top in range(0, len(pixels), rows):
        picture[top : top + rows] = tone(pixels[top : top + rows])
    return picture


def _tone(pixels: NDArray[np.generic], header: Dataset, layout: PixelLayout) -> _Tone:
    """What makes 8 bits to look at of rows of the frame `pixels`."""
    if layout.photometric == "PALETTE COLOR":
        return _coloured(header, layout)
    if layout.samples > 1:
        if pixels.dtype == np.uint8:
            return lambda rows: rows.astype(np.uint8)
        spare = max(layout.bits_stored - 8, 0)
        return lambda rows: (rows.astype(np.int64) >> spare).clip(0, 255).astype(np.uint8)
    inverse = layout.photometric == "MONOCHROME1" or header.get("PresentationLUTShape") == "INVERSE"
    windowed = None if layout.bits_allocated == 1 else _windowed(pixels, header)

    def grey(rows: NDArray[np.generic]) -> Picture:
        found = rows.astype(np.float64) * 255 if windowed is None else windowed(rows)
        return (255 - found if inverse else found).clip(0, 255).astype(np.uint8)

    return grey


def _coloured(header: Dataset, layout: PixelLayout) -> _Tone:
    palette = read_palette(header, big_endian=layout.big_endian)
    table = np.array(palette.tables).T
    spare = 8 if table.max() > 255 else 0

    def coloured(rows: NDArray[np.generic]) -> Picture:
        index = (rows.astype(np.int64) - palette.first).clip(0, palette.entries - 1)
        picture: Picture = (table[index] >> spare).astype(np.uint8)
        return picture

    return coloured


def _windowed(pixels: NDArray[np.generic], header: Dataset) -> Callable[[NDArray[np.generic]], NDArray[np.float64]]:
    """The first window of the header (PS3.3 C.11.2.1.2), or a stretch over all values but the lowest, that of boxes.

    Of a large frame the stretch is that of some of its rows and columns.
    """

    def values_of(rows: NDArray[np.generic]) -> NDArray[np.float64]:
        return np.nan_to_num(np.asarray(apply_modality_lut(rows, header), np.float64))

    center, width = _first(header, "WindowCenter"), _first(header, "WindowWidth")
    if center is not None and width is not None and width >= 1:
        lowest, highest = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    else:
        step = ceil((pixels.size / _SAMPLE) ** 0.5) or 1
        values = values_of(pixels[::step, ::step])
        rest = values[values > values.min()]
        lowest, highest = np.percentile(rest, (0.5, 99.5)) if rest.size else (values.min(), values.min() + 1)
    return lambda rows: (values_of(rows) - lowest) * (255 / max(highest - lowest, 1e-9))


def _first(header: Dataset, keyword: str) -> float | None:
    value = header.get(keyword)
    if value is None or value == "":
        return None
    return float(value[0] if isinstance(value, MultiValue) else value)
