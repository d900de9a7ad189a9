"""Faults by rule: what a network, a proxy or a busy server may do to the answer of a request."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Status:
    """Another status, with XNAT's error page."""

    code: int
    text: str = "An error has occurred"


@dataclass(frozen=True, slots=True)
class Delay:
    """The request waits, then goes on as usual."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is reset; not a byte is answered."""


@dataclass(frozen=True, slots=True)
class CutBody:
    """The request is carried out; the connection is closed behind this many bytes of the body."""

    n_bytes: int


@dataclass(frozen=True, slots=True)
class CutUpload:
    """The connection is reset when this many bytes of the request's body are in; an import keeps what came."""

    n_bytes: int


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """A login page in place of the answer."""

    status: int = 200


@dataclass(frozen=True, slots=True)
class Call:
    """A Python callable is run, then the request goes on as usual."""

    function: Callable[[], object]


Action = Status | Delay | Cut | CutBody | CutUpload | HtmlPage | Call


@dataclass(frozen=True, slots=True)
class Fault:
    """Strikes requests whose path (with or without its query) holds the pattern.

    nth: the first matching request that is struck, from 1; None strikes every one. times: how many in a row.
    when: `before`: the request is not carried out (but for Delay, Call, CutBody, CutUpload); `after`: it is, and then
    the fault hits the answer, which is lost.
    """

    path: str
    action: Action
    method: str = "*"
    nth: int | None = 1
    times: int = 1
    when: Literal["before", "after"] = "before"

    def matches(self, method: str, path: str, query: str) -> bool:
        if self.method not in ("*", method):
            return False
        return bool(re.search(self.path, path) or (query and re.search(self.path, f"{path}?{query}")))


class Faults:
    """The rules in force; each counts the requests that it matches."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[tuple[Fault, list[int]]] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._rules.append((fault, [0]))

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def strike(self, method: str, path: str, query: str) -> list[Fault]:
        """The faults that hit this request, in the order in which they were added."""
        struck = []
        with self._lock:
            for fault, count in self._rules:
                if fault.matches(method, path, query):
                    count[0] += 1
                    if fault.nth is None or fault.nth <= count[0] < fault.nth + fault.times:
                        struck.append(fault)
        return struck
