"""Private attributes that PS3.15 Table E.3.10-1 lists as safe, by the block that their creator has in a file.

The rows stand by creator (profile.safe_attributes); where in its group a creator has its block, the file says (PS3.5
7.8.1).
"""

from __future__ import annotations

from functools import cache

from xnat_pixelanon.headers.profile import safe_attributes


@cache
def safe_creators() -> frozenset[tuple[str, int]]:
    """Creators and groups that have such attributes."""
    return frozenset((creator, group) for creator, group, _ in safe_attributes())


def is_creator(tag: int) -> bool:
    """Whether an element is a private creator, which reserves a block."""
    return bool(tag >> 16 & 1) and 0x10 <= tag & 0xFFFF <= 0xFF


def creator_of(tag: int) -> int:
    """The tag of the creator that reserves the block of a private element; 0 where it stands in none."""
    return tag & 0xFFFF0000 | tag >> 8 & 0xFF if tag >> 16 & 1 and tag & 0xFFFF >= 0x1000 else 0
