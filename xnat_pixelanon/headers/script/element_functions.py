"""Functions that look at or change elements themselves: presence, removal, UIDs, values wherever they occur."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain
from types import MappingProxyType

from pydicom.dataelem import DataElement
from pydicom.tag import BaseTag

from xnat_pixelanon.errors import ConfigurationError
from xnat_pixelanon.headers.script.nodes import TagPath
from xnat_pixelanon.headers.script.paths import Target, is_creator
from xnat_pixelanon.headers.script.pixel_function import requested
from xnat_pixelanon.headers.script.state import Runtime, State
from xnat_pixelanon.headers.script.table import Function, Gives, Kind
from xnat_pixelanon.headers.script.text_functions import is_true, truth
from xnat_pixelanon.headers.script.values import Failed, element_at, text_of
from xnat_pixelanon.headers.tree import STRING_VRS, dictionary_vr

_BLANKED_VRS = STRING_VRS | {"UN"}


class Rejected(Exception):
    """The script wants this instance left out."""


def _is_present(state: State, *paths: TagPath) -> str:
    return truth(all(state.find(path) for path in paths))


def _hash_uid(state: State, uid: str | None, _: str | None = None) -> str | None:
    if uid is None:
        return None
    return "\\".join(state.surroundings.map_uid(one.strip()) if one.strip() else "" for one in uid.split("\\"))


def _new_uid(state: State) -> str:
    """Another for each instance and each place in the script, and the same one in each run."""
    if not state.source_uid:
        raise Failed("newUID needs the instance's own SOP Instance UID")
    place = state.place
    return state.surroundings.map_uid(f"newUID {place.line} {place.column} {state.source_uid}")


def _map_in_place(state: State, *lists: tuple[TagPath, ...]) -> None:
    for path in chain(*lists):
        for target in state.find(path):
            element = element_at(target.spot.ds, target.tag)
            if element.VR != "UI":
                raise Failed("only elements of VR UI are mapped in place")
            state.put(target, _hash_uid(state, text_of(element)) or "")


def _map_referenced(state: State, _: str | None, *paths: TagPath) -> None:
    _map_in_place(state, paths)  # the prefix is not used: one mapping for the project


def _remove_tags(state: State, *lists: tuple[TagPath, ...]) -> None:
    for path in chain(*lists):
        for target in state.find(path):
            state.remove(target)


def remove_private(state: State, kept: frozenset[tuple[int, int]] = frozenset()) -> None:
    """Every private element at every depth, but for `kept` (identity of the data set, tag)."""
    for target in state.everywhere():
        if (target.tag >> 16) % 2 and (id(target.spot.ds), target.tag) not in kept:
            state.remove(target)


def _retain_private(state: State, *lists: tuple[TagPath, ...]) -> None:
    named: set[str] = set()
    for path in chain(*lists):
        if not path.last.creator:
            raise Failed("only private elements are retained")
        named |= {target.path for target in state.find(path)}
    on_the_way = {above for path in named for above in _above(path)}
    kept: set[tuple[int, int]] = set()
    for target in state.everywhere():
        if target.path in named or target.path in on_the_way or not named.isdisjoint(_above(target.path)):
            kept |= {(id(target.spot.ds), target.tag), _creator(target)}
    remove_private(state, frozenset(kept))


def _above(path: str) -> list[str]:
    """The items and sequences that an element lies in: `A[0]` and `A` of `A[0].B`."""
    items = [path[: match.start()] for match in re.finditer(r"\.", path)]
    if path.endswith("]"):
        items.append(path)
    return [above for item in items for above in (item, item[: item.rindex("[")])]


def _creator(target: Target) -> tuple[int, int]:
    return id(target.spot.ds), target.tag & 0xFFFF0000 | (target.tag >> 8 & 0xFF)


def _collect(state: State, *lists: tuple[TagPath, ...]) -> tuple[str, ...]:
    targets = [target for path in chain(*lists) for target in state.find(path) if target.item is None]
    found = [text_of(element_at(target.spot.ds, target.tag)) for target in targets]
    return tuple(text for text in found if text)


def _blank(state: State, *values: Runtime) -> None:
    wanted = {text for text in _texts(state, values) if text.strip()}
    for target in state.everywhere():
        if is_creator(target.tag) or not _may_be_text(target):
            continue
        element = element_at(target.spot.ds, target.tag)
        text = _text_or_bytes(element, target) if element.VR in _BLANKED_VRS else ""
        if text in wanted or not wanted.isdisjoint(text.split("\\")):
            parts = ["" if part in wanted else part for part in text.split("\\")]
            state.blank(target, "" if text in wanted or not any(parts) else "\\".join(parts))


def _may_be_text(target: Target) -> bool:
    """Without converting it: pixel data may still lie in the file."""
    raw = target.spot.ds.get_item(BaseTag(target.tag), keep_deferred=True)
    vr = raw.VR or dictionary_vr(target.tag)
    return not vr or vr in _BLANKED_VRS


def _text_or_bytes(element: DataElement, target: Target) -> str:
    if element.VR == "UN" and isinstance(element.value, bytes):
        return element.value.decode(target.spot.node.encodings[0], "replace").rstrip(" \0")
    return text_of(element)


def _texts(state: State, values: Runtime) -> list[str]:
    if values is None:
        return []
    if isinstance(values, TagPath):
        return _texts(state, _collect(state, (values,)))
    if isinstance(values, str):
        return [values]
    return [text for value in values for text in _texts(state, value)]


def _raw(state: State, path: TagPath) -> Target:
    return Target(state.top, int(path.last.group + path.last.element, 16))


def _delete(state: State, path: TagPath) -> None:
    target = _raw(state, path)
    if target.tag in state.top.ds:
        state.remove(target)


def _reject(_: State, said: str | None = "true") -> None:
    if is_true(said):
        raise Rejected


def _alter_pixels(state: State, shape: str | None, area: str | None, fill: str | None, colour: str | None) -> None:
    ds = state.top.ds
    size = [text_of(element_at(ds, tag)) if tag in ds else "" for tag in (0x00280010, 0x00280011)]
    if not all(size):
        state.note("alterPixels: the instance has no image")
        return
    try:
        rows, columns = map(int, size)
        request = requested((shape or "", area or "", fill or "", colour or ""), rows, columns, state.place)
    except (ValueError, ConfigurationError):
        raise Failed("the rectangle lies outside the image, or the image has no size") from None
    state.pixels.append(request)


_HASH = Function((Kind.TEXT,), Gives.TEXT, _hash_uid)
FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "alterPixels": Function((Kind.TEXT,) * 4, Gives.NOTHING, _alter_pixels),
        "blankValues": Function((Kind.LIST,), Gives.NOTHING, _blank, rest=Kind.LIST),
        "collectValues": Function((Kind.PATHS,), Gives.LIST, _collect, rest=Kind.PATHS),
        "delete": Function((Kind.RAW,), Gives.NOTHING, _delete),
        "hashUID": _HASH,
        "hashUIDList": Function((Kind.PATHS,), Gives.NOTHING, _map_in_place, rest=Kind.PATHS),
        "isPresent": Function((Kind.SINGLE,), Gives.TRUTH, _is_present, rest=Kind.SINGLE),
        "mapReferencedUIDs": Function((Kind.TEXT, Kind.QUOTED), Gives.NOTHING, _map_referenced, rest=Kind.QUOTED),
        "mapUID": Function((Kind.TEXT, Kind.TEXT), Gives.TEXT, _hash_uid, least=1),
        "newUID": Function((), Gives.TEXT, _new_uid),
        "reject": Function((Kind.TEXT,), Gives.NOTHING, _reject, least=0),
        "removeTags": Function((Kind.PATHS,), Gives.NOTHING, _remove_tags, rest=Kind.PATHS),
        "retainPrivateTags": Function((Kind.PATHS,), Gives.NOTHING, _retain_private, rest=Kind.PATHS),
        "set": Function(
            (Kind.RAW, Kind.TEXT), Gives.NOTHING, lambda s, p, v: None if v is None else s.put(_raw(s, p), v)
        ),
        "valueAt": Function((Kind.SINGLE,), Gives.TEXT, lambda state, path: state.read(path)),
    }
)
