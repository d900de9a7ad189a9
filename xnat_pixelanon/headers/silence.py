"""pydicom without a voice: its warnings quote values, and no value may be printed or logged."""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom import config
from pydicom.errors import BytesLengthException

PYDICOM_ERRORS = (
    AttributeError,
    BytesLengthException,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pydicom raises on values and sequences that it cannot convert. Their texts quote values too."""


@contextmanager
def quiet() -> Iterator[None]:
    """No warning, no log line and no value check of pydicom within. Not for use by several threads at a time."""
    logger = logging.getLogger("pydicom")
    disabled = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings(), config.disable_value_validation():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = disabled
