"""Every public sample file, in two orders, through one worker's memories: the same as without any."""

from __future__ import annotations

import random
import warnings
from collections import Counter
from pathlib import Path

import data_store
import deid_data
import pydicom
import pynetdicom
import pytest
from header_makers import reopen, request
from header_warm import FAULTS, Worker, file_of, touched, twin
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers import HeaderRequest, proof_series, splice

PACKAGES = (pydicom, data_store, deid_data, pynetdicom)


def sources() -> list[Dataset]:
    """Headers of all DICOM files of the packages, that pydicom can read."""
    folders = [Path(package.__file__).parent for package in PACKAGES]
    found = []
    for path in (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()):
        try:
            source = pydicom.dcmread(path, stop_before_pixels=True)
            if source.file_meta.TransferSyntaxUID:
                found.append(source)
        except (InvalidDicomError, AttributeError, EOFError, ValueError, NotImplementedError):
            continue
    return found


@pytest.fixture
def whole_ways(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts what was cleaned and proved the whole way, by a worker with memories or by one without."""
    ways: Counter[str] = Counter()

    def counted(module, name):
        plain = getattr(module, name)

        def run(*arguments):
            ways[name] += 1
            return plain(*arguments)

        monkeypatch.setattr(module, name, run)

    counted(splice, "clean_header")
    counted(proof_series, "compare")
    return ways


def test_every_sample_file_is_written_and_proved_the_same_with_warm_memories(whole_ways: Counter[str]) -> None:
    chance, worker, counts = random.Random(9), Worker(), Counter[str]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = sources()
        for round_ in range(2):
            chance.shuffle(found)
            for index, source in enumerate(found):
                one_file(source if round_ == 0 else touched(source), index + round_, worker, chance, counts)
    print(dict(counts), dict(whole_ways))
    assert worker.differences == []
    assert counts["written"] > 400
    files = counts["written"] + counts["refused"]
    assert whole_ways["clean_header"] - files < files / 3, "the worker with memories cleans the whole way"


def one_file(source: Dataset, index: int, worker: Worker, chance: random.Random, counts: Counter[str]) -> None:
    """A file, its copy and wrong ones: the good copy first, or last."""
    syntax = str(source.file_meta.TransferSyntaxUID)
    changed = index % 3 == 0
    asked = request(transfer_syntax_uid=syntax, pixels_changed=changed, reviewed=changed, template_digest="ab" * 32)
    header = worker.write(source, asked)
    if isinstance(header, InstanceError):
        counts["refused"] += 1
        return
    counts["written"] += 1
    data = file_of(header, asked)
    if index % 2:
        good_copy(source, data, asked, worker, counts)
    fault = FAULTS[chance.randrange(len(FAULTS))]
    mine, copied = twin(source), reopen(data)
    fault(mine, copied, chance)
    counts[f"{fault.__name__} {worker.prove(mine, copied, asked).ok}"] += 1
    if not index % 2:
        good_copy(source, data, asked, worker, counts)


def good_copy(source: Dataset, data: bytes, asked: HeaderRequest, worker: Worker, counts: Counter[str]) -> None:
    counts[f"good {worker.prove(source, reopen(data), asked).ok}"] += 1
    counts[f"net {worker.search(source, data[132:], asked).ok}"] += 1
