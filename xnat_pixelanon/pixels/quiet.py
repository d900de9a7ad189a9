"""Keep pydicom from speaking: its warnings and log lines quote header values."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_library_text() -> Iterator[None]:
    """Inside, neither warnings nor the logger of pydicom reach anyone; both are as before afterwards."""
    logger = logging.getLogger("pydicom")
    was_disabled = logger.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.disabled = True
        try:
            yield
        finally:
            logger.disabled = was_disabled
