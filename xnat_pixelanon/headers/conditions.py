"""How a compound action of the table (X/Z, X/D, X/Z/D, Z/D) is resolved: by the attribute's Type, PS3.15 E.3.

The table leaves the choice to whoever knows the Type of the attribute in the IOD. Without tables of all IODs, ours is:
take the first letter (X, or Z of Z/D), unless a row below says that an image module has the attribute as Type 1
(dummy value) or Type 2 (emptied). The conditions err towards being there, as an extra empty or dummy value keeps an
object valid, and neither tells anything. X/Z/U* always keeps the sequence and maps the UIDs in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_PET_IMAGE = "1.2.840.10008.5.1.4.1.1.128"
_RADIOTHERAPY = "1.2.840.10008.5.1.4.1.1.481."
_OPHTHALMIC = "1.2.840.10008.5.1.4.1.1.77.1.5."
_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
_DOCUMENTS = "1.2.840.10008.5.1.4.1.1.88."
_SEGMENTATIONS = "1.2.840.10008.5.1.4.1.1.66"
_REAL_WORLD_VALUES = "1.2.840.10008.5.1.4.1.1.67"
# CT, Ultrasound Volume, MR, XA, XRF, 3D X-Ray, OCT, Parametric Map, PET: Enhanced, and Legacy Converted Enhanced.
_MULTI_FRAME = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{kind}"
    for kind in (
        *("2.1", "2.2", "6.2", "4.1", "4.3", "4.4", "12.1.1", "12.2.1", "13.1.1", "13.1.2", "13.1.3", "13.1.4"),
        *("13.1.5", "14.1", "14.2", "30", "128.1", "130"),
    )
)


@dataclass(frozen=True, slots=True)
class Context:
    """What the conditions look at: the SOP Class and whether the Multi-frame Functional Groups module is there."""

    sop_class_uid: str
    functional_groups: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """`action` (Z or D) instead of the first letter where `applies`; `clause`: where PS3.3 gives the Type."""

    action: str
    applies: Callable[[Context], bool]
    clause: str


def _always(context: Context) -> bool:
    return True


def _pet(context: Context) -> bool:
    return context.sop_class_uid == _PET_IMAGE


def _enhanced(context: Context) -> bool:
    kinds = (_OPHTHALMIC, _WHOLE_SLIDE, _SEGMENTATIONS, _REAL_WORLD_VALUES)
    known = context.sop_class_uid in _MULTI_FRAME  # also where the functional groups were lost
    return known or context.functional_groups or context.sop_class_uid.startswith(kinds)


def _content(context: Context) -> bool:
    return _enhanced(context) or context.sop_class_uid.startswith(_DOCUMENTS)


def _radiotherapy(context: Context) -> bool:
    return context.sop_class_uid.startswith(_RADIOTHERAPY)


def _document(context: Context) -> bool:
    return context.sop_class_uid.startswith(_DOCUMENTS)


CONDITIONS: Mapping[int, Condition] = MappingProxyType(
    {
        0x00080022: Condition("Z", _pet, "C.8.9.4, Type 2"),  # Acquisition Date
        0x00080032: Condition("Z", _pet, "C.8.9.4, Type 2"),  # Acquisition Time
        0x0008002A: Condition("D", _enhanced, "C.8.13.1 and others, Type 1C"),  # Acquisition DateTime
        0x00080023: Condition("D", _content, "C.7.6.16 and C.17.2, Type 1"),  # Content Date
        0x00080033: Condition("D", _content, "C.7.6.16 and C.17.2, Type 1"),  # Content Time
        0x00081070: Condition("Z", _radiotherapy, "C.8.8.1, Type 2"),  # Operators' Name
        0x00081111: Condition("Z", _document, "C.17.1, Type 2"),  # Referenced Performed Procedure Step Sequence
        0x00102203: Condition("Z", _always, "C.7.1.1, Type 2C"),  # Patient's Sex Neutered
        0x00102294: Condition("Z", _always, "C.7.1.1, Type 2C"),  # Breed Registration Sequence
        0x00102297: Condition("Z", _always, "C.7.1.1, Type 2C"),  # Responsible Person
        0x00102299: Condition("Z", _always, "C.7.1.1, Type 2C"),  # Responsible Organization
        0x00181000: Condition("D", _enhanced, "C.7.5.2, Type 1"),  # Device Serial Number
        0x00189919: Condition("D", _always, "Type 1 of its item"),  # Instruction Performed DateTime
        0x00400555: Condition("Z", _always, "C.7.6.14, Type 2"),  # Acquisition Context Sequence
        0x30020020: Condition("Z", _always, "C.8.8.2, Type 2"),  # Radiation Machine Name
        0x30080054: Condition("D", _always, "C.8.8.23, Type 2"),  # First Treatment Date
        0x30080056: Condition("D", _always, "C.8.8.23, Type 2"),  # Most Recent Treatment Date
        0x30080105: Condition("Z", _always, "C.8.8.22, Type 2"),  # Source Serial Number
        0x30080250: Condition("D", _always, "C.8.8.17, Type 2"),  # Treatment Date
        0x30080251: Condition("D", _always, "C.8.8.17, Type 2"),  # Treatment Time
        0x300A0006: Condition("D", _always, "C.8.8.9, Type 2"),  # RT Plan Date
        0x300A0007: Condition("D", _always, "C.8.8.9, Type 2"),  # RT Plan Time
        0x300A00B2: Condition("Z", _always, "C.8.8.14, Type 2"),  # Treatment Machine Name
        0x300E0008: Condition("Z", _always, "C.8.8.16, Type 2C"),  # Reviewer Name
    }
)


def resolve(basic: str, tag: int, context: Context) -> str:
    """One of X, Z, D, U, K for an action of the table."""
    if "/" not in basic:
        return basic
    condition = CONDITIONS.get(tag)
    if condition is not None and condition.applies(context):
        return condition.action
    return "K" if basic.endswith("U*") else basic[0]
