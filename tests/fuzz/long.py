"""`make fuzz`: damaged files for as long as is wanted. What finds something is kept, and told on stdout."""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .mutate import lies, mutated, truncations
from .prober import Prober
from .seeds import Seed, seeds


def cases(seed: Seed, number: int) -> Iterator[bytes]:
    """Without end, the same for the same number: first every truncation and lie, in an order of its own."""
    chosen = random.Random(f"{number} {seed.name}")
    first = truncations(seed) + lies(seed)
    chosen.shuffle(first)
    yield from first
    while True:
        yield mutated(seed, chosen.randrange)


def run(seconds: float, number: int, save: Path) -> int:
    """The number of files that found something; each seed has its share of the time, in turns."""
    save.mkdir(parents=True, exist_ok=True)
    found, counts = 0, {seed.name: Counter[str]() for seed in seeds()}
    turns = itertools.cycle([(seed, cases(seed, number)) for seed in seeds()])
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder, Prober(Path(folder)) as prober:
        while time.monotonic() < end:
            seed, drawn = next(turns)
            data = next(drawn)
            ending = prober.probe(data)
            counts[seed.name][ending.end] += 1
            if ending.bad:
                found += 1
                path = save / f"{number}-{found:04}.dcm"
                path.write_bytes(data)
                print(f"{path.name} from {seed.name}: {ending.end}: {ending.detail}")
    for name, ends in counts.items():
        print(f"{name:14} {sum(ends.values()):7}  " + ", ".join(f"{count} {end}" for end, count in ends.most_common()))
    return found


def main() -> None:
    """Exit status 1 where something was found."""
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--save", type=Path, required=True)
    asked = parser.parse_args()
    print(f"seed {asked.seed}, {asked.seconds:g} seconds; findings go to {asked.save}", flush=True)
    sys.exit(1 if run(asked.seconds, asked.seed, asked.save) else 0)


if __name__ == "__main__":
    main()
