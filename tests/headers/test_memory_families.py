"""Whatever a worker did before changes nothing: files that differ in one thing, cleaned and proved with one memory."""

from __future__ import annotations

import warnings
from functools import partial
from random import Random

import pytest
from header_bytes import looked_into
from header_families import Member, families
from header_judged import copy_of, same_header, same_net, same_proof
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from xnat_pixelanon.headers import EncodedHeader, HeaderMemory, ProofMemory, splice
from xnat_pixelanon.headers.silence import PYDICOM_ERRORS

MANY = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def _pydicom_is_quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, of odd values
        yield


def readable(member: Member) -> bool:
    """Not where pydicom itself stumbles: such a file is damaged before its header is looked at."""
    try:
        looked_into(member.data)
    except PYDICOM_ERRORS:
        return False
    return True


@MANY
@given(families())
def test_a_family_is_written_as_by_the_whole_way(family: list[Member]) -> None:
    memory = HeaderMemory()
    family = [member for member in family if readable(member)]
    for member in (*family, *reversed(family)):
        outcome = same_header(partial(looked_into, member.data), member.asked, memory)
        event("written" if isinstance(outcome, EncodedHeader) else "refused")


@MANY
@given(families(), st.integers(0, 1 << 30))
def test_a_family_is_proved_as_by_the_whole_comparison(family: list[Member], seed: int) -> None:
    """Right copies, each other's copies, and copies with a byte changed."""
    memory, random = ProofMemory(), Random(seed)
    copies: list[bytes] = []
    family = [member for member in family if readable(member)]
    for member in family:
        read = partial(looked_into, member.data)
        try:
            header = splice.write_header(read(), member.asked)
        except splice.InstanceError:
            continue
        copies.append(copy_of(header, member.asked))
        proof = same_proof(read, copies[-1], member.asked, memory)
        event("proved" if proof.ok else "not proved")
        same_net(read, member.data, member.asked, memory)
    for member in family:
        read = partial(looked_into, member.data)
        for copy in random.sample(copies, min(2, len(copies))):
            same_proof(read, copy, member.asked, memory)
