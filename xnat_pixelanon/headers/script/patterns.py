"""Regular expressions of scripts: what Java and Python read alike, with a bound on what a match can cost.

DicomEdit has Java's. Accepted is what means the same in both: characters, classes, groups, look-ahead, alternatives,
repeats, anchors, `(?i)` in front. A matcher that backtracks tries at most `cost` ways; an expression with a repeat
within a repeat without end is refused (their number is exponential), and so is a match with more ways than MAX_WAYS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from math import comb

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError

MAX_WAYS = 50_000_000
MAX_PATTERN = 1024
_GRAMMAR = r"""
start: branch ("|" branch)*
branch: (_piece)*
_piece: atom | repeat
repeat: atom REPEAT
atom: (CHAR | ESCAPE | DOT | ANCHOR | CLASS)  -> one
    | "(" KIND? start ")"                     -> group
KIND: "?:" | "?=" | "?!"
REPEAT: /(?:[*+?]|\{[0-9]{1,3}(?:,[0-9]{0,3})?\})[?+]?/
CHAR: /[^\\\[\](){}|.*+?^$]/
ESCAPE: /\\[dDwWsSbBtnrf]/ | /\\[^A-Za-z0-9]/
DOT: "."
ANCHOR: /[$^]/
CLASS: /\[\^?(?:[^\\\[\]^&]|\\[dDwWsStnrf]|\\[^A-Za-z0-9])+\]/
"""


class Unsafe(Exception):
    """An expression that is not accepted, in words that do not quote it."""


@dataclass(frozen=True, slots=True)
class _Cost:
    """Ways to match: `ways` times those to share n characters among `endless` repeats."""

    text: str
    ways: int = 1
    endless: int = 0

    def within(self, length: int) -> int:
        return self.ways * comb(length + self.endless, self.endless)


@v_args(inline=True)
class _Costs(Transformer[Token, _Cost]):
    def one(self, token: Token) -> _Cost:
        if token.type == "CLASS" and any(sign * 2 in token for sign in "-|~"):
            raise Unsafe("the regular expression has a class with an operator in it")
        # Java's `.` leaves out more line ends than Python's.
        return _Cost(r"[^\n\r\u0085\u2028\u2029]" if token.type == "DOT" else str(token))

    def group(self, *parts: Token | _Cost) -> _Cost:
        inner = parts[-1]
        assert isinstance(inner, _Cost)
        kind = str(parts[0]) if len(parts) > 1 else ""
        return _Cost(f"({kind}{inner.text})", inner.ways, inner.endless)

    def repeat(self, body: _Cost, token: Token) -> _Cost:
        text, fixed = body.text + str(token), body.ways == 1 and not body.endless
        least, most = _limits(str(token))
        if most is None:
            if not fixed:
                raise Unsafe("the regular expression repeats, without end, what can match in several ways")
            return _Cost(text, 1, 1)
        if least > most:
            raise Unsafe("the regular expression has a repeat whose end comes before its start")
        ways = body.ways ** min(most, 64) * (most - least + 1)
        return _bounded(_Cost(text, ways, body.endless * most))

    def branch(self, *pieces: _Cost) -> _Cost:
        ways, endless = 1, 0
        for piece in pieces:
            ways, endless = ways * piece.ways, endless + piece.endless
        return _bounded(_Cost("".join(piece.text for piece in pieces), ways, endless))

    def start(self, *branches: _Cost) -> _Cost:
        ways = sum(branch.ways for branch in branches)
        return _bounded(_Cost("|".join(b.text for b in branches), ways, max(b.endless for b in branches)))


def _bounded(cost: _Cost) -> _Cost:
    if cost.ways > MAX_WAYS or cost.endless > 64:
        raise Unsafe("the regular expression can match in too many ways")
    return cost


def _limits(token: str) -> tuple[int, int | None]:
    if token[0] in "*+?":
        return int(token[0] == "+"), 1 if token[0] == "?" else None
    first, comma, last = token[1 : token.index("}")].partition(",")
    return int(first), int(last) if last else None if comma else int(first)


@dataclass(frozen=True, slots=True)
class Pattern:
    """An accepted expression."""

    compiled: re.Pattern[str]
    cost: _Cost

    def whole(self, text: str) -> bool:
        """Whether it matches all of `text`. Raises Unsafe where that could take too long."""
        self._check(self.cost.within(len(text)))
        return self.compiled.fullmatch(text) is not None

    def first(self, text: str) -> re.Match[str] | None:
        """The first place where it matches. Raises Unsafe where that could take too long."""
        self._check(self.cost.ways * comb(len(text) + self.cost.endless + 1, self.cost.endless + 1))
        return self.compiled.search(text)

    @staticmethod
    def _check(ways: int) -> None:
        if ways > MAX_WAYS:
            raise Unsafe("the regular expression could take too long on a value of this length")


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> Pattern:
    """Raises Unsafe for what is no expression, means other things in Java and Python, or has no bound."""
    flags = re.ASCII
    body = text.removeprefix("(?i)")
    if body != text:
        flags |= re.IGNORECASE
    if len(text) > MAX_PATTERN or body.count("(") > 40:
        raise Unsafe("the regular expression is too long or nested too deeply")
    try:
        cost = _Costs().transform(_parser().parse(body))
        return Pattern(re.compile(cost.text, flags), cost)
    except VisitError as error:
        if isinstance(error.orig_exc, Unsafe):
            raise error.orig_exc from None
        raise
    except (UnexpectedInput, re.error):
        raise Unsafe("the regular expression is none that Java and Python read alike") from None
