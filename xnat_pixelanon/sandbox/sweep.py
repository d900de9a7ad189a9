"""An independent look for leaks: everything a server stores, against everything that must not be there.

Shares no code with the cleaning: files are read with pydicom element by element and as raw bytes, pixels by pydicom, or
by a decoder that the cleaning does not use.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.errors import InvalidDicomError
from pydicom.uid import JPEGLossless, JPEGLosslessSV1

from xnat_pixelanon.sandbox.census import StoredItem
from xnat_pixelanon.sandbox.drawing import text_seen
from xnat_pixelanon.sandbox.sample_session import BurnedText, SampleSession

_RAW_AT_LEAST = 6
"""Shorter texts occur in pixel data by chance; in elements and names they are still looked for."""
_UNDECODED = (AttributeError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Leak:
    """Something of staging on the clean side: where, and which kind of thing (never the thing itself)."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What was looked at, and what was found."""

    items: int
    files: int
    elements: int
    frames: int
    leaks: tuple[Leak, ...]


class Sweep:
    """All strings, UIDs and burned-in texts of the staging sessions, ready to be looked for."""

    def __init__(self, sessions: Iterable[SampleSession], extra: Iterable[str] = ()) -> None:
        sessions = list(sessions)
        texts = {text for session in sessions for text in session.identity.strings()}
        texts |= {text for session in sessions for text in (session.label, session.subject)} | set(extra)
        self._texts = tuple(sorted(text for text in texts if text))
        self._uids = frozenset(uid for session in sessions for uid in session.uids)
        self._burned = tuple(burned for session in sessions for burned in session.burned)
        self._pattern = re.compile("|".join(_spelled(text) for text in self._texts), re.IGNORECASE)
        self._raw = _Needles(text for text in self._texts if len(text) >= _RAW_AT_LEAST)
        self._uid = re.compile(r"2\.25\.\d+")
        self.elements = 0
        self.frames = 0

    def of(self, items: Iterable[StoredItem]) -> SweepResult:
        """Look at everything."""
        count = files = 0
        leaks: list[Leak] = []
        for item in items:
            count += 1
            if item.text is not None:
                leaks += self._text(item.text, f"{item.kind}")
            elif item.path is not None:
                files += 1
                leaks += self._file(item.path, f"file {files}")
        return SweepResult(count, files, self.elements, self.frames, tuple(leaks))

    def _text(self, text: str, where: str) -> Iterator[Leak]:
        if self._pattern.search(text):
            yield Leak(where, "an identifying text")
        if any(uid in self._uids for uid in self._uid.findall(text)):
            yield Leak(where, "a UID of staging")

    def _file(self, path: Path, where: str) -> Iterator[Leak]:
        content = path.read_bytes()
        yield from self._bytes(content, where)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield from self._text(name, f"{where}, name in a zip")
                    yield from self._bytes(archive.read(name), f"{where}, in a zip")
        if content[128:132] == b"DICM":
            yield from self._dicom(content, where)

    def _bytes(self, content: bytes, where: str) -> Iterator[Leak]:
        if self._raw.in_(content):
            yield Leak(where, "an identifying text in its bytes")
        if any(uid.decode() in self._uids for uid in re.findall(rb"2\.25\.\d+", content)):
            yield Leak(where, "a UID of staging in its bytes")

    def _dicom(self, content: bytes, where: str) -> Iterator[Leak]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                ds = pydicom.dcmread(io.BytesIO(content), force=True)
            except InvalidDicomError:
                yield Leak(where, "a file that cannot be read")
                return
            for element in [*ds.file_meta, *_every(ds)]:
                self.elements += 1
                if element.tag.is_private and element.VR != "SQ":
                    yield Leak(f"{where} {element.tag}", "a private element")
                if element.VR == "SQ" or element.keyword == "PixelData":
                    continue
                value = element.value
                text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                yield from self._text(text, f"{where} {element.tag}")
            if "PixelData" in ds:
                yield from self._pixels(ds, where)

    def _pixels(self, ds: Dataset, where: str) -> Iterator[Leak]:
        fitting = [burned for burned in self._burned if burned.at[0] < ds.Columns and burned.at[1] < ds.Rows]
        try:
            pixels = _decoded(ds)
        except _UNDECODED:
            yield Leak(where, "pixels that cannot be looked at")
            return
        frames = pixels if int(ds.get("NumberOfFrames") or 1) > 1 else pixels[np.newaxis]
        for number, frame in enumerate(frames):
            self.frames += 1
            if any(_legible(frame, burned) for burned in fitting):
                yield Leak(f"{where} frame {number}", "burned-in text")


def _decoded(ds: Dataset) -> np.ndarray:
    """By pydicom, but for lossless JPEG, which copies become where libturbojpeg is missing: it has no decoder then."""
    if ds.file_meta.TransferSyntaxUID not in (JPEGLossless, JPEGLosslessSV1):
        return np.asarray(ds.pixel_array)
    frames = int(ds.get("NumberOfFrames") or 1)
    found = [imagecodecs.jpegsof3_decode(one) for one in generate_frames(ds.PixelData, number_of_frames=frames)]
    return np.stack(found) if frames > 1 else np.asarray(found[0])


def _legible(frame: np.ndarray, burned: BurnedText) -> bool:
    return bool(text_seen(frame, burned.text, burned.at, burned.size))


def _every(ds: Dataset) -> Iterator[pydicom.DataElement]:
    for element in ds:
        yield element
        if element.VR == "SQ":
            for item in element.value:
                yield from _every(item)


def _spelled(text: str) -> str:
    """Digits alone are looked for with other characters around them: eight may occur in a UID by chance."""
    plain = re.escape(text)
    if text.replace(".", "").isdigit():
        return rf"(?<![\d.]){plain}(?![\d])"
    return rf"\b{plain}\b" if len(text) < _RAW_AT_LEAST else plain


class _Needles:
    """Many texts looked for in bytes at once, in three charsets, ignoring the case of ASCII letters."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._by_start: dict[bytes, list[re.Pattern[bytes]]] = {}
        self._pairs = np.zeros(1 << 16, bool)
        for text in texts:
            for spelled in _encoded(text.lower()):
                digits = text.replace(".", "").isdigit()
                pattern = (rb"(?<![\d.])%s(?!\d)" if digits else rb"%s") % re.escape(spelled)
                self._by_start.setdefault(spelled[:_RAW_AT_LEAST], []).append(re.compile(pattern))
                self._pairs[spelled[0] << 8 | spelled[1]] = True

    def in_(self, content: bytes) -> bool:
        """Whether any of them occurs. Places are sifted by two bytes, then six, then looked at."""
        low = content.lower()
        codes = np.frombuffer(low, np.uint8).astype(np.uint16)
        places = np.flatnonzero(self._pairs[codes[:-1] << 8 | codes[1:]])
        return any(
            pattern.match(low, place)
            for place in places.tolist()
            for pattern in self._by_start.get(low[place : place + _RAW_AT_LEAST], ())
        )


def _encoded(text: str) -> set[bytes]:
    found = set()
    for charset in ("utf-8", "latin-1", "utf-16-le"):
        try:
            found.add(text.encode(charset))
        except UnicodeEncodeError:
            continue
    return found
