"""The smallest XML Schema with which clients that build classes from `/xapi/schemas` can work (section 1.2)."""

from __future__ import annotations

from collections.abc import Iterable

from .builder import SCAN_TYPES

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<xs:schema targetNamespace="{0}" xmlns:{1}="{0}" '
    'xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified" attributeFormDefault="unqualified">\n'
)
_SCAN_ELEMENTS = ("note", "quality", "series_description", "frames", "UID", "modality")
_XNAT, _XDAT = "http://nrg.wustl.edu/xnat", "http://nrg.wustl.edu/security"


def schema(name: str) -> str | None:
    """The text of one schema, or None for a name that is not served."""
    if name == "xdat":
        return _HEAD.format(_XDAT, "xdat") + _type("user", elements=("login",)) + "</xs:schema>\n"
    if name != "xnat":
        return None
    types = [
        _type("projectData", elements=("name", "description"), attributes=("ID", "secondary_ID")),
        _type("subjectData", attributes=("ID", "label", "project")),
        _type("experimentData", elements=("date", "time", "note"), attributes=("ID", "label", "project")),
        _type("subjectAssessorData", "experimentData", elements=("subject_ID",)),
        _session(),
        _type("imageScanData", elements=_SCAN_ELEMENTS, attributes=("ID", "type")),
        _type("abstractResource", elements=("note",), attributes=("label", "file_count", "file_size")),
        _type("resource", "abstractResource", attributes=("URI", "format", "content")),
        _type("resourceCatalog", "resource"),
    ]
    for kind in sorted({*SCAN_TYPES.values(), "otherDicomScanData", "petmrScanData"}):
        types.append(_type(kind, "imageScanData"))
        types.append(_type(kind.replace("Scan", "Session"), "imageSessionData"))
    return _HEAD.format(_XNAT, "xnat") + "".join(types) + "</xs:schema>\n"


def _type(name: str, base: str = "", *, elements: Iterable[str] = (), attributes: Iterable[str] = ()) -> str:
    rows = "".join(f'<xs:element name="{e}" type="xs:string" minOccurs="0"/>' for e in elements)
    body = f"<xs:sequence>{rows}</xs:sequence>" if rows else ""
    body += "".join(f'<xs:attribute name="{a}" type="xs:string"/>' for a in attributes)
    if base:
        body = f'<xs:complexContent><xs:extension base="xnat:{base}">{body}</xs:extension></xs:complexContent>'
    return f'<xs:complexType name="{name}">{body}</xs:complexType>\n'


def _session() -> str:
    return (
        '<xs:complexType name="imageSessionData"><xs:complexContent><xs:extension base="xnat:subjectAssessorData">'
        '<xs:sequence><xs:element name="scans" minOccurs="0"><xs:complexType><xs:sequence>'
        '<xs:element name="scan" type="xnat:imageScanData" minOccurs="0" maxOccurs="unbounded"/>'
        '</xs:sequence></xs:complexType></xs:element><xs:element name="UID" type="xs:string" minOccurs="0"/>'
        '<xs:element name="modality" type="xs:string" minOccurs="0"/></xs:sequence>'
        "</xs:extension></xs:complexContent></xs:complexType>\n"
    )
