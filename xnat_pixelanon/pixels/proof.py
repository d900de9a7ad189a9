"""The pixel proof: source and written copy, reopened and compared by code that shares nothing with the writer.

It locates the pixel data by pydicom where the writer walks the file, counts frame by frame and band by band where the
writer counts lines, decodes by adapters of its own, and judges black by what a display would show where the writer has
a table of stored values. Shared are the codec libraries, and the plumbing of threads (window.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydicom.datadict import keyword_for_tag

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.proof_boxes import Boxes, Comparison
from xnat_pixelanon.pixels.proof_decoded import compare_decoded
from xnat_pixelanon.pixels.proof_extent import allowed_extent
from xnat_pixelanon.pixels.proof_labels import compare_labels
from xnat_pixelanon.pixels.proof_native import compare_native
from xnat_pixelanon.pixels.proof_read import PROOF_ERRORS, Reopened, Unreadable, reopen
from xnat_pixelanon.pixels.proof_streams import compare_streams
from xnat_pixelanon.pixels.quiet import no_library_text
from xnat_pixelanon.pixels.value_digest import NO_PIXELS, begin

_UNREADABLE = "source or copy cannot be read for the proof"
Compared = Literal["identical-bytes", "identical-but-scrubbed", "box-and-outside"]


@dataclass(frozen=True, slots=True)
class PixelProof:
    """Whether the copy is what it has to be; if not, why, in words without header values.

    `frames`: how many were compared. `compared`: "identical-bytes" (equal to the bit), "identical-but-scrubbed" (equal
    but for carriers taken out of the pixel element) or "box-and-outside" (black in every box, equal outside).
    `digest`: of the copy's values as it was read, as pixel_digest gives it; empty where it was not read to its end.
    """

    ok: bool
    findings: tuple[str, ...]
    frames: int
    compared: Compared
    digest: str = ""


@contextmanager
def reopened(source_path: Path, written_path: Path, scratch: Path) -> Iterator[tuple[Reopened, Reopened]]:
    """Source and copy, read again by pydicom, for this proof and those of the header.

    InstanceError("proof-failed") where one of them cannot be read; ScratchError where `scratch` is full.
    """
    with ExitStack() as stack:
        try:
            with no_library_text():
                pair = tuple(stack.enter_context(reopen(path, scratch)) for path in (source_path, written_path))
        except Unreadable as error:
            raise InstanceError("proof-failed", error.why) from error
        except PROOF_ERRORS as error:
            raise InstanceError("proof-failed", _UNREADABLE) from error
        yield pair[0], pair[1]


def prove_pixels(
    source_path: Path,
    written_path: Path,
    rectangles: Sequence[Rectangle],
    effective: Sequence[Rectangle],
    scratch: Path,
    *,
    scrubbed: Sequence[str] | None = None,
    threads: int = 1,
) -> PixelProof:
    """As `prove_opened`, of two files by their paths. Bad files are findings, not errors."""
    try:
        with reopened(source_path, written_path, scratch) as (source, written):
            return prove_opened(source, written, rectangles, effective, scrubbed=scrubbed, threads=threads)
    except InstanceError as error:
        return PixelProof(False, (error.detail,), 0, "box-and-outside" if rectangles else "identical-bytes")


def prove_opened(
    source: Reopened,
    written: Reopened,
    rectangles: Sequence[Rectangle],
    effective: Sequence[Rectangle],
    *,
    scrubbed: Sequence[str] | None = None,
    threads: int = 1,
) -> PixelProof:
    """Compare the written copy with its source.

    Every rectangle asked for lies inside its effective box; each is constant, and shown as black, in every frame;
    outside the effective boxes the stored values are equal; counts, sizes and labels are those of the source.
    `scrubbed` is what the report says was taken out: where it is given and empty, no difference is accepted.
    """
    compared: Compared = "box-and-outside" if rectangles else "identical-bytes"
    try:
        with no_library_text():
            return _prove(source, written, (tuple(rectangles), tuple(effective)), scrubbed, threads)
    except Unreadable as error:
        return PixelProof(False, (error.why,), 0, compared)
    except PROOF_ERRORS:
        return PixelProof(False, (_UNREADABLE,), 0, compared)


def _prove(
    source: Reopened,
    written: Reopened,
    asked: tuple[tuple[Rectangle, ...], tuple[Rectangle, ...]],
    scrubbed: Sequence[str] | None,
    threads: int,
) -> PixelProof:
    rectangles, effective = asked
    compared: Compared = "box-and-outside" if rectangles else "identical-bytes"
    planes = source.has_pixels and source.encapsulated and source.overlay_mask() is not None
    findings = compare_labels(source, written, boxes=bool(rectangles) or planes)
    boxes, misplaced = _boxes(source, written, rectangles, effective)
    findings += misplaced
    if findings:
        return PixelProof(False, tuple(findings), 0, compared)
    if written.padded:
        return PixelProof(False, ("something lies behind the copy's data set",), 0, compared)
    if written.tables and not written.encapsulated:
        return PixelProof(False, ("the copy has an Extended Offset Table without fragments",), 0, compared)
    if not source.has_pixels:
        wrong = ("there are rectangles but no pixel data",) if rectangles else ()
        return PixelProof(not wrong, wrong, 0, compared, "" if wrong else NO_PIXELS)
    result = Comparison(_digest(written))
    if not source.encapsulated:
        compare_native(source, written, boxes, result)
    elif rectangles or planes:
        compare_decoded(source, written, boxes, result, threads=threads)
    else:
        compare_streams(source, written, result)
    findings = list(result.findings)
    silent = scrubbed is not None and not scrubbed
    if result.taken_out and silent and not (rectangles and source.encapsulated):
        findings.append("something was taken out of the pixel data that is not reported")
    if result.taken_out and not rectangles:
        compared = "identical-but-scrubbed"
    digest = "" if findings else f"sha256:{result.digest.hexdigest()}"
    return PixelProof(not findings, tuple(findings), result.frames, compared, digest)


def _digest(written: Reopened) -> hashlib._Hash:
    rows, columns, samples = (written.number(one) for one in ("Rows", "Columns", "SamplesPerPixel"))
    size = (written.frames, rows, columns, samples, written.number("BitsAllocated"))
    return begin(keyword_for_tag(written.tag), encapsulated=written.encapsulated, size=size)


def _boxes(
    source: Reopened, written: Reopened, asked: Sequence[Rectangle], effective: Sequence[Rectangle]
) -> tuple[Boxes, list[str]]:
    """Each effective box holds the one asked for, and is wider only where the pixels are coded in blocks or pairs."""
    if len(asked) != len(effective):
        return Boxes((), ()), ["there are not as many boxes as rectangles were asked for"]
    if not asked:
        return Boxes((), ()), []
    spare = allowed_extent(source, written)
    rows, columns = source.number("Rows"), source.number("Columns")
    for wanted, box in zip(asked, effective, strict=True):
        before = (wanted.top - box.top, wanted.left - box.left)
        after = (box.bottom - wanted.bottom, box.right - wanted.right)
        grown = zip(before, after, spare, strict=True)
        if not all(0 <= one <= most and 0 <= other <= most for one, other, most in grown):
            return Boxes((), ()), ["a box is not the rectangle that was asked for"]
        if not box.inside(rows, columns):
            return Boxes((), ()), ["a box is not the rectangle that was asked for"]
    blocks = source.encapsulated and source.transfer_syntax_uid == written.transfer_syntax_uid
    dark = tuple(asked) if blocks else tuple(effective)
    return Boxes(tuple(effective), dark), []
