"""What holds for all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.thinning import kept

# A busy machine is no finding: what takes too long is pytest-timeout's to say.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every", type=int, default=1, help="of each test function one in so many parameter sets")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    taken = kept([item.nodeid for item in items], config.getoption("--every"))
    config.hook.pytest_deselected(items=[item for item, is_taken in zip(items, taken, strict=True) if not is_taken])
    items[:] = [item for item, is_taken in zip(items, taken, strict=True) if is_taken]
