"""What can be known of a script before an instance is there: functions, arguments, variables, fixed values."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import assert_never

from xnat_pixelanon.headers.script import nodes
from xnat_pixelanon.headers.script.functions import FUNCTIONS
from xnat_pixelanon.headers.script.nodes import Call, ListOf, Name, Place, Statement, TagPath, Text, Value
from xnat_pixelanon.headers.script.parse import parse_path
from xnat_pixelanon.headers.script.patterns import Unsafe, compile_pattern
from xnat_pixelanon.headers.script.pixel_function import check_arguments
from xnat_pixelanon.headers.script.protected import forbidden
from xnat_pixelanon.headers.script.source import Wrong
from xnat_pixelanon.headers.script.table import Gives, Kind
from xnat_pixelanon.headers.script.values import Failed

VERSIONS = tuple(f"6.{number}" for number in range(7))
RAW_TAG = re.compile(r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)")


@dataclass(slots=True)
class Check:
    """One walk over a script. `known`: the variables that will be given; `given` those of them that are used."""

    known: Collection[str]
    version: str = ""
    assigned: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    described: dict[str, str] = field(default_factory=dict)
    exported: dict[str, str] = field(default_factory=dict)
    problems: list[Wrong] = field(default_factory=list)

    def wrong(self, words: str, place: Place) -> None:
        """Note a problem and go on: all are said at once."""
        self.problems.append(Wrong(words, place))

    def block(self, statements: Iterable[Statement]) -> None:
        """Statements in their order; a variable counts from its first assignment on."""
        for statement in statements:
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        """One statement and what is within it."""
        match statement:
            case nodes.Assign(path=path, value=value, only_present=only_present):
                self._assign(path, value, only_present)
            case nodes.Delete(path=path):
                self._path(path)
                self._written(path, removed=True)
            case nodes.Let(name=name, value=value):
                self._worth(value, (Gives.TEXT, Gives.TRUTH, Gives.LIST))
                self.assigned.add(name)
            case nodes.Run(call=call):
                self._call(call)
            case nodes.Echo(value=said):
                if said is not None:
                    self._worth(said, (Gives.TEXT, Gives.TRUTH))
            case nodes.Conditional(condition=condition, then=then, otherwise=otherwise):
                self._condition(condition)
                self.block([then] if otherwise is None else [then, otherwise])
            case nodes.Branches(branches=branches, otherwise=last):
                for branch in branches:
                    self._condition(branch.condition)
                    self.block(branch.block)
                self.block(last or ())
            case nodes.Version(text=text, place=place):
                self._version(text, place)
            case nodes.Describe(name=name, words=words, kind=kind):
                self.described[name] = kind or words
            case nodes.Export(name=name, words=words):
                self.exported[name] = words
            case nodes.RemoveAllPrivate():
                pass
            case _:
                assert_never(statement)

    def _version(self, text: str, place: Place) -> None:
        if self.version:
            self.wrong("a script has one version line", place)
        elif text not in VERSIONS:
            self.wrong(f"the version is one of {', '.join(VERSIONS)}", place)
        self.version = text

    def _assign(self, path: TagPath, value: Value, only_present: bool) -> None:
        self._path(path)
        open_way = [s for s in path.steps[:-1] if isinstance(s, nodes.ElementStep) and s.index in (None, nodes.EVERY)]
        if open_way and not only_present:
            self.wrong("`:=` needs the number of the item of each sequence", path.place)
        if path.last.index is not None:
            self.wrong("an item of a sequence takes no value", path.place)
        self._worth(value, (Gives.TEXT, Gives.TRUTH))
        self._written(path, removed=False)

    def _written(self, path: TagPath, *, removed: bool) -> None:
        last, nested = path.last, len(path.steps) > 1
        if last.wild or last.creator or last.index is not None:
            return
        why = forbidden(int(last.group + last.element, 16), nested=nested, emptied=removed)
        if why:
            self.wrong(why, path.place)

    def _path(self, path: TagPath) -> None:
        first = path.steps[0]
        if isinstance(first, nodes.ElementStep) and first.group in ("0000", "0002", "0004", "0006", "7FE0"):
            self.wrong("file meta, commands and pixel data are not a script's, but for alterPixels", path.place)

    def _condition(self, condition: nodes.Condition) -> None:
        if isinstance(condition, Call):
            self._worth(condition, (Gives.TRUTH,))
            return
        self._worth(condition.left, (Gives.TEXT, Gives.TRUTH))
        self._worth(condition.right, (Gives.TEXT, Gives.TRUTH))
        if condition.sign in ("~", "!~"):
            self._pattern(condition.right)

    def _worth(self, value: Value, wanted: tuple[Gives, ...]) -> None:
        """That `value` is right in itself, and is what is needed here."""
        match value:
            case nodes.Number() | Text():
                gives = Gives.TEXT
            case TagPath():
                gives = Gives.TEXT
                self._path(value)
            case Name(name=name):
                self._name(name, value.place)
                return
            case ListOf(values=values):
                gives = Gives.LIST
                for inner in values:
                    self._worth(inner, (Gives.TEXT, Gives.TRUTH, Gives.LIST))
            case Call():
                found = self._call(value)
                if found is None:
                    return
                gives = found
            case _:
                assert_never(value)
        if gives not in wanted:
            what = f"{value.name}[] gives" if isinstance(value, Call) else "this is"
            self.wrong(f"{what} {gives.value}, and {' or '.join(w.value for w in wanted)} is needed", value.place)

    def _name(self, name: str, place: Place) -> None:
        if name in self.assigned:
            return
        if name not in self.known:
            self.wrong(f"the variable {name} has no value here", place)
        self.given.add(name)

    def _call(self, call: Call) -> Gives | None:
        function = FUNCTIONS.get(call.name)
        if function is None:
            self.wrong(f"there is no function {call.name}", call.place)
            return None
        count = len(call.arguments)
        if count < function.fewest or (function.rest is None and count > len(function.takes)):
            most = "or more" if function.rest else f"to {len(function.takes)}"
            span = f"{function.fewest}" if function.fewest == len(function.takes) and not function.rest else ""
            self.wrong(f"{call.name}[] takes {span or f'{function.fewest} {most}'} arguments, not {count}", call.place)
            return function.gives
        for index, argument in enumerate(call.arguments):
            kind = function.kind(index)
            assert kind is not None
            self._argument(argument, kind)
        if call.name == "alterPixels" and all(isinstance(a, Text) for a in call.arguments):
            self._fixed_rectangle(call)
        return function.gives

    def _fixed_rectangle(self, call: Call) -> None:
        shape, area, fill, colour = (argument.text for argument in call.arguments if isinstance(argument, Text))
        try:
            check_arguments(shape, area, fill, colour)
        except Failed as error:
            self.wrong(error.words, call.place)

    def _argument(self, value: Value, kind: Kind) -> None:
        if kind in (Kind.TEXT, Kind.PATTERN):
            self._worth(value, (Gives.TEXT, Gives.TRUTH))
            if kind is Kind.PATTERN:
                self._pattern(value)
        elif kind is Kind.LIST:
            self._worth(value, (Gives.TEXT, Gives.LIST))
        elif kind is Kind.PATHS:
            self._paths(value)
        elif not self._is_path(value, kind):
            self.wrong(f"{kind.value} is needed", value.place)

    def _is_path(self, value: Value, kind: Kind) -> bool:
        if kind is Kind.RAW:
            return isinstance(value, Text) and RAW_TAG.fullmatch(value.text) is not None
        if kind is Kind.QUOTED:
            path = parse_path(value.text) if isinstance(value, Text) else None
        else:
            path = value if isinstance(value, TagPath) else None
        if path is None or (kind is Kind.SINGLE and not path.single):
            return False
        self._path(TagPath(path.steps, value.place))
        return True

    def _paths(self, value: Value) -> None:
        if isinstance(value, ListOf):
            for inner in value.values:
                self._paths(inner)
        elif isinstance(value, Name):
            self._name(value.name, value.place)
        elif isinstance(value, TagPath):
            self._path(value)
        else:
            self.wrong(f"{Kind.PATHS.value} is needed", value.place)

    def _pattern(self, value: Value) -> None:
        if isinstance(value, Text):
            try:
                compile_pattern(value.text)
            except Unsafe as error:
                self.wrong(str(error), value.place)
