"""What a run left of a session whose label begins like another one's: of which session it is."""

from __future__ import annotations

import os

import pytest

from tests.archive.conftest import Packer, pixel_digest
from xnat_pixelanon.archive import DirDestination
from xnat_pixelanon.archive.ports import Claim
from xnat_pixelanon.archive.prearchive import entry_name, is_named_for
from xnat_pixelanon.pipeline.run import new_run_id

LABELS = ("S1", "S1-US", "S1-US-2", "S1-20261122T101500", "S1-", "S")


@pytest.mark.parametrize("label", LABELS)
def test_a_name_is_of_one_label_only(label: str) -> None:
    named = entry_name(label, new_run_id())
    assert [one for one in LABELS if is_named_for(one, named)] == [label]
    assert not is_named_for("", named)


def test_leftovers_of_a_longer_label_are_left(tmp_path) -> None:
    destination = DirDestination(tmp_path / "out", pixel_digest, leftover_age=0.0)
    packer = Packer(tmp_path / "package", "S1")
    packer.scan(1)
    run = new_run_id()
    names = (
        f".PXA-S1-{run}",
        f".PXA-S1-{run}-replaced",
        ".PXA-S1-withdrawn-12",
        f".PXA-S1-US-{run}",
        ".PXA-S1-US-withdrawn-1",
    )
    for name in names:
        folder = destination.root / "SUBJ" / name
        folder.mkdir(parents=True)
        os.utime(folder, (1, 1))
    destination.publish(packer.package(1), lambda: None, tmp_path)
    left = sorted(path.name for path in (destination.root / "SUBJ").iterdir())
    assert left == [f".PXA-S1-US-{run}", ".PXA-S1-US-withdrawn-1", "S1"]


def test_a_withdrawal_leaves_what_is_being_built_of_a_longer_label(tmp_path) -> None:
    destination = DirDestination(tmp_path / "out", pixel_digest)
    packer = Packer(tmp_path / "package", "S1")
    packer.scan(1)
    destination.publish(packer.package(1), lambda: None, tmp_path)
    other = destination.root / "SUBJ" / f".PXA-S1-US-{new_run_id()}"
    other.mkdir()
    taken = destination.take_back(Claim("S1", "source", packer.study, kept=True), lambda: None)
    assert taken is not None
    assert [path.name for path in (destination.root / "SUBJ").iterdir()] == [other.name]
    nothing = Claim("", "another source", "", kept=True)
    assert (destination.holds(nothing), destination.take_back(nothing, lambda: None)) == (False, None)
