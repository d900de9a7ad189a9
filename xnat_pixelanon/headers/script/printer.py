"""From tree to text, one statement a line: what `parse_script` reads as the same tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from xnat_pixelanon.headers.script import nodes
from xnat_pixelanon.headers.script.nodes import EVERY, Condition, DepthStep, ElementStep, Statement, TagPath, Value


def print_script(statements: Sequence[Statement]) -> str:
    """The whole script, with a line feed at its end."""
    return "".join(f"{line}\n" for statement in statements for line in _lines(statement, ""))


def print_path(path: TagPath) -> str:
    """A tag path as a script writes it."""
    return "/".join(_step(step) for step in path.steps)


def _step(step: ElementStep | DepthStep) -> str:
    if isinstance(step, DepthStep):
        return step.symbol
    index = "" if step.index is None else "[%]" if step.index == EVERY else f"[{step.index}]"
    creator = f"{{{step.creator}}}" if step.creator else ""
    return f"({step.group},{creator}{step.element}){index}"


def _string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\") + '"'


def _value(value: Value) -> str:
    match value:
        case nodes.Number(text=text):
            return text
        case nodes.Text(text=text):
            return _string(text)
        case nodes.Name(name=name):
            return name
        case nodes.ListOf(values=values):
            return "{" + ", ".join(map(_value, values)) + "}"
        case nodes.Call(name=name, arguments=arguments):
            return f"{name}[{', '.join(map(_value, arguments))}]"
        case TagPath():
            return print_path(value)
        case _:
            assert_never(value)


def _condition(condition: Condition) -> str:
    if isinstance(condition, nodes.Call):
        return _value(condition)
    return f"{_value(condition.left)} {condition.sign} {_value(condition.right)}"


def _lines(statement: Statement, indent: str) -> Iterator[str]:
    if not isinstance(statement, nodes.Branches):
        yield indent + _line(statement)
        return
    word = "if"
    for branch in statement.branches:
        yield f"{indent}{word} ({_condition(branch.condition)}) {{"
        yield from (line for inner in branch.block for line in _lines(inner, indent + "  "))
        word = "} elseif"
    if statement.otherwise is not None:
        yield f"{indent}}} else {{"
        yield from (line for inner in statement.otherwise for line in _lines(inner, indent + "  "))
    yield f"{indent}}}"


def _line(
    statement: nodes.Action
    | nodes.Conditional
    | nodes.Version
    | nodes.Describe
    | nodes.Export
    | nodes.RemoveAllPrivate,
) -> str:
    match statement:
        case nodes.Assign(path=path, value=value, only_present=only_present):
            return f"{print_path(path)} {'?=' if only_present else ':='} {_value(value)}"
        case nodes.Delete(path=path):
            return f"- {print_path(path)}"
        case nodes.Let(name=name, value=value):
            return f"{name} := {_value(value)}"
        case nodes.Run(call=call):
            return _value(call)
        case nodes.Echo(value=said):
            return "echo" if said is None else f"echo {_value(said)}"
        case nodes.Conditional(condition=condition, then=then, otherwise=otherwise):
            last = "" if otherwise is None else f" : {_line(otherwise)}"
            return f"{_condition(condition)} ? {_line(then)}{last}"
        case nodes.Version(text=text):
            return f"version {_string(text)}"
        case nodes.Describe(name=name, words=words, kind=kind):
            return f"describe {name} {kind or _string(words)}"
        case nodes.Export(name=name, words=words):
            return f"export {name} {_string(words)}"
        case nodes.RemoveAllPrivate():
            return "removeAllPrivateTags"
        case _:
            assert_never(statement)
