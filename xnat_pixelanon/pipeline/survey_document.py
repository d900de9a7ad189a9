"""survey.json (schemas/survey.schema.json): groups and scans with their pictures, put together row by row."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from pydicom.config import IGNORE
from pydicom.uid import UID

from xnat_pixelanon import __version__
from xnat_pixelanon.domain.codes import CODES, Kind
from xnat_pixelanon.domain.decisions import Decision
from xnat_pixelanon.domain.instance import Group, InstanceFacts
from xnat_pixelanon.domain.pictures import EncodedPicture
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.pipeline.survey_script import answers
from xnat_pixelanon.pixels import ScanPictures

FILE = "survey.json"
_MOST_OF_GROUP = 27
_GRID = ("width", "height", "beside", "over")


@dataclass(frozen=True, slots=True)
class ScanRow:
    """What a survey found of one group of one scan; `listed`: how many files the source lists of it."""

    session: SourceSession
    scan: str
    group: Group
    group_id: str
    instances: tuple[InstanceFacts, ...]
    listed: int
    decision: Decision
    provisional: bool
    pictures: ScanPictures


@dataclass(slots=True)
class _Group:
    group: Group
    codes: Counter[str] = field(default_factory=Counter)
    sessions: set[str] = field(default_factory=set)
    vendors: Counter[tuple[str, str]] = field(default_factory=Counter)
    templates: dict[str, None] = field(default_factory=dict)
    pictures: list[dict[str, Any]] = field(default_factory=list)
    extremes: list[int | None] = field(default_factory=lambda: [None, None])
    scans: int = 0
    instances: int = 0
    frames: int = 0
    undecided: int = 0


class SurveyDocument:
    """Made up while a survey goes on; `as_dict` at its end."""

    def __init__(self, project: str, kind: str, documents: Mapping[str, tuple[int | None, Any]]) -> None:
        self._head = {"project": project, "source": kind}
        self._documents = documents
        self._groups: dict[str, _Group] = {}
        self._scans: list[dict[str, Any]] = []
        self._pictures: list[dict[str, Any]] = []
        self._known: dict[bytes, int] = {}
        self._notes: list[str] = []
        self.picture_bytes = 0
        """Of all pictures so far, as they are written."""

    def note(self, text: str) -> None:
        """Something that a reader should know: a session that could not be read. No label, no value."""
        self._notes.append(text)

    def add(self, row: ScanRow) -> None:
        """One more scan, or one group of a scan that has several."""
        facts = row.instances[len(row.instances) // 2] if row.instances else None
        frames = sum(one.frames for one in row.instances) * row.listed // max(1, len(row.instances))
        group = self._groups.setdefault(row.group_id, _Group(row.group))
        attributes = dict(facts.attributes) if facts else {}
        group.codes[row.decision.code] += 1
        group.sessions.add(row.session.id)
        group.vendors[attributes.get("manufacturer", ""), attributes.get("manufacturer_model_name", "")] += 1
        group.templates.update(dict.fromkeys(row.decision.templates))
        group.scans += 1
        group.instances += row.listed
        group.frames += frames
        group.undecided += row.decision.kind is Kind.HOLD
        pictures = [self._shown(one) for one in row.pictures.pictures]
        group.pictures += pictures[: max(0, _MOST_OF_GROUP - len(group.pictures))]
        for at, extreme in enumerate((row.pictures.maximum, row.pictures.minimum)):
            if group.extremes[at] is None and extreme is not None:
                group.extremes[at] = self._picture(extreme)
        grid = row.pictures.grid
        self._scans.append(
            {
                "session": {"id": row.session.id, "label": row.session.label},
                "scan": row.scan,
                "series_instance_uid": facts.series_instance_uid if facts else "",
                "group": row.group_id,
                "instances": row.listed,
                "frames": frames,
                "attributes": attributes,
                "decision": row.decision.kind.value,
                "code": row.decision.code,
                "templates": list(row.decision.templates),
                "provisional": row.provisional,
                "boxes": [box.as_dict() for box in row.decision.rectangles],
                "script": answers(row.instances),
                "grid": None if grid is None else dict(zip(_GRID, grid, strict=True)),
                "thumbnail": self._picture(row.pictures.thumbnail),
                "pictures": pictures,
            }
        )

    def as_dict(self) -> dict[str, Any]:
        """As it is written; groups that can be decided first, the largest on top."""
        groups = [_group(name, one) for name, one in self._groups.items()]
        return {
            "schema_version": 1,
            "tool": f"xnat-pixelanon {__version__}",
            **self._head,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "provisional": any(scan["provisional"] for scan in self._scans),
            "notes": self._notes,
            "documents": {
                name: {"version": version, "document": document}
                for name, (version, document) in self._documents.items()
            },
            "pictures": self._pictures,
            "groups": sorted(groups, key=lambda one: (one["code"] is not None, -one["scans"], one["id"])),
            "scans": self._scans,
        }

    def _shown(self, picture: EncodedPicture) -> dict[str, Any]:
        return {"picture": self._picture(picture), "shows": picture.shows}

    def _picture(self, picture: EncodedPicture | None) -> int | None:
        """Its index; the same picture is there once."""
        if picture is None:
            return None
        digest = sha256(picture.data).digest()
        if digest not in self._known:
            self._known[digest] = len(self._pictures)
            data = base64.b64encode(picture.data).decode("ascii")
            self.picture_bytes += len(data)
            self._pictures.append(
                {"type": "image/jpeg", "width": picture.width, "height": picture.height, "data": data}
            )
        return self._known[digest]


def _group(name: str, found: _Group) -> dict[str, Any]:
    group = found.group
    unsupported = {code for code in found.codes if CODES[code].kind is Kind.UNSUPPORTED}
    return {
        "id": name,
        "modality": group.modality,
        "sop_class_uid": group.sop_class_uid,
        "sop_class_name": _class_name(group.sop_class_uid),
        "rows": group.rows,
        "columns": group.columns,
        "code": found.codes.most_common(1)[0][0] if unsupported and len(unsupported) == len(found.codes) else None,
        "scans": found.scans,
        "sessions": len(found.sessions),
        "instances": found.instances,
        "frames": found.frames,
        "vendors": _vendors(found.vendors),
        "mixed_vendors": len(found.vendors) > 1,
        "templates": list(found.templates),
        "undecided": found.undecided,
        "pictures": found.pictures,
        "maximum": found.extremes[0],
        "minimum": found.extremes[1],
    }


def _class_name(uid: str) -> str:
    """The standard's name, or the UID itself: without the warning by which pydicom would quote one that is none."""
    return UID(uid, IGNORE).name if uid else ""


def _vendors(found: Counter[tuple[str, str]]) -> Sequence[dict[str, Any]]:
    return [{"manufacturer": maker, "model": model, "scans": count} for (maker, model), count in found.most_common()]
