"""What a digest of pixel values begins with, for whoever reads the values."""

from __future__ import annotations

import hashlib

NO_PIXELS = "sha256:" + hashlib.sha256(b"no pixel data").hexdigest()


def begin(keyword: str, *, encapsulated: bool, size: tuple[int, int, int, int, int]) -> hashlib._Hash:
    """To be updated with the values. `size`: frames, rows, columns, samples of a pixel, bits of a cell."""
    kind = "encapsulated" if encapsulated else "native"
    return hashlib.sha256(f"{keyword} {kind} {' '.join(map(str, size))}\n".encode())
