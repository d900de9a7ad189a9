"""What an owner does with nothing but a browser: set up, store documents from a project resource, arm and disarm."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xnat_pixelanon.archive import Role, XnatConnection, XnatDocumentStore, project_role
from xnat_pixelanon.archive.project_files import DOCUMENTS, REPORTS, ProjectFiles
from xnat_pixelanon.domain.changes import ON_CHANGE, OnChange
from xnat_pixelanon.domain.documents import parse
from xnat_pixelanon.domain.policy import DestinationPolicy, Policy
from xnat_pixelanon.errors import (
    ConfigurationError,
    DocumentError,
    PixelanonError,
    RefusedError,
    RightsError,
)
from xnat_pixelanon.pipeline import changes
from xnat_pixelanon.pipeline.documents import POLICY, SCRIPT, TEMPLATES, Document, pulled, push, switch
from xnat_pixelanon.pipeline.launching import Launch
from xnat_pixelanon.pipeline.setup import check_private

_NO_TEMPLATES = json.dumps({"schema_version": 1, "templates": [], "exclusions": [], "overrides": []}, indent=1) + "\n"
_ALL = (POLICY, SCRIPT, TEMPLATES)
"""In the order in which they are stored: what disarms comes first."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One staging project, with the rights of the one who launched."""

    launch: Launch
    connection: XnatConnection

    @property
    def store(self) -> XnatDocumentStore:
        return XnatDocumentStore(self.connection, self.launch.project)

    def check_role(self) -> None:
        """RightsError unless the account owns the staging project."""
        role = project_role(self.connection, self.launch.project)
        if role is not Role.OWNER:
            raise RightsError(
                f"this account is {role} of {self.launch.project}; only its owners may do this",
                hint="ask an owner of the staging project to launch it",
            )

    def check_owner(self) -> None:
        """As `check_role`; RefusedError unless the staging project is private."""
        self.check_role()
        check_private(self.connection, self.launch.source)

    def set_up(self) -> list[str]:
        """Store a first policy, disarmed, and the key; what was done, in sentences.

        Again with the same destination: nothing changes. RefusedError where another policy is stored.
        """
        self.check_owner()
        if not self.launch.clean_project:
            raise ConfigurationError(
                "the clean project is not given", hint="launch 'set up' again and fill in the clean project's ID"
            )
        wanted = (self.launch.server, self.launch.clean_project)
        stored = self.store.load(POLICY.name)
        if stored is not None:
            there = Policy.from_text(stored.text, f"stored {POLICY.name}, version {stored.version}").destination
            if (there.server, there.project) != wanted:
                raise RefusedError(
                    "a policy with another destination is stored already",
                    hint=f"change a copy of documents/policy.json of the resource {REPORTS}, and store it with "
                    "'store documents'",
                )
            done = [f"the policy is stored already, as version {stored.version}: nothing was changed"]
        else:
            pushed = push(self.store, self.launch.source, POLICY, self._first_policy(), POLICY.name)
            done = [
                f"policy.json stored as version {pushed.version}, disarmed: nothing is published yet",
                _what_changes("report"),
            ]
            if pushed.made_key:
                done.append("the project's key for pseudonyms and UIDs was made; keep the project's config in a backup")
        done.append(f"sessions will go to {_place(DestinationPolicy(*wanted))}")
        return done + self._working_copies()

    def store_documents(self) -> list[str]:
        """Store the documents in the resource PIXELANON_DOCUMENTS; what was done with each.

        All is checked before anything is stored. RefusedError where a file is based on an older version, or would arm.
        A policy that is stored is disarmed: members may be able to write the resource, and nobody need have read it.
        """
        self.check_owner()
        texts = dict(self._given())
        if not texts:
            raise ConfigurationError(
                f"the project resource {DOCUMENTS} holds none of {', '.join(sorted(one.file for one in _ALL))}",
                hint=f"make the resource {DOCUMENTS} (Manage Files of the project) and put the file there",
            )
        changed = [document for document in texts if self._differs(document, texts[document])]
        done = [f"{document.file} is stored as it is already" for document in texts if document not in changed]
        for document in changed:
            done += self._stored(document, texts[document])
        return done + self._working_copies()

    def arm(self) -> list[str]:
        """Let runs publish; says where to."""
        self.check_owner()
        version = switch(self.store, enabled=True)
        stored = self.store.load(POLICY.name)
        policy = Policy.from_text(stored.text if stored else "")
        destination = policy.destination
        what = "the policy is armed already" if version is None else f"policy armed: version {version}"
        return [f"{what}; sessions go to {_place(destination)}", _what_changes(policy.on_change)]

    def disarm(self) -> list[str]:
        """Stop all publishing at once; where the project is not private too, as then it is needed most."""
        self.check_role()
        version = switch(self.store, enabled=False)
        return ["the policy is not armed" if version is None else f"policy disarmed: version {version}"]

    def _stored(self, document: Document, text: str) -> list[str]:
        """Store a changed file; the version, and what it changes."""
        if document is POLICY:
            new = parse(text, document.name)
            text = json.dumps(new | {"enabled": False}, indent=1)
            pushed = push(self.store, self.launch.source, document, text, document.name)
            said = f"{document.name} stored as version {pushed.version}"
            if not new.get("enabled"):
                return [f"{said}, disarmed"]
            return [
                f"{said}, DISARMED, as a file may have been changed unread: look at a dry run, then 'arm publishing'"
            ]
        before = self.store.load(document.name)
        pushed = push(self.store, self.launch.source, document, text, document.file)
        said = f"{document.file} stored as version {pushed.version}"
        if document is SCRIPT:
            return [said, "it runs where the policy names it; look at a dry run before the next run publishes by it"]
        return [
            said,
            changes.of_templates(before.text if before else None, text),
            "look at a dry run before the next run publishes by these templates",
        ]

    def _first_policy(self) -> str:
        launch = self.launch
        publish = "available-scans" if launch.available_scans else "complete-sessions"
        policy = {
            "schema_version": 1,
            "enabled": False,
            "destination": {"server": launch.server, "project": launch.clean_project},
            "publish": publish,
            "on_change": "report",
            "labels": {"prefix": launch.label_prefix},
        }
        return json.dumps(policy, indent=1)

    def _given(self) -> Iterator[tuple[Document, str]]:
        files = ProjectFiles(self.connection, self.launch.project, DOCUMENTS)
        names = files.names()
        problems: list[str] = []
        for document in _ALL:
            if document.file not in names:
                continue
            try:
                text = files.read(document.file).decode("utf-8-sig")
                document.check(text, document.file)
            except UnicodeDecodeError:
                problems.append(f"{document.file}: not UTF-8 text")
            except DocumentError as error:
                problems += [f"{document.file} {problem}" for problem in error.problems]
            else:
                yield document, text
        if problems:
            raise DocumentError(DOCUMENTS, problems)

    def _differs(self, document: Document, text: str) -> bool:
        """Whether the file is to be stored; RefusedError where it may not be."""
        stored = self.store.load(document.name)
        new, based_on = document.split(text, document.file)
        if stored is not None and _same(new, document.split(stored.text, document.file)[0]):
            return False
        if based_on != (stored.version if stored else None):
            newest = f"the newest is version {stored.version}" if stored else "none is stored"
            raise RefusedError(
                f"{document.file} was made from another version: {newest}",
                hint=f"take the newest from documents/ of the resource {REPORTS}, repeat the change, store it again",
            )
        before = stored.text if stored else None
        if document is POLICY and isinstance(new, dict) and new.get("enabled") and not _keeps_armed(new, before):
            raise RefusedError(
                "a policy from a file does not arm: it is armed, but the stored one is not, or goes elsewhere",
                hint="write \"enabled\": false into it, store it, look at a dry run, then launch 'arm publishing'",
            )
        return True

    def _working_copies(self) -> list[str]:
        """The stored documents as files to download and change."""
        copies = {f"documents/{TEMPLATES.name}": _NO_TEMPLATES.encode()}
        try:
            for document in _ALL:
                stored = self.store.load(document.name)
                if stored is not None:
                    copies[f"documents/{document.file}"] = pulled(stored, document).encode()
            ProjectFiles(self.connection, self.launch.project, REPORTS).store(copies)
        except PixelanonError as error:
            return [f"copies for you to change could not be put into the resource {REPORTS}: {error.message}"]
        return [f"copies for you to change are in documents/ of the project resource {REPORTS}"]


def _what_changes(on_change: OnChange) -> str:
    what = f"what was sent and would be decided differently now: {ON_CHANGE[on_change]}"
    return f"{what} (on_change: {on_change})"


def _place(destination: DestinationPolicy) -> str:
    server = "this server" if destination.server == "same" else f"the server {destination.server}"
    return f"the project {destination.project} on {server}"


def _same(one: object, other: object) -> bool:
    """Of two contents; spaces and lines at the end of a script are none."""
    return one == other or (isinstance(one, str) and isinstance(other, str) and one.strip() == other.strip())


def _keeps_armed(new: Mapping[str, object], stored: str | None) -> bool:
    """Whether the stored policy is armed already, for the same destination."""
    old = parse(stored, POLICY.name) if stored else {}
    return bool(old.get("enabled")) and old.get("destination") == new.get("destination")
