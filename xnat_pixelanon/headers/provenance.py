"""Labels, and what a written header says about how it was made (PS3.3 C.7.1.1, C.12.1, PS3.15 E.1 and E.3.1).

No time and no operator, so that the same input always gives the same bytes. The tool's own words are constants:

    Patient's Name, Patient ID                  the subject's label in the clean project, or what the script set
    Patient Identity Removed                    YES
    De-identification Method                    what was there, then tool and version, digests of templates and script,
                                                profile
    De-identification Method Code Sequence      113100 (not without a profile), the options' codes; 113101 only where a
                                                template decided
    Burned In Annotation                        NO only where a reviewed template decided; else as it was
    Longitudinal Temporal Information Modified  REMOVED; by option MODIFIED or UNMODIFIED, but never the latter where
                                                an earlier tool modified or removed; a script may set it
    Contributing Equipment Sequence             an item 109104 for this tool
    Image Type, Frame Type value 1              DERIVED where pixels changed
    Derivation Description                      where pixels changed
    smallest and largest values, histograms     removed where pixels changed
    Laterality                                  empty, where Body Part Examined was emptied and no laterality is there
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from xnat_pixelanon.domain.header_rules import FULL_DATES, MODIFIED_DATES
from xnat_pixelanon.headers.constants import DERIVATION, EQUIPMENT_CODE, OPTION_CODES, PIXEL_CODE, PROFILE_CODE, TOOL
from xnat_pixelanon.headers.profile import PROFILE_EDITION
from xnat_pixelanon.headers.request import HeaderAction, HeaderRequest
from xnat_pixelanon.headers.scripted import Scripted
from xnat_pixelanon.headers.tree import path_of

_PATIENT_NAME = 0x00100010
_PATIENT_ID = 0x00100020
_METHOD = 0x00120063
_METHOD_CODES = 0x00120064
_EQUIPMENT = 0x0018A001
_TEMPORAL = 0x00280303
_IMAGE_TYPE = 0x00080008
_FRAME_TYPE = 0x00089007
_GROUPS = (0x52009229, 0x52009230)
_BODY_PART, _LATERALITY, _IMAGE_LATERALITY = 0x00180015, 0x00200060, 0x00200062
_SIDES = (_BODY_PART, _LATERALITY, _IMAGE_LATERALITY)
# Smallest and Largest Image, Series and In Plane Pixel Value, Valid Pixel Values, Histogram Sequence: all computed
# from pixels that are no longer there.
COMPUTED = (
    *(0x00280000 + element for element in (0x104, 0x105, 0x106, 0x107, 0x108, 0x109, 0x110, 0x111)),
    0x00603000,
)
INPUTS = frozenset(
    {_METHOD, _METHOD_CODES, _EQUIPMENT, _TEMPORAL, _IMAGE_TYPE, _FRAME_TYPE, *_GROUPS, *_SIDES, *COMPUTED}
)
"""All that is looked at in the data set, with its character set; of those of COMPUTED only whether they are there."""


def apply(ds: Dataset, request: HeaderRequest, actions: list[HeaderAction], script: Scripted | None = None) -> None:
    """Write labels and provenance into a cleaned data set, and note it; labels where the script set none."""
    settled: Container[str] = script.settled if script is not None else ()
    for tag, vr in ((_PATIENT_NAME, "PN"), (_PATIENT_ID, "LO")):
        if path_of(tag) not in settled:
            _set(ds, tag, vr, request.subject_label, "label", actions)
    _set(ds, 0x00120062, "CS", "YES", "provenance", actions)
    _set(ds, _METHOD, "LO", _methods(ds, request), "provenance", actions)
    _set(ds, _METHOD_CODES, "SQ", _method_codes(ds, request), "provenance", actions)
    if path_of(_TEMPORAL) not in settled:
        _set(ds, _TEMPORAL, "CS", _temporal(ds, request, script), "provenance", actions)
    _set(ds, _EQUIPMENT, "SQ", _equipment(ds, request), "provenance", actions)
    if request.reviewed:
        _set(ds, 0x00280301, "CS", "NO", "provenance", actions)
    _laterality(ds, actions)
    if request.pixels_changed:
        _pixels_changed(ds, actions)
    for keyword, value in request.pixel_description:
        tag = int(Tag(keyword))
        values = list(value) if isinstance(value, tuple) else value
        _set(ds, tag, dictionary_VR(tag), values, "provenance", actions)


def _set(ds: Dataset, tag: int, vr: str, value: object, rule: str, actions: list[HeaderAction]) -> None:
    ds[tag] = DataElement(tag, vr, value)
    actions.append(HeaderAction(path_of(tag), rule, "set"))


def _methods(ds: Dataset, request: HeaderRequest) -> list[str]:
    """What earlier tools said stays; each value has at most 64 characters (LO)."""
    before = ds[_METHOD].value if _METHOD in ds else None
    earlier = [before] if isinstance(before, str) else list(before or ())
    ours = [f"{TOOL} {request.tool_version}"[:64]]
    if not request.rules.script_alone:
        ours.append(PROFILE_EDITION)
    if request.script:
        ours.append(f"script {script_digest(request)[:40]}")
    ours += [f"except {one.tag} {one.action}" for one in request.rules.exceptions]
    if request.template_digest is not None:
        ours.insert(1, f"template sha256:{request.template_digest[:40]}")
    return [text for text in earlier if text and text not in ours] + ours


def script_digest(request: HeaderRequest) -> str:
    """Keyed, hex: a script can hold names."""
    return request.identity.keyed_digest(b"script", request.script.encode())


def _temporal(ds: Dataset, request: HeaderRequest, script: Scripted | None) -> str:
    dates = "" if script is None else script.dates
    all_stay = FULL_DATES in request.rules.options or request.rules.script_alone
    if MODIFIED_DATES in request.rules.options or dates == "changed" or (dates and not all_stay):
        return "MODIFIED"
    if not all_stay:
        return "REMOVED"
    before = str(ds[_TEMPORAL].value) if _TEMPORAL in ds else ""
    return before if before in ("MODIFIED", "REMOVED") else "UNMODIFIED"


def _code(code: tuple[str, str]) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodeMeaning = code
    item.CodingSchemeDesignator = "DCM"
    return item


def _method_codes(ds: Dataset, request: HeaderRequest) -> Sequence:
    items: list[Dataset] = list(ds[_METHOD_CODES].value) if _METHOD_CODES in ds else []
    options = [code for name, code in OPTION_CODES.items() if name in request.rules.options]
    profile = [] if request.rules.script_alone else [PROFILE_CODE]
    wanted = [*profile, *([PIXEL_CODE] if request.reviewed else []), *options]
    there = {str(item.get("CodeValue", "")) for item in items}
    return Sequence([*items, *(_code(code) for code in wanted if code[0] not in there)])


def _equipment(ds: Dataset, request: HeaderRequest) -> Sequence:
    item = Dataset()
    item.Manufacturer = TOOL
    item.ManufacturerModelName = TOOL
    item.SoftwareVersions = request.tool_version
    item.PurposeOfReferenceCodeSequence = [_code(EQUIPMENT_CODE)]
    earlier: list[Dataset] = list(ds[_EQUIPMENT].value) if _EQUIPMENT in ds else []
    return Sequence(earlier if item in earlier else [*earlier, item])


def _laterality(ds: Dataset, actions: list[HeaderAction]) -> None:
    """Type 2C (PS3.3 C.7.3.1): to be there, if only empty, unless the body part is known to have no sides."""
    body_part = ds.get_item(_BODY_PART) if _BODY_PART in ds else None
    emptied = isinstance(body_part, DataElement) and not body_part.value  # what is empty in the file is kept unread
    if emptied and _LATERALITY not in ds and _IMAGE_LATERALITY not in ds:
        _set(ds, _LATERALITY, "CS", "", "provenance", actions)


def _pixels_changed(ds: Dataset, actions: list[HeaderAction]) -> None:
    _set(ds, 0x00082111, "ST", DERIVATION, "provenance", actions)
    for tag in COMPUTED:
        if tag in ds:
            del ds[tag]
            actions.append(HeaderAction(path_of(tag), "provenance", "removed"))
    for part in _levels(ds):
        for tag in (_IMAGE_TYPE, _FRAME_TYPE):
            if tag in part:
                _derive(part, tag)
                actions.append(HeaderAction(path_of(tag), "provenance", "set"))


def _levels(ds: Dataset) -> Iterable[Dataset]:
    """The data set and its functional groups' items (PS3.3 C.7.6.16), which hold Frame Type."""
    yield ds
    for groups in _GROUPS:
        for group in ds[groups].value if groups in ds else ():
            for element in group:
                if element.VR == "SQ":
                    yield from element.value


def _derive(ds: Dataset, tag: int) -> None:
    before = ds[tag].value
    values = [before] if isinstance(before, str) else list(before or ())
    if values and values[0]:
        ds[tag] = DataElement(tag, "CS", ["DERIVED", *values[1:]])
