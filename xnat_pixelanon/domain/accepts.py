"""accepts.json of a clean project: the staging projects that it takes from, by fingerprints.

Needed wherever the container holds the login of a service account: anybody who can launch there could send anywhere.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass, replace
from typing import Any

from xnat_pixelanon.domain.documents import parse, schema_problems
from xnat_pixelanon.errors import DocumentError

DOCUMENT = "accepts.json"
_LENGTH = 26


def fingerprint_of(key: bytes, project: str) -> str:
    """26 characters of lower-case base32 that stand for a staging project and its key, and give neither away.

    The key alone would not do: whoever reads the project reads it, and could store it in a project of his own.
    `project`: its ID; empty for a folder.
    """
    digest = hmac.digest(key, b"xnat-pixelanon fingerprint of " + project.encode(), "sha256")
    return base64.b32encode(digest).decode("ascii").lower()[:_LENGTH]


@dataclass(frozen=True, slots=True)
class Accepted:
    """One staging project; the note is for people."""

    fingerprint: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Accepts:
    """One version of accepts.json."""

    entries: tuple[Accepted, ...] = ()

    @classmethod
    def from_text(cls, text: str, where: str = DOCUMENT) -> Accepts:
        """From JSON text; DocumentError names every path and what was expected there."""
        return cls.from_document(parse(text, where), where)

    @classmethod
    def from_document(cls, document: Any, where: str = DOCUMENT) -> Accepts:
        """From parsed JSON; DocumentError names every path and what was expected there."""
        problems = schema_problems("accepts", document)
        if not problems:
            names = [item["fingerprint"] for item in document["accepts"]]
            problems = [
                f"$.accepts[{index}].fingerprint: expected a fingerprint that no other entry has"
                for index, name in enumerate(names)
                if names.index(name) != index
            ]
        if problems:
            raise DocumentError(where, problems)
        return cls(tuple(Accepted(item["fingerprint"], item.get("note", "")) for item in document["accepts"]))

    def __contains__(self, fingerprint: object) -> bool:
        return any(one.fingerprint == fingerprint for one in self.entries)

    def with_added(self, fingerprint: str, note: str) -> Accepts:
        """With this entry at the end, or with this note where it is listed already and a note is given."""
        if fingerprint not in self:
            return Accepts((*self.entries, Accepted(fingerprint, note)))
        return Accepts(
            tuple(replace(one, note=note) if note and one.fingerprint == fingerprint else one for one in self.entries)
        )

    def without(self, fingerprint: str) -> Accepts:
        return Accepts(tuple(one for one in self.entries if one.fingerprint != fingerprint))

    def text(self) -> str:
        """As it is stored; DocumentError where a fingerprint or a note is none."""
        entries = [{"fingerprint": one.fingerprint, "note": one.note} for one in self.entries]
        document = {"schema_version": 1, "accepts": entries}
        Accepts.from_document(document)
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
