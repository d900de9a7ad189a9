"""Decoders that the tool does not use for the route in question, each giving the stored values of a whole file.

Colour is never converted: 4:2:2 and YBR stay as they are stored. Programs that are missing are errors, not skips.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import openjpeg
from jpeg_ls.CharLS import decode_buffer
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.decoders.rle import _rle_decode_frame
from rle.rle import decode_frame

from .cell import ALL_HTJ2K, ALL_JPEG_2000, ALL_JPEG_LS, DCT, LOSSLESS_JPEG, NATIVE, RLE
from .layout import read_native
from .programs import run, run_dcmtk
from .streams import extended_table, fragments_of
from .truth import Cells, normal

Decoded = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """A file as pydicom reads it, and where the judges may write."""

    path: Path
    ds: Dataset
    scratch: Path

    @property
    def syntax(self) -> str:
        return str(self.ds.file_meta.TransferSyntaxUID)

    @property
    def frames(self) -> int:
        return int(self.ds.get("NumberOfFrames") or 1)

    def codestreams(self) -> list[bytes]:
        """The frames, put together from their fragments by pydicom."""
        offsets = extended_table(self.ds)
        frames = list(generate_frames(self.ds.PixelData, number_of_frames=self.frames, extended_offsets=offsets))
        assert len(frames) == self.frames, "another number of frames than Number of Frames says"
        return frames


def opened(path: Path, scratch: Path) -> Opened:
    return Opened(path, dcmread(path), scratch)


def judged(file: Opened, without: Collection[str] = ()) -> dict[str, Cells]:
    """The cells of `file` by every judge of its transfer syntax, by the judge's name; at least one."""
    judges = {name: judge for syntaxes, name, judge in _JUDGES if file.syntax in syntaxes and name not in without}
    assert judges, f"no judge for {file.syntax}"
    found = {name: judge(file) for name, judge in judges.items()}
    return {name: _cells(file, decoded) for name, decoded in found.items() if decoded is not None}


def _cells(file: Opened, decoded: Decoded) -> Cells:
    """(frames, rows, columns, samples); codestreams have no bits beside the value, native and RLE cells do."""
    ds = file.ds
    shape = (file.frames, int(ds.Rows), int(ds.Columns), int(ds.SamplesPerPixel))
    assert decoded.size == np.prod(shape), "a judge decoded another size than the header has"
    cells = decoded.reshape(shape)
    if file.syntax in (*NATIVE, RLE):
        return cells.astype(np.uint64)
    if ds.HighBit != ds.BitsStored - 1 or (0x6000, 0x0102) in ds:  # something lies beside the value, or below it
        return cells.astype(np.int64).view(np.uint64) & np.uint64((1 << int(ds.BitsAllocated)) - 1)
    return normal(
        cells, stored=int(ds.BitsStored), allocated=int(ds.BitsAllocated), signed=bool(ds.PixelRepresentation)
    )


def _by_hand(file: Opened) -> Decoded:
    return read_native(file.ds, file.syntax)


def _eight_bits(file: Opened) -> bool:
    return bool(file.ds.BitsStored == 8 and file.ds.BitsAllocated == 8 and not file.ds.PixelRepresentation)


def _pillow_jpeg(file: Opened) -> Decoded | None:
    """libjpeg-turbo in Pillow, asked for the components as they are."""
    return np.stack([raw_components(one) for one in file.codestreams()]) if _eight_bits(file) else None


def raw_components(codestream: bytes) -> Decoded:
    """The components of an 8 bit JPEG, chroma upsampled and not converted."""
    with Image.open(io.BytesIO(codestream)) as image:
        if image.mode == "RGB" and not _taken_for_rgb(codestream):
            image.draft("YCbCr", image.size)
        return np.asarray(image)


def _taken_for_rgb(codestream: bytes) -> bool:
    """Whether libjpeg takes three components for RGB (jdapimin.c): by Adobe's transform, else by their names."""
    at = 2
    while codestream[at + 1] not in (0xC0, 0xC1, 0xC2):
        payload = codestream[at + 4 : at + 2 + int.from_bytes(codestream[at + 2 : at + 4], "big")]
        if codestream[at + 1] == 0xE0 and payload.startswith(b"JFIF\0"):
            return False
        if codestream[at + 1] == 0xEE and payload.startswith(b"Adobe") and len(payload) >= 12:
            return payload[11] == 0
        at += 2 + int.from_bytes(codestream[at + 2 : at + 4], "big")
    return bytes(codestream[at + 10 : at + 19 : 3]) == b"RGB"


def shown_by_djpeg(file: Opened) -> Decoded | None:
    """What djpeg shows: grey, or RGB after its own guess of the colours. A display's view, not stored values."""
    if file.syntax not in DCT or not _eight_bits(file):
        return None
    return np.stack([_from_pnm(run("djpeg", "-strict", "-pnm", input=one)) for one in file.codestreams()])


def _from_pnm(data: bytes) -> Decoded:
    kind, width, height, _, pixels = data.replace(b"\n", b" ", 3).split(b" ", 4)
    return np.frombuffer(pixels, np.uint8).reshape(int(height), int(width), 3 if kind == b"P6" else 1)


def _of_dcmtk(path: Path, scratch: Path) -> Decoded:
    """What dcmtk decoded; it writes three samples for each pixel and leaves a name that says otherwise."""
    file = opened(path, scratch)
    ds = file.ds
    if len(ds.PixelData) >= file.frames * ds.Rows * ds.Columns * ds.SamplesPerPixel * ds.BitsAllocated // 8:
        ds.PhotometricInterpretation = str(ds.PhotometricInterpretation).partition("_4")[0]
    return _by_hand(file)


def _dcmdjpeg(file: Opened) -> Decoded:
    """IJG's libjpeg 6b with its lossless patch, in dcmtk; the file as a whole, its offset table and fragments too."""
    out = run_dcmtk("dcmdjpeg", "+cn", "+px", source=file.path, out=file.scratch / "dcmdjpeg.dcm")
    return _of_dcmtk(out, file.scratch)


def _dcmdjpls(file: Opened) -> Decoded | None:
    """CharLS 1 in dcmtk, which refuses streams of 8 bits for cells of 16 and cannot count pieces without a table."""
    if file.ds.BitsAllocated == 16 and file.ds.BitsStored <= 8:
        return None
    path, found = file.path, fragments_of(file.ds)
    if not found.basic and len(found.pieces) > file.frames:
        whole = dcmread(file.path)
        whole.PixelData = encapsulate(file.codestreams())
        path = file.scratch / "whole.dcm"
        whole.save_as(path)
    out = run_dcmtk("dcmdjpls", "+px", source=path, out=file.scratch / "dcmdjpls.dcm")
    return _of_dcmtk(out, file.scratch)


def _pyjpegls(file: Opened) -> Decoded:
    """CharLS 2 in the library that the tool has for encoding only."""
    frames = [_in_pixels(*decode_buffer(one)) for one in file.codestreams()]
    return np.stack(frames)


def _in_pixels(data: bytearray, info: dict[str, int]) -> Decoded:
    rows, columns, samples = info["height"], info["width"], info["components"]
    values = np.frombuffer(data, "u1" if info["bits_per_sample"] <= 8 else "<u2")
    if info["interleave_mode"] == 0:
        return values.reshape(samples, rows, columns).transpose(1, 2, 0)
    return values.reshape(rows, columns, samples)


def _dcmdrle(file: Opened) -> Decoded:
    out = run_dcmtk("dcmdrle", source=file.path, out=file.scratch / "dcmdrle.dcm")
    return _of_dcmtk(out, file.scratch)


def _jpegsof3(file: Opened) -> Decoded:
    """A decoder of lossless JPEG of its own, no libjpeg."""
    return np.stack([imagecodecs.jpegsof3_decode(one) for one in file.codestreams()])


def _pylibjpeg_openjpeg(file: Opened) -> Decoded:
    return np.stack([openjpeg.decode(one) for one in file.codestreams()])


def _pillow_jpeg_2000(file: Opened) -> Decoded | None:
    if not _eight_bits(file):
        return None
    images = []
    for one in file.codestreams():
        with Image.open(io.BytesIO(one)) as image:
            images.append(np.asarray(image))
    return np.stack(images)


def _pydicom_rle(file: Opened) -> Decoded:
    ds = file.ds
    layout = int(ds.Rows), int(ds.Columns), int(ds.SamplesPerPixel), int(ds.BitsAllocated)
    return _from_planes(ds, [_rle_decode_frame(one, *layout) for one in file.codestreams()])


def _pylibjpeg_rle(file: Opened) -> Decoded:
    ds = file.ds
    pixels, bits = int(ds.Rows) * int(ds.Columns), int(ds.BitsAllocated)
    return _from_planes(ds, [decode_frame(one, pixels, bits, "<") for one in file.codestreams()])


def _from_planes(ds: Dataset, frames: Sequence[bytes | bytearray]) -> Decoded:
    """Little endian cells, each sample's plane for itself."""
    cells = np.stack([np.frombuffer(one, f"<u{ds.BitsAllocated // 8}") for one in frames])
    return cells.reshape(-1, ds.SamplesPerPixel, ds.Rows, ds.Columns).transpose(0, 2, 3, 1)


_JUDGES: tuple[tuple[tuple[str, ...], str, Callable[[Opened], Decoded | None]], ...] = (
    (NATIVE, "by hand", _by_hand),
    (DCT, "Pillow", _pillow_jpeg),
    (DCT, "dcmdjpeg", _dcmdjpeg),
    (LOSSLESS_JPEG, "jpegsof3", _jpegsof3),
    (LOSSLESS_JPEG, "dcmdjpeg", _dcmdjpeg),
    (ALL_JPEG_LS, "dcmdjpls", _dcmdjpls),
    (ALL_JPEG_LS, "pyjpegls", _pyjpegls),
    (ALL_JPEG_2000, "pylibjpeg-openjpeg", _pylibjpeg_openjpeg),
    (ALL_JPEG_2000, "Pillow", _pillow_jpeg_2000),
    (ALL_HTJ2K, "pylibjpeg-openjpeg", _pylibjpeg_openjpeg),
    ((RLE,), "pydicom", _pydicom_rle),
    ((RLE,), "pylibjpeg-rle", _pylibjpeg_rle),
    ((RLE,), "dcmdrle", _dcmdrle),
)
