"""Surveys of phantoms, made here from the files themselves, for tests that need a page and no XNAT."""

from __future__ import annotations

import base64
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from xnat_pixelanon.domain.codes import CODES, Kind
from xnat_pixelanon.domain.decisions import ScanFacts, decide_session
from xnat_pixelanon.domain.instance import Group, InstanceFacts
from xnat_pixelanon.domain.policy import DestinationPolicy, Policy
from xnat_pixelanon.domain.templates import TemplateSet
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels import read_facts, render_frame

NO_POLICY = Policy(destination=DestinationPolicy("same", ""))


class Album:
    """Pictures of a survey, each stored once."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._known: dict[str, int] = {}
        self.pictures: list[dict[str, Any]] = []

    def add(self, path: Path, frame: int, longest: int) -> int | None:
        try:
            shown = Image.fromarray(render_frame(path, frame, self._scratch)).convert("RGB")
        except InstanceError:
            return None
        shown.thumbnail((longest, longest))
        data = io.BytesIO()
        shown.save(data, "JPEG", quality=80)
        text = base64.b64encode(data.getvalue()).decode()
        if text not in self._known:
            self._known[text] = len(self.pictures)
            self.pictures.append({"type": "image/jpeg", "width": shown.width, "height": shown.height, "data": text})
        return self._known[text]


def survey_of(
    sessions: Mapping[str, Sequence[Path]],
    scratch: Path,
    *,
    templates: Mapping[str, Any] | None = None,
    policy: Mapping[str, Any] | None = None,
    ids: Mapping[str, str] | None = None,
    project: str = "STAGING",
) -> dict[str, Any]:
    """As `survey` would write it: `sessions` are files by label, `ids` their experiment IDs."""
    album, scans = Album(scratch), list[dict[str, Any]]()
    rules = TemplateSet.from_document(dict(templates)) if templates else TemplateSet()
    paths: dict[str, list[Path]] = defaultdict(list)
    for label, files in sessions.items():
        series: dict[str, list[tuple[Path, InstanceFacts]]] = defaultdict(list)
        for path in files:
            facts = read_facts(path, path.name, scratch)
            series[facts.series_instance_uid].append((path, facts))
        session = {"id": (ids or {}).get(label, f"XNAT_{label}"), "label": label}
        facts_of = [ScanFacts(one[0][1].series_number, tuple(f for _, f in one)) for one in series.values()]
        decided = decide_session(session["id"], facts_of, rules, NO_POLICY)
        for found, scan, decision in zip(series.values(), facts_of, decided, strict=True):
            by_group: dict[Group, list[tuple[Path, InstanceFacts]]] = defaultdict(list)
            for path, facts in found:
                by_group[Group.of(facts)].append((path, facts))
            for group, members in by_group.items():
                path, facts = members[len(members) // 2]
                paths[_id(group)].append(path)
                scans.append(
                    {
                        "session": session,
                        "scan": scan.id,
                        "series_instance_uid": facts.series_instance_uid,
                        "group": _id(group),
                        "instances": len(members),
                        "frames": sum(one.frames for _, one in members),
                        "attributes": dict(facts.attributes),
                        "decision": decision.kind.value,
                        "code": decision.decision.code,
                        "templates": list(decision.decision.templates),
                        "provisional": False,
                        "boxes": [box.as_dict() for box in decision.decision.rectangles],
                        "script": [],
                        "grid": {"width": 16, "height": 16, "beside": 1, "over": 1}
                        if facts.attributes.get("transfer_syntax_uid", "").endswith("4.50")
                        else None,
                        "thumbnail": album.add(path, facts.frames // 2, 160),
                        "pictures": [
                            {"picture": index, "shows": f"first instance, frame {frame + 1}"}
                            for frame in sorted({0, facts.frames // 2})
                            if (index := album.add(path, frame, 1024)) is not None
                        ],
                    }
                )
    return {
        "schema_version": 1,
        "tool": "xnat-pixelanon 0",
        "project": project,
        "made_at": "2026-11-26T18:00:00+00:00",
        "source": "xnat",
        "provisional": False,
        "documents": {
            "templates": {"version": 1 if templates else None, "document": templates},
            "policy": {"version": 1 if policy else None, "document": policy},
        },
        "pictures": album.pictures,
        "groups": [_group(name, rows) for name, rows in _grouped(scans).items()],
        "scans": scans,
    }


def _id(group: Group) -> str:
    return f"{group.modality}/{group.sop_class_uid}/{group.rows}x{group.columns}"


def _grouped(scans: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for scan in scans:
        found[scan["group"]].append(scan)
    return found


def _group(name: str, scans: list[dict[str, Any]]) -> dict[str, Any]:
    from pydicom.uid import UID

    attributes = scans[0]["attributes"]
    vendors: dict[tuple[str, str], int] = defaultdict(int)
    for scan in scans:
        vendors[scan["attributes"].get("manufacturer", ""), scan["attributes"].get("manufacturer_model_name", "")] += 1
    unsupported = {scan["code"] for scan in scans if CODES[scan["code"]].kind is Kind.UNSUPPORTED}
    pictures = [one for scan in scans for one in scan["pictures"]][:9]
    return {
        "id": name,
        "modality": attributes.get("modality", ""),
        "sop_class_uid": attributes.get("sop_class_uid", ""),
        "sop_class_name": UID(attributes.get("sop_class_uid", "")).name,
        "rows": int(attributes.get("rows", 0)),
        "columns": int(attributes.get("columns", 0)),
        "code": unsupported.pop() if len(unsupported) == 1 and len({s["code"] for s in scans}) == 1 else None,
        "scans": len(scans),
        "sessions": len({scan["session"]["id"] for scan in scans}),
        "instances": sum(scan["instances"] for scan in scans),
        "frames": sum(scan["frames"] for scan in scans),
        "vendors": [{"manufacturer": maker, "model": model, "scans": n} for (maker, model), n in vendors.items()],
        "mixed_vendors": len(vendors) > 1,
        "templates": sorted({one for scan in scans for one in scan["templates"]}),
        "undecided": sum(scan["decision"] == "hold" for scan in scans),
        "pictures": pictures,
        "maximum": None,
        "minimum": None,
    }
