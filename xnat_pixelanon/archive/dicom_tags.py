"""The few attributes by which this room tells DICOM files apart. Nothing else of a header is looked at here."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Sequence
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

# What pydicom lets through when a file is cut or is no DICOM at all.
_PARSE_ERRORS = (
    InvalidDicomError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    TypeError,
    ValueError,
    struct.error,
)


def read_tags(path: Path, keywords: Sequence[str], *, force: bool = False) -> dict[str, str] | None:
    """Text by keyword, empty where missing; `media` is the class that the file meta names. None: not to be parsed.

    `force`: also without preamble (PS3.10 section 7.1). OSError is passed on.
    """
    # pydicom's warnings quote values.
    with warnings.catch_warnings(), pydicom.config.disable_value_validation():
        warnings.simplefilter("ignore")
        try:
            ds = pydicom.dcmread(path, stop_before_pixels=True, force=force, specific_tags=list(keywords))
            tags = {keyword: str(ds.get(keyword) or "").strip().strip("\0") for keyword in keywords}
            tags["media"] = str(ds.file_meta.get("MediaStorageSOPClassUID") or "")
        except _PARSE_ERRORS:
            return None
    return tags
