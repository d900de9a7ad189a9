"""The four arguments of alterPixels, read as DicomEdit reads them where that has a meaning, and refused where not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.headers.script.nodes import Place
from xnat_pixelanon.headers.script.state import PixelRequest
from xnat_pixelanon.headers.script.values import Failed

_EDGES: Mapping[str, str] = MappingProxyType(
    {
        "l": "left",
        "t": "top",
        "r": "right",
        "b": "bottom",
        **{name: name for name in ("left", "top", "right", "bottom")},
    }
)
_COLOURS: Mapping[str, str] = MappingProxyType(
    {"v": "value", "r": "red", "g": "green", "b": "blue"} | {name: name for name in ("value", "red", "green", "blue")}
)


def requested(arguments: tuple[str, str, str, str], rows: int, columns: int, place: Place) -> PixelRequest:
    """The rectangle cut to an image of rows x columns. Raises Failed where it covers no pixel of it."""
    shape, area, fill, colour = arguments
    edges, said = check_arguments(shape, area, fill, colour)
    top, left = max(0, edges["top"]), max(0, edges["left"])
    bottom, right = min(rows, edges["bottom"]), min(columns, edges["right"])
    if top >= bottom or left >= right:
        raise Failed("the rectangle covers no pixel of the image")
    return PixelRequest(Rectangle(top, left, bottom, right), said, place)


def check_arguments(shape: str, area: str, fill: str, colour: str) -> tuple[dict[str, int], tuple[int, ...]]:
    """The four edges, right and bottom exclusive, and the values of the fill. Raises Failed."""
    if shape.strip().lower() != "rectangle":
        raise Failed("the shape is rectangle")
    if fill.strip().lower() != "solid":
        raise Failed("the fill is solid")
    edges = _properties(area, _EDGES)
    if set(edges) != {"left", "top", "right", "bottom"}:
        raise Failed("a rectangle has l, t, r and b, or left, top, right and bottom")
    if edges["left"] >= edges["right"] or edges["top"] >= edges["bottom"]:
        raise Failed("a rectangle needs left < right and top < bottom")
    colours = _properties(colour, _COLOURS)
    if set(colours) not in (set(), {"value"}, {"red", "green", "blue"}):
        raise Failed("a solid fill has v, or r, g and b, or nothing")
    if not all(0 <= value <= 255 for value in colours.values()):
        raise Failed("a fill value is 0 to 255")
    return edges, tuple(colours[name] for name in ("value", "red", "green", "blue") if name in colours)


def _properties(text: str, names: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for pair in filter(None, re.sub(r"\s", "", text).split(",")):
        key, _, value = pair.partition("=")
        if key not in names or names[key] in found or not re.fullmatch(r"[+-]?[0-9]{1,10}", value):
            raise Failed("parameters are name=number, each once, with commas between them")
        found[names[key]] = int(value)
    return found
