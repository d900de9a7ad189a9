"""A script that was printed is the script that was read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from script_makers import apply, image
from test_script_language import CASES

from xnat_pixelanon.headers.script import FUNCTIONS, compile_script, nodes
from xnat_pixelanon.headers.script.parse import parse_script
from xnat_pixelanon.headers.script.printer import print_script

HEX = "0123456789ABCDEFX@#"
KEYWORDS = {"if", "elseif", "else", "describe", "hidden", "const", "immutable", "export", "echo", "version", "x", "X"}
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True).filter(
    lambda name: name not in KEYWORDS | {"removeAllPrivateTags"}
)
words = st.text(st.characters(exclude_characters='"\r\n', exclude_categories=["Cs"]), max_size=8)
indexes = st.none() | st.integers(nodes.EVERY, 999)
public = st.builds(
    lambda group, last, element, index: nodes.ElementStep(group + last, element, "", index),
    st.text(HEX, min_size=3, max_size=3),
    st.sampled_from("02468ACE@"),
    st.text(HEX, min_size=4, max_size=4),
    indexes,
)
private = st.builds(
    lambda group, last, element, creator, index: nodes.ElementStep(group + last, element, creator, index),
    st.text(HEX, min_size=3, max_size=3),
    st.sampled_from("13579BDF#"),
    st.text(HEX, min_size=2, max_size=2),
    st.from_regex(r"[A-Za-z][A-Za-z0-9 _.:-]{0,8}", fullmatch=True),
    indexes,
)
elements = public | private
steps = elements | st.builds(nodes.DepthStep, st.sampled_from("*+."))
paths = st.builds(lambda way, last: nodes.TagPath((*way, last)), st.lists(steps, max_size=2), elements)
numbers = st.builds(nodes.Number, st.from_regex(r"-?[0-9]{1,4}(\.[0-9]{1,2})?", fullmatch=True))
plain = numbers | st.builds(nodes.Text, words) | st.builds(nodes.Name, names) | paths


def lists_and_calls(inner):
    several = st.lists(inner, max_size=3).map(tuple)
    return st.builds(nodes.ListOf, several) | st.builds(nodes.Call, names, several)


values = st.recursive(plain, lists_and_calls, max_leaves=5)
calls = st.builds(nodes.Call, names, st.lists(values, max_size=3).map(tuple))
conditions = calls | st.builds(nodes.Compare, values, st.sampled_from(["=", "!=", "~", "!~"]), values)
actions = (
    st.builds(nodes.Assign, paths, values, st.booleans())
    | st.builds(nodes.Delete, paths)
    | st.builds(nodes.Let, names, values)
    | st.builds(nodes.Run, calls)
    | st.builds(nodes.Echo, st.none() | values)
)
simple = (
    actions
    | st.builds(nodes.Conditional, conditions, actions, st.none() | actions)
    | st.builds(nodes.Version, words)
    | st.builds(nodes.Describe, names, words)
    | st.builds(nodes.Describe, names, st.just(""), st.sampled_from(["hidden", "const", "immutable"]))
    | st.builds(nodes.Export, names, words)
    | st.builds(nodes.RemoveAllPrivate)
)


def with_branches(inner):
    block = st.lists(inner, max_size=2).map(tuple)
    branches = st.lists(st.builds(nodes.Branch, conditions, block), min_size=1, max_size=3).map(tuple)
    return st.builds(nodes.Branches, branches, st.none() | block)


statements = st.recursive(simple, with_branches, max_leaves=4)


@settings(max_examples=100, deadline=None)
@given(st.lists(statements, max_size=4).map(tuple))
def test_any_tree_is_read_again_from_what_is_printed(tree) -> None:
    text = print_script(tree)
    assert parse_script(text) == tree
    assert print_script(parse_script(text)) == text


@pytest.mark.parametrize("told", CASES)
def test_a_script_does_the_same_once_it_was_printed(told: str) -> None:
    script = compile_script(f'version "6.6"\n{CASES[told][0]}')
    again = compile_script(script.text)
    assert again == script
    assert again.text == script.text
    assert apply(script.text.partition("\n")[2]).dataset == apply(CASES[told][0], image()).dataset


def test_every_function_is_used_by_a_told_case_or_a_test_of_its_own() -> None:
    told = " ".join(script for script, _ in CASES.values())
    apart = {"alterPixels", "newUID", "getURL"}  # test_script_safety.py, and newUID beside the cases
    assert {name for name in FUNCTIONS if f"{name}[" not in told} == apart
