"""Runs checked statements over one instance. What a function or an element makes impossible is Failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from xnat_pixelanon.headers.script import nodes
from xnat_pixelanon.headers.script.check import RAW_TAG
from xnat_pixelanon.headers.script.element_functions import remove_private
from xnat_pixelanon.headers.script.functions import FUNCTIONS
from xnat_pixelanon.headers.script.nodes import Call, ElementStep, ListOf, Name, Statement, TagPath, Text, Value
from xnat_pixelanon.headers.script.parse import parse_path
from xnat_pixelanon.headers.script.state import Runtime, State
from xnat_pixelanon.headers.script.table import Argument, Kind
from xnat_pixelanon.headers.script.text_functions import is_true, matches_whole
from xnat_pixelanon.headers.script.values import Failed


def run(state: State, statements: Iterable[Statement]) -> None:
    """All of them in their order."""
    for statement in statements:
        state.place = statement.place
        _statement(state, statement)


def _statement(state: State, statement: Statement) -> None:
    match statement:
        case nodes.Assign():
            _assign(state, statement)
        case nodes.Delete(path=path):
            for target in state.find(path):
                state.remove(target)
        case nodes.Let(name=name, value=value):
            state.variables[name] = _lazy(state, value)
        case nodes.Run(call=call):
            _call(state, call)
        case nodes.Echo(value=said):
            if said is not None:
                _text(state, said)  # never printed: it could be a name
        case nodes.Conditional(condition=condition, then=then, otherwise=otherwise):
            chosen = then if _holds(state, condition) else otherwise
            run(state, () if chosen is None else (chosen,))
        case nodes.Branches(branches=branches, otherwise=last):
            block = next((branch.block for branch in branches if _holds(state, branch.condition)), last)
            run(state, block or ())
        case nodes.RemoveAllPrivate():
            remove_private(state)
        case nodes.Version() | nodes.Describe() | nodes.Export():
            pass
        case _:
            assert_never(statement)


def _assign(state: State, statement: nodes.Assign) -> None:
    if not statement.only_present:
        text = _text(state, statement.value)
        if text is not None:
            state.assign(statement.path, text)
        return
    targets = state.find(statement.path)
    text = _text(state, statement.value) if targets else None
    if text is not None:
        for target in targets:
            state.put(target, text)


def _holds(state: State, condition: nodes.Condition) -> bool:
    if isinstance(condition, Call):
        return is_true(_text(state, condition))
    left, right, sign = _text(state, condition.left), _text(state, condition.right), condition.sign
    if sign in ("=", "!="):
        return (left is not None and left == right) == (sign == "=")
    return (left is not None and matches_whole(left, right)) == (sign == "~")


def _text(state: State, value: Value) -> str | None:
    found = _lazy(state, value)
    if found is None or isinstance(found, str):
        return found
    raise Failed("a list stands where a value is needed")


def _lazy(state: State, value: Value) -> Runtime:
    """What a value is worth; the tag paths of a list stay paths."""
    match value:
        case nodes.Number(text=text) | Text(text=text):
            return text
        case TagPath():
            return state.read(value)
        case Name(name=name):
            if name not in state.variables:
                raise Failed(f"the variable {name} has no value yet")
            return state.variables[name]
        case ListOf(values=values):
            return tuple(inner if isinstance(inner, TagPath) else _lazy(state, inner) for inner in values)
        case Call():
            return _call(state, value)
        case _:
            assert_never(value)


def _call(state: State, call: Call) -> Runtime:
    function = FUNCTIONS[call.name]
    arguments = [_argument(state, value, function.kind(index)) for index, value in enumerate(call.arguments)]
    outer, state.place = state.place, call.place
    result = function.call(state, arguments)
    state.place = outer
    return result


def _argument(state: State, value: Value, kind: Kind | None) -> Argument:
    match kind:
        case Kind.PATHS:
            return _paths(state, value)
        case Kind.PATH | Kind.SINGLE if isinstance(value, TagPath):
            return value
        case Kind.QUOTED if isinstance(value, Text):
            return parse_path(value.text)
        case Kind.RAW if isinstance(value, Text) and (found := RAW_TAG.fullmatch(value.text)):
            return TagPath((ElementStep(found[1].upper(), found[2].upper()),), value.place)
        case Kind.LIST:
            return value if isinstance(value, TagPath) else _lazy(state, value)
        case _:
            return _text(state, value)


def _paths(state: State, value: Value | Runtime) -> tuple[TagPath, ...]:
    if isinstance(value, TagPath):
        return (value,)
    if isinstance(value, Name):
        value = _lazy(state, value)
    if isinstance(value, ListOf):
        value = tuple(inner if isinstance(inner, TagPath) else _paths(state, inner) for inner in value.values)
    if isinstance(value, tuple):
        return tuple(path for inner in value for path in _paths(state, inner))
    raise Failed("a list of tag paths is needed here")
