"""Zip downloads as XNAT words them: names, layouts, streamed without a length."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from .wire import CHUNK


def word(scan_type: str) -> str:
    """A scan type as part of a folder name: every non-word character becomes `_`."""
    return re.sub(r"\W", "_", scan_type)


def member_name(inside: str, label: str, uri: str, structure: str) -> str:
    """Path of one file in the zip, in the three layouts that XNAT offers."""
    if structure == "simplified":
        return f"{inside}/{label}/{uri}"
    if structure == "improved":
        improved = re.sub(r"/scans/([^/-]+)-", r"/scans/\1_", inside)
        return f"{improved}/{label}/{uri}"
    return f"{inside}/resources/{label}/files/{uri}"


class _Pipe(io.RawIOBase):
    """Takes what the zip writer gives and hands it on; it cannot seek, so sizes come behind each member."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]
        self._parts.append(chunk)
        return len(chunk)

    def take(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def stream(members: Sequence[tuple[str, Path]]) -> Iterator[bytes]:
    """The bytes of a zip of these files, made while they are sent. A file that is gone is left out."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, path in members:
            if not path.is_file():
                continue
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                while chunk := source.read(CHUNK):
                    target.write(chunk)
                    yield pipe.take()
    yield pipe.take()
