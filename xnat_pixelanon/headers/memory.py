"""What a worker process remembers of the headers it has cleaned. Cold or warm, what is written is the same.

Three kinds of entries, each kept apart by everything that it depends on (docs/decisions/0009-header-speed.md):

    Layout   the shape of a data set: tags, VRs, encoding, character set     ─▶ what identifies, by element and value
    Plan     layout, identifiers, identity, SOP class                        ─▶ what is written, by element and value
    Tail     plan, request, what provenance reads                            ─▶ labels and provenance, and their places
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, TypeVar

from xnat_pixelanon.headers.parts import Contents, Part

if TYPE_CHECKING:
    from xnat_pixelanon.headers.layout import Layout

MOST_ENTRIES = 40_000
MOST_BYTES = 48 << 20
LARGEST_ENTRY = 64 << 10
_OVERHEAD = 400
"""Bytes that Python needs for an entry besides its values, roughly."""

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class HeaderMemory:
    """One worker's memory, for `write_header`. Bounded: with too many entries or bytes everything is dropped."""

    def __init__(self, *, entries: int = MOST_ENTRIES, size: int = MOST_BYTES, largest: int = LARGEST_ENTRY) -> None:
        self.layouts: dict[Hashable, Layout | None] = {}
        self.parts: dict[Contents, Part] = {}
        self._limits, self._largest = (entries, size), largest
        self._entries = self._bytes = 0

    @property
    def filled(self) -> tuple[int, int]:
        """Entries and bytes."""
        return self._entries, self._bytes

    def begin(self) -> None:
        """To be called before a header, not within one."""
        if self._entries > self._limits[0] or self._bytes > self._limits[1]:
            self.layouts, self.parts = {}, {}
            self._entries = self._bytes = 0

    def keep(self, entries: dict[_Key, _Value], key: _Key, value: _Value, size: int) -> None:
        """Remember `value` unless it is large; `size`: bytes of key and value, and of what only they hold."""
        if size <= self._largest:
            self.keep_any(entries, key, value, size)

    def keep_any(self, entries: dict[_Key, _Value], key: _Key, value: _Value, size: int) -> None:
        """Remember `value` of whatever size."""
        entries[key] = value
        self._entries += 1
        self._bytes += size + _OVERHEAD

    def part(self, contents: Contents) -> Part | None:
        """The one Part of equal contents; None where there is nothing in them."""
        part = self.parts.get(contents)
        if part is None and any((*contents[0], contents[1])):
            part = Part(contents)
            # However large: another object each time would make every file's plan another one too.
            self.keep_any(self.parts, contents, part, part.size)
        return part


def size_of(key: Hashable) -> int:
    """Bytes of a value's key (rows.py), roughly."""
    if isinstance(key, bytes | str):
        return len(key)
    return sum(size_of(part) + 16 for part in key) if isinstance(key, tuple) else 8
