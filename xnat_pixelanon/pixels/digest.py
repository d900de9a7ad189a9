"""A digest of the stored pixel values that does not depend on how a server writes the file around them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from xnat_pixelanon.pixels.fragments import FragmentTable
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.source import CHUNK, PixelSource, open_source
from xnat_pixelanon.pixels.structure import read_exactly
from xnat_pixelanon.pixels.value_digest import NO_PIXELS, begin
from xnat_pixelanon.pixels.walk import survey, swapped_words


def pixel_digest(path: Path, scratch: Path) -> str:
    """Prefix sha256: and the hex digest of native values in little endian without padding, or of all fragments' bytes.

    The same for implicit and explicit VR, either byte order, deflated or not, with or without offset tables. A file
    without pixel data has a digest of its own that is always the same. Raises InstanceError and ScratchError.
    """
    with open_source(path, scratch) as source:
        found = survey(source)
        layout = source.layout
        if layout is None:
            return NO_PIXELS
        size = (layout.frames, layout.rows, layout.columns, layout.samples, layout.bits_allocated)
        digest = begin(layout.keyword, encapsulated=found.table is not None, size=size)
        for data in _native(source, layout) if found.table is None else _fragments(source, found.table):
            digest.update(data)
        return "sha256:" + digest.hexdigest()


def _native(source: PixelSource, layout: PixelLayout) -> Iterator[bytes]:
    assert source.element is not None
    source.stream.seek(source.element.value_offset)
    width = 2 if layout.big_endian and swapped_words(source, layout) else max(1, layout.bits_allocated // 8)
    remaining = layout.value_bytes
    while remaining:
        count = min(CHUNK, remaining)
        remaining -= count
        if not layout.big_endian or width < 2:
            yield read_exactly(source.stream, count)
        else:
            data = read_exactly(source.stream, count + count % 2)
            yield np.frombuffer(data, f">u{width}").astype(f"<u{width}").tobytes()[:count]


def _fragments(source: PixelSource, table: FragmentTable) -> Iterator[bytes]:
    """A pad byte behind the last marker of a JPEG or JPEG 2000 stream is not part of the frame."""
    for fragment in table.fragments:
        remaining = fragment.length
        if remaining >= 3:
            source.stream.seek(fragment.value_offset + remaining - 3)
            remaining -= read_exactly(source.stream, 3) == b"\xff\xd9\0"
        source.stream.seek(fragment.value_offset)
        while remaining:
            data = read_exactly(source.stream, min(CHUNK, remaining))
            remaining -= len(data)
            yield data
