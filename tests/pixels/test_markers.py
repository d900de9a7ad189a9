"""Where entropy-coded data end: found by a regular expression and judged by a loop, or the reverse."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_pixelanon.pixels.codecs import _marker_from
from xnat_pixelanon.pixels.jpeg_segments import next_marker

BYTES = st.lists(st.sampled_from([0x00, 0x01, 0x7F, 0x80, 0xC0, 0xD0, 0xD7, 0xD8, 0xD9, 0xFE, 0xFF]), max_size=40)


@pytest.mark.parametrize("lowest", [0x01, 0x80])
@given(octets=BYTES, at=st.integers(0, 5))
def test_the_next_marker_that_ends_a_scan(lowest: int, octets: list[int], at: int) -> None:
    ends = (code for code in range(at, len(octets) - 1) if octets[code] == 0xFF and _ends(octets[code + 1], lowest))
    assert next_marker(bytes(octets), at, lowest=lowest) == next(ends, -1)


def _ends(code: int, lowest: int) -> bool:
    """No stuffed byte or bit, no restart, no fill byte."""
    return code >= lowest and code not in {*range(0xD0, 0xD8), 0xFF}


@given(octets=BYTES, at=st.integers(0, 5))
def test_the_next_marker_of_any_kind_with_its_fill_bytes(octets: list[int], at: int) -> None:
    found = re.compile(rb"\xff+[\x01-\xfe]").search(bytes(octets), at)
    assert _marker_from(bytes(octets), at) == (found.span() if found else (len(octets), len(octets)))
