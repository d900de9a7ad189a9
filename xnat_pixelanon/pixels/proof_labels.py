"""The attributes that say how pixel data are to be read: those of the source, or what the change of syntax makes them.

PS3.5 8.2 and PS3.3 C.7.6.3.1.2. The rows below are the proof's own; routes.py has the writer's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydicom.dataset import Dataset

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
        _ROOT + "70": frozenset({("YBR_FULL_422", "YBR_FULL"), ("RGB", "YBR_FULL"), ("YBR_PARTIAL_422", "YBR_FULL")}),
        _ROOT + "90": frozenset({("YBR_ICT", "YBR_RCT"), ("RGB", "YBR_RCT")}),
        _ROOT + "201": frozenset({("YBR_ICT", "YBR_RCT"), ("RGB", "YBR_RCT")}),
    }
)
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
        f"the copy has another {keyword}"
        for keyword in _SAME
        if _value(source.header, keyword) != _value(written.header, keyword)
    ]
    colours = source.photometric, written.photometric
    if colours[0] != colours[1] and not (changed and colours in _COLOUR_CHANGES.get(after, ())):
        findings.append("the copy has another PhotometricInterpretation")
    planar = _value(source.header, "PlanarConfiguration"), _value(written.header, "PlanarConfiguration")
    if planar[0] != planar[1] and not (changed and planar[1] == "0"):
        findings.append("the copy has another PlanarConfiguration")
    return findings


def _value(header: Dataset, keyword: str) -> object:
    value = header.get(keyword)
    return bytes(value) if isinstance(value, bytes | bytearray) else None if value is None else str(value).strip()
