"""What a worker process remembers of its proofs: only that there was nothing to find, never a finding.

The proof's own memory: it knows nothing of the engine's, nor do they share an answer. See `proof_series` for what each
entry depends on.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, TypeVar

from xnat_pixelanon.headers.proof_rows import size_of
from xnat_pixelanon.headers.proof_told import Contents, Told

if TYPE_CHECKING:
    from xnat_pixelanon.headers.proof_bytes import Net
    from xnat_pixelanon.headers.proof_series import Verdicts

_Key = TypeVar("_Key", bound=Hashable)
_Answer = TypeVar("_Answer")


class ProofMemory:
    """One worker's, for `prove_header` and `prove_bytes`. Bounded: with too much in it everything is forgotten."""

    def __init__(self, *, entries: int = 40_000, size: int = 48 << 20, largest: int = 64 << 10) -> None:
        self._most = (entries, size)
        self._largest = largest
        self._forget()

    def _forget(self) -> None:
        self.told: dict[Hashable, tuple[tuple[int, dict[Hashable, Told]], ...]] = {}
        self._equal: dict[Contents, Told] = {}
        self.verdicts: dict[Hashable, Verdicts | None] = {}
        self.nets: dict[Hashable, Net] = {}
        self.count = self.size = 0

    def begin(self) -> None:
        """Before a proof: forget everything where it has become too much."""
        if self.count > self._most[0] or self.size > self._most[1]:
            self._forget()

    def told_once(self, contents: Contents) -> Told:
        """The one object for equal contents."""
        if (told := self._equal.get(contents)) is None:
            told = Told(contents)
            self.hold(self._equal, contents, told, told.size)
        return told

    def remember(self, answers: dict[Hashable, _Answer], key: Hashable, answer: _Answer, size: int = 0) -> None:
        """An answer by the value of an element, unless they are large. `size`: bytes that the answer needs."""
        size += size_of(key)
        if size <= self._largest:
            self.hold(answers, key, answer, size)

    def hold(self, answers: dict[_Key, _Answer], key: _Key, answer: _Answer, size: int) -> None:
        """Remember, whatever the size."""
        answers[key] = answer
        self.count += 1
        self.size += size + 300
