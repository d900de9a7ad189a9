"""The criteria by which templates and exclusions match: one row each, used by schema, reader, help and docs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Criterion:
    """One attribute to match on: its DICOM keyword, how it is compared, and a line for people."""

    keyword: str
    matches: Callable[[str, str], bool]
    help: str
    integer: bool = False


def _same(wanted: str, found: str) -> bool:
    return wanted == found


@lru_cache(maxsize=1024)
def _pattern(wanted: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in wanted.casefold().split("*")), re.DOTALL)


def _text(wanted: str, found: str) -> bool:
    """Case is ignored, `*` stands for any text; multi-valued text is joined with a backslash (PS3.5 6.4)."""
    return _pattern(wanted).fullmatch(found.casefold()) is not None


CRITERIA: Mapping[str, Criterion] = MappingProxyType(
    {
        "modality": Criterion("Modality", _text, "Modality of the series, as US or CT"),
        "sop_class_uid": Criterion("SOPClassUID", _same, "SOP Class UID, exact"),
        "rows": Criterion("Rows", _same, "height of the stored matrix in pixels", integer=True),
        "columns": Criterion("Columns", _same, "width of the stored matrix in pixels", integer=True),
        "manufacturer": Criterion("Manufacturer", _text, "maker of the equipment"),
        "manufacturer_model_name": Criterion("ManufacturerModelName", _text, "model of the equipment"),
        "station_name": Criterion("StationName", _text, "name of the machine"),
        "software_versions": Criterion("SoftwareVersions", _text, "software of the machine, values joined with \\"),
        "series_description": Criterion("SeriesDescription", _text, "description of the series"),
        "image_type": Criterion("ImageType", _text, "Image Type, values joined with \\, as *AXIAL*"),
        "photometric_interpretation": Criterion(
            "PhotometricInterpretation", _text, "Photometric Interpretation, as RGB or MONOCHROME2"
        ),
        "burned_in_annotation": Criterion("BurnedInAnnotation", _text, "Burned In Annotation: YES or NO"),
        "transfer_syntax_uid": Criterion("TransferSyntaxUID", _same, "Transfer Syntax UID of the file, exact"),
    }
)


def matches(match: Mapping[str, str], attributes: Mapping[str, str]) -> bool:
    """Whether every criterion of `match` holds; an attribute that is missing or empty never matches."""
    return all(
        bool(attributes.get(name)) and CRITERIA[name].matches(wanted, attributes[name])
        for name, wanted in match.items()
    )
