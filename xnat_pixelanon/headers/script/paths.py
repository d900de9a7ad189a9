"""Tag paths on a data set: which elements and items one names, and making what is not there yet.

Works step by step on the set of data sets reached so far, each once: no path costs more than steps times elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from pydicom.dataelem import DataElement, RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from xnat_pixelanon.headers.script.nodes import EVERY, DepthStep, ElementStep, TagPath
from xnat_pixelanon.headers.script.values import Failed, element_at
from xnat_pixelanon.headers.silence import PYDICOM_ERRORS
from xnat_pixelanon.headers.tree import Node, dictionary_vr, empty_node, path_of

_WILD = MappingProxyType({"X": (0, 0), "@": (1, 0), "#": (1, 1)})
_PERHAPS_SQ = ("SQ", "UN", None)
_ITEM = b"\xfe\xff\x00\xe0"


@dataclass(frozen=True, slots=True)
class Spot:
    """A data set or item: its character set, and its path in the form `(0008,1140)[0].`, empty for the top level."""

    ds: Dataset
    node: Node
    path: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """An element, or with `item` what one item of it holds."""

    spot: Spot
    tag: int
    item: int | None = None

    @property
    def path(self) -> str:
        """As in HeaderAction, `(0008,1140)[0].(0008,1155)`."""
        return self.spot.path + path_of(self.tag) + ("" if self.item is None else f"[{self.item}]")


def tags_of(ds: Dataset) -> list[int]:
    """The tags of a data set, in order; the elements stay unread."""
    return sorted(map(int, ds.keys()))


def top_of(ds: Dataset) -> Spot:
    """The top level of a data set."""
    return Spot(ds, empty_node(ds))


def find(top: Spot, path: TagPath) -> list[Target]:
    """What is there and is named by `path`, each once."""
    targets = []
    last = path.last
    for spot in _reached(top, path.steps[:-1]):
        for tag in _tags(spot.ds, last):
            if last.index is None:
                targets.append(Target(spot, tag))
            else:
                count = len(items_of(spot.ds, tag) or ())
                chosen = range(count) if last.index == EVERY else (last.index,)
                targets += [Target(spot, tag, index) for index in chosen if index < count]
    return targets


def make(top: Spot, path: TagPath, made: Callable[[Target, str, int], None]) -> tuple[Target, str]:
    """The one element that `path` names, with items up to the index and private blocks on the way; and its creator.

    `made` is told, before it is done, of what has to be made for it, and how many.
    """
    spot = top
    for step in path.steps[:-1]:
        if isinstance(step, DepthStep) or step.index in (None, EVERY):
            raise Failed("a path that is written must name one item of each sequence")
        tag = _made_tag(spot, step, made)
        items = items_of(spot.ds, tag)
        if items is None:
            if tag in spot.ds or (not (tag >> 16) % 2 and dictionary_vr(tag) != "SQ"):
                raise Failed("a step of the path is no sequence")
            spot.ds[BaseTag(tag)] = DataElement(tag, "SQ", Sequence())
            items = items_of(spot.ds, tag)
        assert items is not None
        assert step.index is not None
        if len(items) <= step.index:
            number = step.index + 1 - len(items)
            made(Target(spot, tag), "extended", number)
            items.extend(Dataset() for _ in range(number))
        spot = _inside(spot, tag, items, step.index)
    return Target(spot, _made_tag(spot, path.last, made)), path.last.creator


def descend(top: Spot) -> Iterator[Spot]:
    """`top` and every item at every depth."""
    waiting = [top]
    while waiting:
        spot = waiting.pop()
        yield spot
        for tag in _perhaps_sequences(spot.ds):
            items = items_of(spot.ds, tag)
            waiting += [_inside(spot, tag, items, index) for index in range(len(items))] if items else []


def _perhaps_sequences(ds: Dataset) -> list[int]:
    return sorted(int(tag) for tag, element in ds.items() if element.VR in _PERHAPS_SQ)


def items_of(ds: Dataset, tag: int) -> Sequence | None:
    """The items of a sequence, None for any other element; also of one whose VR the file does not say."""
    raw = ds.get_item(BaseTag(tag), keep_deferred=True) if tag in ds else None
    if raw is None or raw.VR not in _PERHAPS_SQ:
        return None
    if isinstance(raw, RawDataElement) and raw.VR != "SQ":
        public = dictionary_vr(tag) == "SQ"
        if not public and not (isinstance(raw.value, bytes) and raw.value.startswith(_ITEM)):
            return None
        # PS3.5 6.2.2: within UN everything is implicit VR little endian.
        guess = raw._replace(VR="SQ", is_implicit_VR=True, is_little_endian=True)
        try:
            element = convert_raw_data_element(guess, encoding=empty_node(ds).encodings)
        except PYDICOM_ERRORS:
            if public:
                raise Failed("a sequence cannot be read") from None
            return None
        if not isinstance(element.value, Sequence):
            return None
        ds[BaseTag(tag)] = element
    element = element_at(ds, tag)
    return element.value if isinstance(element.value, Sequence) else None


def is_creator(tag: int) -> bool:
    """Whether this is a Private Creator element (PS3.5 7.8.1)."""
    return bool((tag >> 16) % 2) and 0x10 <= (tag & 0xFFFF) <= 0xFF


def _inside(spot: Spot, tag: int, items: Sequence, index: int) -> Spot:
    item = items[index]
    return Spot(item, empty_node(item, spot.node), f"{spot.path}{path_of(tag)}[{index}].")


def _reached(top: Spot, steps: Iterable[ElementStep | DepthStep]) -> list[Spot]:
    spots = [top]
    for step in steps:
        found = [inner for spot in spots for inner in _step(spot, step)]
        spots = list({id(spot.ds): spot for spot in found}.values())
    return spots


def _step(spot: Spot, step: ElementStep | DepthStep) -> Iterator[Spot]:
    if isinstance(step, DepthStep):
        deep = 2 if step.symbol == "." else 1 if step.symbol == "+" else 0
        if deep == 2:
            yield from _children(spot, _perhaps_sequences(spot.ds), EVERY)
        else:
            walk = descend(spot)
            if deep:
                next(walk)
            yield from walk
        return
    yield from _children(spot, _tags(spot.ds, step), EVERY if step.index is None else step.index)


def _children(spot: Spot, tags: Iterable[int], index: int) -> Iterator[Spot]:
    for tag in tags:
        items = items_of(spot.ds, tag)
        if items is None:
            continue
        for number in range(len(items)) if index == EVERY else (index,):
            if number < len(items):
                yield _inside(spot, tag, items, number)


@lru_cache(maxsize=512)
def _bits(pattern: str) -> tuple[int, int]:
    """Which bits of a number a pattern fixes, and to what: a digit all four, @ and # the last one, X none."""
    mask = value = 0
    for digit in pattern:
        fixed, bits = _WILD.get(digit) or (0xF, int(digit, 16))
        mask, value = mask << 4 | fixed, value << 4 | bits
    return mask, value


def _fits(number: int, pattern: str) -> bool:
    mask, value = _bits(pattern)
    return number & mask == value


def _tags(ds: Dataset, step: ElementStep) -> list[int]:
    """The tags in `ds` that a step names, in order."""
    if step.creator:
        return sorted(tag for block in _blocks(ds, step) for tag in tags_of(ds) if _in_block(tag, block, step.element))
    if not step.wild:
        tag = int(step.group + step.element, 16)
        return [tag] if tag in ds else []
    mask, value = _bits(step.group + step.element)
    return [tag for tag in tags_of(ds) if tag & mask == value]


def _in_block(tag: int, block: int, element: str) -> bool:
    return tag >> 8 == block and _fits(tag & 0xFF, element)


def _blocks(ds: Dataset, step: ElementStep) -> list[int]:
    """Private blocks of the step's creator, each as the upper 24 bits of its elements' tags."""
    return [
        (tag >> 16 << 8) | tag & 0xFF
        for tag in tags_of(ds)
        if is_creator(tag)
        and _fits(tag >> 16, step.group)
        and str(element_at(ds, tag).value or "").strip() == step.creator
    ]


def _made_tag(spot: Spot, step: ElementStep, made: Callable[[Target, str, int], None]) -> int:
    """The tag of an element that is to be written; reserves a private block (PS3.5 7.8.1) where there is none."""
    if step.wild:
        raise Failed("a path that is written must name one element")
    if not step.creator:
        return int(step.group + step.element, 16)
    ds = spot.ds
    blocks = _blocks(ds, step)
    if not blocks:
        group = int(step.group, 16)
        if group < 9 or group == 0xFFFF:
            raise Failed("this group takes no private elements")
        free = next((number for number in range(0x10, 0x100) if (group << 16) + number not in ds), None)
        if free is None:
            raise Failed("no private block is free")
        ds[BaseTag((group << 16) + free)] = DataElement((group << 16) + free, "LO", step.creator)
        made(Target(spot, (group << 16) + free), "reserved", 1)
        blocks = [(group << 8) | free]
    return (blocks[0] << 8) | int(step.element, 16)
