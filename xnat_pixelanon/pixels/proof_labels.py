"""The attributes that say how pixel data are to be read: those of the source, or what the change of syntax makes them.

PS3.5 8.2 and PS3.3 C.7.6.3.1.2. The rows below are the proof's own; routes.py has the writer's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from xnat_pixelanon.pixels.proof_read import Reopened

_ROOT = "1.2.840.10008.1.2.4."
SYNTAX_CHANGES: Mapping[str, str] = MappingProxyType(
    {
        _ROOT + "50": _ROOT + "70",
        _ROOT + "51": _ROOT + "70",
        _ROOT + "81": _ROOT + "80",
        _ROOT + "91": _ROOT + "90",
        _ROOT + "203": _ROOT + "201",
    }
)
"""From a lossy transfer syntax to the lossless one that its decoded frames may be stored in."""
_COLOUR_CHANGES: Mapping[str, frozenset[tuple[str, str]]] = MappingProxyType(
    {
        _ROOT + "70": frozenset(
            (before, after)
            for before in ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422")
            for after in ("RGB", "YBR_FULL")  # what the frames themselves say, which is compared with them
        ),
        _ROOT + "90": frozenset({("YBR_ICT", "YBR_RCT"), ("RGB", "YBR_RCT")}),
        _ROOT + "201": frozenset({("YBR_ICT", "YBR_RCT"), ("RGB", "YBR_RCT")}),
    }
)
_ONLY_LOSSY: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        _ROOT + "70": frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"}),
        _ROOT + "90": frozenset({"YBR_ICT"}),
        _ROOT + "201": frozenset({"YBR_ICT"}),
    }
)
"""Colours that frames stored in a lossless transfer syntax no longer have."""
_SAME = (
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PresentationLUTShape",
    "RescaleSlope",
    *(
        f"{prefix}{colour}PaletteColorLookupTable{part}"
        for colour in ("Red", "Green", "Blue")
        for prefix, part in (("", "Descriptor"), ("", "Data"), ("Segmented", "Data"))
    ),
)
_TAGS = {keyword: BaseTag(Tag(keyword)) for keyword in (*_SAME, "PlanarConfiguration")}


def compare_labels(source: Reopened, written: Reopened, *, boxes: bool) -> list[str]:
    """Findings; a change of transfer syntax is allowed only where frames had to be coded again."""
    findings = []
    before, after = source.transfer_syntax_uid, written.transfer_syntax_uid
    changed = before != after
    if changed and (not boxes or SYNTAX_CHANGES.get(before) != after):
        findings.append("the copy has another transfer syntax")
    if source.tag != written.tag:
        findings.append("the copy has another pixel data element, or none, or one where the source has none")
    if not source.has_pixels:
        return findings
    if source.frames != written.frames:
        findings.append("the copy has another Number of Frames")
    findings += [
        f"the copy has another {keyword}" for keyword in _SAME if _differ(source.header, written.header, keyword)
    ]
    colours = source.photometric, written.photometric
    if colours[0] != colours[1] and not (changed and colours in _COLOUR_CHANGES.get(after, ())):
        findings.append("the copy has another PhotometricInterpretation")
    if changed and colours[1] in _ONLY_LOSSY.get(after, ()):
        findings.append("the copy has a PhotometricInterpretation that its transfer syntax does not have")
    planar = _TAGS["PlanarConfiguration"]
    if _differ(source.header, written.header, "PlanarConfiguration") and not (
        changed and _value(written.header, planar) == "0"
    ):
        findings.append("the copy has another PlanarConfiguration")
    return findings


def _differ(before: Dataset, after: Dataset, keyword: str) -> bool:
    tag = _TAGS[keyword]
    one, other = before.get_item(tag), after.get_item(tag)
    if isinstance(one, RawDataElement) and isinstance(other, RawDataElement) and _raw(one) == _raw(other):
        return False
    return one is not other and _value(before, tag) != _value(after, tag)


def _raw(element: RawDataElement) -> tuple[object, ...]:
    return element.VR, element.value, element.is_implicit_VR, element.is_little_endian


def _value(header: Dataset, tag: BaseTag) -> object:
    value = header[tag].value if tag in header else None
    return bytes(value) if isinstance(value, bytes | bytearray) else None if value is None else str(value).strip()
