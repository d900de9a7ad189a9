"""Compare encapsulated pixel data by what it decodes to: frames with boxes, coded anew or edited in their coefficients.

The decoders are those of the libraries, met here by adapters of the proof's own; components come out as coded, without
conversion of colour, so that what says how they are taken has to be compared apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from xnat_pixelanon.pixels.proof_black import shows_black
from xnat_pixelanon.pixels.proof_boxes import Boxes, Comparison, Seen, look
from xnat_pixelanon.pixels.proof_marks import Marks, marks_of
from xnat_pixelanon.pixels.proof_planes import compare_planes
from xnat_pixelanon.pixels.proof_read import Reopened, Unreadable
from xnat_pixelanon.pixels.proof_runs import compare_runs
from xnat_pixelanon.pixels.proof_spare import has_plane
from xnat_pixelanon.pixels.proof_streams import check_fragments, frames_of, has_carriers, items_of, join
from xnat_pixelanon.pixels.unraised import unraised_as
from xnat_pixelanon.pixels.window import in_order

_RLE = "1.2.840.10008.1.2.5"
_JPEG2000 = "1.2.840.10008.1.2.4.9"
_HTJ2K = "1.2.840.10008.1.2.4.20"
_JPEG_LS = "1.2.840.10008.1.2.4.8"
_DCT = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
_JP2 = b"\0\0\0\x0cjP  "
_TRANSFORMED = frozenset({"YBR_RCT", "YBR_ICT"})
Picture = NDArray[np.unsignedinteger]


@dataclass(frozen=True, slots=True)
class _Frames:
    """One frame of source and copy, as read: what a thread works on."""

    source: bytes
    written: bytes
    first: bool


@dataclass(frozen=True, slots=True)
class _Found:
    findings: tuple[str, ...]
    black: tuple[int, ...] | None


def compare_decoded(source: Reopened, written: Reopened, boxes: Boxes, result: Comparison, *, threads: int = 1) -> None:
    """Every frame decoded from both files; their transfer syntaxes and labels are known to fit together."""
    before, after = items_of(source), items_of(written)
    source_frames, written_frames = frames_of(source, before[1:]), frames_of(written, after[1:])
    if not check_fragments(source, source_frames, written, after, written_frames, result):
        return
    pairs = (
        _Frames(join(source, one), join(written, other), number == 0)
        for number, (one, other) in enumerate(zip(source_frames, written_frames, strict=True))
    )
    black: set[tuple[int, ...]] = set()
    judge = _Judge(source, written, boxes)
    for found in in_order(judge.judge, pairs, threads):
        for finding in found.findings:
            result.add(finding)
        if found.black is not None:
            black.add(found.black)
        result.frames += 1
        if result.findings:
            return
    if boxes.dark and len(black) != 1:
        result.add("a box is not of one value in every frame")
    elif boxes.dark:
        (cell,) = black
        if not all(shows_black(written, cell, bits, photometric) for bits, photometric in judge.taken_as):
            result.add("a box does not show as black")
    result.taken_out = True  # what rode beside the image was not coded again


class _Judge:
    """One comparison of frames; `taken_as`: bits of a decoded cell and how it is shown, by the copy's frames."""

    def __init__(self, source: Reopened, written: Reopened, boxes: Boxes) -> None:
        self._source = source
        self._written = written
        self._boxes = boxes
        self._mask = source.overlay_mask()
        self._recoded = source.transfer_syntax_uid != written.transfer_syntax_uid
        self.taken_as = set[tuple[int, str]]()

    def judge(self, frames: _Frames) -> _Found:
        try:
            return self._compare(frames)
        except RuntimeError as error:  # of the codec libraries
            raise Unreadable("a frame of source or copy cannot be decoded") from error

    def _compare(self, frames: _Frames) -> _Found:
        findings = []
        source_marks, marks = marks_of(self._source, frames.source), marks_of(self._written, frames.written)
        if not marks.follow(source_marks):
            findings.append("a frame of the copy says other things of its colours or bits than the source's")
        if self._recoded and source_marks.colour not in ("", self._written.photometric):
            findings.append("the copy has another PhotometricInterpretation than its frames")
        if source_marks.lossy and not marks.lossy and self._written.header.get("LossyImageCompression") != "01":
            findings.append("the copy does not say in LossyImageCompression that its frames were lossy")
        self.taken_as.add((marks.bits, _taken_as(self._written, marks)))
        if self._written.transfer_syntax_uid == _RLE:
            runs, black = compare_runs(
                self._source, self._written, (frames.source, frames.written), self._boxes, self._mask
            )
            return _Found((*findings, *runs), black)
        if _carries(self._written, frames.written):
            findings.append("a frame of the copy still has text or bytes beside its image")
        if (planes := self._in_planes(frames, marks)) is not None:
            return _found(findings, planes, np.dtype(np.uint8))
        before, after = _decode(self._source, frames.source), _decode(self._written, frames.written)
        if before.shape != after.shape:
            return _Found((*findings, "a frame of the copy has another size than the source's"), None)
        if self._mask is not None:
            before &= before.dtype.type(self._mask)
        if has_plane(self._written, after, marks.bits):
            findings.append("the copy has something in bits that hold no pixel value")
        return _found(findings, _look(before, after, self._boxes), after.dtype)

    def _in_planes(self, frames: _Frames, marks: Marks) -> Seen | None:
        """What the planes of two JPEG frames show; None where pixels have to be looked at.

        Of the first frame they always are: by the decoder of another build than the one that gives the planes, and that
        the writer codes with.
        """
        source, written = self._source, self._written
        if frames.first or self._recoded or self._mask is not None or written.transfer_syntax_uid not in _DCT:
            return None
        if marks.bits != 8 or written.number("BitsStored") != 8:  # bits to spare are looked at in whole cells
            return None
        size = source.number("Rows"), source.number("Columns")
        return compare_planes(frames.source, frames.written, size, source.number("SamplesPerPixel"), self._boxes)


def _found(findings: Sequence[str], seen: Seen, cell: np.dtype[Any]) -> _Found:
    black = None if seen.black is None else tuple(int(value) for value in np.frombuffer(seen.black, cell))
    return _Found((*findings, *seen.findings), black)


def _look(before: Picture, after: Picture, boxes: Boxes) -> Seen:
    wide = max(before.dtype.itemsize, after.dtype.itemsize)
    one, other = (np.ascontiguousarray(picture, f"u{wide}") for picture in (before, after))
    shape = (*one.shape[:2], one.shape[2] * wide)
    seen = look(one.view(np.uint8).reshape(shape), other.view(np.uint8).reshape(shape), boxes)
    if seen.black is None or wide == after.dtype.itemsize:
        return seen
    return Seen(seen.findings, np.frombuffer(seen.black, f"u{wide}").astype(after.dtype).tobytes())


def _taken_as(written: Reopened, marks: Marks) -> str:
    """How the decoded components are taken: what the frame says itself, else the header."""
    return marks.colour or ("RGB" if written.photometric in _TRANSFORMED else written.photometric)


def _carries(written: Reopened, data: bytes) -> bool:
    """Whether a frame of the copy has anything beside its image."""
    return data.startswith(_JP2) or has_carriers(written, data)  # PS3.5 A.4.4: JP2 boxes are not for a frame


def _decode(opened: Reopened, data: bytes) -> Picture:
    """(rows, columns, samples), unsigned, of one frame."""
    uid = opened.transfer_syntax_uid
    rows, columns, samples = (opened.number(keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel"))
    if uid.startswith(_HTJ2K):
        with unraised_as(Unreadable("a frame cannot be decoded")):  # OpenJPH's are only printed by its wrapper
            picture = imagecodecs.htj2k_decode(data, planar=False)
    elif uid.startswith(_JPEG2000):
        picture = imagecodecs.jpeg2k_decode(data, planar=False, numthreads=1)
    elif uid.startswith(_JPEG_LS):
        picture = imagecodecs.jpegls_decode(data)
    else:
        same = "YCBCR" if samples == 3 else None
        picture = imagecodecs.jpeg8_decode(data, colorspace=same, outcolorspace=same)
    return _unsigned(picture, rows, columns, samples, marks_of(opened, data).bits)


def _unsigned(picture: NDArray[Any], rows: int, columns: int, samples: int, bits: int) -> Picture:
    if picture.size != rows * columns * samples or picture.shape[:2] != (rows, columns):
        raise Unreadable("a frame decodes to another size than Rows and Columns")
    whole = np.ascontiguousarray(picture.reshape(rows, columns, samples))
    if whole.dtype.kind == "i":
        whole = whole.view(f"u{whole.dtype.itemsize}") & np.array((1 << bits) - 1, f"u{whole.dtype.itemsize}")
    return whole
