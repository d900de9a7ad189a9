"""A script's text before the parser: size, nesting, and comments, which become blanks of their length."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xnat_pixelanon.headers.script.nodes import Place

MAX_SCRIPT = 256 * 1024
"""Characters of a script."""
MAX_NESTING = 40
"""Brackets within brackets; the tree is walked by recursion."""


class Wrong(Exception):
    """Something in the script itself, found before any instance is looked at. Its words quote the script at most."""

    def __init__(self, words: str, place: Place) -> None:
        super().__init__(words)
        self.words = words
        self.place = place

    @property
    def text(self) -> str:
        """For people: place, then words."""
        return f"{self.place.text}: {self.words}"


def without_comments(text: str) -> str:
    """`text` with blanks for comments, every other character where it was. Raises Wrong."""
    if len(text) > MAX_SCRIPT:
        raise Wrong(f"a script has at most {MAX_SCRIPT} characters", Place(1, 1))
    text = text.removeprefix("\ufeff")
    lone = re.search(r"\r(?!\n|\s*\Z)", text)
    if lone:  # it would end a comment in DicomEdit, and nothing else
        before = text[: lone.start()].split("\n")
        raise Wrong("a carriage return without a line feed", Place(len(before), len(before[-1]) + 1))
    return "\n".join(_lines(text))


def _lines(text: str) -> Iterator[str]:
    depth = 0
    for number, line in enumerate(text.split("\n"), 1):
        code, opened, closed = _code(line, number)
        depth += opened
        if depth > MAX_NESTING:
            raise Wrong(f"brackets are nested deeper than {MAX_NESTING}", Place(number, 1))
        depth = max(0, depth - closed)
        yield code


def _code(line: str, number: int) -> tuple[str, int, int]:
    """The line without its comment, and how many brackets of any kind it opens and closes."""
    opened = closed = at = 0
    quoted = False
    while at < len(line):
        sign = line[at]
        if quoted:
            at += sign == "\\"
            quoted = sign != '"'
        elif line.startswith("//", at):
            if line.rstrip().endswith("\\"):  # DicomEdit may take the next line as comment too
                raise Wrong("a comment must not end in a backslash", Place(number, at + 1))
            return line[:at] + " " * (len(line) - at), opened, closed
        elif sign == '"':
            quoted = True
        else:
            opened += sign in "([{"
            closed += sign in ")]}"
        at += 1
    return line, opened, closed
