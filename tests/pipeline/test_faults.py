"""A fault at every single request of a run, of either server: nothing comes to be seen, or all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import pytest

from tests.pipeline.conftest import Site
from tests.pipeline.walk import FIRST_LOOK, FOREVER, Walk, shares
from xnat_pixelanon.sandbox.faults import Cut, Fault, HtmlPage, Status

KINDS: Mapping[str, Callable[[int], Sequence[Fault]]] = MappingProxyType(
    {
        "500": lambda n: [Fault(".*", Status(500), nth=n)],
        "cut": lambda n: [Fault(".*", Cut(), nth=n)],
        "answer-lost": lambda n: [Fault(".*", Cut(), nth=n, when="after")],
        "html": lambda n: [Fault(".*", HtmlPage(), nth=n)],
        "server-gone": lambda n: [Fault(".*", Cut(), nth=n, times=FOREVER)],
        "answer-lost-and-server-gone": lambda n: [
            Fault(".*", Cut(), nth=n, when="after"),
            Fault(".*", Cut(), nth=n + 1, times=FOREVER),
        ],
    }
)
DONE = ("answer-lost", "answer-lost-and-server-gone")
"""What strikes after the request was carried out. Of a reading request it is the same as one that is cut."""
GONE = ("server-gone", "answer-lost-and-server-gone")
LOGIN = 5
"""The first requests of a run log in; of the others, those that read are repeated when no whole answer came."""


def ends_well(walk: Walk, kind: str) -> None:
    """Walk the requests with a fault of this kind."""
    for case in walk.cases():
        ended = case.run(KINDS[kind](case.request))
        # 3 is for what is wrong before the first session, and for a login that is lost
        assert ended.status in ((0, 1) if ended.outcomes and "login" not in ended.said else (0, 1, 3)), case.what
        assert (ended.said == "") == (ended.status == 0), case.what
        if kind in ("500", "cut") and case.request > LOGIN and case.method == "GET":
            assert ended.status == 0, case.what
        state = case.state()
        assert state == "whole" or ended.status != 0, case.what
        # XNAT hides the session while scans are added, and a run that cannot reach it cannot give it back.
        assert state != "hidden" or (kind in GONE and "hidden" in ended.said), case.what
        left = walk.waiting()
        assert not left or ("left in the prearchive" in ended.said and kind in GONE), case.what
        if ended.status != 0:
            case.completes()


@pytest.mark.parametrize(("kind", "part"), shares(["500", "cut", "html", "server-gone"], 2))
def test_a_fault_at_any_request_of_the_clean_server_publishes_all_or_nothing(kind: str, part: int, armed: Site) -> None:
    with Walk(armed, armed.clean, part=part, parts=2) as walk:
        ends_well(walk, kind)


@pytest.mark.parametrize("kind", DONE)
def test_a_lost_answer_of_any_writing_request_publishes_all_or_nothing(kind: str, armed: Site) -> None:
    with Walk(armed, armed.clean, writes=True) as walk:
        ends_well(walk, kind)


@pytest.mark.parametrize(("kind", "part"), shares(["500", "html", "server-gone"], 3))
def test_a_fault_at_any_request_of_the_staging_server_publishes_all_or_nothing(
    kind: str, part: int, armed: Site
) -> None:
    with Walk(armed, armed.staging, part=part, parts=3) as walk:
        ends_well(walk, kind)


@pytest.mark.parametrize(("kind", "part"), shares(["html"], 3))
def test_a_fault_at_any_request_of_an_addition_leaves_the_old_session_or_the_new_one(
    kind: str, part: int, armed: Site
) -> None:
    # What comes before is the same as in a first run.
    with Walk(armed, armed.clean, grown=True, part=part, parts=3, first=FIRST_LOOK) as walk:
        ends_well(walk, kind)


@pytest.mark.parametrize("kind", ["500", *GONE, "answer-lost"])
def test_a_fault_at_a_writing_request_of_an_addition_leaves_the_old_session_or_the_new_one(
    kind: str, armed: Site
) -> None:
    with Walk(armed, armed.clean, grown=True, writes=True) as walk:
        ends_well(walk, kind)
