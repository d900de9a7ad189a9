"""Two runs that publish one session at the same moment: one session in the end, that holds what its receipt says."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.archive.conftest import go
from xnat_pixelanon.archive.ports import Outrun, Published, Sent
from xnat_pixelanon.errors import ChangedError, PixelanonError, SessionError
from xnat_pixelanon.sandbox.faults import Call, Fault
from xnat_pixelanon.sandbox.settings import Settings


def outcome_of(destination, package, gate, scratch):
    try:
        return destination.publish(package, gate, scratch)
    except PixelanonError as error:
        return error


def race(world, packages, tmp_path, *, rival=3.0):
    """Publish all at once; every run passes its gate only when all have reached theirs."""
    together = threading.Barrier(len(packages), timeout=20)
    destinations = [world.destination(rival=rival) for _ in packages]
    with ThreadPoolExecutor(len(packages)) as pool:
        futures = [
            pool.submit(outcome_of, destination, package, together.wait, tmp_path / f"scratch{index}")
            for index, (destination, package) in enumerate(zip(destinations, packages, strict=True))
        ]
        return [future.result(60) for future in futures]


def shaded(packer, shade):
    """The same session made with other templates: same UIDs, other pixels, another receipt."""
    packer.scan(1, count=2, shade=shade)
    packer.scan(2, shade=shade)
    return packer.package(1, 2)


@pytest.mark.parametrize("matching", ["conflict", "keep", "replace"])
@pytest.mark.parametrize("same", ["the same receipt", "another receipt", "other pixels"])
def test_two_runs_at_once_end_in_one_visible_session_that_holds_its_receipt(
    matching, same, new_world, packer, tmp_path
):
    world = new_world(Settings(matching_files=matching, archive_delay=0.02))
    first = packer.package(1, 2)
    second = packer.package(1, 2)
    if same == "another receipt":
        second = replace(second, receipt=replace(second.receipt, tool_version="0.2"))
    if same == "other pixels":
        second = shaded(packer, 7)
    results = race(world, [first, second], tmp_path)
    assert all(isinstance(one, Sent | Outrun) for one in results), results
    assert world.visible() == {packer.session: 3}
    destination = world.destination()
    standing = destination.look(packer.labels, packer.study)
    assert isinstance(standing, Published)
    assert standing.receipt in (first.receipt, second.receipt)
    destination.finish(packer.labels, standing.receipt, go, tmp_path / "scratch")
    assert world.prearchive() == []
    for result in results:
        if isinstance(result, Outrun):
            assert result.receipt == standing.receipt


@pytest.mark.parametrize("matching", ["conflict", "keep", "replace"])
def test_two_runs_that_send_other_scans_end_in_one_session_or_in_a_hidden_one_that_the_next_run_replaces(
    matching, new_world, packer, tmp_path
):
    world = new_world(Settings(matching_files=matching, archive_delay=0.02))
    packer.scan(3)
    first, second = packer.package(1, 2), packer.package(1, 3)
    race(world, [first, second], tmp_path, rival=0.5)
    destination = world.destination(rival=0.1)
    standing = destination.look(packer.labels, packer.study)
    if isinstance(standing, Published) and standing.active:
        destination.finish(packer.labels, standing.receipt, go, tmp_path / "scratch")
    else:
        assert world.visible() == {}
        destination.publish(packer.package(1, 2), go, tmp_path / "scratch")
        assert world.visible() == {packer.session: 3}


def test_a_rival_that_finished_while_we_uploaded_is_verified_and_ours_withdrawn(world, packer, tmp_path):
    rival, ours = world.destination(), world.destination()
    first, second = packer.package(1, 2), packer.package(1, 2)
    result = ours.publish(second, lambda: rival.publish(first, go, tmp_path / "r"), tmp_path / "o")
    assert result == Outrun(first.receipt)
    assert world.visible() == {packer.session: 3}
    assert world.prearchive() == []


def test_a_rival_that_is_at_work_when_we_come_is_waited_for(world, packer, tmp_path):
    """Its receipt comes after we found its session."""
    rival, ours = world.destination(rival=5.0), world.destination(rival=5.0)
    first, second = packer.package(1, 2), shaded(packer, 3)
    halfway, go_on = threading.Event(), threading.Event()

    def pause():
        halfway.set()
        go_on.wait(20)

    world.sandbox.faults.add(Fault("receipt.json", Call(pause), method="PUT"))
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(rival.publish, first, go, tmp_path / "r")
        halfway.wait(20)
        threading.Timer(0.3, go_on.set).start()
        assert ours.publish(second, go, tmp_path / "o") == Outrun(first.receipt)
        assert future.result(20) == Sent()
    assert world.visible() == {packer.session: 3}


def test_a_rival_that_never_writes_a_receipt_counts_as_a_crash(world, packer, tmp_path):
    crashed, ours = world.destination(), world.destination()
    world.sandbox.faults.add(Fault("resources/PIXELANON$", Call(_die), method="PUT", nth=None))
    with pytest.raises(SessionError):
        crashed.publish(packer.package(1, 2), go, tmp_path / "r")
    world.sandbox.faults.clear()
    assert world.hidden() == [packer.session]
    assert ours.publish(shaded(packer, 3), go, tmp_path / "o") == Sent()
    assert world.visible() == {packer.session: 3}


def test_what_a_crashed_run_left_is_finished_when_it_is_just_what_is_to_be_sent(world, packer, tmp_path):
    world.sandbox.faults.add(Fault("resources/PIXELANON$", Call(_die), method="PUT", nth=None))
    with pytest.raises(SessionError):
        world.destination().publish(packer.package(1, 2), go, tmp_path / "r")
    world.sandbox.faults.clear()
    world.sandbox.clear_requests()
    assert world.destination().publish(packer.package(1, 2), go, tmp_path / "o") == Sent(adopted=True)
    assert not [r for r in world.sandbox.requests if r.method == "POST" and "import" in r.path]


def test_a_crashed_session_that_somebody_released_by_hand_is_left_alone(world, packer, tmp_path):
    world.sandbox.faults.add(Fault("resources/PIXELANON$", Call(_die), method="PUT", nth=None))
    with pytest.raises(SessionError):
        world.destination().publish(packer.package(1, 2), go, tmp_path / "r")
    world.sandbox.faults.clear()
    world.experiment(packer.session).status = "active"
    with pytest.raises(SessionError, match="without a receipt, visible"):
        world.destination().publish(shaded(packer, 3), go, tmp_path / "o")
    assert world.visible() == {packer.session: 3}
    packer.scan(1, count=2)
    packer.scan(2)
    assert world.destination().publish(packer.package(1, 2), go, tmp_path / "o") == Sent(adopted=True)


@pytest.mark.parametrize("matching", ["conflict", "keep", "replace"])
@pytest.mark.parametrize("same", [True, False])
def test_two_runs_that_add_the_same_scan_at_once_end_in_one_session_that_holds_its_receipt(
    matching, same, new_world, packer, tmp_path
):
    world = new_world(Settings(matching_files=matching, archive_delay=0.02))
    world.destination().publish(packer.package(1), go, tmp_path / "scratch")
    first = packer.package(2, after=(1,))
    if not same:
        packer.scan(2, shade=9)
    second = packer.package(2, after=(1,))
    results = race(world, [first, second], tmp_path)
    assert all(isinstance(one, Sent | Outrun) for one in results), results
    destination = world.destination()
    standing = destination.look(packer.labels, packer.study)
    assert standing in (Published(first.receipt, active=True), Published(second.receipt, active=True))
    destination.finish(packer.labels, standing.receipt, go, tmp_path / "scratch")
    assert world.visible() == {packer.session: 3}
    assert world.prearchive() == []


def test_a_scan_that_a_rival_is_just_adding_is_not_taken_back(world, packer, tmp_path):
    """A third run finds the session hidden with its old receipt, and wants to finish it."""
    destination = world.destination(rival=5.0)
    destination.publish(packer.package(1), go, tmp_path / "scratch")
    halfway, go_on = threading.Event(), threading.Event()

    def pause():
        halfway.set()
        go_on.wait(20)

    world.sandbox.faults.add(Fault("receipt.json", Call(pause), method="PUT"))
    adding = packer.package(2, after=(1,))
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(destination.publish, adding, go, tmp_path / "r")
        halfway.wait(20)
        third = world.destination(rival=5.0)
        world.sandbox.faults.add(Fault(r"/files/.*\.dcm", Call(go_on.set)))
        with pytest.raises(ChangedError, match="another run"):
            third.finish(packer.labels, packer.package(1).receipt, go, tmp_path / "o")
        assert future.result(20) == Sent()
    assert destination.look(packer.labels, packer.study) == Published(adding.receipt, active=True)
    assert world.visible() == {packer.session: 3}


def _die():
    raise ConnectionError("the server fails here")
