"""A worker with its memories, held against one without any; and copies that are wrong in one place."""

from __future__ import annotations

import copy
import io
import random
import zlib
from collections.abc import Callable

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers import (
    EncodedHeader,
    HeaderMemory,
    HeaderProof,
    HeaderRequest,
    ProofMemory,
    prove_bytes,
    prove_header,
    write_header,
)

DEFLATED = "1.2.840.10008.1.2.1.99"
INSTANCE = 0x00080018
PLACES = ((0x00180024, "SH"), (0x00181160, "SH"), (0x00181210, "SH"), (0x00180015, "CS"), (0x00200012, "IS"))
"""Attributes that are kept, or may be, with their VRs."""
IDENTIFYING = (0x00100010, 0x00100020, 0x00100030, 0x00080020, 0x00080050, INSTANCE, 0x0020000D, 0x00081010)


class Worker:
    """Both memories of one process. Each call does the same with and without them; what differs is noted.

    Noted by kind, and asserted at the end of a test: values of other people's files are not for a test's output.
    """

    def __init__(self, headers: HeaderMemory | None = None, proofs: ProofMemory | None = None) -> None:
        self.headers, self.proofs = headers or HeaderMemory(), proofs or ProofMemory()
        self.differences: list[str] = []

    def _compare(self, what: str, warm: object, cold: object) -> None:
        if warm != cold:
            self.differences.append(f"{what}, call {len(self.differences)}")

    def write(self, source: Dataset, asked: HeaderRequest) -> EncodedHeader | InstanceError:
        cold, warm = written(twin(source), asked), written(twin(source), asked, self.headers)
        if isinstance(cold, EncodedHeader) and isinstance(warm, EncodedHeader):
            self._compare("head", warm.head, cold.head)
            self._compare("body", warm.body, cold.body)
            self._compare("actions", warm.actions, cold.actions)
        else:
            self._compare("refusal", repr(warm), repr(cold))
        return cold

    def prove(self, source: Dataset, copied: Dataset, asked: HeaderRequest) -> HeaderProof:
        cold = prove_header(twin(source), twin(copied), asked)
        warm = prove_header(twin(source), twin(copied), asked, self.proofs)
        self._compare("proof", warm, cold)
        return cold

    def search(self, source: Dataset, data: bytes, asked: HeaderRequest) -> HeaderProof:
        """Whether the bytes carry an identifier of the source."""
        spans = [(0, len(data) // 2), (len(data) // 2, len(data))]
        cold = prove_bytes(twin(source), asked, io.BytesIO(data), spans)
        warm = prove_bytes(twin(source), asked, io.BytesIO(data), spans, self.proofs)
        self._compare("net", warm, cold)
        return cold


def written(source: Dataset, asked: HeaderRequest, memory: HeaderMemory | None = None) -> EncodedHeader | InstanceError:
    try:
        return write_header(source, asked, memory)
    except InstanceError as error:
        return error


def file_of(header: EncodedHeader, asked: HeaderRequest) -> bytes:
    if asked.transfer_syntax_uid != DEFLATED:
        return header.head + header.body
    packer = zlib.compressobj(wbits=-15)
    return header.head + packer.compress(header.body) + packer.flush()


def twin(ds: Dataset) -> Dataset:
    """The same elements in another data set; pydicom converts some that are empty when they are looked at."""
    other = copy.copy(ds)
    other._dict = dict(ds._dict)
    return other


def touched(source: Dataset) -> Dataset:
    """As the pixels room leaves a source: some elements have been looked at, and are converted."""
    other = twin(source)
    for keyword in ("Rows", "Columns", "PhotometricInterpretation", "RescaleSlope", "NumberOfFrames", "SeriesNumber"):
        other.get(keyword)
    return other


def raw(tag: int, vr: str, value: bytes, like: Dataset) -> RawDataElement:
    """An element of `like` as it is read from a file."""
    implicit, little = like.original_encoding
    vr_read = None if implicit else vr
    return RawDataElement(Tag(tag), vr_read, len(value), value, 0, implicit is True, little is not False)


def put_raw(ds: Dataset, tag: int, vr: str, value: bytes) -> None:
    ds[Tag(tag)] = raw(tag, vr, value, ds)


def valued(ds: Dataset) -> list[RawDataElement]:
    found = (ds.get_item(tag) for tag in sorted(ds.keys()) if tag.group < 0x7FE0)
    return [one for one in found if isinstance(one, RawDataElement) and one.value]


def with_value(element: RawDataElement, value: bytes) -> RawDataElement:
    return element._replace(value=value, length=len(value))


def identifying(source: Dataset, chance: random.Random) -> bytes:
    """Something that identifies the source, in one of its spellings."""
    found = [one.value for one in valued(source) if int(one.tag) in IDENTIFYING and len(one.value.strip()) > 4]
    value = chance.choice(found or [b"1.2.826.0.1.3680043.10.999.3333"]).split(b"\\")[0].strip(b" \0")
    spellings = (value, value.lower(), value.replace(b"^", b" "), value.replace(b".", b""), b"x " + value + b" y")
    return chance.choice(spellings)[:60]


def changed(source: Dataset, copied: Dataset, chance: random.Random) -> None:
    element = chance.choice(valued(copied))
    copied[element.tag] = with_value(element, element.value[:-2] + bytes([element.value[-2] ^ 1, element.value[-1]]))


def emptied(source: Dataset, copied: Dataset, chance: random.Random) -> None:
    element = chance.choice(valued(copied))
    copied[element.tag] = with_value(element, b"")


def exchanged(source: Dataset, copied: Dataset, chance: random.Random) -> None:
    one, other = chance.choice(valued(copied)), chance.choice(valued(copied))
    copied[one.tag], copied[other.tag] = with_value(one, other.value), with_value(other, one.value)


def removed(source: Dataset, copied: Dataset, chance: random.Random) -> None:
    del copied[chance.choice(sorted(copied.keys()))]


def kept(source: Dataset, copied: Dataset, chance: random.Random) -> None:
    mine = {one.tag: one.value for one in valued(copied)}
    left_out = [one for one in valued(source) if mine.get(one.tag) != one.value]
    for element in chance.sample(left_out, min(1, len(left_out))):
        copied[element.tag] = element


def unmapped(source: Dataset, copied: Dataset, chance: random.Random) -> None:
    uids = [one for one in valued(source) if int(one.tag) in (INSTANCE, 0x0020000D, 0x0020000E, 0x00200052)]
    for element in chance.sample(uids, min(1, len(uids))):
        copied[element.tag] = element


def added(source: Dataset, copied: Dataset, chance: random.Random) -> None:
    tag, vr = chance.choice((*PLACES, (0x00091010, "LO"), (0x00100030, "DA"), (0x00102160, "SH"), (0x00280106, "US")))
    put_raw(copied, tag, vr, chance.choice((b"", b"ab", b"19710203")))


def planted(source: Dataset, copied: Dataset, chance: random.Random) -> None:
    """What the profile keeps carries an identifier of the source, there as in the copy."""
    (tag, vr), text = chance.choice(PLACES), identifying(source, chance)
    put_raw(source, tag, vr, text)
    put_raw(copied, tag, vr, text)


def planted_in_copy(source: Dataset, copied: Dataset, chance: random.Random) -> None:
    tag, vr = chance.choice(PLACES)
    put_raw(copied, tag, vr, identifying(source, chance))


def preamble(source: Dataset, copied: Dataset, chance: random.Random) -> None:
    copied.preamble = b"II*\0" + bytes(124)


def meta(source: Dataset, copied: Dataset, chance: random.Random) -> None:
    element = chance.choice(valued(copied.file_meta))
    copied.file_meta[element.tag] = with_value(element, element.value[:-1] + b"7")


def meta_added(source: Dataset, copied: Dataset, chance: random.Random) -> None:
    put_raw(copied.file_meta, 0x00020016, "AE", b"NORTHAE ")


FAULTS: tuple[Callable[[Dataset, Dataset, random.Random], None], ...] = (
    changed,
    emptied,
    exchanged,
    removed,
    kept,
    unmapped,
    added,
    planted,
    planted_in_copy,
    preamble,
    meta,
    meta_added,
)
