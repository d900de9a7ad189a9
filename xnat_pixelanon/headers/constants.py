"""What this tool writes of its own: the same words for every instance, so that they tell nothing about any.

Shared by the engine, which writes them, and by the proof, which has to know them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TOOL = "xnat-pixelanon"
IMPLEMENTATION_CLASS_UID = "2.25.42473854557725117501509202404607939294"
"""A random UUID (PS3.5 B.2), one for all installations."""
IMPLEMENTATION_VERSION_NAME = "XNATPIXELANON_1"
DERIVATION = "Rectangles blackened"
"""Derivation Description of an instance whose pixels were changed."""
PROFILE_CODE = ("113100", "Basic Application Confidentiality Profile")
PIXEL_CODE = ("113101", "Clean Pixel Data Option")
EQUIPMENT_CODE = ("109104", "De-identifying Equipment")
"""Code Value and Code Meaning in DCM (PS3.16 CID 7050 and CID 7005)."""
OPTION_CODES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "clean-graphics": ("113103", "Clean Graphics Option"),
        "clean-structured-content": ("113104", "Clean Structured Content Option"),
        "clean-descriptors": ("113105", "Clean Descriptors Option"),
        "retain-dates-full": ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
        "retain-dates-modified": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
        "retain-patient-characteristics": ("113108", "Retain Patient Characteristics Option"),
        "retain-device-identity": ("113109", "Retain Device Identity Option"),
        "retain-uids": ("113110", "Retain UIDs Option"),
        "retain-safe-private": ("113111", "Retain Safe Private Option"),
        "retain-institution-identity": ("113112", "Retain Institution Identity Option"),
    }
)
"""The codes of the options of PS3.15 E.3 (CID 7050), in their order."""

DUMMIES: Mapping[str, str | int | float | bytes] = MappingProxyType(
    {
        "AE": "ANONYMISED",
        "AS": "000Y",
        "CS": "ANONYMISED",
        "DA": "19000101",
        "DS": "0",
        "DT": "19000101000000",
        "FD": 0.0,
        "FL": 0.0,
        "IS": "0",
        "LO": "Anonymised",
        "LT": "Anonymised",
        "OB": b"\0\0",
        "PN": "Anonymised",
        "SH": "Anonymised",
        "SL": 0,
        "SS": 0,
        "ST": "Anonymised",
        "TM": "000000",
        "UC": "Anonymised",
        "UL": 0,
        "UR": "urn:anonymised",
        "US": 0,
        "UT": "Anonymised",
    }
)
"""The dummy value of each VR. One without a row (sequences, UN, other binary) has none: the element is removed."""
IN_CODES = frozenset({0x00080100, 0x00080102, 0x00080104})
"""Code Value, Coding Scheme Designator, Code Meaning: a code without one of them is none (PS3.3 8.8, Type 1 and 1C)."""
NO_DESCRIPTIONS = IN_CODES | {0x00120063}
"""Text that loses no single words: codes, and De-identification Method, whose values are whole or gone."""
