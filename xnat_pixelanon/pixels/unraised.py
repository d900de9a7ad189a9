"""Errors that a library can only print: its callbacks have nobody to raise them to."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_seen = threading.local()
_before: Callable[[sys.UnraisableHookArgs], object] = sys.unraisablehook
_inside = 0


@contextmanager
def unraised_errors() -> Iterator[list[bool]]:
    """A list that has an entry for each of those of this thread, other threads have their own; nothing is printed."""
    global _before, _inside
    found: list[bool] = []
    _seen.found = found
    with _lock:
        if not _inside:
            _before, sys.unraisablehook = sys.unraisablehook, _see
        _inside += 1
    try:
        yield found
    finally:
        _seen.found = None
        with _lock:
            _inside -= 1
            if not _inside:
                sys.unraisablehook = _before


@contextmanager
def unraised_as(error: Exception) -> Iterator[None]:
    """Raise `error` where there was one of those."""
    with unraised_errors() as found:
        yield
    if found:
        raise error


def _see(unraisable: sys.UnraisableHookArgs) -> None:
    found = getattr(_seen, "found", None)
    if found is None:
        _before(unraisable)
    else:
        found.append(True)
