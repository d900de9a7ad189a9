"""The kinds of images of the corpus: how they are stored, where the name is burned in, and what is black there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
    UltrasoundMultiFrameImageStorage,
)

from benchmarks.score.answers import Action, Box, Check, Place
from xnat_pixelanon.sandbox.drawing import Burned, text_box
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import phantom

_SIZE = 10
_TOP = 4


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind; `black`: the stored value of black, () where nothing is burned in. Sizes tell templates apart."""

    modality: str
    rows: int
    columns: int
    black: tuple[int, ...] = ()
    count: int = 1
    overlay: bool = False
    wanted: Mapping[str, Any] = field(default_factory=dict)

    @property
    def box(self) -> Box | None:
        """The first rows over the whole width, as banners are."""
        return Box(0, 0, 24, self.columns, self.black) if self.black else None


KINDS: Mapping[str, Kind] = {
    "ct": Kind("CT", 96, 96, count=3),
    "us-rgb": Kind("US", 96, 224, (0, 0, 0), wanted={"photometric": "RGB"}),
    "us-planar-cine": Kind("US", 88, 224, (0, 0, 0), wanted={"photometric": "RGB", "planar": 1, "frames": 3}),
    "us-jpeg-cine": Kind("US", 104, 224, (0, 128, 128), wanted={"transfer_syntax": JPEGBaseline8Bit, "frames": 3}),
    "dx-monochrome1": Kind("DX", 112, 224, (4095,), wanted={"photometric": "MONOCHROME1"}),
    "us-palette": Kind("US", 80, 224, (255,), wanted={"photometric": "PALETTE COLOR"}),
    "mr-implicit": Kind("MR", 88, 88, count=2, wanted={"signed": True, "transfer_syntax": ImplicitVRLittleEndian}),
    "mr-signed-box": Kind("MR", 120, 224, (-2048,), wanted={"signed": True}),
    "us-rle": Kind("US", 64, 224, (0,), wanted={"photometric": "MONOCHROME2", "transfer_syntax": RLELossless}),
    "ot-jpeg2000": Kind("OT", 96, 240, (0, 0, 0), wanted={"photometric": "RGB", "transfer_syntax": JPEG2000Lossless}),
    "cr-big-endian": Kind("CR", 120, 240, (0,), wanted={"transfer_syntax": ExplicitVRBigEndian}),
    "ct-overlay": Kind("CT", 104, 256, (0,), overlay=True),
}  # fmt: skip
"""In this order they go round over the sessions."""


def draw(kind: Kind, person: Person, *, study: int, series: int, instance: int, phase: float) -> Dataset:
    """An image of this kind; its text lies in the kind's box, which is checked."""
    banner = Burned(person.banner, (4, _TOP), _SIZE)
    burned = banner if kind.black else ()
    box = kind.box
    if box is not None:
        top, _, bottom, _ = text_box(banner)
        if top < box.top or bottom > box.bottom:
            raise ValueError("the banner does not fit into its box")
    return phantom(
        kind.modality,
        rows=kind.rows,
        columns=kind.columns,
        burned=burned,
        overlay=banner if kind.overlay else None,
        icon=kind.overlay,
        person=person,
        seed="score",
        study=study,
        series=series,
        instance=instance,
        phase=phase,
        **kind.wanted,
    )


def pixel_checks(kind: Kind, instance: int) -> list[Check]:
    """The box is black; everything else is as it was, to the byte where nothing is burned in."""
    boxes = (kind.box,) if kind.box else ()
    checks = [Check(Action.PIXELS_RETAINED, instance, Place.PIXELS, ("PixelData",), boxes=boxes)]
    if boxes:
        checks.append(Check(Action.PIXELS_HIDDEN, instance, Place.PIXELS, ("PixelData",), boxes=boxes))
    if kind.overlay:
        checks.append(Check(Action.PIXELS_HIDDEN, instance, Place.OVERLAY, ("OverlayData",), boxes=boxes))
        checks.append(Check(Action.PIXELS_HIDDEN, instance, Place.OVERLAY, ("IconImageSequence", "PixelData")))
    return checks


def template_of(name: str, kind: Kind) -> dict[str, Any]:
    """The owner's template for this kind."""
    sop_class_uid = {
        ("US", True): str(UltrasoundMultiFrameImageStorage),
        ("US", False): "1.2.840.10008.5.1.4.1.1.6.1",
        ("CT", False): "1.2.840.10008.5.1.4.1.1.2",
        ("MR", False): "1.2.840.10008.5.1.4.1.1.4",
        ("OT", False): "1.2.840.10008.5.1.4.1.1.7",
        ("DX", False): "1.2.840.10008.5.1.4.1.1.1.1",
        ("CR", False): "1.2.840.10008.5.1.4.1.1.1",
    }[kind.modality, "frames" in kind.wanted]
    match = {"modality": kind.modality, "sop_class_uid": sop_class_uid, "rows": kind.rows, "columns": kind.columns}
    box = kind.box
    rectangles = [dict(zip(("top", "left", "bottom", "right"), box[:4], strict=True))] if box else []
    return {"id": name, "title": name, "match": match, "rectangles": rectangles}
