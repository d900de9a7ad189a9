"""Where a written copy goes: a file in the scratch folder, plain or deflated behind its file meta information."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from xnat_pixelanon.errors import ScratchError


class Sink:
    """A file being written; every failure of the file system is a ScratchError."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._deflate: zlib._Compress | None = None

    def deflate_from_here(self) -> None:
        """What follows is the data set of a deflated file (PS3.5 A.5)."""
        self._deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        with _scratch_errors():
            self._stream.write(data if self._deflate is None else self._deflate.compress(data))

    def position(self) -> int:
        return self._stream.tell()

    def patch(self, at: int, data: bytes) -> None:
        """Overwrite bytes written before; only for files that are not deflated."""
        with _scratch_errors():
            self._stream.seek(at)
            self._stream.write(data)
            self._stream.seek(0, 2)

    def finish(self) -> None:
        with _scratch_errors():
            if self._deflate is not None:
                self._stream.write(self._deflate.flush())
                if self._stream.tell() % 2:
                    self._stream.write(b"\0")
            self._stream.flush()


@contextmanager
def open_sink(path: Path) -> Iterator[Sink]:
    """A new file at `path`; when anything fails the unfinished file is removed."""
    with _scratch_errors():
        stream = path.open("wb")
    try:
        sink = Sink(stream)
        yield sink
        sink.finish()
        with _scratch_errors():
            stream.close()
    except BaseException:
        _discard(stream, path)
        raise


def _discard(stream: BinaryIO, path: Path) -> None:
    try:
        stream.close()
    except OSError:  # a full disk fails the last flush too
        pass
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _scratch_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ScratchError(
            "a cleaned file could not be written: the scratch folder is full or not writable",
            hint="make room in the scratch folder and run again",
        ) from error
