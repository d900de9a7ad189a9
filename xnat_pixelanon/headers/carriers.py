"""Which carriers of pixels or text a header lost besides its attributes: for the report, by name, without a value."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from xnat_pixelanon.headers.request import HeaderAction

CARRIERS = (
    "overlay planes",
    "curves",
    "icon images",
    "private elements",
    "graphic annotations",
    "preamble",
    "private information of the file meta",
)
"""Every name that `carriers_of` gives, in its order."""
_OVERLAYS, _CURVES, _ICONS, _PRIVATE, _GRAPHICS, _PREAMBLE, _META = CARRIERS
_TAKEN_OUT = frozenset({"removed", "emptied", "replaced"})
_ICON_IMAGE = 0x00880200
_PRIVATE_INFORMATION = BaseTag(0x00020102)
# Content Label, Description, Creation Date and Time, Creator: of segmentations and others too (PS3.3 10.9).
_CONTENT_IDENTIFICATION = range(0x00700080, 0x00700090)


def carriers_of(actions: Iterable[HeaderAction], source: Dataset) -> tuple[str, ...]:
    """Names of CARRIERS that were taken out of `source`, at any depth, each once.

    What lay within a sequence that was taken out as a whole is not named by itself.
    """
    found = {_carrier(action.tag) for action in actions if action.action in _TAKEN_OUT}
    if any(getattr(source, "preamble", None) or b""):
        found.add(_PREAMBLE)
    if _PRIVATE_INFORMATION in getattr(source, "file_meta", ()):
        found.add(_META)
    return tuple(name for name in CARRIERS if name in found)


@lru_cache(maxsize=8192)
def _carrier(path: str) -> str:
    """What the last element of a path is; '' for an attribute like others."""
    group, element = (int(part, 16) for part in path[-11:].strip("()").split(","))
    tag = group << 16 | element
    if group % 2:
        return _PRIVATE
    if group >> 8 in (0x60, 0x50):  # PS3.5 7.6: repeating groups
        return _OVERLAYS if group >> 8 == 0x60 else _CURVES
    if tag == _ICON_IMAGE:
        return _ICONS
    return _GRAPHICS if group == 0x0070 and tag not in _CONTENT_IDENTIFICATION else ""
