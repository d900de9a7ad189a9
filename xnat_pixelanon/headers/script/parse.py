"""From text to tree, by lark's LALR parser."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, VisitError

from xnat_pixelanon.headers.script import nodes
from xnat_pixelanon.headers.script.nodes import EVERY, Place, Statement, TagPath, Value
from xnat_pixelanon.headers.script.source import Wrong, without_comments

MAX_INDEX = 99_999
"""The highest item number."""
_ESCAPES = re.compile(r"\\(.)")
_KNOWN_ESCAPES = frozenset("btnfr'\\u01234567")
_PARTS = re.compile(r"\((.{4}),(?:\{(.*)\})?(.*)\)")


def _place(token: Token) -> Place:
    return Place(token.line or 1, token.column or 1)


def _start(*parts: object) -> Place:
    for part in parts:
        if isinstance(part, Token):
            return _place(part)
        place = getattr(part, "place", None)
        if isinstance(place, Place):
            return place
    return Place(1, 1)


def _string(token: Token) -> str:
    """What stands between the quotes. Of all escapes DicomEdit decodes `\\\\` only; others stay as they are."""
    body = str(token)[1:-1]
    for escape in _ESCAPES.finditer(body):
        if escape[1] not in _KNOWN_ESCAPES:
            at = Place(_place(token).line, _place(token).column + 1 + escape.start())
            said = 'a string cannot hold a quote: \\"' if escape[1] == '"' else f"unknown escape \\{escape[1]}"
            raise Wrong(f"{said} is not DicomEdit (a backslash is written \\\\)", at)
    return body.replace("\\\\", "\\")


@v_args(inline=True)
class _Tree(Transformer[Token, tuple[Statement, ...]]):
    """One method for each rule of the grammar."""

    def start(self, *statements: Statement) -> tuple[Statement, ...]:
        return statements

    block = start

    def conditional(
        self, condition: nodes.Condition, then: nodes.Action, otherwise: nodes.Action | None = None
    ) -> Statement:
        return nodes.Conditional(condition, then, otherwise, _start(condition))

    def branches(self, word: Token, condition: nodes.Condition, block: tuple[Statement, ...], *more: object) -> object:
        found = [nodes.Branch(condition, block)]
        otherwise: tuple[Statement, ...] | None = None
        for part in more:
            if isinstance(part, nodes.Branch):
                found.append(part)
            elif isinstance(part, tuple):
                otherwise = part
        return nodes.Branches(tuple(found), otherwise, _place(word))

    def elseif(self, _: Token, condition: nodes.Condition, block: tuple[Statement, ...]) -> nodes.Branch:
        return nodes.Branch(condition, block)

    def otherwise(self, _: Token, block: tuple[Statement, ...]) -> tuple[Statement, ...]:
        return block

    def version(self, word: Token, text: Token) -> Statement:
        return nodes.Version(_string(text), _place(word))

    def describe(self, word: Token, name: Token, words: Token) -> Statement:
        return nodes.Describe(str(name), _string(words), "", _place(word))

    def describe_as(self, word: Token, name: Token, kind: Token) -> Statement:
        return nodes.Describe(str(name), "", str(kind), _place(word))

    def export(self, word: Token, name: Token, words: Token) -> Statement:
        return nodes.Export(str(name), _string(words), _place(word))

    def remove_all(self, word: Token) -> Statement:
        return nodes.RemoveAllPrivate(_place(word))

    def assign(self, path: TagPath, sign: Token, value: Value) -> Statement:
        return nodes.Assign(path, value, str(sign) == "?=", path.place)

    def delete(self, sign: Token, path: TagPath) -> Statement:
        return nodes.Delete(path, _place(sign))

    def let(self, name: Token, value: Value) -> Statement:
        return nodes.Let(str(name), value, _place(name))

    def run(self, call: nodes.Call) -> Statement:
        return nodes.Run(call, call.place)

    def echo(self, word: Token, value: Value | None = None) -> Statement:
        return nodes.Echo(value, _place(word))

    def holds(self, call: nodes.Call) -> nodes.Condition:
        return call

    def compare(self, left: Value, sign: Token, right: Value) -> nodes.Condition:
        return nodes.Compare(left, str(sign), right, left.place)

    def number(self, token: Token) -> Value:
        return nodes.Number(str(token), _place(token))

    def text(self, token: Token) -> Value:
        return nodes.Text(_string(token), _place(token))

    def name(self, token: Token) -> Value:
        return nodes.Name(str(token), _place(token))

    def list(self, token: Token, *values: Value) -> Value:
        return nodes.ListOf(values, _place(token))

    def function(self, name: Token, *arguments: Value) -> Value:
        return nodes.Call(str(name), arguments, _place(name))

    def tagpath(self, *steps: tuple[nodes.ElementStep | nodes.DepthStep, Place]) -> TagPath:
        return TagPath(tuple(step for step, _ in steps), steps[0][1])

    def depth(self, token: Token) -> tuple[nodes.DepthStep, Place]:
        return nodes.DepthStep(str(token)), _place(token)

    def element(self, token: Token) -> tuple[nodes.ElementStep, Place]:
        return self.item(token, None)

    def item(self, token: Token, index: Token | None) -> tuple[nodes.ElementStep, Place]:
        parts = _PARTS.fullmatch(str(token))
        assert parts is not None
        number = None if index is None else EVERY if index == "%" else int(str(index)[:9])
        if number is not None and number > MAX_INDEX:
            raise Wrong(f"an item number is at most {MAX_INDEX}", _place(token))
        return nodes.ElementStep(parts[1].upper(), parts[3].upper(), parts[2] or "", number), _place(token)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = files("xnat_pixelanon.headers.script").joinpath("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", start=["start", "tagpath"], maybe_placeholders=False)


def parse_script(text: str) -> tuple[Statement, ...]:
    """The statements of a script. Raises Wrong at the first place that is not DicomEdit 6."""
    statements = _parsed(without_comments(text), "start")
    assert isinstance(statements, tuple)
    return statements


@lru_cache(maxsize=256)
def parse_path(text: str) -> TagPath | None:
    """A tag path that stands in a string; None where it is none."""
    try:
        path = _parsed(text, "tagpath")
    except Wrong:
        return None
    assert isinstance(path, TagPath)
    return path


def _parsed(text: str, rule: str) -> object:
    try:
        tree = _parser().parse(text, start=rule)
        return _Tree().transform(tree)
    except VisitError as error:
        if isinstance(error.orig_exc, Wrong):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        raise Wrong(_words(error, text), _place_of(error, text)) from None


def _at_the_end(error: UnexpectedInput) -> bool:
    token = getattr(error, "token", None)
    return isinstance(error, UnexpectedEOF) or error.line < 1 or (token is not None and token.type == "$END")


def _place_of(error: UnexpectedInput, text: str) -> Place:
    if _at_the_end(error):  # lark has no place for it
        lines = text.rstrip().split("\n")
        return Place(len(lines), len(lines[-1]) + 1)
    return Place(error.line, error.column)


def _words(error: UnexpectedInput, text: str) -> str:
    if _at_the_end(error):
        return "the script ends within a statement"
    line = text.split("\n")[error.line - 1][error.column - 1 :]
    if re.match(r"\([0-9A-Fa-fXx@#]{3}[13579BDFbdf#],[^{]", line):
        return "a private group needs its creator, as (0019,{CREATOR}10)"
    if re.match(r"\([0-9A-Fa-fXx@#]{3}[Xx],", line):
        return "the group's last digit says whether it is private: an even digit or @, or an odd digit or #"
    if re.match(r"[xX](?![A-Za-z0-9_])", line):
        return "x alone is not a name in DicomEdit"
    if isinstance(error, UnexpectedCharacters):
        return "this is not DicomEdit 6 here"
    token = getattr(error, "token", None)
    return "the statement ends too early" if token is not None and token.type == "_NL" else "this does not belong here"
