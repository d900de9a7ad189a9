"""Kinds of object to which no rectangle applies, by SOP Class UID (PS3.4 B.5)."""

from __future__ import annotations

from collections.abc import Container, Mapping
from types import MappingProxyType

from xnat_pixelanon.domain.instance import InstanceFacts

_STORAGE = "1.2.840.10008.5.1.4.1.1."

_ANNOTATION_PREFIXES = tuple(
    _STORAGE + suffix
    for suffix in (
        "11.",  # presentation states
        "66.1",  # spatial registration
        "66.2",  # spatial fiducials
        "66.3",  # deformable registration
        "66.4",  # segmentation
        "66.5",  # surface segmentation
        "66.6",  # tractography
        "66.7",  # label map segmentation
        "66.8",  # height map segmentation
        "67",  # real world value mapping
        "68.",  # surface scans
        "78.",  # ophthalmic measurements
        "79.1",  # macular grid
        "88.",  # structured reports, key objects
        "90.1",  # content assessment
        "91.1",  # microscopy bulk simple annotations
        "481.",  # radiotherapy: structure sets, plans, doses, records
    )
)
_NOT_ANNOTATION = frozenset({_STORAGE + "481.1"})  # RT Image is a picture
_DOCUMENT_PREFIX = _STORAGE + "104."


_CONTENT, _GRAPHICS = "clean-structured-content", "clean-graphics"
HEADERS_ONLY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        _STORAGE + "11.": (_GRAPHICS,),  # presentation states
        _STORAGE + "66.1": (),  # spatial registration
        _STORAGE + "66.2": (),  # spatial fiducials
        _STORAGE + "66.3": (),  # deformable registration
        _STORAGE + "67": (),  # real world value mapping
        _STORAGE + "88.": (_CONTENT,),  # structured reports, key objects
        _STORAGE + "481.3": (_CONTENT, _GRAPHICS),  # structure set
        _STORAGE + "481.4": (),  # radiotherapy: treatment records and plans
        _STORAGE + "481.5": (),
        _STORAGE + "481.6": (),
        _STORAGE + "481.7": (),
        _STORAGE + "481.8": (),
        _STORAGE + "481.9": (),
    }
)
"""Objects without pixels that may go with their headers cleaned, and options of the profile of which one is needed."""


def headers_only_problem(uid: str, options: Container[str]) -> str:
    """Why a SOP class cannot be sent with its headers cleaned, '' where it can."""
    for prefix, needed in HEADERS_ONLY.items():
        if _under(uid, prefix):
            missing = needed and not any(name in options for name in needed)
            return f"expected with the option {' or '.join(needed)} only" if missing else ""
    return "not one of the SOP classes that are sent so: it may hold pixels, a document, or what no rule cleans"


def kind_refusal(facts: InstanceFacts) -> str | None:
    """`annotation`, `encapsulated-document`, `no-pixel-data`, in this order, or None for a picture."""
    uid = facts.sop_class_uid
    if uid not in _NOT_ANNOTATION and any(_under(uid, prefix) for prefix in _ANNOTATION_PREFIXES):
        return "annotation"
    if uid.startswith(_DOCUMENT_PREFIX):
        return "encapsulated-document"
    return None if facts.has_pixel_data else "no-pixel-data"


def _under(uid: str, prefix: str) -> bool:
    return uid.startswith(prefix) if prefix.endswith(".") else uid == prefix or uid.startswith(prefix + ".")
