"""What the tool itself writes into a header, as the proof expects it (provenance.py writes it)."""

from __future__ import annotations

from collections.abc import Container

from pydicom.tag import Tag

from xnat_pixelanon.headers.constants import DERIVATION, EQUIPMENT_CODE, TOOL
from xnat_pixelanon.headers.proof_options import codes_of
from xnat_pixelanon.headers.proof_view import name_of
from xnat_pixelanon.headers.request import HeaderRequest

EQUIPMENT = 0x0018A001
LABELS = (0x00100010, 0x00100020)


def own_values(request: HeaderRequest, settled: Container[str] = ()) -> dict[int, list[str]]:
    """What the tool itself has to have written at the top level, whatever the source says there.

    Labels but for those of `settled`, paths of what the project's script set.
    """
    own = {tag: [request.subject_label] for tag in LABELS if name_of(tag) not in settled}
    own[0x00120062] = ["YES"]
    if request.reviewed:
        own[0x00280301] = ["NO"]
    if request.pixels_changed:
        own[0x00082111] = [DERIVATION]
    for keyword, value in request.pixel_description:
        own[int(Tag(keyword))] = [str(part) for part in (value if isinstance(value, tuple) else (value,))]
    return own


def own_items(tag: int, request: HeaderRequest) -> tuple[str, ...]:
    """Items that the tool adds to the sequences of provenance, as `flat` gives them."""
    if tag == EQUIPMENT:
        plain: dict[int, object] = {0x00080070: [TOOL], 0x00081090: [TOOL], 0x00181020: [request.tool_version]}
        return (repr(sorted({**plain, 0x0040A170: [code_item(EQUIPMENT_CODE)]}.items())),)
    return tuple(code_item(code) for code in codes_of(request))


def code_item(code: tuple[str, str]) -> str:
    """The item of a code of DCM, as `flat` gives it."""
    return repr(sorted({0x00080100: [code[0]], 0x00080102: ["DCM"], 0x00080104: [code[1]]}.items()))
