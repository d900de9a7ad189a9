"""What is known of one file before anything is decided: read from its header and by walking its pixel stream."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from xnat_pixelanon.domain.rectangle import Rectangle

_CODE_STRING = re.compile(r"[A-Z0-9 _]{1,16}")
_UID = re.compile(r"(?=.{1,64}\Z)(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A code of domain/codes.py and what was seen; the detail names attributes and numbers, never a person's data."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class ScriptFacts:
    """What the project's DicomEdit script says of one instance; places are `line 3, column 5`."""

    rectangles: tuple[Rectangle, ...] = ()
    """What it wants blackened, in stored pixels, cut to the image."""
    rejected: str = ""
    """Where it leaves the instance out."""
    failed: str = ""
    """Why it could not be run to its end, with the place; never a value."""


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """Facts of one DICOM file; a plain record that crosses process boundaries.

    `attributes` holds the text of each criterion of domain/criteria.py that the header carries (by criterion name;
    multi-valued text joined with a backslash; missing or empty ones absent). `name` is the path inside the session.
    """

    name: str
    size: int
    content_sha256: str
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    sop_instance_uid: str = ""
    series_number: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    frames: int = 0
    has_pixel_data: bool = False
    patient_id: str = field(default="", repr=False)
    issuer_of_patient_id: str = field(default="", repr=False)
    pyramid: bool = False
    """One level of a whole slide image pyramid (VL Whole Slide Microscopy)."""
    damage: str | None = None
    """Why line 1 of the decision table applies, or None."""
    copy_refusal: Refusal | None = None
    """Why not even an unedited copy can be written (a transfer syntax that is not understood), or None."""
    edit_refusal: Refusal | None = None
    """Why no rectangle can be blackened in it (transfer-syntax or pixel-format), or None."""
    script: ScriptFacts | None = None
    """None where the project has no script."""

    @property
    def sop_class_uid(self) -> str:
        return self.attributes.get("sop_class_uid", "")

    @property
    def modality(self) -> str:
        return self.attributes.get("modality", "")

    @property
    def rows(self) -> int:
        """0 where the header has none."""
        return int(self.attributes.get("rows", "0"))

    @property
    def columns(self) -> int:
        """0 where the header has none."""
        return int(self.attributes.get("columns", "0"))


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """Modality, SOP Class UID, rows and columns of an instance: what a template is drawn for."""

    modality: str
    sop_class_uid: str
    rows: int
    columns: int

    @classmethod
    def of(cls, facts: InstanceFacts) -> Group:
        return cls(facts.modality, facts.sop_class_uid, facts.rows, facts.columns)

    @property
    def criteria(self) -> dict[str, str | int]:
        """What a template for this group names; without what the header has not."""
        found = {name: getattr(self, name) for name in ("modality", "sop_class_uid", "rows", "columns")}
        return {name: value for name, value in found.items() if value}

    @property
    def text(self) -> str:
        """For people and logs: `US 768x1024` (rows x columns)."""
        size = f" {self.rows}x{self.columns}" if self.rows and self.columns else ""
        return f"{self.modality or '??'}{size}"


def proposable(criteria: Mapping[str, object]) -> bool:
    """Whether a template may be proposed with these criteria of a group: each is a plain value of its kind.

    A header can say anything: `*` as Modality would be a template for every modality. CS and UI are those of PS3.5
    6.2, without backslash.
    """

    def plain(name: str, value: object) -> bool:
        if name in ("rows", "columns"):
            return isinstance(value, int) and 0 < value <= 65535
        pattern = {"modality": _CODE_STRING, "sop_class_uid": _UID}.get(name)
        return pattern is not None and isinstance(value, str) and pattern.fullmatch(value) is not None

    return all(plain(name, value) for name, value in criteria.items())
