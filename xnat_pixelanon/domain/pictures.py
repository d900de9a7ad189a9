"""Pictures for people: in surveys, reports and contact sheets. They stay in staging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from xnat_pixelanon.domain.rectangle import Rectangle

Wanted = Literal["none", "after", "both"]
"""Which pictures of a run are made: none, of the copies, of what is in staging too."""


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """A JPEG picture; one of its pixels is a square of stored pixels, the same number on both sides."""

    width: int
    height: int
    data: bytes = field(repr=False)
    shows: str = ""


@dataclass(frozen=True, slots=True)
class Shots:
    """One frame, small, and larger where it stands for others too; `rows` and `columns` are those of the image."""

    rows: int
    columns: int
    thumbnail: EncodedPicture
    large: EncodedPicture | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """The same frame of a scan in the source and in the clean copy; None where it was not made.

    `boxes`: where the copy of this image is black, or would be. Other images of its scan may have others.
    """

    before: Shots | None = None
    after: Shots | None = None
    boxes: tuple[Rectangle, ...] = ()


@dataclass(frozen=True, slots=True)
class Pictures:
    """Those of a run: by session ID and scan ID; `left_out`: how many scans have none because there were too many."""

    looks: Mapping[tuple[str, str], Look] = field(default_factory=dict)
    left_out: int = 0
