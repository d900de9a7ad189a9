"""One request and its answer, as the handlers see them, and XNAT's ways of writing answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from .records import User

CHUNK = 256 * 1024


class Refusal(Exception):
    """A handler's way to answer with another status than 200. Inside the sandbox only."""

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers. A body that is an iterator goes out chunked unless `length` is known."""

    body: bytes | Iterator[bytes] = b""
    status: int = 200
    content_type: str = "text/plain; charset=UTF-8"
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request with its body spooled to disk.

    `path` starts behind `/data`, `/REST` and, for items of the archive, `/archive`; `raw_segments` are undecoded.
    """

    method: str
    path: str
    raw_segments: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: IO[bytes]
    body_size: int
    user: User
    jsession: str

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(unquote(segment) for segment in self.raw_segments)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def chunked(self) -> bool:
        return "content-length" not in self.headers

    def flag(self, name: str) -> bool:
        """XNAT's rule for switches: every value counts as true but `false` and `0`."""
        value = self.query.get(name)
        return value is not None and value.strip().lower() not in ("false", "0")

    def text(self) -> str:
        self.body.seek(0)
        return self.body.read().decode("utf-8", errors="replace")


def status_page(status: int, text: str) -> Answer:
    """Restlet's page for an error; its text is in the first `<h3>`."""
    page = (
        "<html>\n<head>\n<title>Status page</title>\n</head>\n<body>\n"
        f"<h3>{escape(text)}</h3>\n<p>You can get technical details here.</p>\n</body>\n</html>\n"
    )
    headers = (("WWW-Authenticate", 'Basic realm="XNAT"'),) if status == 401 else ()
    return Answer(page.encode(), status, "text/html; charset=UTF-8", headers)


def login_page(status: int = 200) -> Answer:
    """What a browser is sent to; a proxy or a single sign-on may show it to anyone, with status 200."""
    page = (
        '<!DOCTYPE html>\n<html>\n<head>\n<title>XNAT Login</title>\n</head>\n<body>\n<form name="form1" '
        'method="post" action="/login">\n<input name="username"><input type="password" name="password">\n</form>\n'
        "</body>\n</html>\n"
    )
    return Answer(page.encode(), status, "text/html; charset=UTF-8")


def text(body: str, status: int = 200, *, content_type: str = "text/plain; charset=UTF-8") -> Answer:
    return Answer(body.encode(), status, content_type)


def as_json(value: object, status: int = 200, *, content_type: str = "application/json") -> Answer:
    return Answer(json.dumps(value).encode(), status, content_type)


def table(rows: Sequence[Mapping[str, str]], *, title: str = "", total: bool = True) -> Answer:
    """XNAT's table: every value is a string, missing ones are ""."""
    result: dict[str, object] = {"Result": [dict(row) for row in rows]}
    if title:
        result["title"] = title
    if total:
        result["totalRecords"] = str(len(rows))
    return as_json({"ResultSet": result})


def item(xsi_type: str, fields: Mapping[str, str], children: Iterable[Mapping[str, object]] = ()) -> dict[str, object]:
    """One item of XNAT's item JSON; empty fields are left out, as the real one does."""
    return {
        "children": list(children),
        "meta": {"xsi:type": xsi_type, "isHistory": False, "start_date": ""},
        "data_fields": {key: value for key, value in fields.items() if value != ""},
    }


def file_body(path: Path) -> Iterator[bytes]:
    """A file in chunks, opened when the first one is asked for."""
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            yield chunk
