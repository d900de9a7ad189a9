"""What the live page may do: read the stored documents, and store one, with the answers that the page understands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from xnat_pixelanon.archive import XnatLocation
from xnat_pixelanon.archive.ports import DocumentStore, StoredDocument
from xnat_pixelanon.domain.documents import parse
from xnat_pixelanon.errors import ChangedError, DocumentError, PixelanonError, RefusedError
from xnat_pixelanon.pipeline.documents import POLICY, TEMPLATES, Document, push

OpenStore = Callable[[], AbstractContextManager[tuple[DocumentStore, XnatLocation]]]
"""Opens the documents of the staging project, with a login of its own: a page may stay open longer than a session."""
DOCUMENTS: Mapping[str, Document] = {"templates": TEMPLATES, "policy": POLICY}


@dataclass(frozen=True, slots=True)
class Reply:
    """A status of HTTP and its JSON."""

    status: int
    content: Mapping[str, Any]


class Storing:
    """The documents of one project; one request at a time."""

    def __init__(self, open_store: OpenStore) -> None:
        self._open = open_store
        self._lock = threading.Lock()

    def documents(self) -> dict[str, Any]:
        """Both documents with their versions, as in survey.json; PixelanonError as the store."""
        with self._lock, self._open() as (store, _):
            return {name: _shown(store.load(document.name)) for name, document in DOCUMENTS.items()}

    def store(self, name: str, text: str) -> Reply:
        """Store a document: 200 with its version, 409 with theirs, 422 with what is wrong, 502 where XNAT fails."""
        document = next((one for one in DOCUMENTS.values() if one.name == name), None)
        if document is None:
            return Reply(404, {"message": "there is no such document"})
        try:
            with self._lock, self._open() as (store, location):
                return _stored(store, location, document, text)
        except DocumentError as error:
            return Reply(422, {"message": f"{name} is not valid", "problems": list(error.problems)})
        except PixelanonError as error:
            status = 422 if error.exit_code == RefusedError.exit_code else 502
            return Reply(status, {"message": _sentence(error), "problems": []})


def _stored(store: DocumentStore, location: XnatLocation, document: Document, text: str) -> Reply:
    try:
        return Reply(200, {"version": push(store, location, document, text, document.name).version})
    except (ChangedError, RefusedError) as error:
        newest = store.load(document.name)
        _, based_on = document.split(text, document.name)
        if (newest.version if newest else None) == based_on:
            raise  # refused for another reason
        return Reply(409, {"message": error.message, "theirs": _shown(newest)})


def _shown(stored: StoredDocument | None) -> dict[str, Any]:
    """As survey.json has it; a text that is no JSON object is none that a page could edit."""
    if stored is None:
        return {"version": None, "document": None}
    try:
        content = parse(stored.text, "")
    except DocumentError:
        content = None
    return {"version": stored.version, "document": content if isinstance(content, dict) else None}


def _sentence(error: PixelanonError) -> str:
    return f"{error.message}. {error.hint}" if error.hint else error.message
