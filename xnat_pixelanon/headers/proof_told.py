"""What one element of a source tells the proof to look for."""

from __future__ import annotations

from xnat_pixelanon.headers.proof_search import Found

Contents = tuple[Found, tuple[str, ...], tuple[str, ...]]


class Told:
    """What one element tells: identifiers, own UIDs where it is one, and persons' names as people write them.

    Compared as an object; ProofMemory has one for equal contents.
    """

    __slots__ = ("found", "names", "uids")

    def __init__(self, contents: Contents) -> None:
        self.found, self.uids, self.names = contents

    @property
    def size(self) -> int:
        """Bytes that it needs, roughly."""
        found = self.found
        texts = (*found.ids, *found.stations, *found.names, *found.dates, *found.phrases, *self.uids, *self.names)
        return sum(len(text) + 100 for text in texts)
