"""Turns a drawn picture into a pixel element: photometric interpretation, bits, sign, planes, transfer syntax."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from xnat_pixelanon.sandbox.drawing import Burned, Grey, text_mask

Stored = NDArray[Any]
NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian)
_PIXEL_DATA = 0x7FE00010
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422")


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How the pixels are stored (PS3.3 C.7.6.3); `bits` are Bits Allocated and Bits Stored."""

    photometric: str
    bits: tuple[int, int]
    signed: bool
    planar: int
    transfer_syntax: str

    @property
    def samples(self) -> int:
        return 3 if self.photometric in _COLOUR else 1

    @property
    def byte_order(self) -> Literal["<", ">"]:
        return ">" if self.transfer_syntax == ExplicitVRBigEndian else "<"


def describe(ds: Dataset, picture: Grey, form: PixelFormat) -> None:
    """Write the Image Pixel attributes and the palette, but not the pixel element."""
    frames, ds.Rows, ds.Columns = picture.shape
    ds.SamplesPerPixel = form.samples
    ds.PhotometricInterpretation = form.photometric
    if form.samples > 1:
        ds.PlanarConfiguration = form.planar
    ds.BitsAllocated, ds.BitsStored = form.bits
    ds.HighBit = form.bits[1] - 1
    ds.PixelRepresentation = int(form.signed)
    if frames > 1 or "Multi-frame" in ds.SOPClassUID.name:
        ds.NumberOfFrames = frames
    if form.photometric == "PALETTE COLOR":
        _palette(ds, form.byte_order)


def add_pixels(ds: Dataset, picture: Grey, form: PixelFormat, *, embedded: Burned | None = None) -> None:
    """Write the pixel element; `embedded` is drawn into the highest bit, above Bits Stored (a retired overlay)."""
    stored = _stored(picture, form)
    if embedded is not None:
        _embed(ds, stored, embedded)
    if form.transfer_syntax in NATIVE:
        _native(ds, stored, form)
    elif form.transfer_syntax == JPEGBaseline8Bit:
        _jpeg(ds, picture, form)
    elif form.transfer_syntax == JPEG2000Lossless:
        _jpeg2000(ds, stored, form)
    elif form.transfer_syntax == RLELossless:
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        _native(ds, stored, form)
        ds.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    else:
        raise ValueError("phantoms are made native, or as JPEG Baseline, JPEG 2000 Lossless or RLE Lossless")


def colour(picture: Grey) -> NDArray[np.uint8]:
    """RGB of the picture: grey, but for a flow map in its middle, in red and blue."""
    grey = np.rint(picture * 255).astype(np.uint8)
    rgb = np.repeat(grey[..., np.newaxis], 3, axis=3)
    rows, columns = picture.shape[1:]
    patch = (slice(None), slice(rows * 9 // 20, rows * 11 // 20), slice(columns * 9 // 20, columns * 12 // 20))
    flow = rgb[patch].astype(np.float32)
    half = flow.shape[2] // 2
    flow[:, :, :half] *= (1.0, 0.35, 0.3)
    flow[:, :, half:] *= (0.3, 0.45, 1.0)
    rgb[patch] = np.rint(flow).astype(np.uint8)
    return rgb


def add_overlay(ds: Dataset, burned: Burned, byte_order: str) -> None:
    """An overlay plane 6000 of the size of the image, with text (PS3.3 C.9.2)."""
    mask = text_mask(ds.Rows, ds.Columns, burned) > 0.5
    bits = np.packbits(mask, bitorder="little").tobytes()
    _overlay_attributes(ds, allocated=1, position=0)
    ds.add_new(0x60003000, "OW", _words(bits + b"\0" * (len(bits) % 2), byte_order))


def add_icon(ds: Dataset, picture: Grey) -> None:
    """A thumbnail of the first frame, text and all (PS3.3 F.7 Icon Image)."""
    small = Image.fromarray(np.rint(picture[0] * 255).astype(np.uint8)).resize((64, 64))
    icon = Dataset()
    icon.SamplesPerPixel = 1
    icon.PhotometricInterpretation = "MONOCHROME2"
    icon.Rows, icon.Columns = 64, 64
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 8, 7, 0
    icon.add_new(_PIXEL_DATA, "OB", small.tobytes())
    ds.IconImageSequence = DicomSequence([icon])


def _stored(picture: Grey, form: PixelFormat) -> Stored:
    """Stored values: (frames, rows, columns) or (frames, rows, columns, 3)."""
    allocated, stored = form.bits
    if form.photometric in _COLOUR:
        if form.bits not in ((8, 8), (16, 16)) or (form.bits[0] == 16 and form.photometric != "RGB"):
            raise ValueError("colour phantoms have 8 bits a sample, RGB also 16")
        rgb = colour(picture)
        if form.photometric == "RGB":
            return rgb if allocated == 8 else rgb.astype(np.uint16) * 257
        return np.stack([np.asarray(Image.fromarray(frame).convert("YCbCr")) for frame in rgb])
    if form.photometric == "PALETTE COLOR":
        # The palette runs backwards: the darkest entry is 255, so that zero is not black.
        return 255 - np.rint(picture * 255).astype(np.uint8)
    bright = 1 - picture if form.photometric == "MONOCHROME1" else picture
    values = np.rint(bright.astype(np.float64) * (2**stored - 1)).astype(np.int64)
    if form.signed:
        values -= 2 ** (stored - 1)
    cells: Stored = values.astype(f"{'i' if form.signed else 'u'}{max(allocated // 8, 1)}")
    return cells


def _native(ds: Dataset, stored: Stored, form: PixelFormat) -> None:
    allocated = form.bits[0]
    if allocated == 1:
        raw = np.packbits(stored.ravel().astype(bool), bitorder="little").tobytes()
    elif form.photometric == "YBR_FULL_422":
        raw = _subsampled(stored)
    else:
        ordered = stored.transpose(0, 3, 1, 2) if form.samples == 3 and form.planar else stored
        raw = np.ascontiguousarray(ordered, ordered.dtype.newbyteorder(form.byte_order)).tobytes()
    wide = allocated > 8 or form.transfer_syntax == ImplicitVRLittleEndian
    ds.add_new(_PIXEL_DATA, "OW" if wide else "OB", raw + b"\0" * (len(raw) % 2))


def _subsampled(ybr: Stored) -> bytes:
    """Y Y Cb Cr for each pair of pixels (PS3.3 C.7.6.3.1.2)."""
    if ybr.shape[2] % 2:
        raise ValueError("YBR_FULL_422 needs an even number of columns")
    chroma = ybr[..., 1:].astype(np.uint16)
    pairs = ((chroma[:, :, 0::2] + chroma[:, :, 1::2] + 1) // 2).astype(np.uint8)
    packed = np.concatenate([ybr[:, :, 0::2, :1], ybr[:, :, 1::2, :1], pairs], axis=3)
    return packed.tobytes()


def _jpeg(ds: Dataset, picture: Grey, form: PixelFormat) -> None:
    if form.bits != (8, 8):
        raise ValueError("JPEG Baseline has 8 bits")
    options: dict[str, Any] = {"quality": 90}
    if form.samples == 3:
        options |= {
            "RGB": {"keep_rgb": True, "subsampling": 0},
            "YBR_FULL": {"subsampling": 0},
            "YBR_FULL_422": {"subsampling": 1},
        }[form.photometric]
    frames = []
    for frame in colour(picture) if form.samples == 3 else _stored(picture, form):
        stream = io.BytesIO()
        Image.fromarray(frame).save(stream, "JPEG", **options)
        frames.append(stream.getvalue())
    _encapsulated(ds, frames)
    ds.LossyImageCompression = "01"
    ds.LossyImageCompressionMethod = "ISO_10918_1"
    ds.LossyImageCompressionRatio = f"{picture.size * form.samples / sum(map(len, frames)):.1f}"


def _jpeg2000(ds: Dataset, stored: Stored, form: PixelFormat) -> None:
    if form.signed or form.bits not in ((8, 8), (16, 16)) or form.photometric not in ("RGB", "MONOCHROME2"):
        raise ValueError("JPEG 2000 phantoms are RGB or MONOCHROME2, unsigned, all allocated bits stored")
    frames = []
    for frame in stored:
        stream = io.BytesIO()
        Image.fromarray(frame).save(stream, "JPEG2000", irreversible=False, no_jp2=True, mct=int(form.samples == 3))
        frames.append(stream.getvalue())
    _encapsulated(ds, frames)
    if form.samples == 3:
        ds.PhotometricInterpretation = "YBR_RCT"
        ds.PlanarConfiguration = 0


def _encapsulated(ds: Dataset, frames: list[bytes]) -> None:
    ds.add_new(_PIXEL_DATA, "OB", encapsulate(frames))
    ds["PixelData"].is_undefined_length = True


def _embed(ds: Dataset, stored: Stored, burned: Burned) -> None:
    """One overlay in the highest bit of the pixel cells (retired with PS3.3-2004, still met in archives)."""
    if ds.BitsStored >= ds.BitsAllocated or ds.SamplesPerPixel != 1 or ds.PixelRepresentation:
        raise ValueError("an embedded overlay needs a free bit above unsigned single-sample pixels")
    position = ds.BitsAllocated - 1
    mask = text_mask(ds.Rows, ds.Columns, burned) > 0.5
    stored[:, mask] |= stored.dtype.type(1 << position)
    _overlay_attributes(ds, allocated=ds.BitsAllocated, position=position)


def _overlay_attributes(ds: Dataset, *, allocated: int, position: int) -> None:
    ds.add_new(0x60000010, "US", ds.Rows)
    ds.add_new(0x60000011, "US", ds.Columns)
    ds.add_new(0x60000040, "CS", "G")
    ds.add_new(0x60000050, "SS", [1, 1])
    ds.add_new(0x60000100, "US", allocated)
    ds.add_new(0x60000102, "US", position)


def _palette(ds: Dataset, byte_order: str) -> None:
    brightness = np.arange(255, -1, -1, dtype=np.float64)
    for name, gain in (("Red", 1.0), ("Green", 0.92), ("Blue", 0.75)):
        entries = np.rint(brightness * gain).astype(np.uint16) * 257
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        keyword = f"{name}PaletteColorLookupTableData"
        setattr(ds, keyword, entries.astype(f"{byte_order}u2").tobytes())
        ds[keyword].VR = "OW"


def _words(data: bytes, byte_order: str) -> bytes:
    """OW is a stream of 16-bit words: in Big Endian the bytes of each change places (PS3.5 A.3)."""
    return np.frombuffer(data, "<u2").astype(f"{byte_order}u2").tobytes()
