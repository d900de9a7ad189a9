"""The stored documents of a staging project as people handle them: checked, pulled, pushed, armed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from xnat_pixelanon.archive import XnatLocation
from xnat_pixelanon.archive.ports import DocumentStore, StoredDocument
from xnat_pixelanon.domain import policy as policy_document
from xnat_pixelanon.domain import templates as templates_document
from xnat_pixelanon.domain.documents import parse
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.domain.templates import TemplateSet
from xnat_pixelanon.errors import ChangedError, DocumentError, NotFoundError, OvertakenError, RefusedError
from xnat_pixelanon.headers import check_script
from xnat_pixelanon.pipeline.rules import KEY_DOCUMENT, SCRIPT_DOCUMENT, new_key, policy_of
from xnat_pixelanon.pipeline.setup import destination_of

_TIMES = 4
"""How often disarming begins anew, where others store the policy at the same moment."""


@dataclass(frozen=True, slots=True)
class Document:
    """One kind of stored document, as people have it in files.

    `name` in the store, `file` of a copy; `check` is what all of its texts have to pass. `split`: a file's content and
    the version that it is based on; `joined`: the file of a stored text, with its version.
    """

    name: str
    file: str
    check: Callable[[str, str], object]
    split: Callable[[str, str], tuple[object, int | None]]
    joined: Callable[[StoredDocument], str]


def _split_json(text: str, where: str) -> tuple[object, int | None]:
    content: dict[str, Any] = parse(text, where)
    return {key: value for key, value in content.items() if key != "based_on"}, content.get("based_on")


def _joined_json(stored: StoredDocument) -> str:
    return _dump(_with_version(stored))


def _split_script(text: str, where: str) -> tuple[object, int | None]:
    """A script says its version in its first line, as a comment."""
    first, _, rest = text.partition("\n")
    found = _SCRIPT_VERSION.fullmatch(first.strip())
    return (rest, int(found[1])) if found else (text, None)


def _joined_script(stored: StoredDocument) -> str:
    return f"// based on version {stored.version}\n{stored.text.rstrip()}\n"


_SCRIPT_VERSION = re.compile(r"// based on version ([0-9]{1,9})")
TEMPLATES = Document(
    templates_document.DOCUMENT, templates_document.DOCUMENT, TemplateSet.from_text, _split_json, _joined_json
)
POLICY = Document(policy_document.DOCUMENT, policy_document.DOCUMENT, policy_of, _split_json, _joined_json)
SCRIPT = Document(SCRIPT_DOCUMENT, "script.das", check_script, _split_script, _joined_script)


@dataclass(frozen=True, slots=True)
class Pushed:
    """A document that was stored; `made_key`: the project had no key yet, and has one now."""

    version: int
    made_key: bool = False


def newest(store: DocumentStore, document: Document) -> StoredDocument:
    """The stored document; NotFoundError where there is none."""
    stored = store.load(document.name)
    if stored is None:
        raise NotFoundError(
            f"the project has no {document.name} stored",
            hint="store the first one with 'push FILE', or 'Set up publishing' of the menu",
        )
    return stored


def pulled(stored: StoredDocument, document: Document) -> str:
    """The text of a pulled file: the document, with the version that it is based on."""
    return document.joined(stored)


def push(store: DocumentStore, location: XnatLocation, document: Document, text: str, where: str) -> Pushed:
    """Check a text and store it as a new version.

    DocumentError with every problem in it; RefusedError when it is based on another version than the newest, or is a
    policy that sends the project into itself. The first policy makes the project's key.
    """
    document.check(text, where)
    made_key = False
    if document is POLICY:
        if destination_of(Policy.from_text(text), location) == location:
            raise RefusedError(
                "the policy's destination is the staging project itself", hint="name the clean project in destination"
            )
        made_key = make_key(store)
    content, based_on = document.split(text, where)
    stored = content if isinstance(content, str) else text
    return Pushed(put(store, document.name, stored, based_on), made_key)


def put(store: DocumentStore, name: str, text: str, based_on: int | None) -> int:
    """Store a new version; of two at the same moment the first one's stands, and a policy is not armed then.

    RefusedError and ChangedError as DocumentStore.push.
    """
    try:
        return store.push(name, text, based_on)
    except OvertakenError as error:
        if name == POLICY.name and not _is_object(error.theirs):  # disabled, or stored by other means
            store.push(name, _disarmed(text), error.version)
            error.extend("; theirs could not be put back; yours is stored, disarmed")
            raise
        if error.theirs.strip():
            theirs = _disarmed(error.theirs) if name == POLICY.name else error.theirs
            store.push(name, theirs, error.version)
        error.extend("; theirs stands, yours does not" + ("; it is disarmed" if name == POLICY.name else ""))
        raise


def make_key(store: DocumentStore) -> bool:
    """Store a key for pseudonyms and UIDs where there is none; whether one was made. It is never overwritten."""
    if store.load(KEY_DOCUMENT) is not None:
        return False
    try:
        put(store, KEY_DOCUMENT, new_key(), None)
    except (ChangedError, RefusedError):
        if store.load(KEY_DOCUMENT) is None:
            raise
        return False  # somebody else made one at the same moment
    return True


def switch(store: DocumentStore, *, enabled: bool) -> int | None:
    """Arm or disarm the stored policy: the new version, None where it was so already.

    Disarming holds also against somebody who arms it, or stores another, at the same moment.
    """
    for _ in range(_TIMES if not enabled else 0):
        with suppress(ChangedError, RefusedError):
            return _switch(store, enabled=False)
    return _switch(store, enabled=enabled)


def _switch(store: DocumentStore, *, enabled: bool) -> int | None:
    stored = newest(store, POLICY)
    POLICY.check(stored.text, f"stored {POLICY.name}, version {stored.version}")
    if parse(stored.text, POLICY.name).get("enabled", False) == enabled:
        return None
    return put(store, POLICY.name, _dump(_with_version(stored) | {"enabled": enabled}), stored.version)


def _is_object(text: str) -> bool:
    try:
        return isinstance(parse(text, POLICY.name), dict)
    except DocumentError:
        return False


def _disarmed(policy: str) -> str:
    return _dump(parse(policy, POLICY.name) | {"enabled": False})


def _with_version(stored: StoredDocument) -> dict[str, Any]:
    content: dict[str, Any] = parse(stored.text, f"stored version {stored.version}")
    return {"schema_version": content["schema_version"], "based_on": stored.version} | {
        key: value for key, value in content.items() if key not in ("schema_version", "based_on")
    }


def _dump(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
