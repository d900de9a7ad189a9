"""A destination that puts one session in the place of another, or takes one back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.archive.conftest import Packer, go, pixel_digest
from xnat_pixelanon.archive import DirDestination
from xnat_pixelanon.archive.ports import Claim, Outrun, Published, Sent, TakenBack
from xnat_pixelanon.archive.prearchive import entry_name
from xnat_pixelanon.domain.session import Package
from xnat_pixelanon.errors import ChangedError, ConflictError, SessionError
from xnat_pixelanon.sandbox.faults import Call, Fault, Status


@pytest.fixture(params=["xnat", "dir"])
def destination(request, world, tmp_path):
    return world.destination() if request.param == "xnat" else DirDestination(tmp_path / "out", pixel_digest)


def in_its_place(packer: Packer, old: Package, *, shade: int = 7) -> Package:
    """The same session with other pixels, and one scan less."""
    packer.scan(1, count=2, shade=shade)
    return replace(packer.package(1), replaces=old.receipt)


def claim_of(package: Package, **changes: str) -> Claim:
    return replace(Claim(package.session_label, package.receipt.source), **changes)


def published(destination, packer: Packer, scratch: Path) -> Package:
    package = packer.package(1, 2)
    assert destination.publish(package, go, scratch) == Sent()
    return package


def test_the_new_session_stands_alone_with_its_receipt(destination, packer, tmp_path):
    new = in_its_place(packer, published(destination, packer, tmp_path))
    assert destination.publish(new, go, tmp_path) == Sent()
    assert destination.look(packer.labels, packer.study) == Published(new.receipt, active=True)
    destination.finish(packer.labels, new.receipt, go, tmp_path)


def test_a_gate_that_refuses_leaves_the_old_session(destination, packer, tmp_path):
    old = published(destination, packer, tmp_path)

    def refuse():
        raise ChangedError("the policy changed")

    with pytest.raises(ChangedError):
        destination.publish(in_its_place(packer, old), refuse, tmp_path)
    assert destination.look(packer.labels, packer.study) == Published(old.receipt, active=True)
    destination.finish(packer.labels, old.receipt, go, tmp_path)


def test_another_session_than_the_one_that_was_meant_is_left_there(destination, packer, tmp_path):
    old = published(destination, packer, tmp_path)
    new = in_its_place(packer, old)
    assert destination.publish(new, go, tmp_path) == Sent()
    third = replace(in_its_place(packer, old, shade=9), run="rX")
    assert destination.publish(third, go, tmp_path) == Outrun(new.receipt)
    assert destination.look(packer.labels, packer.study) == Published(new.receipt, active=True)


def test_a_rival_that_replaces_it_before_the_gate_is_left_there(destination, packer, tmp_path):
    old = published(destination, packer, tmp_path)
    new = in_its_place(packer, old)
    mine = in_its_place(packer, old, shade=9)
    result = destination.publish(mine, lambda: destination.publish(new, go, tmp_path / "r"), tmp_path)
    assert result == Outrun(new.receipt)
    assert destination.look(packer.labels, packer.study) == Published(new.receipt, active=True)


def test_a_session_of_another_source_is_not_replaced(destination, packer, tmp_path):
    old = published(destination, packer, tmp_path)
    new = in_its_place(packer, old)
    other = replace(new, receipt=replace(new.receipt, source="another"))
    with pytest.raises(ConflictError, match="receipt of another source"):
        destination.publish(other, go, tmp_path)
    assert destination.look(packer.labels, packer.study) == Published(old.receipt, active=True)


def test_where_the_old_session_is_gone_the_new_one_is_published(destination, packer, tmp_path):
    old = published(destination, packer, tmp_path)
    destination.take_back(claim_of(old), go)
    assert destination.publish(in_its_place(packer, old), go, tmp_path) == Sent()


def test_what_is_ours_is_taken_back_once(destination, packer, tmp_path):
    old = published(destination, packer, tmp_path)
    assert destination.holds(claim_of(old))
    taken = destination.take_back(claim_of(old), go)
    assert isinstance(taken, TakenBack)
    assert taken.subject_label == "SUBJ"
    assert not destination.holds(claim_of(old))
    assert destination.take_back(claim_of(old), go) is None


def test_what_has_the_receipt_of_another_source_stays(destination, packer, tmp_path):
    old = published(destination, packer, tmp_path)
    for act in (destination.holds, lambda claim: destination.take_back(claim, go)):
        with pytest.raises(ConflictError):
            act(claim_of(old, source="another"))
    assert destination.look(packer.labels, packer.study) == Published(old.receipt, active=True)


def test_nothing_is_taken_back_when_the_gate_refuses(destination, packer, tmp_path):
    old = published(destination, packer, tmp_path)

    def refuse():
        raise ChangedError("not withdrawn any more")

    with pytest.raises(ChangedError):
        destination.take_back(claim_of(old), refuse)
    assert destination.holds(claim_of(old))


def crashed(world, packer: Packer, scratch: Path) -> Package:
    """A run that died before it wrote its receipt."""
    package = packer.package(1, 2)

    def die() -> None:
        raise ConnectionError

    world.sandbox.faults.add(Fault("resources/PIXELANON$", Call(die), method="PUT", nth=None))
    with pytest.raises(SessionError):
        world.destination().publish(package, go, scratch)
    world.sandbox.faults.clear()
    assert world.hidden() == [packer.session]
    return package


def test_a_hidden_session_without_a_receipt_is_ours_by_its_study_only(world, packer, tmp_path):
    package = crashed(world, packer, tmp_path)
    destination = world.destination()
    with pytest.raises(ConflictError, match="no receipt of ours"):
        destination.take_back(claim_of(package), go)
    with pytest.raises(ConflictError):
        destination.take_back(claim_of(package, study_instance_uid="2.25.1"), go)
    assert world.hidden() == [packer.session]
    assert destination.take_back(claim_of(package, study_instance_uid=packer.study), go) is not None
    assert world.hidden() == []


def test_a_visible_session_without_a_receipt_stays_whatever_its_study(world, packer, tmp_path):
    package = crashed(world, packer, tmp_path)
    world.experiment(packer.session).status = "active"
    with pytest.raises(ConflictError):
        world.destination().take_back(claim_of(package, study_instance_uid=packer.study), go)
    assert world.visible() == {packer.session: 3}


def test_leftovers_of_dying_runs_go_with_it_and_those_of_other_sessions_stay(world, packer, new_packer, tmp_path):
    other = new_packer()
    world.sandbox.faults.add(Fault("/services/archive", Status(500), nth=None))
    world.sandbox.faults.add(Fault("/prearchive/.*PXA", Status(500), method="DELETE", nth=None))
    packages = [packer.package(1, 2), other.package(1, 2)]
    for package in packages:
        with pytest.raises(SessionError):
            world.destination().publish(package, go, tmp_path)
    world.sandbox.faults.clear()
    assert len(world.prearchive()) == 2
    assert world.destination().take_back(claim_of(packages[0]), go) is None
    assert world.prearchive() == [entry_name(other.session, packages[1].run)]
    elsewhere = claim_of(packages[1], session_label="OTHERPREFIX")
    assert world.destination().take_back(elsewhere, go) is None
    assert len(world.prearchive()) == 1
    assert world.destination().take_back(replace(elsewhere, study_instance_uid=other.study), go) is None
    assert world.prearchive() == []
