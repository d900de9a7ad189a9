"""What a row of the table of functions says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from xnat_pixelanon.headers.script.nodes import TagPath
from xnat_pixelanon.headers.script.state import Runtime, State


class Kind(Enum):
    """What a parameter takes."""

    TEXT = "a value"
    LIST = "a list, or a value"
    PATHS = "a list of tag paths"
    PATH = "a tag path"
    SINGLE = "a tag path without wildcards"
    QUOTED = "a tag path in a string"
    RAW = 'a tag in a string, as "(0010,0010)"'
    PATTERN = "a regular expression"


class Gives(Enum):
    """What a call is worth."""

    TEXT = "text"
    TRUTH = "true or false"
    LIST = "a list"
    NOTHING = "nothing"


Argument = Runtime | tuple[TagPath, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """One function. `takes` are its parameters, of which `least` must be given; `rest`: as many more of this kind.

    `run` gets the state and the arguments: texts (None where an element is not there), lists, paths.
    """

    takes: tuple[Kind, ...]
    gives: Gives
    run: Callable[..., Runtime]
    least: int | None = None
    rest: Kind | None = None

    @property
    def fewest(self) -> int:
        """The fewest arguments."""
        return len(self.takes) if self.least is None else self.least

    def kind(self, index: int) -> Kind | None:
        """The kind of the argument `index`, None where there is one too many."""
        return self.takes[index] if index < len(self.takes) else self.rest

    def call(self, state: State, arguments: list[Argument]) -> Runtime:
        """Run it."""
        return self.run(state, *arguments)
