"""The rows of the score: Basic, each option of the profile, and some together; those that the program takes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from benchmarks.score.answers import (
    DATES_FULL,
    DATES_MODIFIED,
    DESCRIPTORS,
    DEVICE,
    GRAPHICS,
    INSTITUTION,
    PATIENT,
    SAFE_PRIVATE,
    STRUCTURED,
    UIDS,
)
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.errors import DocumentError

BASIC = "basic"
_SINGLE = (
    DESCRIPTORS, DATES_MODIFIED, DATES_FULL, UIDS, DEVICE, INSTITUTION, PATIENT, SAFE_PRIVATE, STRUCTURED, GRAPHICS,
)  # fmt: skip
ROWS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        BASIC: (),
        **{name: (name,) for name in _SINGLE},
        "research": (DESCRIPTORS, DATES_MODIFIED, PATIENT, SAFE_PRIVATE),
        "all": tuple(name for name in _SINGLE if name != DATES_FULL),
    }
)
"""Options of each row, by the names that `headers.options` of the policy has."""


def taken(row: str) -> bool:
    """Whether the program takes a policy with these options."""
    policy = {"schema_version": 1, "destination": {"server": "same", "project": "CLEAN"}}
    try:
        Policy.from_document({**policy, "headers": {"profile": "basic", "options": list(ROWS[row])}})
    except DocumentError:
        return False
    return True


def rows_taken() -> tuple[str, ...]:
    """The rows that can be scored with this version."""
    return tuple(row for row in ROWS if taken(row))
