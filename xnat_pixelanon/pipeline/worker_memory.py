"""How a worker process holds memory: it works on one image after the other, each of much the same size."""

from __future__ import annotations

import ctypes
import gc

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_KEPT, _LARGE = 128 << 20, 32 << 20


def settle() -> None:
    """Search for cycles seldom, and keep what is freed for the next image.

    What one file needs is freed without a search, and searching as often as Python does costs a tenth of the time.
    Memory that goes back to the system after every image is asked for, and cleared, again for the next one: with glibc
    arrays of up to 32 MiB stay, 128 MiB of them at most. Other C libraries are left as they are.
    """
    gc.set_threshold(10_000, 20, 20)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_TRIM_THRESHOLD, _KEPT)
