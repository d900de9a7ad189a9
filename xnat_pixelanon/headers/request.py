"""What the headers room is asked, and what it answers: plain records that cross process boundaries."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydicom.dataset import Dataset

from xnat_pixelanon.domain.header_rules import PLAIN, RETAIN_UIDS, HeaderRules
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.headers.identity import Identity

PIXEL_DESCRIPTION = frozenset(
    {
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "LossyImageCompression",
        "LossyImageCompressionMethod",
        "LossyImageCompressionRatio",
        "PhotometricInterpretation",
        "PixelRepresentation",
        "PlanarConfiguration",
        "SamplesPerPixel",
    }
)
"""Keywords of the attributes that the writer of pixels may set to describe what it wrote."""


@dataclass(frozen=True, slots=True)
class HeaderRequest:
    """One instance's header.

    `subject_label` becomes Patient's Name and Patient ID. `session_label` and `project` are those of the clean side;
    the Basic Profile writes neither. `reviewed`: a template decided this instance. `template_digest`: SHA-256 (hex) of
    the templates that applied. `known_identifiers`: what XNAT calls it in staging (labels, IDs), looked for in what is
    kept. `rules`: options and exceptions of the policy. `pixel_description`: keyword and value of attributes that
    describe the pixels as written (PIXEL_DESCRIPTION). `script`: the text of the project's DicomEdit script, empty
    where it has none; `url_hosts`: the hosts that it may ask.
    """

    identity: Identity
    subject_label: str
    session_label: str
    project: str
    transfer_syntax_uid: str
    pixels_changed: bool
    reviewed: bool
    template_digest: str | None
    tool_version: str
    known_identifiers: tuple[str, ...] = field(default=(), repr=False)
    pixel_description: tuple[tuple[str, str | int | float | tuple[float, ...]], ...] = ()
    rules: HeaderRules = PLAIN
    script: str = field(default="", repr=False)
    url_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = {keyword for keyword, _ in self.pixel_description} - PIXEL_DESCRIPTION
        if unknown:
            raise ValueError(f"not a description of pixels: {', '.join(sorted(unknown))}")
        if self.identity.keeps_uids != (RETAIN_UIDS in self.rules.options):
            raise ValueError("the identity keeps UIDs where the options map them, or the reverse")
        if self.rules.script_alone and not self.script:
            raise ValueError("neither a profile nor a script")


@dataclass(frozen=True, slots=True)
class HeaderAction:
    """What was done to one element. `tag` is its path, as `(0008,1140)[0].(0008,1155)`; no value, ever.

    `rule`: `E.1-1` and the action of the row, or the rule of ours that applied (docs name them all).
    """

    tag: str
    rule: str
    action: str


@dataclass(frozen=True, slots=True)
class CleanedHeader:
    """The cleaned data set, without pixel data elements and without file meta information."""

    dataset: Dataset
    actions: tuple[HeaderAction, ...]
    rectangles: tuple[Rectangle, ...] = ()
    """What the project's script wants blackened, in stored pixels, cut to the image."""


@dataclass(frozen=True, slots=True)
class EncodedHeader:
    """What is written: `head`, 128 zero bytes, DICM and file meta; `body`, the data set up to its pixel elements.

    In the deflated syntax `body` is not deflated yet: that is for whoever has the pixels, as one stream.
    """

    head: bytes = field(repr=False)
    body: bytes = field(repr=False)
    actions: tuple[HeaderAction, ...]
    rectangles: tuple[Rectangle, ...] = ()
    """As in CleanedHeader."""


@dataclass(frozen=True, slots=True)
class HeaderProof:
    """`findings` name tags and rules, never values; `ok` where there are none."""

    ok: bool
    findings: tuple[str, ...]
