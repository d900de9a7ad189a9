"""Sessions to publish, one after the other, with something going wrong at each request of the run in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from tests.pipeline.conftest import (
    CLEAN,
    MEMBER,
    OWNER,
    PASSWORD,
    Attempt,
    Member,
    Seen,
    Site,
    slices,
    ultrasound,
)
from xnat_pixelanon.archive import Credentials, connect
from xnat_pixelanon.sandbox.faults import Fault
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.server import Sandbox

FIRST = {"1": 1, "2": 2}
ADDED = {**FIRST, "7": 1}
"""Instances by scan, of a session and of the same with a scan added."""
FOREVER = 1_000_000
FIRST_LOOK = 13
"""The requests to the clean server before it log in and check the project."""


def shares(kinds: Sequence[str], parts: int) -> list[Any]:
    """Kind and part of sweeps that take minutes: one part of each kind, another for each; the rest are long tests."""
    return [
        pytest.param(kind, part, marks=[pytest.mark.long] if (number - part) % parts else [])
        for number, kind in enumerate(kinds)
        for part in range(parts)
    ]


def new_session(site: Site, number: int) -> str:
    """Another session in staging: a still to redact and two slices to pass. Gives its experiment ID."""
    person = Person.numbered(number)
    images = [ultrasound(person, study=number), *slices(person, 2, study=number)]
    return site.seed(f"S{number}", images, person=person)


def add_scan(site: Site, number: int) -> None:
    """A late arrival in that session."""
    person = Person.numbered(number)
    site.seed(f"S{number}", slices(person, 1, study=number, series=7), person=person)


def counts(seen: Seen | None) -> dict[str, int] | None:
    return None if seen is None else {scan: len(files) for scan, files in seen.items()}


@dataclass
class Case:
    """One request of one run, the session that is sent, and what a member sees of the clean project meanwhile."""

    walk: Walk
    request: int
    session: str
    known: frozenset[str]
    label: str
    before: Seen | None
    method: str = ""
    """Of that request, as soon as it was made."""
    what: str = ""
    """Which request it was, for messages."""

    def run(self, faults: Sequence[Fault]) -> Attempt:
        """A run with these faults in force."""
        return self.watched(faults, lambda: self.walk.site.attempt(sessions=(self.session,)))

    def watched(self, faults: Sequence[Fault], go: Callable[[], Attempt]) -> Attempt:
        """`go` with these faults in force; that request has to be made."""
        server = self.walk.server
        server.clear_requests()
        for fault in faults:
            server.faults.add(fault)
        ended = go()
        server.faults.clear()
        log = server.requests
        self.what = f"request {self.request} of {len(log)}"
        assert len(log) >= self.request, self.what
        self.method = log[self.request - 1].method
        self.what += f": {self.method} {log[self.request - 1].path}; {ended}"
        return ended

    def seen(self) -> Seen | None:
        """What a member sees of this session, under a label that is not known before it was published."""
        new = {self.label} if self.label else self.walk.member.labels().keys() - self.known
        assert len(new) <= 1, self.what
        return self.walk.member.sees(new.pop()) if new else None

    def state(self) -> Literal["before", "whole", "hidden"]:
        """What a member sees: just what was there before, all, or nothing; fails where it is part of it."""
        seen = self.seen()
        if seen == self.before:
            return "before"
        if seen is None:
            return "hidden"
        assert counts(seen) == self.walk.whole, self.what
        assert (self.before or {}).items() <= seen.items(), self.what
        return "whole"

    def completes(self) -> None:
        """A plain run brings the session to its end, and leaves what was there already as it is."""
        seen = self.seen()
        again = self.walk.site.attempt(sessions=(self.session,))
        assert (again.status, again.said) == (0, ""), f"{self.what}; then {again}"
        (self.label,) = again.clean_sessions
        now = self.seen()
        assert counts(now) == self.walk.whole, self.what
        assert seen in (None, self.before, now), self.what
        assert (self.before or {}).items() <= (now or {}).items(), self.what


@dataclass
class Walk:
    """Over every request that a run makes of a server: a session's first run, or one that adds a scan.

    Part `part` of `parts` takes every request whose number leaves this rest; `writes`: only those that change
    something, for faults that strike when the request was carried out (reading, it makes no difference); `first`: the
    first request that is taken.
    """

    site: Site
    server: Sandbox
    grown: bool = False
    part: int = 0
    parts: int = 1
    writes: bool = False
    first: int = 1
    stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.member = Member(self.stack.enter_context(connect(Credentials(self.site.clean.url, MEMBER, PASSWORD))))
        self.owner = self.stack.enter_context(connect(Credentials(self.site.clean.url, OWNER, PASSWORD)))

    @property
    def whole(self) -> dict[str, int]:
        return ADDED if self.grown else FIRST

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def cases(self) -> Iterator[Case]:
        undisturbed = self._requests_of_an_undisturbed_run()
        assert len(undisturbed) > 15
        for request, method in enumerate(undisturbed, start=1):
            wanted = request >= self.first and not (self.writes and method == "GET")
            if wanted and request % self.parts == self.part:
                yield self._case(request)

    def waiting(self) -> list[str]:
        """The entries of the clean project's prearchive; they are removed."""
        uri = f"/data/prearchive/projects/{CLEAN}"
        rows = self.owner.get(f"{uri}?format=json", "listing").rows("listing")
        for row in rows:
            self.owner.delete(f"{uri}/{row['timestamp']}/{row['folderName']}", "removing")
        return [row["name"] for row in rows]

    def _case(self, request: int) -> Case:
        session, label, before = self._session(request + 2)
        return Case(self, request, session, frozenset(self.member.labels()), label, before)

    def _session(self, number: int) -> tuple[str, str, Seen | None]:
        session = new_session(self.site, number)
        if not self.grown:
            return session, "", None
        done = self.site.attempt(sessions=(session,))
        assert done.status == 0, done
        (label,) = done.clean_sessions
        before = self.member.sees(label)
        assert counts(before) == FIRST
        add_scan(self.site, number)
        return session, label, before

    def _requests_of_an_undisturbed_run(self) -> list[str]:
        # Of the second one: an empty project makes the first ask twice whether the login still is ours.
        for number in (1, 2):
            session, _, _ = self._session(number)
            self.server.clear_requests()
            done = self.site.attempt(sessions=(session,))
            assert done.status == 0, done
        return [one.method for one in self.server.requests]
