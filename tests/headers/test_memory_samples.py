"""Every DICOM file of four public packages, with memories warm from all the others: nothing differs from the whole way.

No value of theirs is shown.
"""

from __future__ import annotations

import dataclasses
import io
import warnings
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from zlib import crc32

import data_store
import deid_data
import pydicom
import pynetdicom
import pytest
from header_bytes import looked_into
from header_judged import copy_of, same_header, same_net, same_proof
from header_makers import request
from pydicom.errors import InvalidDicomError

from xnat_pixelanon.headers import EncodedHeader, HeaderMemory, HeaderRequest, ProofMemory

PACKAGES = (pydicom, data_store, deid_data, pynetdicom)
LARGEST = 1 << 18
"""Bytes of a header: above it only the whole way's own slowness would be tested."""


def headers() -> Iterator[tuple[bytes, str]]:
    """What stands before the pixels in each file that is a DICOM one, once; with its transfer syntax."""
    paths = (path for package in PACKAGES for path in sorted(Path(package.__file__ or "").parent.rglob("*")))
    found = [header_of(path) for path in paths if path.is_file() and path.suffix not in (".py", ".pyc", ".json")]
    yield from dict.fromkeys(one for one in found if one is not None)


def header_of(path: Path) -> tuple[bytes, str] | None:
    data = path.read_bytes()
    try:
        looked_into(data)
        stream = io.BytesIO(data)
        ds = pydicom.dcmread(stream, stop_before_pixels=True)
        syntax = str(ds.file_meta.TransferSyntaxUID)
    except (InvalidDicomError, AttributeError, EOFError, ValueError, NotImplementedError, KeyError):
        return None
    end = len(data) if syntax.endswith(".1.99") else stream.tell()
    return (data[:end], syntax) if end <= LARGEST else None


def asked_of(data: bytes, syntax: str) -> HeaderRequest:
    """One of several requests, the same for a file each time."""
    kinds = (
        request(),
        request(pixels_changed=True, reviewed=True, template_digest="ab" * 32),
        request(known_identifiers=("SUB0042", "Scan of Ada"), pixel_description=(("BitsStored", 8),)),
    )
    return dataclasses.replace(kinds[crc32(data) % len(kinds)], transfer_syntax_uid=syntax)


@pytest.fixture(scope="module")
def samples() -> list[tuple[bytes, str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(headers())


@pytest.mark.filterwarnings("ignore")  # pydicom's, of what is wrong in the samples
def test_headers_and_proofs_of_samples_are_those_of_the_whole_way(samples: list[tuple[bytes, str]]) -> None:
    memory, proofs, counts = HeaderMemory(), ProofMemory(), Counter[str]()
    for turn in range(2):
        for data, syntax in Random(turn).sample(samples, len(samples)):
            read, asked = partial(looked_into, data), asked_of(data, syntax)
            outcome = same_header(read, asked, memory)
            if isinstance(outcome, EncodedHeader):
                counts["proved" if same_proof(read, copy_of(outcome, asked), asked, proofs).ok else "failed"] += 1
                same_net(read, data, asked, proofs)
            else:
                counts["refused"] += 1
    assert counts["failed"] == 0
    assert counts["proved"] > 400
    assert counts["refused"] > 20
