"""templates.json and policy.json of the demo: some groups redacted, some passed, one excluded, some left undecided."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    EnhancedMRImageStorage,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from xnat_pixelanon.sandbox.sample_session import SampleSession

Box = tuple[int, int, int, int]
"""top, left, bottom, right"""


def sample_templates(sessions: Iterable[SampleSession]) -> dict[str, Any]:
    """A templates document for these sessions; public images are only covered when there are any.

    Left undecided on purpose: the angiogram, and the public ultrasound cine.
    """
    templates = _ultrasound() + _radiology()
    if any("_PUBLIC-" in session.label for session in sessions):
        templates += _public()
    return {
        "schema_version": 1,
        "templates": templates,
        "exclusions": [{"match": {"modality": "SR"}, "reason": "reports hold free text"}],
        "overrides": [],
    }


def sample_policy(destination_project: str, server: str, *, enabled: bool = False) -> dict[str, Any]:
    """A policy document; not armed unless `enabled`. `server` is `same` or a NAME of PIXELANON_<NAME>_HOST.

    `settle_minutes` is 1: who launches by an event waits no longer until a session is quiet.
    """
    return {
        "schema_version": 1,
        "enabled": enabled,
        "destination": {"server": server, "project": destination_project},
        "publish": "complete-sessions",
        "mixed": "unsupported",
        "settle_minutes": 1,
    }


def _template(id_: str, title: str, *boxes: Box, **match: str | int) -> dict[str, Any]:
    names = ("top", "left", "bottom", "right")
    rectangles = [dict(zip(names, box, strict=True)) for box in boxes]
    return {"id": id_, "title": title, "match": match, "rectangles": rectangles}


def _ultrasound() -> list[dict[str, Any]]:
    still, cine = str(UltrasoundImageStorage), str(UltrasoundMultiFrameImageStorage)
    size = {"rows": 480, "columns": 640}
    top = (0, 0, 40, 640)
    acme = {"modality": "US", "manufacturer": "Acme*"}
    return [
        _template("us-acme-cine", "Acme cine, name line on top", top, **acme, **size, sop_class_uid=cine),
        _template("us-acme-still", "Acme still, name line on top", top, **acme, **size, sop_class_uid=still),
        _template(
            "us-acme-grey",
            "Acme grey still, name line on top",
            (0, 0, 48, 800),
            **acme,
            sop_class_uid=still,
            rows=600,
            columns=800,
        ),
        _template(
            "us-borealis-cine",
            "Borealis cine, name below and hospital above right",
            (440, 0, 480, 460),
            (0, 390, 32, 640),
            modality="US",
            manufacturer="Borealis*",
            sop_class_uid=cine,
            **size,
        ),
        _template(
            "us-palette",
            "Cirrus still in palette colours",
            top,
            modality="US",
            photometric_interpretation="PALETTE COLOR",
            manufacturer="Cirrus*",
            sop_class_uid=still,
            **size,
        ),
    ]


def _radiology() -> list[dict[str, Any]]:
    ct = {"modality": "CT", "sop_class_uid": str(CTImageStorage), "manufacturer": "Acme*"}
    mr = {"modality": "MR", "sop_class_uid": str(MRImageStorage), "manufacturer": "Acme*"}
    cr = {"modality": "CR", "sop_class_uid": str(ComputedRadiographyImageStorage), "manufacturer": "Acme*"}
    scout = {**ct, "image_type": "*LOCALIZER*"}
    return [
        _template("ct-axial", "Axial CT, looked at, clean", **ct, image_type="*AXIAL*"),
        _template("ct-scout-512", "Scout, name below", (472, 0, 512, 512), **scout, rows=512, columns=512),
        _template("ct-scout-256", "Small scout, name on top", (0, 0, 30, 256), **scout, rows=256, columns=256),
        _template("mr-clean", "MR, looked at, clean", **mr),
        _template("cr-clean", "CR, looked at, clean", **cr),
        _template(
            "sc-screen",
            "Screen, title and foot line",
            (0, 0, 48, 800),
            (556, 0, 600, 800),
            modality="OT",
            sop_class_uid=str(SecondaryCaptureImageStorage),
            rows=600,
            columns=800,
        ),
        _template(
            "dx-name",
            "X-ray, name on top",
            (0, 0, 48, 512),
            modality="DX",
            sop_class_uid=str(DigitalXRayImageStorageForPresentation),
            rows=640,
            columns=512,
        ),
    ]


def _public() -> list[dict[str, Any]]:
    """Small slices pass; stills are blackened whole, so that nothing of a real picture is ever shown."""
    maker = {"manufacturer": "Public sample"}
    us = {"modality": "US", "sop_class_uid": str(UltrasoundImageStorage), **maker}
    mr: dict[str, str | int] = {"modality": "MR", "rows": 64, "columns": 64, **maker}
    ct: dict[str, str | int] = {"modality": "CT", "rows": 128, "columns": 128, **maker}
    return [
        _template("public-ct", "Public CT slice, clean", **ct, sop_class_uid=str(CTImageStorage)),
        _template("public-mr", "Public MR slice, clean", **mr, sop_class_uid=str(MRImageStorage)),
        _template("public-enhanced-mr", "Public MR volume, clean", **mr, sop_class_uid=str(EnhancedMRImageStorage)),
        _template("public-us-rgb", "Public still, whole image", (0, 0, 240, 320), **us, rows=240, columns=320),
        _template("public-us-palette", "Public still, whole image", (0, 0, 350, 800), **us, rows=350, columns=800),
    ]
