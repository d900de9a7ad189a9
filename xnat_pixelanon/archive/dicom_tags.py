"""The few attributes by which this room tells DICOM files apart, and whether two headers say the same."""

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


# What XNAT's default site script sets, and what any script leaves as its own trace (group 0012).
_SCRIPTED = frozenset({0x00081030, 0x00100010, 0x00100020})


def says_no_more(theirs: Path, ours: Path) -> bool:
    """Whether a header has no element, and no value, that ours lacks, but for what a clean server's script sets."""
    with warnings.catch_warnings(), pydicom.config.disable_value_validation():
        warnings.simplefilter("ignore")
        try:
            found, own = (pydicom.dcmread(path, stop_before_pixels=True) for path in (theirs, ours))
            return all(
                element.tag in own and own[element.tag] == element
                for element in found
                if element.tag not in _SCRIPTED and element.tag.group != 0x0012
            )
        except _PARSE_ERRORS:
            return False
