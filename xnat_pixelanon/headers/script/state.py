"""One run of a script over one instance: the working copy, the variables, and what was done.

Everything that reads or writes the copy goes through here, so that each change is noted with its place in the script
and what a script must not touch is refused in one spot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.headers.script.nodes import NOWHERE, Place, TagPath
from xnat_pixelanon.headers.script.paths import Spot, Target, descend, find, items_of, make, tags_of, top_of
from xnat_pixelanon.headers.script.protected import forbidden
from xnat_pixelanon.headers.script.values import Failed, element_at, element_of, text_of, vr_for
from xnat_pixelanon.headers.tree import MAX_DEPTH, Node, empty_node

MAX_TEXT = 64 * 1024
"""Characters of a value that a script may make."""
_SOP_INSTANCE = 0x00080018

MAX_MADE = 1000
"""Sequence items and private blocks that one run may make."""

Runtime = str | TagPath | tuple["Runtime", ...] | None
"""What a variable or an argument can be: text, a tag path within a list, a list, or nothing."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a script gets from outside.

    `map_uid`: the project's mapping of UIDs (Identity.mapped_uid). `url_hosts`: hosts that getURL may ask, by `fetch`,
    which gets a URL and gives the answer's text; it must not follow redirects to other hosts. `tables`: the lookup
    table, by (type, key).
    """

    map_uid: Callable[[str], str]
    url_hosts: frozenset[str] = frozenset()
    fetch: Callable[[str], str] | None = None
    tables: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What a script did to one element. `tag` is its path as in HeaderAction; no value, ever.

    `action`: set, created, blanked (what was looked for taken out), removed, emptied (an item), extended (a sequence
    got items) or reserved (a private block). A `set` element may have the value that it had before.
    """

    tag: str
    action: str
    place: Place


@dataclass(frozen=True, slots=True)
class PixelRequest:
    """What alterPixels asks of the pixel engine: `rectangle` in stored pixels, already cut to the image.

    `fill`: the value or the three values that the script names, 0 to 255, or none; DicomEdit 6.6 ignores them.
    """

    rectangle: Rectangle
    fill: tuple[int, ...]
    place: Place


@dataclass(slots=True)
class State:
    """Mutable, for one run only. `top` is the working copy, `place` the statement that runs."""

    top: Spot
    surroundings: Surroundings
    variables: dict[str, Runtime]
    source_uid: str
    place: Place = NOWHERE
    changes: list[Change] = field(default_factory=list)
    pixels: list[PixelRequest] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    made: int = 0

    def note(self, words: str) -> None:
        """Say something about the statement that runs; never a value."""
        self.notes.append(f"{self.place.text}: {words}")

    def read(self, path: TagPath) -> str | None:
        """The value of the one element that is there under `path`, None where there is none."""
        targets = find(self.top, path)
        if len(targets) > 1:
            raise Failed("a path that is read names several elements")
        if not targets:
            return None
        if targets[0].item is not None:
            raise Failed("an item of a sequence has no value")
        return text_of(element_at(targets[0].spot.ds, targets[0].tag))

    def vr(self, path: TagPath) -> str:
        """The VR of the one element under `path`, '' where there is none."""
        targets = find(self.top, path)
        return element_at(targets[0].spot.ds, targets[0].tag).VR if len(targets) == 1 else ""

    def find(self, path: TagPath) -> list[Target]:
        """What is there under `path`."""
        return find(self.top, path)

    def assign(self, path: TagPath, text: str) -> None:
        """Set the one element under `path`, making it and its way where they are not there."""
        if path.single:
            target, creator = make(self.top, path, self._made)
        else:
            targets = find(self.top, path)
            if len(targets) != 1:
                raise Failed("a path that is written must name one element")
            target, creator = targets[0], path.last.creator
        self.put(target, text, creator)

    def blank(self, target: Target, text: str) -> None:
        """Leave `text` of one element."""
        self.put(target, text)
        self.changes[-1] = replace(self.changes[-1], action="blanked")

    def put(self, target: Target, text: str, creator: str = "") -> None:
        """Set one element."""
        ds, tag = target.spot.ds, target.tag
        if target.item is not None:
            raise Failed("an item of a sequence takes no value")
        _allow(target, text)
        there = tag in ds
        ds[BaseTag(tag)] = element_of(tag, vr_for(ds, tag, creator), text, target.spot.node)
        self._changed(target, "set" if there else "created")

    def remove(self, target: Target) -> None:
        """Delete one element, or empty one item of it."""
        _allow(target, None)
        ds = target.spot.ds
        if target.item is None:
            if target.tag in ds:  # what was removed with its sequence is gone already
                del ds[BaseTag(target.tag)]
                self._changed(target, "removed")
            return
        items = items_of(ds, target.tag)
        if items is not None and len(items[target.item]):
            items[target.item] = Dataset()
            self._changed(target, "emptied")

    def everywhere(self) -> list[Target]:
        """Every element at every depth."""
        return [Target(spot, tag) for spot in descend(self.top) for tag in tags_of(spot.ds)]

    def _made(self, target: Target, action: str, number: int) -> None:
        self.made += number
        if self.made > MAX_MADE:
            raise Failed(f"more than {MAX_MADE} items and private blocks would be made")
        self._changed(target, action)

    def _changed(self, target: Target, action: str) -> None:
        self.changes.append(Change(target.path, action, self.place))


def _allow(target: Target, text: str | None) -> None:
    """Raises Failed for what a script must not change; `text` None: it would be removed."""
    why = forbidden(target.tag, nested=bool(target.spot.path), emptied=not text)
    if why:
        raise Failed(why)


def copied(ds: Dataset, parent: Node | None = None, depth: int = 0) -> Dataset:
    """A copy that shares only what is never changed in place: raw elements and values. Raises Failed."""
    if depth > MAX_DEPTH:
        raise Failed(f"sequences are nested deeper than {MAX_DEPTH}")
    node = empty_node(ds, parent)
    elements = dict(ds.items())
    for tag, element in elements.items():
        if not isinstance(element, RawDataElement) and isinstance(element.value, Sequence):
            items = Sequence(copied(item, node, depth + 1) for item in element.value)
            elements[tag] = DataElement(tag, element.VR, items)
    new = Dataset(elements, parent_encoding=node.encodings)
    new.set_original_encoding(*node.encoding, ds.original_character_set or node.encodings)
    if hasattr(ds, "file_meta"):
        new.file_meta = ds.file_meta
    return new


def started(ds: Dataset, surroundings: Surroundings, variables: Mapping[str, str]) -> State:
    """A run that has not begun, on a copy of `ds`."""
    copy = copied(ds)
    uid = text_of(element_at(copy, _SOP_INSTANCE)) if _SOP_INSTANCE in copy else ""
    return State(top_of(copy), surroundings, dict(variables), uid)
