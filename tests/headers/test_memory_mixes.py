"""What a worker remembers changes nothing: data sets of every mix, with and without its memories."""

from __future__ import annotations

import random
import warnings

from header_makers import reopen
from header_mixes import Mix, runs
from header_warm import FAULTS, Worker, file_of, touched, twin
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from xnat_pixelanon.headers import EncodedHeader

# Without shrinking, which takes minutes here.
EXAMPLES = 40
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


def through(worker: Worker, mix: Mix, chance: random.Random) -> None:
    """One file: written, its copy proved before or after a wrong one."""
    source, asked = mix.source(), mix.request()
    source = touched(source) if mix.touched else source
    header = worker.write(source, asked)
    if not isinstance(header, EncodedHeader):
        return
    data = file_of(header, asked)
    order = [True, False]
    chance.shuffle(order)
    for good in order:
        mine, copied = twin(source), reopen(data)
        if not good:
            chance.choice(FAULTS)(mine, copied, chance)
        worker.prove(mine, copied, asked)
        worker.search(mine, data[132:], asked)


@settings(deadline=None, max_examples=EXAMPLES, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(runs(), st.integers(0, 2**32))
def test_files_of_every_mix_come_out_the_same_in_any_order(mixes: list[Mix], seed: int) -> None:
    worker, chance = Worker(), random.Random(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for mix in (*mixes, *mixes[::-1]):
            through(worker, mix, chance)
    assert worker.differences == []
