"""Scratch space of one run: made at start, purged at the end, and purged of what a killed run left behind."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from xnat_pixelanon.errors import ConfigurationError, ScratchError

DEFAULT_FOLDER = "/tmp"
"""Where TMPDIR says nothing."""
_PREFIX = "xnat-pixelanon-"
_LOCK = ".lock"
DISK_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
"""What a write fails with when there is no room: for anybody, for this account, for this process."""


class Scratch:
    """A folder of this run alone; a lock in it tells live runs from killed ones."""

    def __init__(self, parent: Path | None = None) -> None:
        # Python would take another folder where this one cannot be used: identifying files would land there unasked.
        self._parent = parent or Path(os.environ.get("TMPDIR") or DEFAULT_FOLDER)
        self._root: Path | None = None
        self._lock: int = -1

    def __enter__(self) -> Scratch:
        try:
            self._purge_abandoned()
            self._root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._parent))
            # Locked before it gets its name: another run that starts now never finds it free.
            unnamed = self._root / f"{_LOCK}-new"
            self._lock = os.open(unnamed, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unnamed.rename(self._root / _LOCK)
        except OSError as error:
            raise ConfigurationError(
                f"the scratch folder {self._parent} cannot be used: {error.strerror}",
                hint="set TMPDIR to a folder that exists, is writable and has space",
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            os.close(self._lock)

    @property
    def root(self) -> Path:
        if self._root is None:
            raise ScratchError("the scratch folder is not open")
        return self._root

    @contextmanager
    def folder(self, needed: int) -> Iterator[Path]:
        """An empty folder with at least `needed` free bytes, removed afterwards; ScratchError when it is full."""
        free = shutil.disk_usage(self.root).free
        if free < needed:
            raise ScratchError(
                f"the scratch folder {self._parent} has {free >> 20} MiB free, this session needs {needed >> 20} MiB",
                hint="set TMPDIR to a folder with more space and run again",
            )
        path = Path(tempfile.mkdtemp(dir=self.root))
        try:
            yield path
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            raise ScratchError(
                f"the scratch folder {self._parent} is full",
                hint="set TMPDIR to a folder with more space and run again",
            ) from None
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def _purge_abandoned(self) -> None:
        """Remove the folders of runs that were killed: their lock is free."""
        for path in self._parent.glob(f"{_PREFIX}*"):
            with suppress(OSError):
                lock = os.open(path / _LOCK, os.O_RDWR)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
                finally:
                    os.close(lock)
