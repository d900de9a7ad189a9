"""Memory for one band of pixels, used again: asking the system for it anew for every file costs as much as reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

_free: list[Buffer] = []


class Buffer:
    """Octets to be overwritten at will; each call of `of` gives the same ones."""

    def __init__(self) -> None:
        self._octets = np.empty(0, np.uint8)

    def of(self, count: int) -> NDArray[np.uint8]:
        if len(self._octets) < count:
            self._octets = np.empty(count, np.uint8)
        return self._octets[:count]


@contextmanager
def borrowed_buffer() -> Iterator[Buffer]:
    """One that nobody else has at the time."""
    taken = _free.pop() if _free else Buffer()
    try:
        yield taken
    finally:
        _free.append(taken)
