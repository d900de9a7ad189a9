"""What is remembered, judged by the ways that remember nothing: they are always right."""

from __future__ import annotations

import io
from collections.abc import Callable

from header_bytes import packed
from header_makers import reopen
from pydicom.dataset import Dataset

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers import (
    EncodedHeader,
    HeaderMemory,
    HeaderProof,
    HeaderRequest,
    ProofMemory,
    clean_header,
    encode_parts,
    prove_bytes,
    prove_header,
    write_header,
)

Read = Callable[[], Dataset]
Outcome = EncodedHeader | tuple[str, str]
"""What is written, or the code and the words of a refusal."""


def whole_way(read: Read, asked: HeaderRequest) -> Outcome:
    """By the engine and pydicom, element by element."""
    try:
        cleaned = clean_header(read(), asked)
        return EncodedHeader(*encode_parts(cleaned.dataset, asked.transfer_syntax_uid), cleaned.actions)
    except InstanceError as error:
        return error.code, error.detail


def remembered(read: Read, asked: HeaderRequest, memory: HeaderMemory) -> Outcome:
    try:
        return write_header(read(), asked, memory)
    except InstanceError as error:
        return error.code, error.detail


def same_header(read: Read, asked: HeaderRequest, memory: HeaderMemory) -> Outcome:
    """Both ways' outcome: compared, as they have to be one."""
    right = whole_way(read, asked)
    for _ in range(2):  # as the memory was, and as this file left it
        fast = remembered(read, asked, memory)
        if isinstance(right, EncodedHeader) and isinstance(fast, EncodedHeader):
            assert fast.actions == right.actions
            assert fast.body == right.body
            assert fast.head == right.head
        assert fast == right
    return right


def copy_of(header: EncodedHeader, asked: HeaderRequest) -> bytes:
    return header.head + packed(header.body, asked.transfer_syntax_uid)


def same_proof(read: Read, copy: bytes | Dataset, asked: HeaderRequest, memory: ProofMemory) -> HeaderProof:
    """Both ways' verdict on a copy, compared."""

    def reopened() -> Dataset:
        return reopen(copy) if isinstance(copy, bytes) else copy

    right = prove_header(read(), reopened(), asked)
    for _ in range(2):
        assert prove_header(read(), reopened(), asked, memory) == right
    return right


def same_net(read: Read, data: bytes, asked: HeaderRequest, memory: ProofMemory) -> HeaderProof:
    """Both ways' verdict on the bytes behind a header, compared."""
    span = [(0, len(data))]
    right = prove_bytes(read(), asked, io.BytesIO(data), span)
    for _ in range(2):
        assert prove_bytes(read(), asked, io.BytesIO(data), span, memory) == right
    return right
