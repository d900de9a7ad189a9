"""One judgement of the corpus for all test processes of a run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the processes of pytest-xdist have in common, and that no other run has."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "corpus"
    folder.mkdir(exist_ok=True)
    return folder
