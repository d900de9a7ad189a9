"""DicomEdit 6 scripts: `alterPixels` and `reject` under conditions on attributes, in and out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydicom.datadict import keyword_for_tag, tag_for_keyword

from xnat_pixelanon.domain.criteria import CRITERIA
from xnat_pixelanon.errors import DocumentError
from xnat_pixelanon.exchange.rules import (
    ANY,
    Carried,
    Conjunction,
    ForeignRule,
    NotCarriedError,
    apart,
    assembled,
    both,
    by_expression,
    criterion,
    exported,
    expression_of,
)
from xnat_pixelanon.headers.script import nodes
from xnat_pixelanon.headers.script.parse import parse_script
from xnat_pixelanon.headers.script.pixel_function import check_arguments
from xnat_pixelanon.headers.script.source import Wrong
from xnat_pixelanon.headers.script.values import Failed

KIND = "dicomedit"


def read(text: str, where: str, size: tuple[int, int] | None) -> Carried:
    """DocumentError with line and column where it is no script."""
    try:
        statements = parse_script(text)
    except Wrong as error:
        raise DocumentError(where, [error.text]) from None
    reader = _Reader()
    reader.block(statements, ANY)
    if reader.others:
        reader.notes.append(
            f"{reader.others} statements are not about pixels: not taken over; 'script push' stores the script itself"
        )
    return assembled(KIND, reader.rules, size, reader.notes)


class _Reader:
    def __init__(self) -> None:
        self.rules: list[ForeignRule] = []
        self.notes: list[str] = []
        self.others = 0

    def block(self, statements: Sequence[nodes.Statement], given: tuple[Conjunction, ...] | None) -> None:
        """`given`: under which conditions; None where they cannot be carried over."""
        for statement in statements:
            match statement:
                case nodes.Run(call=call) if call.name in ("alterPixels", "reject"):
                    self._rule(call, given)
                case nodes.Conditional(condition=condition, then=then, otherwise=otherwise):
                    held = self._held(condition, given)
                    self.block((then,), held)
                    if otherwise is not None:
                        self._block_otherwise((otherwise,))
                case nodes.Branches(branches=branches, otherwise=last):
                    self._branches(branches, last, given)
                case nodes.Version() | nodes.Describe() | nodes.Export():
                    pass
                case _:
                    self.others += 1

    def _branches(
        self,
        branches: Sequence[nodes.Branch],
        last: Sequence[nodes.Statement] | None,
        given: tuple[Conjunction, ...] | None,
    ) -> None:
        before: list[Conjunction] = []
        for branch in branches:
            held = self._held(branch.condition, given)
            own = held
            if held is not None and not all(apart(one, earlier) for one in held for earlier in before):
                own = None  # also that the earlier ones do not hold, which no criterion says
            self.block(branch.block, own)
            before += held or ANY
        self._block_otherwise(last or ())

    def _block_otherwise(self, statements: Sequence[nodes.Statement]) -> None:
        self.block(statements, None)

    def _held(
        self, condition: nodes.Condition, given: tuple[Conjunction, ...] | None
    ) -> tuple[Conjunction, ...] | None:
        if given is None:
            return None
        try:
            return both(given, _alternatives(condition))
        except NotCarriedError:
            return None

    def _rule(self, call: nodes.Call, given: tuple[Conjunction, ...] | None) -> None:
        place = call.place
        if given is None:
            self.notes.append(f"{place.text}: {call.name} under a condition that no criterion says: left out")
            return
        if call.name == "reject":
            if call.arguments and not (isinstance(call.arguments[0], nodes.Text) and _true(call.arguments[0].text)):
                self.notes.append(f"{place.text}: reject of a computed value: left out")
                return
            self.rules.append(ForeignRule(place.line, f"rejected in line {place.line}", given, excluded=True))
            return
        texts = [one.text for one in call.arguments if isinstance(one, nodes.Text | nodes.Number)]
        if len(texts) != 4:
            self.notes.append(f"{place.text}: alterPixels of a computed rectangle: left out")
            return
        try:
            edges, _ = check_arguments(texts[0], texts[1], texts[2], texts[3])
        except Failed as error:
            self.notes.append(f"{place.text}: {error.words}: left out")
            return
        box = (max(0, edges["left"]), max(0, edges["top"]), edges["right"], edges["bottom"])
        if box[2] <= 0 or box[3] <= 0:
            self.notes.append(f"{place.text}: the rectangle lies outside of every image: left out")
            return
        self.rules.append(ForeignRule(place.line, f"line {place.line} of a DicomEdit script", given, (box,)))


def _true(text: str) -> bool:
    return text.strip().casefold() == "true"


def _alternatives(condition: nodes.Condition) -> tuple[Conjunction, ...]:
    if isinstance(condition, nodes.Compare):
        return _compared(condition.left, condition.sign, condition.right)
    parts = condition.arguments
    match condition.name:
        case "true":
            return ANY
        case "and":
            found = ANY
            for part in parts:
                found = both(found, _alternatives(_call(part)))
            return found
        case "or":
            return tuple(one for part in parts for one in _alternatives(_call(part)))
        case "equals" if len(parts) == 2:
            return _compared(parts[0], "=", parts[1])
        case "ismatch" if len(parts) == 2:
            return _compared(parts[0], "~", parts[1])
    raise NotCarriedError(f"a condition by {condition.name}")


def _call(value: nodes.Value) -> nodes.Call:
    if isinstance(value, nodes.Call):
        return value
    raise NotCarriedError("a condition by a value")


def _compared(left: nodes.Value, sign: str, right: nodes.Value) -> tuple[Conjunction, ...]:
    if isinstance(right, nodes.TagPath) and sign == "=":
        left, right = right, left
    if not isinstance(left, nodes.TagPath) or not isinstance(right, nodes.Text | nodes.Number):
        raise NotCarriedError("a comparison that is not of an attribute and a text")
    step = left.steps[0]
    if len(left.steps) > 1 or not isinstance(step, nodes.ElementStep) or step.creator or step.wild:
        raise NotCarriedError("a condition on an element within a sequence, or a private one")
    keyword = keyword_for_tag(int(step.group + step.element, 16))
    if sign == "=":
        return (criterion(keyword, right.text),)
    if sign == "~":
        return (by_expression(keyword, right.text),)
    raise NotCarriedError("a condition that something is not so")


def write(document: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The script, and notes on what it does not say."""
    notes: list[str] = []
    lines = ['version "6.3"']
    for rule, excluded in exported(document, notes):
        name = "an exclusion" if excluded else f"template {rule['id']}"
        try:
            conditions = [_condition(key, str(wanted)) for key, wanted in rule["match"].items()]
        except NotCarriedError as error:
            notes.append(f"{name}: {error}: left out")
            continue
        lines += [f"{'   ' * depth}if ({one}) {{" for depth, one in enumerate(conditions)]
        lines += [f"{'   ' * len(conditions)}{one}" for one in _actions(rule, excluded=excluded)]
        lines += [f"{'   ' * depth}}}" for depth in reversed(range(len(conditions)))]
    return "\n".join(lines) + "\n", notes


def _actions(rule: Mapping[str, Any], *, excluded: bool) -> Iterator[str]:
    if excluded:
        yield 'reject["true"]'
        return
    for box in rule["rectangles"]:
        area = f"l={box['left']}, t={box['top']}, r={box['right']}, b={box['bottom']}"
        yield f'alterPixels["rectangle", "{area}", "solid", "v=0"]'


def _condition(name: str, wanted: str) -> str:
    if name == "transfer_syntax_uid":
        raise NotCarriedError("a script does not see the transfer syntax")
    if '"' in wanted or not wanted.isprintable():
        raise NotCarriedError("a string of a script cannot hold this text")
    tag = int(tag_for_keyword(CRITERIA[name].keyword) or 0)
    path = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
    if CRITERIA[name].integer or name == "sop_class_uid":
        return f'{path} = "{wanted}"'
    quoted = expression_of(wanted).replace("\\", "\\\\")
    return f'{path} ~ "{quoted}"'
