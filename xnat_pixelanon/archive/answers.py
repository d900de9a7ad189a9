"""What came back from a server: status, body, and the ways in which it may be no answer at all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xnat_pixelanon.errors import LoginError, TransferError

_HTML = re.compile(rb"\s*(<!--.*?-->\s*)*(<\?xml[^>]*\?>\s*)?<(!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)


class LoginLost(TransferError, LoginError):
    """The login was accepted at first and is so no longer: expired token, ended session, guest fall-back.

    It ends a session as a TransferError does, and the whole run as a LoginError does.
    """


class LostAnswer(TransferError):
    """No whole answer came: whether the server did what was asked is not known."""


class OtherBytes(TransferError):
    """A whole file came, but not the one that was listed: it was replaced meanwhile, or the catalog is wrong."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and the two headers that are looked at."""

    status: int
    content: bytes
    content_type: str = ""
    location: str = ""

    def text(self, what: str) -> str:
        """The body as UTF-8 text; TransferError when it is not."""
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError:
            raise TransferError(f"{what}: the answer is not UTF-8 text") from None

    def json(self, what: str) -> Any:
        """The body as JSON; TransferError when it is not."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            raise TransferError(f"{what}: the answer is not JSON") from None

    def rows(self, what: str) -> list[dict[str, str]]:
        """The rows of XNAT's table `{"ResultSet": {"Result": [...]}}`; missing values are empty texts."""
        document = self.json(what)
        try:
            return [_row(row) for row in document["ResultSet"]["Result"]]
        except (KeyError, TypeError, AttributeError):
            raise TransferError(f"{what}: the answer is not a table") from None


def _row(row: Mapping[str, Any]) -> dict[str, str]:
    return {key: "" if value is None else str(value) for key, value in row.items()}


def objects(found: Any, what: str) -> list[dict[str, Any]]:
    """The rows of an XAPI answer's JSON; TransferError when it is not a list of objects."""
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise TransferError(f"{what}: the answer is not a list of objects")
    return found


def looks_like_html(start: bytes) -> bool:
    """Whether a body begins like a web page: a login page or a proxy's error in place of data."""
    return _HTML.match(start[:2048].removeprefix(b"\xef\xbb\xbf")) is not None
