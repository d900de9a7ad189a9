"""The last net: the bytes behind a written header, searched for what identifies the source, whatever they are.

Marker segments, table entries and slack inside compressed frames have no shape that a walk could check to the end. What
the source calls its patient, order and study must not stand there in plain letters, in ASCII, UTF-8 or UTF-16.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from xnat_pixelanon.headers.proof_search import Found, compiled
from xnat_pixelanon.headers.proof_view import OWN_UIDS, View, values_of, vr_of
from xnat_pixelanon.headers.request import HeaderProof, HeaderRequest
from xnat_pixelanon.headers.silence import PYDICOM_ERRORS, quiet

SHORTEST = 6
"""Bytes of what is looked for: fewer would be met by chance in compressed data."""
_BLOCK = 1 << 20


def prove_bytes(
    source: Dataset, request: HeaderRequest, stream: BinaryIO, spans: Sequence[tuple[int, int]]
) -> HeaderProof:
    """Whether [begin, end) of `stream`, the pixel element of the copy, is free of the identifiers of `source`."""
    with quiet():
        try:
            needles = tuple(_needles(View(source), request))
        except PYDICOM_ERRORS:
            return HeaderProof(False, ("data set: cannot be read to its end",))
    longest = max((len(needle) for needle in needles), default=1)
    for begin, end in spans:
        kept = b""
        stream.seek(begin)
        while begin < end:
            block = stream.read(min(_BLOCK, end - begin)).lower()
            if not block:
                return HeaderProof(False, ("pixel element: ends too early",))
            begin += len(block)
            block = kept + block
            if any(needle in block for needle in needles):
                return HeaderProof(False, ("pixel element: identifier in its bytes",))
            kept = block[-longest:]
    return HeaderProof(True, ())


def _needles(source: View, request: HeaderRequest) -> set[bytes]:
    found = compiled(Found.of(source.everything(), request.known_identifiers))
    texts = {core.decode() for core in found.binary}
    texts.update(uid for tag in OWN_UIDS for uid in values_of(source.get(tag)) if uid.count(".") > 3)
    texts.update(text for element in source.everything() if vr_of(int(element.tag)) == "PN" for text in _names(element))
    lower = {text.lower() for text in texts if len(text.encode("utf-8", "ignore")) >= SHORTEST}
    return {text.encode(code, "ignore") for text in lower for code in ("utf-8", "utf-16-le", "utf-16-be")}


def _names(element: DataElement) -> Iterator[str]:
    """A person's name as it is written, and as people write it."""
    for value in values_of(element):
        for group in value.split("="):
            whole = group.strip("^ ")
            if "^" in whole:
                yield from (whole.replace("^", apart) for apart in ("^", " ", "_", ", "))
