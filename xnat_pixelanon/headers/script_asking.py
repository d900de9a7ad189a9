"""getURL's answers: an HTTP GET, once for each address in a process, and only to the host that was named."""

from __future__ import annotations

import time
from functools import lru_cache

import requests

from xnat_pixelanon.headers.script.state import MAX_TEXT

SECONDS = 20


class UnansweredError(OSError):
    """No answer that can be used. Its text says neither the address nor the answer."""


@lru_cache(maxsize=4096)
def ask(url: str) -> str:
    """The text of the answer; UnansweredError where there is none, it is an error or a redirection, or too long.

    Proxies, logins and certificates of the environment are those of `requests`.
    """
    try:
        with requests.get(url, timeout=SECONDS, allow_redirects=False, stream=True) as answer:
            if answer.status_code != requests.codes.ok:
                raise UnansweredError(f"status {answer.status_code}")
            return _body(answer, time.monotonic() + SECONDS).decode(answer.encoding or "utf-8", "strict")
    except (requests.RequestException, UnicodeError, LookupError) as error:
        raise UnansweredError(type(error).__name__) from None


def _body(answer: requests.Response, until: float) -> bytes:
    """All of the answer; byte by byte, as what is waited for is not interrupted."""
    body = bytearray()
    for piece in answer.iter_content(1):
        body += piece
        if len(body) >= 4 * MAX_TEXT:
            raise UnansweredError("too long")
        if time.monotonic() > until:
            raise UnansweredError("too slow")
    return bytes(body)
