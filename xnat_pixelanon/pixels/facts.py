"""Read the facts of one file: what the decision table needs, from its header and the walk of its pixel stream."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from xnat_pixelanon.domain.criteria import CRITERIA
from xnat_pixelanon.domain.instance import InstanceFacts, Refusal
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.edits import edit_of, needs_edit
from xnat_pixelanon.pixels.header import check_reading
from xnat_pixelanon.pixels.layout import VALUE_ERRORS
from xnat_pixelanon.pixels.quiet import no_library_text
from xnat_pixelanon.pixels.recode import check_spare_bits_of_frames
from xnat_pixelanon.pixels.source import PixelSource, open_source
from xnat_pixelanon.pixels.unused_bits import check_unused_bits
from xnat_pixelanon.pixels.walk import survey

_VL_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"


def read_facts(path: Path, name: str, scratch: Path) -> InstanceFacts:
    """The facts of the file at `path`, called `name` in its session. Bad content never raises: it is `damage`.

    Raises ScratchError when a deflated file does not fit into `scratch`.
    """
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            content = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return InstanceFacts(name, 0, "", damage="unreadable: the file could not be opened or read")
    facts = InstanceFacts(name, size, content)
    try:
        with open_source(path, scratch) as source:
            with no_library_text():
                check_reading(source.structure, source.walked)
            facts = _header_facts(facts, source)
            facts = _stream_facts(facts, source)
    except InstanceError as error:
        if error.code == "damaged":
            return replace(facts, damage=error.detail)
        refusal = Refusal(error.code, error.detail)
        return replace(facts, copy_refusal=refusal, edit_refusal=refusal)
    return facts


def _header_facts(facts: InstanceFacts, source: PixelSource) -> InstanceFacts:
    with no_library_text():
        header = source.header
        attributes = _attributes(header, source.transfer_syntax_uid)
        return replace(
            facts,
            study_instance_uid=text_of(header, "StudyInstanceUID"),
            series_instance_uid=text_of(header, "SeriesInstanceUID"),
            sop_instance_uid=text_of(header, "SOPInstanceUID"),
            series_number=text_of(header, "SeriesNumber"),
            patient_id=text_of(header, "PatientID"),
            issuer_of_patient_id=text_of(header, "IssuerOfPatientID"),
            attributes=attributes,
            has_pixel_data=source.element is not None,
            pyramid=_pyramid(attributes),
        )


def _stream_facts(facts: InstanceFacts, source: PixelSource) -> InstanceFacts:
    found = survey(source)
    facts = replace(facts, frames=found.frames)
    layout = source.layout
    if layout is None or source.syntax is None:
        return facts
    if source.syntax.encapsulated:
        check_spare_bits_of_frames(source, layout, found)
    else:
        check_unused_bits(source, layout)
    try:
        edit_of(source, layout, found)
    except InstanceError as error:
        if needs_edit(source, layout, ()):
            raise
        return replace(facts, edit_refusal=Refusal(error.code, error.detail))
    return facts


def _attributes(header: Dataset, transfer_syntax_uid: str) -> Mapping[str, str]:
    found = {name: text_of(header, criterion.keyword) for name, criterion in CRITERIA.items()}
    found["transfer_syntax_uid"] = transfer_syntax_uid
    for name, criterion in CRITERIA.items():
        if criterion.integer and not found[name].isdecimal():
            found[name] = ""
    return {name: text for name, text in found.items() if text}


def text_of(header: Dataset, keyword: str) -> str:
    """The value as text, several joined with a backslash (PS3.5 6.4); empty where it is missing or cannot be read."""
    try:
        value = header.get(keyword)
        if value is None:
            return ""
        values = value if isinstance(value, MultiValue | list | tuple) else [value]
        return "\\".join(str(one).strip() for one in values)
    except VALUE_ERRORS:
        return ""


def _pyramid(attributes: Mapping[str, str]) -> bool:
    """Label and overview images of a slide are no levels of its pyramid (PS3.3 C.8.12.4.1.1)."""
    flavour = attributes.get("image_type", "").upper().split("\\")[2:3]
    return attributes.get("sop_class_uid") == _VL_WHOLE_SLIDE and flavour not in (["LABEL"], ["OVERVIEW"])
