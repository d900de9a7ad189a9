"""dciodvfy reports no error on a copy that it did not report on its source, over all public files that are written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from .conformance import error_kinds, kind_of
from .files import PACKAGES
from .runs import Outcome, outcomes

_UNSATISFIED = "Attribute present when condition unsatisfied (which may not be present otherwise) Type 1C Conditional"
DISPUTED = {"MRPulseSequence": "PS3.3 C.8.13.4", "BulkMotionSynchronization": "PS3.3 C.7.6.18.3"}
"""Modules whose attributes are required of ORIGINAL images and "may be present otherwise" by the clause named.

A copy with a box is DERIVED; dciodvfy does not know the second half of the sentence.
"""

KNOWN: dict[str, tuple[str, ...]] = {}
"""What is known and why it stays. A row that no longer holds fails the test: it has to go."""


_MOST = (
    "retain-uids",
    "retain-device-identity",
    "retain-institution-identity",
    "retain-patient-characteristics",
    "retain-dates-modified",
    "clean-descriptors",
)
_REST = ("retain-safe-private", "retain-dates-full", "clean-structured-content", "clean-graphics")
OPTION_SETS: tuple[tuple[str, ...], ...] = ((), _MOST, _REST)
"""Options of the profile, by their names in the policy, that every package is checked with: each on, and off; () is
Basic."""


@pytest.mark.parametrize("options", OPTION_SETS, ids=lambda options: "+".join(options) or "basic")
@pytest.mark.parametrize("package", list(reversed(PACKAGES)))  # the other module begins with the first one
def test_no_copy_has_an_error_that_its_source_has_not(package: str, options: tuple[str, ...], shared: Path) -> None:
    found = outcomes(package, shared, options)
    written = [one for one in found if one.end == "written"]
    assert written
    assert not options or [one.name for one in found if one.end != "written" or one.findings] == []
    assert sum(sum(one.errors_before.values()) for one in written) > 0, "the checker says nothing at all"
    names = {one.name for one in written}
    known = {name: tuple(sorted(kinds)) for name, kinds in KNOWN.items() if name in names}
    assert {one.name: new for one in written if (new := _new_errors(one))} == known


def test_a_kind_of_error_holds_no_value() -> None:
    tag = "(0x0008,0x0060)"
    said = f'Error - Value invalid <Ada> for this VR - {tag} CS Modality - "PHANTOM" [Ada] value 4711 = <1.2.3>'
    assert kind_of(said) == f"Value invalid # for this VR - {tag} CS Modality - # # value ##"
    told = "Missing attribute Type 1C Conditional Element=<ImageType> Module=<MRImage>"
    assert kind_of(f"Error - {told}") == told


def test_an_error_of_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "bad.dcm").write_bytes(bytes(128) + b"DICM" + b"\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0")
    assert error_kinds(tmp_path / "bad.dcm")


def _new_errors(one: Outcome) -> tuple[str, ...]:
    new = Counter(one.errors_after) - Counter(one.errors_before)
    return tuple(sorted(kind for kind in new.elements() if not _disputed(kind)))


def _disputed(kind: str) -> bool:
    return kind.startswith(_UNSATISFIED) and any(kind.endswith(f"Module=<{module}>") for module in DISPUTED)
