"""Ctrl-C and SIGTERM at any moment of a real command: exit 130, nothing half published, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from tests.pipeline.conftest import STAGING, Site, slices, ultrasound
from tests.pipeline.walk import Walk, counts
from xnat_pixelanon.sandbox.faults import Call, Fault
from xnat_pixelanon.sandbox.person import Person

SCANS = {"1": 1, "2": 12}


class Command:
    """`xnat-pixelanon run` as a process of its own, in a process group of its own."""

    def __init__(self, site: Site, scratch: Path) -> None:
        self.scratch = scratch
        self.site = site
        environment = {**os.environ, **site.environment(), "TMPDIR": str(scratch)}
        words = ("-m", "xnat_pixelanon", "run", "--from", f"xnat:{STAGING}", "--workers", "2")
        self.process = subprocess.Popen(
            [sys.executable, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def interrupt(self) -> None:
        """As a terminal does: the signal goes to the whole group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def terminate(self) -> None:
        """As a container's runtime does."""
        os.kill(self.process.pid, signal.SIGTERM)

    def workers(self) -> list[int]:
        """The processes of its group, without itself."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) != self.process.pid:
                try:
                    state, _parent, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
                except OSError:
                    continue
                if int(group) == self.process.pid and state != "Z":
                    found.append(int(entry.name))
        return found

    def cleans(self) -> bool:
        """Whether it writes clean copies just now."""
        return any(self.scratch.glob("*/*/clean-*/*.dcm"))

    def ends_interrupted(self) -> None:
        """Exit 130, one sentence, no process and no file left."""
        _, said = self.process.communicate(timeout=60)
        assert (self.process.returncode, "Traceback" in said) == (130, False), said
        assert "interrupted: nothing is half published" in said
        assert "leaked" not in said
        until(lambda: self.workers() == [])
        assert list(self.scratch.iterdir()) == []


def until(holds: Callable[[], bool], within: float = 30.0) -> None:
    """Wait for something that takes a moment."""
    limit = time.monotonic() + within
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.002)


@pytest.fixture
def site(armed: Site) -> Site:
    """A site with one session that takes a moment to clean."""
    person = Person.numbered(1)
    armed.seed("S1", [ultrasound(person), *slices(person, 12, rows=256, columns=256)], person=person)
    return armed


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def completes(site: Site, *, hidden: bool, left: int = 0) -> None:
    """Nothing or all is visible, no entry of ours is left in the prearchive, and a plain run brings it to its end.

    left: so many entries may be left; nobody sees them.
    """
    with Walk(site, site.clean) as walk:
        seen = {label: walk.member.sees(label) for label in walk.member.labels()}
        assert [counts(one) for one in seen.values()] in ([], [SCANS])
        assert seen == {} or not hidden
        assert len(walk.waiting()) <= left
        again = site.attempt()
        assert again.status == 0, again
        assert counts(walk.member.sees(again.clean_sessions[0])) == SCANS


class Stop:
    """Stops a command when a request has come, from the server's side."""

    def __init__(self, how: Callable[[Command], None]) -> None:
        self._how = how
        self._command: Command | None = None
        self._known = threading.Event()

    def __call__(self) -> None:
        assert self._known.wait(30)
        assert self._command is not None
        self._how(self._command)
        time.sleep(0.2)  # the signal comes before the answer

    def is_for(self, command: Command) -> None:
        self._command = command
        self._known.set()


@dataclass(frozen=True, slots=True)
class Moment:
    """A request of the run; `after`: when it was carried out. `hidden`: nothing can be visible yet."""

    path: str
    nth: int = 1
    method: str = "*"
    after: bool = False
    hidden: bool = True
    staging: bool = False

    def fault(self, stop: Stop) -> Fault:
        when: Literal["before", "after"] = "after" if self.after else "before"
        return Fault(self.path, Call(stop), method=self.method, nth=self.nth, when=when)


MOMENTS = {
    "login": Moment("/data/auth"),
    "download": Moment(r"/files/.*\.dcm", nth=3, staging=True),
    "import": Moment("/services/import"),
    "imported": Moment("/services/import", after=True),
    "verifying": Moment("/data/prearchive/.*/scans"),
    "recheck": Moment("config/pixelanon/policy.json", nth=2, staging=True),
    "archive": Moment("/services/archive"),
    "archived": Moment("/services/archive", after=True),
    "receipt": Moment("receipt.json", method="PUT"),
    "activate": Moment("activate=true", after=True, hidden=False),
}
SENT_BY = {"interrupt": Command.interrupt, "terminate": Command.terminate}


@pytest.mark.parametrize(
    ("moment", "how"),
    [*((moment, "interrupt") for moment in MOMENTS), ("import", "terminate"), ("archived", "terminate")],
)
def test_a_run_that_is_interrupted_at_a_request_leaves_all_or_nothing(
    moment: str, how: str, site: Site, scratch: Path
) -> None:
    when = MOMENTS[moment]
    stop = Stop(SENT_BY[how])
    server = site.staging if when.staging else site.clean
    server.clear_requests()
    server.faults.add(when.fault(stop))
    command = Command(site, scratch)
    stop.is_for(command)
    command.ends_interrupted()
    server.faults.clear()
    until(lambda: all(one.status for one in server.requests))
    completes(site, hidden=when.hidden)


@pytest.mark.parametrize("how", SENT_BY)
def test_a_run_that_is_interrupted_while_its_workers_start_leaves_nothing(how: str, site: Site, scratch: Path) -> None:
    command = Command(site, scratch)
    until(lambda: len(command.workers()) > 1)
    SENT_BY[how](command)
    command.ends_interrupted()
    completes(site, hidden=True)


@pytest.mark.parametrize("how", SENT_BY)
def test_a_run_that_is_interrupted_while_it_cleans_leaves_nothing(how: str, site: Site, scratch: Path) -> None:
    command = Command(site, scratch)
    until(command.cleans)
    SENT_BY[how](command)
    command.ends_interrupted()
    completes(site, hidden=True)


def test_a_second_interrupt_while_it_cleans_up_leaves_nothing_visible(site: Site, scratch: Path) -> None:
    first, second = Stop(Command.interrupt), Stop(Command.interrupt)
    site.clean.faults.add(Moment("/data/prearchive/.*/scans").fault(first))
    site.clean.faults.add(Moment("/data/prearchive", method="DELETE").fault(second))
    command = Command(site, scratch)
    first.is_for(command)
    second.is_for(command)
    command.ends_interrupted()
    completes(site, hidden=True, left=1)
