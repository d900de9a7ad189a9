"""One frame in the sizes of a report: small for its scan, larger where it stands for a whole group."""

from __future__ import annotations

from pathlib import Path

from xnat_pixelanon.domain.pictures import Shots
from xnat_pixelanon.pixels.pictures import THUMBNAIL, encoded
from xnat_pixelanon.pixels.preview import render_frame


def shots(path: Path, frame: int, scratch: Path, *, longest: int) -> Shots | None:
    """Frame `frame` (from 0) of a file; `longest`: side of the larger picture, 0 for none. None: it cannot be shown."""
    try:
        picture = render_frame(path, frame, scratch)
        rows, columns = picture.shape[:2]
        return Shots(rows, columns, encoded(picture, THUMBNAIL), encoded(picture, longest) if longest else None)
    except Exception:  # what is wrong with a picture costs a picture, never a session
        return None
