"""Which carriers of pixels or text were taken out of a header: the report's words for them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from pydicom.dataset import Dataset

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
_OVERLAYS, _CURVES, _ICONS, _PRIVATE, _GRAPHICS, _PREAMBLE, _META = CARRIERS
_PRIVATE_INFORMATION = 0x00020102
_TAKEN_OUT = frozenset({"removed", "emptied", "emptied in part", "replaced"})


def carriers_of(actions: Iterable[HeaderAction], source: Dataset) -> tuple[str, ...]:
    """Those of CARRIERS that were in `source` and went, each once, in that order. `source` is not touched."""
    found = {_of_tag(action.tag) for action in actions if action.action in _TAKEN_OUT}
    if any(getattr(source, "preamble", None) or b""):
        found.add(_PREAMBLE)
    if _PRIVATE_INFORMATION in getattr(source, "file_meta", ()):
        found.add(_META)
    return tuple(name for name in CARRIERS if name in found)


@lru_cache(maxsize=16384)
def _of_tag(path: str) -> str:
    """The carrier that an element is, by its path; '' for none."""
    last = path.rpartition(".")[2]
    group = last[1:5]
    if last == "(0088,0200)":
        return _ICONS
    if int(group, 16) % 2:
        return _PRIVATE
    return {"50": _CURVES, "60": _OVERLAYS}.get(group[:2], _GRAPHICS if group == "0070" else "")
