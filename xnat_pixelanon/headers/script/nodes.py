"""The syntax tree of a script: plain records. Two trees are equal where they say the same, wherever it stands."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column in the script, both from 1."""

    line: int
    column: int

    @property
    def text(self) -> str:
        """For people: `line 3, column 5`."""
        return f"line {self.line}, column {self.column}"


NOWHERE = Place(0, 0)


@dataclass(frozen=True, slots=True)
class ElementStep:
    """Elements of one data set: `group` of four digits in capitals, `element` of four, or of two below a `creator`.

    X stands for any digit, @ for an even one, # for an odd one. `index`: this item (from 0), EVERY, or None where the
    script says neither.
    """

    group: str
    element: str
    creator: str = ""
    index: int | None = None

    @property
    def wild(self) -> bool:
        """Whether it may name several elements."""
        return not set("X@#").isdisjoint(self.group + self.element)


EVERY = -1
"""The index `%`: every item of a sequence."""


@dataclass(frozen=True, slots=True)
class DepthStep:
    """`*` any depth, `+` at least one sequence deep, `.` exactly one."""

    symbol: str


@dataclass(frozen=True, slots=True)
class TagPath:
    """Sequences on the way, then the element."""

    steps: tuple[ElementStep | DepthStep, ...]
    place: Place = field(default=NOWHERE, compare=False)

    @property
    def last(self) -> ElementStep:
        """The step that names what is meant; the grammar lets nothing else stand there."""
        step = self.steps[-1]
        assert isinstance(step, ElementStep)
        return step

    @property
    def single(self) -> bool:
        """Whether it can name one element only."""
        way = all(isinstance(step, ElementStep) and step.index not in (None, EVERY) for step in self.steps[:-1])
        return way and not any(isinstance(step, ElementStep) and step.wild for step in self.steps)


@dataclass(frozen=True, slots=True)
class Number:
    """A number, as it was written."""

    text: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A string, without its quotes, `\\\\` read as one backslash."""

    text: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """The value of a variable."""

    name: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ListOf:
    """`{a, b}`; a tag path within stands for itself until a function asks for its value."""

    values: tuple[Value, ...]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """`name[arguments]`."""

    name: str
    arguments: tuple[Value, ...]
    place: Place = field(default=NOWHERE, compare=False)


Value = Number | Text | Name | ListOf | Call | TagPath


@dataclass(frozen=True, slots=True)
class Compare:
    """`left sign right`; signs are = != ~ !~."""

    left: Value
    sign: str
    right: Value
    place: Place = field(default=NOWHERE, compare=False)


Condition = Compare | Call


@dataclass(frozen=True, slots=True)
class Assign:
    """`T := v`, or with `only_present` `T ?= v`."""

    path: TagPath
    value: Value
    only_present: bool = False
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Delete:
    """`- T`."""

    path: TagPath
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Let:
    """`name := v`."""

    name: str
    value: Value
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Run:
    """A function as a statement."""

    call: Call
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Echo:
    """`echo v`, or a bare `echo`."""

    value: Value | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class RemoveAllPrivate:
    """`removeAllPrivateTags`."""

    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Version:
    """`version "6.3"`."""

    text: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Describe:
    """`describe name "words"`, or with `kind` one of hidden, const, immutable."""

    name: str
    words: str = ""
    kind: str = ""
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Export:
    """`export name "where"`."""

    name: str
    words: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Branch:
    """A condition and the statements that it guards."""

    condition: Condition
    block: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Branches:
    """`if`, `elseif` ..., `else`; `otherwise` is None where there is no `else`."""

    branches: tuple[Branch, ...]
    otherwise: tuple[Statement, ...] | None = None
    place: Place = field(default=NOWHERE, compare=False)


Action = Assign | Delete | Let | Run | Echo


@dataclass(frozen=True, slots=True)
class Conditional:
    """`condition ? action : action`."""

    condition: Condition
    then: Action
    otherwise: Action | None = None
    place: Place = field(default=NOWHERE, compare=False)


Statement = Action | Conditional | Branches | Version | Describe | Export | RemoveAllPrivate
