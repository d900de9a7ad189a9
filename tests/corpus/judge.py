"""The judge: reads source and copy by other means than the tool does, and says what is wrong with the copy's pixels.

Nothing of the tool is imported. Native cells are laid out here by hand, all their bits; compressed frames are cut by
pydicom and decoded by libraries that the tool does not use for that syntax, but where a lossy stream has one decoder.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import jpeg_ls
import numpy as np
import openjpeg
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames
from pydicom.pixels.processing import apply_color_lut

Cells = np.ndarray[Any, Any]
Box = Mapping[str, int]
JPEG_DCT = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
JPEG_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
JPEG = (*JPEG_DCT, *JPEG_LOSSLESS, *JPEG_LS)
SOF = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
RLE = "1.2.840.10008.1.2.5"
_SAME = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "PixelRepresentation", "RescaleSlope")


@dataclass(frozen=True, slots=True)
class Picture:
    """A file's frames, each (rows, columns, samples), unsigned, as stored; native ones with all bits of the cell."""

    ds: Dataset
    syntax: str
    frames: int
    native: bool

    def number(self, keyword: str) -> int:
        return int(self.ds[keyword].value)

    def each(self) -> Iterator[Cells]:
        return _native(self) if self.native else _decoded(self)


def open_picture(path: Path) -> Picture:
    """By pydicom, with the whole file in memory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = dcmread(path)
        syntax = ds.file_meta.TransferSyntaxUID
        return Picture(ds, str(syntax), int(ds.get("NumberOfFrames") or 1), not syntax.is_encapsulated)


def wrong_pixels(source: Path, copy: Path, asked: Sequence[Box], effective: Sequence[Box]) -> list[str]:
    """What is wrong with the copy: other cells outside the effective boxes, or not black in those asked for."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, after = open_picture(source), open_picture(copy)
        found = [f"another {one}" for one in _SAME if before.ds.get(one) != after.ds.get(one)]
        if before.frames != after.frames:
            found.append("another number of frames")
        found += _wrong_boxes(before, asked, effective)
        return found or sorted(set(_wrong_frames(before, after, asked, effective)))


def _wrong_boxes(source: Picture, asked: Sequence[Box], effective: Sequence[Box]) -> Iterator[str]:
    """A box may grow to whole pairs of columns, in DCT streams to whole blocks and the ring around them, not more."""
    pairs = "_422" in str(source.ds.PhotometricInterpretation)
    spare = 34 if source.syntax in JPEG_DCT else 1 if pairs and source.native else 0
    if len(asked) != len(effective) or not asked:
        yield "not as many effective boxes as were asked for"
    for wanted, box in zip(asked, effective, strict=False):
        less = (wanted["top"] - box["top"], wanted["left"] - box["left"])
        more = (box["bottom"] - wanted["bottom"], box["right"] - wanted["right"])
        if not all(0 <= grown <= spare for grown in (*less, *more)):
            yield "an effective box is smaller than it has to be, or larger than it may be"


def _wrong_frames(before: Picture, after: Picture, asked: Sequence[Box], effective: Sequence[Box]) -> Iterator[str]:
    outside = np.ones((before.number("Rows"), before.number("Columns")), bool)
    for box in effective:
        outside[_slices(box)] = False
    seen = 0
    for one, other in zip(before.each(), after.each(), strict=True):
        seen += 1
        if one.shape != other.shape or one.shape[:2] != outside.shape:
            yield "a frame of another shape"
        elif not np.array_equal(one[outside], other[outside]):
            yield "cells differ outside the effective boxes"
        for box in asked:
            inside = other[_slices(box)].reshape(-1, other.shape[-1])
            if (inside != inside[0]).any():
                yield "a box is not of one value"
            elif not _black(after, inside[0]):
                yield "a box is not black"
    if seen != before.frames:
        yield "not as many frames as Number of Frames"


def _slices(box: Box) -> tuple[slice, slice]:
    return slice(box["top"], box["bottom"]), slice(box["left"], box["right"])


def _native(picture: Picture) -> Iterator[Cells]:
    """PS3.5 clause 8 and annex D, written out; 4:2:2 as two pixels of Y Cb Cr that share their chroma."""
    ds, rows, columns = picture.ds, picture.number("Rows"), picture.number("Columns")
    samples, size = picture.number("SamplesPerPixel"), picture.number("BitsAllocated") // 8
    value, big = bytes(ds.PixelData), not ds.file_meta.TransferSyntaxUID.is_little_endian
    if big and size == 1 and ds["PixelData"].VR == "OW":
        value = np.frombuffer(value, "<u2").byteswap().tobytes()
    paired = str(ds.PhotometricInterpretation).endswith("_422")
    count = rows * columns * (2 if paired else samples)
    cells = np.frombuffer(value, f"{'>' if big else '<'}u{size}")[: picture.frames * count]
    for frame in cells.reshape(picture.frames, count):
        if paired:
            pairs = frame.reshape(rows, columns // 2, 4)
            yield np.stack([pairs[..., [0, 2, 3]], pairs[..., [1, 2, 3]]], axis=2).reshape(rows, columns, 3)
        elif samples > 1 and ds.PlanarConfiguration == 1:
            yield frame.reshape(samples, rows, columns).transpose(1, 2, 0)
        else:
            yield frame.reshape(rows, columns, samples)


def _decoded(picture: Picture) -> Iterator[Cells]:
    ds, samples = picture.ds, picture.number("SamplesPerPixel")
    extended = (ds.get("ExtendedOffsetTable"), ds.get("ExtendedOffsetTableLengths"))
    table = (extended[0], extended[1]) if extended[0] else None
    for data in generate_frames(ds.PixelData, number_of_frames=picture.frames, extended_offsets=table):
        cells = _decode(picture, data)
        yield cells.reshape(*cells.shape[:2], samples).astype(np.uint32)


def _decode(picture: Picture, data: bytes) -> Cells:
    bits, syntax = picture.number("BitsAllocated"), picture.syntax
    if syntax == RLE:
        return _unpacked(data, picture)
    if syntax in JPEG_LS:
        return _unsigned(np.asarray(jpeg_ls.decode(np.frombuffer(data, np.uint8))))
    if syntax in JPEG_LOSSLESS:
        return _unsigned(imagecodecs.jpegsof3_decode(data))
    if syntax not in JPEG_DCT:
        return _unsigned(openjpeg.decode(data))
    if bits > 8:
        return _unsigned(imagecodecs.jpeg8_decode(data))  # 12 bit: no other decoder is at hand
    with Image.open(io.BytesIO(data)) as image:
        if image.mode == "RGB" and not _marked_as_rgb(image):
            image.draft("YCbCr", image.size)  # the components as they are, without conversion
        return np.asarray(image)


def _marked_as_rgb(image: Any) -> bool:
    return image.info.get("adobe_transform") == 0 or bytes(one[0] for one in image.layer) == b"RGB"


def _is_ybr(image: Any, photometric: str) -> bool:
    """What the components of a JPEG frame are: as its markers say, and as the header says where they say nothing."""
    marked = "jfif" in image.info or image.info.get("adobe_transform", 0) > 0
    return marked or (not _marked_as_rgb(image) and photometric != "RGB")


def _unsigned(cells: Cells) -> Cells:
    return cells.view(f"u{cells.dtype.itemsize}")


def _unpacked(data: bytes, picture: Picture) -> Cells:
    """PS3.5 annex G: byte planes, the most significant first, of all samples in turn."""
    header = np.frombuffer(data[:64], "<u4")
    rows, columns, samples = (picture.number(one) for one in ("Rows", "Columns", "SamplesPerPixel"))
    ends = [*header[2 : header[0] + 1], len(data)]
    planes = [
        _runs(data[start:end], rows * columns) for start, end in zip(header[1 : header[0] + 1], ends, strict=True)
    ]
    depth = len(planes) // samples
    cells = np.zeros((rows * columns, samples), np.uint32)
    for index, plane in enumerate(planes):
        cells[:, index // depth] |= np.frombuffer(plane, np.uint8).astype(np.uint32) << 8 * (depth - 1 - index % depth)
    return cells.reshape(rows, columns, samples)


def _runs(data: bytes, wanted: int) -> bytes:
    out, at = bytearray(), 0
    while len(out) < wanted:
        run = data[at]
        if run < 128:
            out += data[at + 1 : at + 2 + run]
        elif run > 128:
            out += data[at + 1 : at + 2] * (257 - run)
        at += run + 2 if run < 128 else 2 if run > 128 else 1
    return bytes(out[:wanted])


def _black(picture: Picture, cell: Cells) -> bool:
    """Whether the cell shows as the darkest that there is (PS3.3 C.7.6.3.1.2)."""
    photometric = str(picture.ds.PhotometricInterpretation)
    if photometric.startswith("MONOCHROME"):
        return _darkest_grey(picture, int(cell[0]))
    if photometric == "PALETTE COLOR":
        return _darkest_entry(picture, int(cell[0]))
    middle = 1 << (picture.number("BitsStored") - 1)
    if photometric in ("YBR_RCT", "YBR_ICT") or not _stored_as_ybr(picture):
        return not cell.any()
    return cell.tolist() == [16 if "PARTIAL" in photometric else 0, middle, middle]


def _stored_as_ybr(picture: Picture) -> bool:
    photometric = str(picture.ds.PhotometricInterpretation)
    if picture.syntax not in JPEG_DCT or picture.number("BitsAllocated") > 8:
        return photometric.startswith("YBR")
    with Image.open(io.BytesIO(_first_frame(picture))) as image:
        return _is_ybr(image, photometric)


def _darkest_grey(picture: Picture, cell: int) -> bool:
    """Real files have codestreams of fewer bits than are stored: then their own darkest value is meant."""
    ds, stored, allocated = picture.ds, picture.number("BitsStored"), picture.number("BitsAllocated")
    stored = min(stored, _coded_bits(picture))
    highest = str(ds.PhotometricInterpretation) == "MONOCHROME1" or ds.get("PresentationLUTShape") == "INVERSE"
    if float(ds.get("RescaleSlope") or 1) < 0:
        highest = not highest
    signed = picture.number("PixelRepresentation") == 1
    value = cell & (1 << stored) - 1
    value -= 1 << stored if signed and value >> (stored - 1) else 0
    least = -(1 << (stored - 1)) if signed else 0
    above = cell >> stored
    return value == (least + (1 << stored) - 1 if highest else least) and above in (
        (0, (1 << (allocated - stored)) - 1) if value < 0 else (0,)
    )


def _coded_bits(picture: Picture) -> int:
    """The precision that the first codestream tells: of SIZ in JPEG 2000 (T.800 A.5.1), of SOFn else (T.81 B.2.2)."""
    if picture.native or picture.syntax == RLE:
        return picture.number("BitsAllocated")
    data = _first_frame(picture)
    if picture.syntax not in JPEG:
        return (data[data.index(b"\xff\x4f\xff\x51") + 42] & 127) + 1
    at = 2
    while data[at + 1] not in SOF:
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data[at + 4]


def _first_frame(picture: Picture) -> bytes:
    return next(generate_frames(picture.ds.PixelData, number_of_frames=picture.frames))


def _darkest_entry(picture: Picture, index: int) -> bool:
    count, first, _ = (int(one) for one in picture.ds.RedPaletteColorLookupTableDescriptor)
    last = min(first + (count or 65536), 1 << picture.number("BitsStored"))
    colours = apply_color_lut(np.arange(first, last, dtype=np.uint16), picture.ds).astype(np.int64).sum(axis=-1)
    return first <= index < last and bool(colours[index - first] == colours.min())
