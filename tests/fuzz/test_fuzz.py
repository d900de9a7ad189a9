"""Damaged files end in a clean refusal or in a proved copy, in bounded memory and time. `make fuzz` draws more."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from .mutate import lies, mutated, truncations
from .prober import Ending, Prober
from .seeds import Seed, seeds

SEEDS = pytest.mark.parametrize("seed", seeds(), ids=lambda seed: seed.name)
STEP = 7
"""Of all lies one in so many is told here."""


@pytest.fixture(scope="module")
def prober(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prober]:
    with Prober(tmp_path_factory.mktemp("fuzz")) as prober:
        yield prober


@SEEDS
def test_a_sound_file_is_written(seed: Seed, prober: Prober) -> None:
    assert prober.probe(seed.packed(seed.data)) == Ending("written")


@SEEDS
def test_no_truncation_is_written(seed: Seed, prober: Prober) -> None:
    ends = {prober.probe(data).end for data in truncations(seed)}
    assert ends <= {"damaged", "no-pixel-data", "header-refused"}


@SEEDS
def test_lies_about_lengths_and_sizes_are_refused_or_do_no_harm(seed: Seed, prober: Prober) -> None:
    told = lies(seed)
    endings = [prober.probe(data) for data in told[len(seed.name) % STEP :: STEP]]
    assert [ending for ending in endings if ending.bad] == []
    assert sum(ending.end == "damaged" for ending in endings) > len(endings) // 3


@SEEDS
@settings(
    max_examples=120,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_damage_of_any_kind_is_refused_or_does_no_harm(seed: Seed, prober: Prober, data: st.DataObject) -> None:
    ending = prober.probe(mutated(seed, lambda bound: data.draw(st.integers(0, bound - 1))))
    assert not ending.bad, ending


@pytest.mark.parametrize(
    ("program", "end"),
    [
        ("import os, sys; sys.stdin.readline(); os.abort()", "died"),
        (
            "import signal, sys; sys.stdin.readline(); signal.setitimer(signal.ITIMER_PROF, 0.1)\nwhile True: pass",
            "hung",
        ),
        ("import sys; sys.stdin.readline(); sys.stdin.readline()", "hung"),
        ("import time; time.sleep(60)", "hung"),
        ("""for line in open(0): print('{"end": "exception", "detail": ""}', flush=True)""", "exception"),
        ("""input(); print('{"end": "judging", "detail": ""}', flush=True)""", "unjudged"),
    ],
    ids=["abort", "loop", "silent", "asleep", "exception", "judge"],
)
def test_a_process_that_ends_badly_is_seen_and_replaced(program: str, end: str, tmp_path: Path) -> None:
    with Prober(tmp_path, (sys.executable, "-c", program), wall_seconds=2.0) as prober:
        endings = [prober.probe(b"") for _ in range(2)]
    assert [ending.end for ending in endings] == [end, end]
    assert all(ending.bad is (end != "unjudged") for ending in endings)
