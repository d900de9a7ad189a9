"""The phantoms that are cleaned and then mutated: one for each way in which pixels lie in a file, with every carrier.

The person is invented. Each has a frame comment where its codec has one, an overlay, a curve, icons and private pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from xnat_pixelanon.domain.rectangle import Rectangle

from ..codestreams import segment
from ..phantoms import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, Pixels, data_set, native_value
from .coders import CODERS, Form
from .parts import Parts, put_together

JPEG = "1.2.840.10008.1.2.4."
RLE = "1.2.840.10008.1.2.5"
ROWS, COLUMNS = 40, 56
BOXES = (Rectangle(1, 2, 6, 11), Rectangle(34, 40, 38, 50))
WORDS = b"told by Grace of ward nine"
"""Text that no header has: nothing but the structure of the file gives it away."""


@dataclass(frozen=True)
class Subject:
    """`coder` and `form` of the source's frames and, where they are recoded, `coded` of the copy's; "" is native."""

    name: str
    syntax: str
    pixels: Pixels
    coder: str = ""
    form: Form = field(default_factory=lambda: Form(8))
    vr: str = ""
    tables: str = "basic"
    result: str = ""
    recoder: str = ""
    adobe: bool = False
    """Its JPEG frames say in a segment of Adobe's that they are RGB."""
    boxes: tuple[Rectangle, ...] = BOXES

    @property
    def native(self) -> bool:
        return not self.coder

    @property
    def frames(self) -> int:
        return self.pixels.shape[0]

    @property
    def colour(self) -> bool:
        return self.pixels.shape[3] == 3

    @property
    def overlaid(self) -> bool:
        """An overlay lies in the cells themselves."""
        return "overlay" in self.name

    @property
    def subsampled(self) -> bool:
        """Chroma that an encoder would have to make anew."""
        return self.coder == "jpeg-dct" and self.form.subsampling not in ("", "444") and not self.recoder

    @property
    def copy_syntax(self) -> str:
        return self.result or self.syntax

    @property
    def copy_coder(self) -> str:
        return self.recoder or self.coder

    @property
    def copy_form(self) -> Form:
        return replace(self.form, near=0) if self.recoder else self.form


def _noise(
    photometric: str, frames: int, *, allocated: int = 8, stored: int = 0, calm: bool = False, odd: int = 0, **more: Any
) -> Pixels:
    """Noise over all stored bits; `calm`: in the middle of them, so that no decoder has to clip."""
    samples = 1 if photometric.startswith(("MONO", "PALETTE")) else 3
    stored = stored or allocated
    low, high = (3 << stored - 3, 5 << stored - 3) if calm else (1, (1 << stored) - 1)
    size = (frames, ROWS + odd, COLUMNS + odd, samples)
    cells = np.random.default_rng(frames + stored).integers(low, high, size, np.uint64)
    return Pixels(cells, photometric, allocated, stored, **more)


def _signed(pixels: Pixels) -> Pixels:
    """Two's complement, the sign carried on to the top of the cell."""
    sign, every = 1 << pixels.stored - 1, (1 << pixels.allocated) - 1
    cells = np.where(pixels.cells & sign, pixels.cells | (every & ~((1 << pixels.stored) - 1)), pixels.cells)
    return replace(pixels, cells=cells.astype(np.uint64), signed=True)


def _overlaid(pixels: Pixels) -> Pixels:
    """A plane in the highest bit of the cells, declared as an overlay (retired, PS3.5 8.1.2)."""
    plane = (np.indices((ROWS, COLUMNS)).sum(axis=0) % 3 == 0)[None, :, :, None]
    cells = np.where(plane, pixels.cells | np.uint64(1 << pixels.allocated - 1), pixels.cells)
    return replace(pixels, cells=cells)


def _pairs(photometric: str) -> Pixels:
    pixels = _noise(photometric, 3)
    pixels.cells[:, :, 1::2, 1:] = pixels.cells[:, :, ::2, 1:]
    return pixels


def _palette() -> Pixels:
    """Entry 77 is the darkest, 78 almost."""
    table = (np.arange(256, dtype="<u2") * 200 + 5000)[::-1].copy()
    table[77], table[78] = 3, 4
    extra: dict[str, Any] = {}
    for colour in ("Red", "Green", "Blue"):
        extra[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        extra[f"{colour}PaletteColorLookupTableData"] = table.tobytes()
    return _noise("PALETTE COLOR", 3, extra=extra)


def _grey(frames: int, stored: int, **more: Any) -> Pixels:
    return _noise("MONOCHROME2", frames, allocated=16 if stored > 8 else 8, stored=stored, **more)


def _lossless(name: str, syntax: str, coder: str) -> list[Subject]:
    """Grey and colour, 8 and 12 or 16 bits, one and three frames, in one lossless codec."""
    deep = 16 if coder == "rle" else 12
    named = "YBR_RCT" if coder in ("jpeg2000", "htj2k") else "RGB"
    eight, twelve = Form(8), Form(deep)
    whole = Form(16) if coder == "htj2k" else twelve
    colour = Form(8, transformed=named == "YBR_RCT")
    return [
        Subject(f"{name} grey 8", syntax, _grey(1, 8), coder, eight, tables="none"),
        Subject(f"{name} grey 8 x3", syntax, _grey(3, 8), coder, eight, tables="extended"),
        Subject(f"{name} grey {deep} x3", syntax, _grey(3, deep), coder, whole),
        Subject(f"{name} colour", syntax, _noise(named, 1), coder, colour),
        Subject(f"{name} colour x3", syntax, _noise(named, 3), coder, colour),
    ]


def _native(name: str, syntax: str, vr: str = "") -> list[Subject]:
    return [
        Subject(f"{name} grey 8", syntax, _grey(1, 8)),
        Subject(f"{name} grey 12 x3", syntax, _grey(3, 12)),
        Subject(f"{name} signed 12 x3", syntax, _signed(_grey(3, 12))),
        Subject(f"{name} colour", syntax, _noise("RGB", 1)),
        Subject(f"{name} colour x3", syntax, _noise("RGB", 3, planar=1)),
    ]


_DCT = Form(8, subsampling="444")
_TWELVE = Form(12)
SUBJECTS = (
    *_native("implicit", IMPLICIT),
    *_native("explicit", EXPLICIT),
    *_native("big endian", BIG_ENDIAN),
    *_native("deflated", DEFLATED),
    Subject("big endian words", BIG_ENDIAN, _grey(3, 8), vr="OW"),
    Subject("inverse 12 x3", EXPLICIT, _noise("MONOCHROME1", 3, allocated=16, stored=12)),
    Subject("inverse shape 12", EXPLICIT, _grey(1, 12, extra={"PresentationLUTShape": "INVERSE"})),
    Subject("full chroma x3", EXPLICIT, _noise("YBR_FULL", 3)),
    Subject("pairs x3", EXPLICIT, _pairs("YBR_FULL_422")),
    Subject("palette x3", EXPLICIT, _palette()),
    Subject("wide 32 x3", EXPLICIT, _noise("MONOCHROME2", 3, allocated=32)),
    Subject("overlay in cells x3", EXPLICIT, _overlaid(_grey(3, 12))),
    Subject("overlay in cells, big endian x3", BIG_ENDIAN, _overlaid(_grey(3, 12))),
    Subject("odd", EXPLICIT, _noise("MONOCHROME2", 3, odd=1)),
    Subject("odd big endian words", BIG_ENDIAN, _noise("MONOCHROME2", 1, odd=1), vr="OW"),
    *_lossless("RLE", RLE, "rle"),
    Subject("RLE signed 12 x3", RLE, _signed(_grey(3, 12)), "rle", Form(16)),
    Subject("RLE overlay x3", RLE, _overlaid(_grey(3, 12)), "rle", Form(16)),
    Subject("RLE palette x3", RLE, _palette(), "rle", Form(8)),
    Subject("baseline grey", JPEG + "50", _grey(1, 8, calm=True), "jpeg-dct", tables="none"),
    Subject("baseline grey x3", JPEG + "50", _grey(3, 8, calm=True), "jpeg-dct"),
    Subject("baseline inverse x3", JPEG + "50", _noise("MONOCHROME1", 3, calm=True), "jpeg-dct"),
    Subject("baseline colour", JPEG + "50", _noise("YBR_FULL", 1, calm=True), "jpeg-dct", _DCT),
    Subject("baseline colour x3", JPEG + "50", _noise("YBR_FULL", 3, calm=True), "jpeg-dct", _DCT, tables="extended"),
    Subject("baseline RGB x3", JPEG + "50", _noise("RGB", 3, calm=True), "jpeg-dct", _DCT),
    Subject(
        "baseline RGB by Adobe x3", JPEG + "50", _noise("RGB", 3, calm=True), "jpeg-dct", _DCT, adobe=True
    ),
    Subject(
        "baseline 4:2:0 x3", JPEG + "50", _noise("YBR_FULL_422", 3, calm=True), "jpeg-dct", Form(8, subsampling="420")
    ),
    Subject(
        "baseline 4:2:2 x3", JPEG + "50", _noise("YBR_FULL_422", 3, calm=True), "jpeg-dct", Form(8, subsampling="422")
    ),
    Subject("extended grey x3", JPEG + "51", _grey(3, 8, calm=True), "jpeg-dct"),
    Subject(
        "extended 12 to lossless x3", JPEG + "51", _grey(3, 12, calm=True), "jpeg-dct", _TWELVE,
        result=JPEG + "70", recoder="jpeg-lossless",
    ),
    *_lossless("JPEG lossless", JPEG + "70", "jpeg-lossless"),
    Subject("process 14 x3", JPEG + "57", _grey(3, 12), "jpeg-lossless", Form(12, predictor=6)),
    *_lossless("JPEG-LS", JPEG + "80", "jpeg-ls"),
    Subject("JPEG-LS overlay x3", JPEG + "80", _overlaid(_grey(3, 12)), "jpeg-ls", Form(16)),
    Subject(
        "near-lossless to JPEG-LS x3", JPEG + "81", _grey(3, 8, calm=True), "jpeg-ls", Form(8, near=2),
        result=JPEG + "80", recoder="jpeg-ls",
    ),
    *_lossless("JPEG 2000", JPEG + "90", "jpeg2000"),
    Subject(
        "JPEG 2000 signed 12 x3", JPEG + "90", _signed(_grey(3, 12)), "jpeg2000", Form(12, signed=True)
    ),
    Subject(
        "lossy to JPEG 2000 x3", JPEG + "91", _noise("YBR_ICT", 3, calm=True), "jpeg2000-lossy",
        Form(8, transformed=True), result=JPEG + "90", recoder="jpeg2000",
    ),
    *_lossless("HTJ2K", JPEG + "201", "htj2k"),
    Subject("HTJ2K RPCL x3", JPEG + "202", _grey(3, 8), "htj2k"),
    Subject(
        "lossy to HTJ2K x3", JPEG + "203", _grey(3, 8, calm=True), "htj2k-lossy",
        result=JPEG + "201", recoder="htj2k",
    ),
    Subject("explicit without a box x3", EXPLICIT, _grey(3, 12), boxes=()),
    Subject("deflated without a box x3", DEFLATED, _grey(3, 12), boxes=()),
    Subject("overlay without a box x3", EXPLICIT, _overlaid(_grey(3, 12)), boxes=()),
    Subject("RLE without a box x3", RLE, _grey(3, 16), "rle", Form(16), boxes=()),
    Subject("RLE overlay without a box x3", RLE, _overlaid(_grey(3, 12)), "rle", Form(16), boxes=()),
    Subject("baseline without a box x3", JPEG + "50", _grey(3, 8, calm=True), "jpeg-dct", boxes=()),
    Subject("baseline RGB without a box", JPEG + "50", _noise("RGB", 1, calm=True), "jpeg-dct", _DCT, boxes=()),
    Subject("JPEG lossless without a box x3", JPEG + "70", _grey(3, 12), "jpeg-lossless", Form(12), boxes=()),
    Subject("JPEG-LS without a box x3", JPEG + "80", _grey(3, 8), "jpeg-ls", boxes=()),
    Subject(
        "JPEG 2000 without a box x3", JPEG + "90", _grey(3, 8), "jpeg2000", boxes=(), tables="extended"
    ),
    Subject("HTJ2K without a box x3", JPEG + "201", _grey(3, 8), "htj2k", boxes=()),
)  # fmt: skip


def is_first_of_its_kind(subject: Subject) -> bool:
    """Of those in one transfer syntax, with and without boxes."""
    kind = subject.syntax, bool(subject.boxes)
    return subject is next(one for one in SUBJECTS if (one.syntax, bool(one.boxes)) == kind)


def write(subject: Subject, path: Path) -> Path:
    """The source file."""
    header = data_set(subject.pixels, SOPClassUID="1.2.840.10008.5.1.4.1.1.7.4")
    add_carriers(header)
    if subject.overlaid:
        planes = ((0x10, ROWS), (0x11, COLUMNS), (0x100, 16), (0x102, 15))
        for number, value in planes:
            header.add_new((0x6002, number), "US", value)
    vr = subject.vr or ("OW" if subject.pixels.allocated > 8 else "OB")
    parts = Parts(header, meta_of(header, subject.syntax), vr, tables=subject.tables)
    if subject.native:
        parts.value = native_value(subject.pixels, subject.syntax, vr)
    else:
        parts.frames = [_with_comment(subject, frame) for frame in coded_frames(subject)]
    return put_together(path, parts)


def meta_of(header: Dataset, syntax: str) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    meta.TransferSyntaxUID = UID(syntax)
    return meta


def coded_frames(subject: Subject) -> list[bytes]:
    """The frames of the source without anything beside the image."""
    kind = f"u{subject.pixels.allocated // 8}"
    mask = np.uint64((1 << subject.form.precision) - 1)
    frames = [(frame & mask).astype(kind) for frame in subject.pixels.cells]
    encoded = [CODERS[subject.coder].encode(frame, subject.form, b"") for frame in frames]
    if subject.adobe:
        adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\0")
        return [frame[:2] + adobe + frame[2:] for frame in encoded]
    if subject.syntax == JPEG + "50" and subject.pixels.photometric.startswith("YBR"):
        jfif = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
        return [frame[:2] + jfif + frame[2:] for frame in encoded]
    return encoded


def _with_comment(subject: Subject, frame: bytes) -> bytes:
    if subject.coder == "rle":
        return frame
    if subject.coder.startswith(("jpeg2000", "htj2k")):
        at = frame.index(b"\xff\x90")
        return frame[:at] + segment(0x64, b"\0\1" + WORDS) + frame[at:]
    return frame[:2] + segment(0xFE, WORDS) + frame[2:]


def add_carriers(header: Dataset) -> None:
    """Elements that hold pixels, or drawings, beside the image."""
    icon = Dataset()
    icon.Rows, icon.Columns, icon.SamplesPerPixel, icon.PhotometricInterpretation = 4, 4, 1, "MONOCHROME2"
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 8, 7, 0
    icon.add_new("PixelData", "OB", bytes(range(16)))
    header.IconImageSequence = [icon]
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "2.25.77"
    reference.IconImageSequence = [icon]
    header.ReferencedImageSequence = [reference]
    block = header.private_block(0x0009, "GRACE 1", create=True)
    block.add_new(0x10, "OB", bytes(range(64)))
    header.add_new((0x5000, 0x0005), "US", 2)
    header.add_new((0x5000, 0x3000), "OW", bytes(range(32)))
    plane = (0x10, "US", header.Rows), (0x11, "US", header.Columns), (0x40, "CS", "G"), (0x50, "SS", [1, 1])
    for number, vr, value in plane:
        header.add_new((0x6000, number), vr, value)
    header.add_new((0x6000, 0x0100), "US", 1)
    header.add_new((0x6000, 0x0102), "US", 0)
    header.add_new((0x6000, 0x3000), "OW", b"\x18" * (header.Rows * header.Columns // 16 * 2 + 2))
