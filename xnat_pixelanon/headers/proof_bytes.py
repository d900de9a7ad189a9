"""The last net: the bytes behind a written header, searched for what identifies the source, whatever they are.

Marker segments, table entries and slack inside compressed frames have no shape that a walk could check to the end. What
the source calls its patient, order and study must not stand there in plain letters, in ASCII, UTF-8 or UTF-16.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO

from pydicom.dataset import Dataset

from xnat_pixelanon.headers.proof_memory import ProofMemory
from xnat_pixelanon.headers.proof_rows import StrangeError, side_of
from xnat_pixelanon.headers.proof_search import Found, compiled
from xnat_pixelanon.headers.proof_source import names_of, source_of, union
from xnat_pixelanon.headers.proof_view import OWN_UIDS, View, values_of, vr_of
from xnat_pixelanon.headers.request import HeaderProof, HeaderRequest
from xnat_pixelanon.headers.silence import PYDICOM_ERRORS, quiet

SHORTEST = 6
"""Bytes of what is looked for: fewer would be met by chance in compressed data."""
_BLOCK = 1 << 20
_LOWER = bytes(range(256)).lower()
_UID = b"0123456789."


def prove_bytes(
    source: Dataset,
    request: HeaderRequest,
    stream: BinaryIO,
    spans: Sequence[tuple[int, int]],
    memory: ProofMemory | None = None,
) -> HeaderProof:
    """Whether [begin, end) of `stream`, the pixel element of the copy, is free of the identifiers of `source`.

    The same with and without `memory`, whatever it holds.
    """
    with quiet():
        try:
            finds, longest = _remembered(source, request, memory) or _plain(_needles(View(source), request))
        except PYDICOM_ERRORS:
            return HeaderProof(False, ("data set: cannot be read to its end",))
    for begin, end in spans:
        kept = b""
        stream.seek(begin)
        while begin < end:
            block = stream.read(min(_BLOCK, end - begin))
            if not block:
                return HeaderProof(False, ("pixel element: ends too early",))
            begin += len(block)
            block = kept + block
            if finds(block):
                return HeaderProof(False, ("pixel element: identifier in its bytes",))
            kept = block[-longest:]
    return HeaderProof(True, ())


class Net:
    """Needles of one session, and a quick test that none of them is there.

    What is not a letter of any needle is left out of the bytes, and zeros, so that UTF-16 becomes ASCII: a needle that
    is in the bytes is, without its zeros, in what is left. Of needles that hold one another the shortest is enough.
    """

    def __init__(self, needles: Iterable[bytes]) -> None:
        self.needles = tuple(needles)
        letters = {*b"".join(self.needles), *_UID} - {0}
        self._left_out = bytes(byte for byte in range(256) if _LOWER[byte] not in letters)
        self._short: list[bytes] = []
        for needle in sorted({needle.replace(b"\0", b"") for needle in self.needles}, key=len):
            if not any(shorter in needle for shorter in self._short):
                self._short.append(needle)

    def finds(self, block: bytes, uid: str) -> bool:
        """Whether one of the needles, or `uid` (digits and points, '' for none), is in `block` in lower case."""
        left = block.translate(_LOWER, self._left_out)
        if not any(needle in left for needle in self._short) and (not uid or uid.encode("ascii") not in left):
            return False
        lower = block.lower()
        return any(needle in lower for needle in (*self.needles, *_encoded([uid])))


def _plain(needles: set[bytes]) -> tuple[Callable[[bytes], bool], int]:
    """Every needle in every block, and the length of the longest."""

    def finds(block: bytes) -> bool:
        lower = block.lower()
        return any(needle in lower for needle in needles)

    return finds, max((len(needle) for needle in needles), default=1)


def _remembered(
    source: Dataset, request: HeaderRequest, memory: ProofMemory | None
) -> tuple[Callable[[bytes], bool], int] | None:
    if memory is None:
        return None
    memory.begin()
    try:
        told = source_of(source, side_of(source), request.rules, memory)
    except (StrangeError, *PYDICOM_ERRORS):
        return None
    key = (told.told, request.known_identifiers)
    if (net := memory.nets.get(key)) is None:
        binary = compiled(union(told.told, request.known_identifiers)).binary
        uids = (uid for one in told.told for uid in one.uids)
        net = Net(_from(binary, uids, (name for one in told.told for name in one.names)))
        memory.hold(memory.nets, key, net, sum(200 + 2 * len(needle) for needle in net.needles))
    uid = told.instance if told.instance.count(".") > 3 else ""
    longest = max((len(needle) for needle in (*net.needles, *_encoded([uid]))), default=1)
    return (lambda block: net.finds(block, uid)), longest


def _needles(source: View, request: HeaderRequest) -> set[bytes]:
    found = compiled(Found.of(source.everything(), request.known_identifiers, (), request.rules))
    uids = (uid for tag in OWN_UIDS for uid in values_of(source.get(tag)))
    names = (text for one in source.everything() if vr_of(int(one.tag)) == "PN" for text in names_of(one))
    return _from(found.binary, uids, names)


def _from(binary: Iterable[bytes], uids: Iterable[str], names: Iterable[str]) -> set[bytes]:
    texts = {core.decode() for core in binary}
    texts.update(uid for uid in uids if uid.count(".") > 3)
    texts.update(names)
    return _encoded(texts)


def _encoded(texts: Iterable[str]) -> set[bytes]:
    lower = {text.lower() for text in texts if len(text.encode("utf-8", "ignore")) >= SHORTEST}
    # The bytes of other letters in UTF-16 may be those of capitals: what is searched has none.
    return {text.encode(code, "ignore").lower() for text in lower for code in ("utf-8", "utf-16-le", "utf-16-be")}
