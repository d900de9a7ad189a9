"""Errors that are only printed: seen in the thread that made them, also when two threads are at it."""

from __future__ import annotations

import sys
import threading

import pytest

from xnat_pixelanon.pixels.unraised import unraised_errors


class Broken:
    def __del__(self) -> None:
        raise ValueError("nobody to raise it to")


def fail() -> None:
    Broken()


def test_an_error_is_seen_and_the_hook_is_as_before() -> None:
    before = sys.unraisablehook
    with unraised_errors() as found:
        fail()
    assert found == [True]
    assert sys.unraisablehook is before
    with unraised_errors() as found:
        pass
    assert found == []


def test_each_of_two_threads_sees_its_own_whichever_ends_first() -> None:
    before, seen = sys.unraisablehook, {}
    second_is_in, first_is_out = threading.Event(), threading.Event()

    def first() -> None:
        with unraised_errors() as found:
            second_is_in.wait(5)
        seen["first"] = list(found)
        first_is_out.set()

    def second() -> None:
        with unraised_errors() as found:
            second_is_in.set()
            first_is_out.wait(5)
            fail()
        seen["second"] = list(found)

    threads = [threading.Thread(target=one) for one in (first, second)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert seen == {"first": [], "second": [True]}
    assert sys.unraisablehook is before


def test_errors_of_other_threads_go_where_they_went(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    with unraised_errors() as found:
        other = threading.Thread(target=fail)
        other.start()
        other.join()
    assert (len(told), found) == (1, [])
