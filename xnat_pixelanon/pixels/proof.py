"""The pixel proof: source and written copy, reopened and compared by code that shares nothing with the writer.

It locates the pixel data by pydicom where the writer walks the file, counts frame by frame and band by band where the
writer counts lines, and judges black by what a display would show where the writer has a table of stored values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydicom.dataset import Dataset

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.pixels.proof_frames import compare_native
from xnat_pixelanon.pixels.proof_read import PROOF_ERRORS, Reopened, Unreadable, reopen
from xnat_pixelanon.pixels.proof_streams import compare_encapsulated
from xnat_pixelanon.pixels.quiet import no_library_text

Compared = Literal["identical-bytes", "identical-but-scrubbed", "box-and-outside"]
_LABELS = (
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PresentationLUTShape",
    "RescaleSlope",
    *(
        f"{prefix}{colour}PaletteColorLookupTable{part}"
        for colour in ("Red", "Green", "Blue")
        for prefix, part in (("", "Descriptor"), ("", "Data"), ("Segmented", "Data"))
    ),
)


@dataclass(frozen=True, slots=True)
class PixelProof:
    """Whether the copy is what it has to be; if not, why, in words without header values.

    `frames`: how many were compared. `compared`: "identical-bytes" (equal to the bit), "identical-but-scrubbed" (equal
    but for carriers taken out of the pixel element) or "box-and-outside" (black in every box, equal outside).
    """

    ok: bool
    findings: tuple[str, ...]
    frames: int
    compared: Compared


def prove_pixels(
    source_path: Path,
    written_path: Path,
    rectangles: Sequence[Rectangle],
    effective: Sequence[Rectangle],
    scratch: Path,
    *,
    scrubbed: Sequence[str] | None = None,
) -> PixelProof:
    """Compare the written copy with its source.

    Every rectangle asked for lies inside its effective box; each box is constant, and shown as black, in every frame;
    outside the boxes the stored values are equal; counts, sizes and labels are those of the source. `scrubbed` is what
    the report says was taken out: where it is given and empty, no difference is accepted. Bad files are findings, not
    errors; only a full scratch folder raises (ScratchError).
    """
    compared: Compared = "box-and-outside" if rectangles else "identical-bytes"
    try:
        with no_library_text(), reopen(source_path, scratch) as source, reopen(written_path, scratch) as written:
            findings = [*_compare_labels(source, written), *_compare_boxes(source.header, rectangles, effective)]
            if findings:
                return PixelProof(False, tuple(findings), 0, compared)
            if not source.has_pixels:
                found = ("there are rectangles but no pixel data",) if rectangles else ()
                return PixelProof(not found, found, 0, compared)
            if source.encapsulated:
                result = compare_encapsulated(source, written, bool(effective))
            else:
                result = compare_native(source, written, effective)
    except Unreadable as error:
        return PixelProof(False, (error.why,), 0, compared)
    except PROOF_ERRORS:
        return PixelProof(False, ("source or copy cannot be read for the proof",), 0, compared)
    findings = list(result.findings)
    if result.taken_out and scrubbed is not None and not scrubbed:
        findings.append("something was taken out of the pixel data that is not reported")
    if result.taken_out and not rectangles:
        compared = "identical-but-scrubbed"
    return PixelProof(not findings, tuple(findings), result.frames, compared)


def _compare_labels(source: Reopened, written: Reopened) -> list[str]:
    """The attributes that say how the bytes are to be read have to be those of the source."""
    findings = []
    if source.transfer_syntax_uid != written.transfer_syntax_uid:
        findings.append("the copy has another transfer syntax")
    if source.tag != written.tag:
        findings.append("the copy has another pixel data element, or none, or one where the source has none")
    if source.has_pixels and source.frames != written.frames:
        findings.append("the copy has another Number of Frames")
    for keyword in _LABELS:
        if source.has_pixels and _value(source.header, keyword) != _value(written.header, keyword):
            findings.append(f"the copy has another {keyword}")
    return findings


def _value(header: Dataset, keyword: str) -> object:
    value = header.get(keyword)
    return bytes(value) if isinstance(value, bytes | bytearray) else None if value is None else str(value).strip()


def _compare_boxes(header: Dataset, asked: Sequence[Rectangle], effective: Sequence[Rectangle]) -> list[str]:
    """Each effective box holds the one asked for, and is wider only where chroma is shared by two columns."""
    if len(asked) != len(effective):
        return ["there are not as many boxes as rectangles were asked for"]
    spare = 1 if str(header.get("PhotometricInterpretation", "")).strip().endswith("_422") else 0
    findings = []
    for wanted, box in zip(asked, effective, strict=True):
        holds = box.top == wanted.top and box.bottom == wanted.bottom
        holds = holds and 0 <= wanted.left - box.left <= spare and 0 <= box.right - wanted.right <= spare
        if not holds or not box.inside(int(header.get("Rows") or 0), int(header.get("Columns") or 0)):
            findings.append("a box is not the rectangle that was asked for")
    return findings
