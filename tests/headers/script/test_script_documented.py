"""docs/dicomedit.md is held to the table of functions and to the words of the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xnat_pixelanon.errors import DocumentError
from xnat_pixelanon.headers.script import FUNCTIONS, VARIABLES, compile_script
from xnat_pixelanon.headers.script.check import VERSIONS
from xnat_pixelanon.headers.script.date_functions import UNITS
from xnat_pixelanon.headers.script.patterns import MAX_WAYS
from xnat_pixelanon.headers.script.source import MAX_NESTING, MAX_SCRIPT
from xnat_pixelanon.headers.script.state import MAX_MADE, MAX_TEXT

PAGE = (Path(__file__).parents[3] / "docs" / "dicomedit.md").read_text("utf-8")
SECTION = PAGE.split("### Functions\n", 1)[1].split("\n## ", 1)[0]
ROWS = dict(re.findall(r"^\| `([A-Za-z]+)\[(.*?)\]` \|", SECTION, re.MULTILINE))


def test_every_function_is_documented_and_no_other() -> None:
    assert list(ROWS) == sorted(FUNCTIONS, key=str.lower)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_documented_arguments_are_as_many_as_a_function_takes(name: str) -> None:
    function = FUNCTIONS[name]
    told = re.sub(r'"[^"]*"', "s", ROWS[name])
    arguments = [part for part in told.split(", ") if part and part != ".."]
    assert len(arguments) == len(function.takes) or (function.rest and len(arguments) >= len(function.takes))
    if "{T}" not in told:  # which stands for one or more
        assert (", .." in told) == (function.rest is not None)


def test_every_limit_and_word_is_documented() -> None:
    words = " ".join(PAGE.split())
    for limit in (
        f"{MAX_SCRIPT // 1024} KiB",
        f"{MAX_NESTING} deep",
        f"{MAX_TEXT // 1024} KiB",
        f"at most {MAX_MADE} in a run",
    ):
        assert limit in words
    assert f"{MAX_WAYS // 1_000_000} million ways" in words
    assert f'`version "{VERSIONS[0]}"` to `version "{VERSIONS[-1]}"`' in words
    assert f"years, {', '.join(UNITS)}" in words
    assert all(f"`{name}`" in PAGE for name in VARIABLES)


@pytest.mark.parametrize("escape", ["b", "t", "n", "f", "r", "'", "u0041", "101"])
def test_every_documented_escape_is_accepted_and_stays_as_it_is(escape: str) -> None:
    assert compile_script(f'a := "\\{escape}"').text == f'a := "\\\\{escape}"\n'
    with pytest.raises(DocumentError):
        compile_script('a := "\\q"')
