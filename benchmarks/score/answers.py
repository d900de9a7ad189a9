"""The answer key: what must be true of a copy, written down when a value is planted and never looked up elsewhere.

The ten actions are those of the validation of the MIDI-B challenge (Medical Image De-Identification Benchmark).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

UIDS, DEVICE, INSTITUTION = "retain-uids", "retain-device-identity", "retain-institution-identity"
PATIENT, DATES_FULL, DATES_MODIFIED = "retain-patient-characteristics", "retain-dates-full", "retain-dates-modified"
SAFE_PRIVATE, DESCRIPTORS = "retain-safe-private", "clean-descriptors"
STRUCTURED, GRAPHICS = "clean-structured-content", "clean-graphics"


class Action(StrEnum):
    """What is asked of an element, or of the pixels."""

    TAG_RETAINED = "tag_retained"
    TEXT_NOTNULL = "text_notnull"
    TEXT_RETAINED = "text_retained"
    TEXT_REMOVED = "text_removed"
    DATE_SHIFTED = "date_shifted"
    UID_CHANGED = "uid_changed"
    UID_CONSISTENT = "uid_consistent"
    PATID_CONSISTENT = "patid_consistent"
    PIXELS_HIDDEN = "pixels_hidden"
    PIXELS_RETAINED = "pixels_retained"


class Place(StrEnum):
    """Where a value was planted, or where nothing of a person may be found."""

    TYPED = "typed field"
    TEXT = "free text"
    UNLISTED = "text that no profile lists"
    PRIVATE = "private element"
    NESTED = "nested sequence"
    META = "file meta information"
    LABEL = "label"
    FILE_NAME = "file name"
    RECEIPT = "receipt"
    ANYWHERE = "anywhere in the file"
    PIXELS = "pixels"
    OVERLAY = "overlay"
    CLAIM = "de-identification attributes"


class Private(NamedTuple):
    """A private element: its block's creator, and its last two digits."""

    group: int
    creator: str
    offset: int
    vr: str = "LO"

    def __str__(self) -> str:
        return f"({self.group:04X},xx{self.offset:02X} {self.creator})"


Path = tuple[str | Private, ...]
"""Keywords and private elements from the top of the data set down; items of sequences are not numbered."""


class Box(NamedTuple):
    """Rows top to bottom-1 and columns left to right-1, and the stored value that is black there."""

    top: int
    left: int
    bottom: int
    right: int
    black: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Check:
    """One answer. `needs`: only with one of these options; `unless`: not with any of them; both empty: always.

    `texts`: what was planted, as the action needs it: what must be gone or stay, the source's UID or date; never
    shown. `subject`: whose, for what has to agree within a person. `required`: absence is a failure too.
    """

    action: Action
    instance: int
    place: Place
    path: Path = ()
    texts: tuple[str, ...] = field(default=(), repr=False)
    needs: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()
    subject: str = ""
    descriptor: bool = False
    required: bool = False
    boxes: tuple[Box, ...] = ()

    def applies(self, options: Iterable[str]) -> bool:
        """Whether it is asked under these options of the profile."""
        chosen = frozenset(options)
        return (not self.needs or bool(self.needs & chosen)) and not self.unless & chosen

    @property
    def element(self) -> str:
        """Path in words, without any value."""
        return ".".join(map(str, self.path)) or str(self.place)


def options(*names: str) -> frozenset[str]:
    """A set of option names, for `needs` and `unless`."""
    return frozenset(names)
