"""Which tests a run of a part takes: of each test function some of its parameter sets."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence


def kept(names: Sequence[str], every: int) -> list[bool]:
    """Whether each test is taken: one in `every` parameter sets of each function, at least one.

    Functions that share a matrix begin at different places of it, always the same: together they see most of it.
    """
    functions = [name.partition("[")[0] for name in names]
    size = Counter(functions)
    seen: Counter[str] = Counter()
    taken = []
    for function in functions:
        step = min(every, size[function])
        taken.append(seen[function] % step == zlib.crc32(function.encode()) % step)
        seen[function] += 1
    return taken
