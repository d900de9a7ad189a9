"""Two runs at once on one session, with the same templates or with others: one of them publishes, nothing is mixed."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pydicom
import pytest

from tests.pipeline.conftest import (
    CLEAN,
    MEMBER,
    PASSWORD,
    Attempt,
    Site,
    banner_template,
    clean_template,
    slices,
    ultrasound,
)
from tests.pipeline.walk import FIRST_LOOK
from xnat_pixelanon.archive import Credentials, XnatConnection, connect
from xnat_pixelanon.sandbox.faults import Call, Delay, Fault
from xnat_pixelanon.sandbox.person import Person

OLD, NEW = 24, 34
"""Rows that are black by one version of the templates, and by the next."""
SCANS = {"1": 2, "2": 1, "3": 1}
"""Instances by scan; those of 1 and 2 are blackened."""


def store(site: Site, rows: int) -> None:
    """Templates that blacken so many rows at the top."""
    rectangle = {"top": 0, "left": 0, "bottom": rows, "right": 96}
    site.templates(banner_template(rectangles=[rectangle]), clean_template())


def new_session(site: Site, number: int) -> str:
    person = Person.numbered(number)
    images = [
        ultrasound(person, study=number, instance=1),
        ultrasound(person, study=number, instance=2),
        ultrasound(person, study=number, series=2),
        *slices(person, 1, study=number, series=3),
    ]
    return site.seed(f"S{number}", images, person=person)


class Looking:
    """A member who looks at the pixels of what is visible."""

    def __init__(self, connection: XnatConnection) -> None:
        self._connection = connection

    def labels(self) -> set[str]:
        return {row["label"] for row in self._rows(f"/data/projects/{CLEAN}/experiments?columns=label&format=json")}

    def version(self, label: str) -> int | None:
        """By which version a visible session was made, None where there is none; fails for part of one, or for both."""
        listed = self._rows(f"/data/projects/{CLEAN}/experiments?columns=ID,label&format=json")
        experiment = next((row["ID"] for row in listed if row["label"] == label), None)
        if experiment is None:
            return None
        scans = {row["ID"] for row in self._rows(f"/data/experiments/{experiment}/scans?columns=ID&format=json")}
        files = {
            scan: self._rows(f"/data/experiments/{experiment}/scans/{scan}/files?format=json") for scan in sorted(scans)
        }
        assert {scan: len(rows) for scan, rows in files.items()} == SCANS
        black = {self._black_rows(row["URI"]) for scan in ("1", "2") for row in files[scan]}
        assert black in ({OLD}, {NEW})
        return black.pop()

    def _black_rows(self, uri: str) -> int:
        content = self._connection.get(uri, "looking").content
        pixels = pydicom.dcmread(io.BytesIO(content)).pixel_array
        lit = np.flatnonzero(pixels.reshape(pixels.shape[0], -1).max(axis=1))
        return int(lit[0])

    def _rows(self, uri: str) -> list[dict[str, str]]:
        return self._connection.get(uri, "looking").rows("looking")


@contextmanager
def looking(site: Site) -> Iterator[Looking]:
    with connect(Credentials(site.clean.url, MEMBER, PASSWORD)) as connection:
        yield Looking(connection)


@pytest.fixture
def armed_with(make_site: Callable[..., Site]) -> Callable[..., Site]:
    """Makes a site whose clean server treats files of the same name in that way."""

    def make(matching_files: str) -> Site:
        site = make_site(matching_files=matching_files)
        store(site, OLD)
        site.policy()
        return site

    return make


def is_sensible(ended: Attempt) -> bool:
    """What a run may say when another one was at work on the same session."""
    if ended.outcomes == ("failed",):
        return ended.status == 1 and len(ended.said) > 20 and "internal error" not in ended.said
    return ended.status == 0 and ended.outcomes[0] in ("published", "unchanged", "stale")


def settle(site: Site, session: str, member: Looking, first: Attempt, second: Attempt, what: str) -> int | None:
    """Both runs are over: what is visible is one version, what they said is true, and a plain run ends it.

    Gives the version that was visible before that.
    """
    what = f"{what}: {first}; {second}"
    assert is_sensible(first), what
    assert is_sensible(second), what
    (label,) = {one.clean_sessions[0] for one in (first, second)}
    visible = member.version(label)
    assert visible is not None or "failed" in (*first.outcomes, *second.outcomes), what
    if ("published",) in (first.outcomes, second.outcomes):
        hidden_by_the_other = any("the session is hidden" in one.said for one in (first, second))
        assert visible is not None or hidden_by_the_other, what
    again = site.attempt(sessions=(session,))
    assert again.status == 0, f"{what}; {again}"
    assert again.outcomes[0] in (("unchanged", "stale") if visible else ("published",)), f"{what}; {again}"
    assert member.version(label) == (visible or member.version(label)), what
    assert member.version(label) is not None, what
    return visible


def requests_of_a_run(site: Site) -> list[str]:
    """Methods of an undisturbed run's requests to the clean server."""
    for number in (1, 2):
        session = new_session(site, number)
        site.clean.clear_requests()
        assert site.attempt(sessions=(session,)).status == 0
    return [one.method for one in site.clean.requests]


@pytest.mark.parametrize(
    ("matching", "versions"), [("conflict", "other"), ("conflict", "same"), ("keep", "other"), ("replace", "other")]
)
def test_a_whole_run_inside_another_at_any_of_its_requests(
    matching: str, versions: str, armed_with: Callable[..., Site]
) -> None:
    """From the first look on, at each request around one that changes something, and at some between."""
    site = armed_with(matching)
    methods = requests_of_a_run(site)
    seen = set()
    with looking(site) as member:
        for request in range(FIRST_LOOK, len(methods) + 1):
            if request % 4 and set(methods[request - 2 : request]) == {"GET"}:
                continue
            store(site, OLD)
            session = new_session(site, request + 2)
            inner: list[Attempt] = []

            def rival(session: str = session, inner: list[Attempt] = inner) -> None:
                if versions == "other":
                    store(site, NEW)
                inner.append(site.attempt(sessions=(session,)))

            site.clean.faults.add(Fault(".*", Call(rival), nth=request))
            outer = site.attempt(sessions=(session,))
            site.clean.faults.clear()
            what = f"request {request} of {len(methods)}"
            seen.add(settle(site, session, member, outer, inner[0], what))
    # Where XNAT overwrites the rival's files by older ones, neither is shown until the next run.
    hidden = {None} if (matching, versions) == ("replace", "other") else set()
    assert seen == ({OLD, NEW} if versions == "other" else {OLD}) | hidden


@pytest.mark.parametrize("versions", ["same", "other"])
@pytest.mark.parametrize("matching", ["conflict", "keep", "replace"])
def test_two_runs_side_by_side(matching: str, versions: str, armed_with: Callable[..., Site]) -> None:
    site = armed_with(matching)
    chance = random.Random(f"{matching} {versions}")
    with looking(site) as member:
        for number in range(1, 6):
            store(site, OLD)
            session = new_session(site, number)
            ended: list[Attempt] = []

            def go(session: str = session, ended: list[Attempt] = ended) -> None:
                ended.append(site.attempt(sessions=(session,)))

            first, second = (threading.Thread(target=go) for _ in range(2))
            if versions == "other":
                # The first one is past its last look at the rules.
                site.clean.faults.add(Fault("/services/archive", Call(lambda: store(site, NEW))))
                site.clean.faults.add(Fault("/services/archive", Call(second.start)))
            for _ in range(8):
                site.clean.faults.add(Fault(".*", Delay(chance.random() / 20), nth=chance.randint(2, 100)))
            first.start()
            if versions == "same":
                second.start()
            first.join(60)
            second.join(60)
            site.clean.faults.clear()
            settle(site, session, member, ended[0], ended[1], f"round {number}")
