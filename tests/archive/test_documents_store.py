"""Documents in the config service: versions, owners, and what a server may do to a text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_pixelanon.archive import XnatDocumentStore
from xnat_pixelanon.archive.documents import _ascii_json
from xnat_pixelanon.errors import ChangedError, ConfigurationError, RefusedError, RightsError, TransferError
from xnat_pixelanon.sandbox.faults import Call, Cut, Fault

NAME = "templates.json"


def store_of(world, user="owner", project="CLEAN"):
    return XnatDocumentStore(world.connect(user), project)


def test_versions_are_counted_and_carry_author_and_date(world):
    store = store_of(world)
    assert store.load(NAME) is None
    assert store.history(NAME) == []
    assert store.push(NAME, '{"a": 1}', None) == 1
    assert store.push(NAME, '{"a": 2}', 1) == 2
    newest = store.load(NAME)
    assert (newest.text, newest.version, newest.author) == ('{"a": 2}', 2, "owner")
    assert newest.date
    assert [(one.version, one.text) for one in store.history(NAME)] == [(2, '{"a": 2}'), (1, '{"a": 1}')]


def test_the_same_text_again_makes_no_version(world):
    store = store_of(world)
    assert store.push(NAME, "{}", None) == 1
    assert store.push(NAME, "{}", 1) == 1


@pytest.mark.parametrize("based_on", [None, 0, 1, 3])
def test_a_push_that_is_not_based_on_the_newest_version_is_refused(world, based_on):
    store = store_of(world)
    store.push(NAME, "{}", None)
    store.push(NAME, '{"a": 1}', 1)
    with pytest.raises(RefusedError, match="the newest is version 2") as caught:
        store.push(NAME, '{"a": 2}', based_on)
    assert "pull again" in caught.value.hint
    assert store.load(NAME).version == 2


def test_a_push_based_on_a_version_where_there_is_none_is_refused(world):
    with pytest.raises(RefusedError, match="there is none"):
        store_of(world).push(NAME, "{}", 4)


def test_a_disabled_document_is_none_and_the_next_one_goes_on_counting(world):
    store = store_of(world)
    store.push(NAME, '{"a": 1}', None)
    world.connect().delete(f"/data/projects/CLEAN/config/pixelanon/{NAME}", "x")
    assert store.load(NAME) is None
    assert store.push(NAME, '{"a": 2}', None) == 2
    assert store.load(NAME).version == 2


def test_a_disabled_document_comes_back_with_the_same_text(world):
    store = store_of(world)
    store.push(NAME, '{"a": 1}', None)
    world.connect().delete(f"/data/projects/CLEAN/config/pixelanon/{NAME}", "x")
    assert store.push(NAME, '{"a": 1}', None) == 1
    assert store.load(NAME) is not None


@pytest.mark.parametrize("user", ["member", "reader"])
def test_only_owners_write_and_everybody_else_in_the_project_reads(world, user):
    store_of(world).push(NAME, "{}", None)
    with pytest.raises(RightsError, match="only an owner"):
        store_of(world, user).push(NAME, '{"a": 1}', 1)
    assert store_of(world, user).load(NAME).version == 1


def test_an_empty_document_is_refused_before_the_server_does(world):
    with pytest.raises(ConfigurationError):
        store_of(world).push(NAME, " \n", None)


def test_json_is_stored_as_text_and_means_the_same(world):
    document = {"title": "Übergröße 日本 😀", "list": [1, 2]}
    store = store_of(world)
    store.push(NAME, json.dumps(document, ensure_ascii=False), None)
    stored = store.load(NAME).text
    assert stored.isascii()
    assert json.loads(stored) == document


def test_other_texts_are_stored_as_they_are(world):
    text = '// Größe\nversion "6.1"\n(0010,0010) := subject\n'
    store = store_of(world)
    store.push("script", text, None)
    assert store.load("script").text == text


def test_what_a_server_changed_on_the_way_is_noticed(world):
    """A proxy or a server that reads the body in another charset."""
    store = store_of(world)
    entry = ("CLEAN", "pixelanon", NAME)

    def change():
        world.sandbox._state.configs[entry].versions[-1].contents += "?"

    world.sandbox.faults.add(Fault(NAME, Call(change), method="PUT", when="after"))
    with pytest.raises(ChangedError, match="is not what was sent"):
        store.push(NAME, "{}", None)


def test_two_pushes_at_once_never_both_say_that_theirs_is_stored(world):
    """No compare-and-swap in XNAT: the other push comes between our look and our write."""
    first, second = store_of(world), store_of(world)
    first.push(NAME, "{}", None)
    world.sandbox.faults.add(Fault(NAME, Call(lambda: second.push(NAME, '{"b": 1}', 1)), method="PUT"))
    with pytest.raises(ChangedError, match="just before you"):
        first.push(NAME, '{"a": 1}', 1)


def test_a_push_whose_answer_is_lost_is_a_transfer_error(world):
    world.sandbox.faults.add(Fault(NAME, Cut(), method="PUT"))
    with pytest.raises(TransferError):
        store_of(world).push(NAME, "{}", None)


def test_an_unreadable_project_has_no_documents_and_takes_none(world):
    store = store_of(world, "nobody", "STAGING")
    assert store.load(NAME) is None
    with pytest.raises(ConfigurationError):
        store.push(NAME, "{}", None)


@given(st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_json_means_the_same_in_ascii(document):
    text = json.dumps(document, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return  # a lone surrogate cannot come out of a file
    assert _ascii_json(text).isascii()
    assert json.loads(_ascii_json(text)) == document
