"""A fault at every single request of a publication: nothing is visible or all is, and a plain second run completes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.archive.conftest import Packer, go
from xnat_pixelanon.archive.ports import Outrun, Published, Sent
from xnat_pixelanon.domain.session import Package
from xnat_pixelanon.errors import PixelanonError
from xnat_pixelanon.sandbox.faults import Cut, CutBody, Fault, HtmlPage, Status

FOREVER = 1_000_000


def once(action: object, when: str = "before"):
    return lambda n: [Fault(".*", action, nth=n, when=when)]


KINDS = {
    "500 and nothing done": once(Status(500)),
    "500 although it was done": once(Status(500), "after"),
    "the connection is cut before": once(Cut()),
    "the answer is lost": once(Cut(), "after"),
    "the answer is cut short": once(CutBody(7)),
    "a login page": once(HtmlPage()),
    "a login page although it was done": once(HtmlPage(), "after"),
    "killed before": lambda n: [Fault(".*", Cut(), nth=n, times=FOREVER)],
    "killed after": lambda n: [
        Fault(".*", Cut(), nth=n, when="after"),
        Fault(".*", Cut(), nth=n + 1, times=FOREVER),
    ],
    "every request answers 503 from then on": lambda n: [Fault(".*", Status(503), nth=n, times=FOREVER)],
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_at_any_request_leaves_all_or_nothing_and_a_second_run_completes(kind, world, tmp_path):
    number, survived = 0, 0
    destination = world.destination()
    while True:
        number += 1
        packer = Packer(tmp_path / str(number), f"{list(KINDS).index(kind)}X{number}")
        packer.scan(1)
        packer.scan(2)
        world.sandbox.clear_requests()
        for fault in KINDS[kind](number):
            world.sandbox.faults.add(fault)
        result = attempt(destination, packer, tmp_path)
        world.sandbox.faults.clear()
        count = len(world.sandbox.requests)
        if count < number:
            break
        files = world.visible().get(packer.session)
        assert files in (None, 2), f"request {number}: {files} files visible"
        if "killed" not in kind and "from then on" not in kind:
            assert world.prearchive() == [], f"request {number}: something is left in the prearchive"
        if result is not None:
            assert files == 2, f"request {number}: it said {result} and nothing is visible"
            survived += 1
        again = destination.publish(packer.package(1, 2), go, tmp_path / "scratch")
        assert isinstance(again, Sent | Outrun)
        standing = destination.look(packer.labels, packer.study)
        assert isinstance(standing, Published), f"request {number}: {standing}"
        assert standing.active
        assert world.visible()[packer.session] == 2
        assert list((tmp_path / "scratch").iterdir()) == []
    assert number > 30
    passing = kind.startswith(("500", "the "))
    assert survived > 20 if passing else survived < 5, f"{survived} of {number} requests"


@pytest.mark.parametrize(
    ("kind", "finishes_first"),
    [("killed before", True), ("killed after", True), ("killed after", False), ("500 although it was done", False)],
)
def test_a_fault_at_any_request_of_an_addition_leaves_what_was_there_or_all(kind, finishes_first, world, tmp_path):
    number = 0
    destination = world.destination()
    while True:
        number += 1
        packer = Packer(tmp_path / str(number), f"ADD{finishes_first:d}{list(KINDS).index(kind)}X{number}")
        packer.scan(1, shade=1)
        destination.publish(packer.package(1), go, tmp_path / "scratch")
        packer.scan(2, shade=2)
        world.sandbox.clear_requests()
        for fault in KINDS[kind](number):
            world.sandbox.faults.add(fault)
        result = attempt(destination, packer, tmp_path, packer.package(2, after=(1,)))
        world.sandbox.faults.clear()
        if len(world.sandbox.requests) < number:
            break
        files = world.visible().get(packer.session)
        assert files in (None, 1, 2)
        assert result is None or files == 2, f"request {number}"
        standing = destination.look(packer.labels, packer.study)
        assert isinstance(standing, Published)
        if files == 2:
            assert standing.receipt == packer.package(1, 2).receipt, f"request {number}"
        if finishes_first and not standing.active:
            destination.finish(packer.labels, standing.receipt, go, tmp_path / "scratch")
            assert world.visible()[packer.session] == len(standing.receipt.scans)
        destination.publish(packer.package(2, after=(1,)), go, tmp_path / "scratch")
        assert world.visible()[packer.session] == 2
        assert destination.look(packer.labels, packer.study) == Published(packer.package(1, 2).receipt, active=True)
    assert number > 30


def attempt(
    destination: object, packer: Packer, tmp_path: Path, package: Package | None = None
) -> Sent | Outrun | None:
    try:
        return destination.publish(package or packer.package(1, 2), go, tmp_path / "scratch")
    except PixelanonError as error:
        said = error.message
    assert packer.study not in said
    assert packer.session not in said or "prearchive" in said
    return None
