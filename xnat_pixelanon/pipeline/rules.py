"""The rules of a run: templates, policy and key, from the staging project's store or from files."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from xnat_pixelanon.archive.ports import DocumentStore, StoredDocument
from xnat_pixelanon.domain import policy as policy_document
from xnat_pixelanon.domain import templates as templates_document
from xnat_pixelanon.domain.accepts import fingerprint_of
from xnat_pixelanon.domain.header_rules import RETAIN_UIDS
from xnat_pixelanon.domain.policy import DestinationPolicy, Policy
from xnat_pixelanon.domain.templates import TemplateSet
from xnat_pixelanon.errors import ConfigurationError, DocumentError, NotFoundError, RefusedError
from xnat_pixelanon.headers import Identity, check_script, exception_problems

KEY_DOCUMENT, SCRIPT_DOCUMENT = "key", "script"
KEY_BYTES = 32
SITE_KEY_VARIABLE = "PIXELANON_SITE_KEY"


@dataclass(frozen=True, slots=True)
class Rules:
    """What one run, or one session of it, is decided by."""

    templates: TemplateSet
    policy: Policy
    identity: Identity
    fingerprint: str
    """Of the project and its key, for the clean project's accepts.json."""
    templates_version: int | None = None
    policy_version: int | None = None
    policy_author: str = ""
    """The account that stored or armed the policy; empty where it is a file."""
    script: str = field(default="", repr=False)
    """The text of the project's DicomEdit script, without mistakes; empty where the policy names none."""
    script_version: int | None = None


RuleReader = Callable[[], Rules]
"""Reads the rules as they are now: at the start, and again just before each session comes to be."""


@dataclass(frozen=True, slots=True)
class RuleFiles:
    """Files given on the command line in place of stored documents."""

    templates: Path | None = None
    policy: Path | None = None
    key: Path | None = None
    script: Path | None = None


def stored_rules(
    store: DocumentStore, project: str, files: RuleFiles, *, dry_run: bool, takes_back: bool = False
) -> RuleReader:
    """Rules of an XNAT project. A dry run does without a policy and a key: it shows what would be decided.

    `takes_back`: nothing is cleaned by them, so a script that is missing or wrong stands in nobody's way.
    """
    stand_in_key = secrets.token_bytes(KEY_BYTES)

    def read() -> Rules:
        templates, templates_version = _templates(store, files.templates)
        policy, stored_policy = _policy(store, files.policy, dry_run=dry_run)
        stored_key = store.load(KEY_DOCUMENT)
        if stored_key is None and not dry_run:
            raise NotFoundError(
                "the staging project has no key for pseudonyms and UIDs",
                hint="an owner stores the policy ('policy push', or the menu's 'Set up publishing'): that makes it",
            )
        key = key_from_text(stored_key.text, "the stored key") if stored_key else stand_in_key
        script, script_version = ("", None) if takes_back else _script(store, files.script, policy)
        return Rules(
            templates,
            policy,
            identity_of(key, policy),
            fingerprint_of(key, project),
            templates_version,
            stored_policy.version if stored_policy else None,
            stored_policy.author if stored_policy else "",
            script,
            script_version,
        )

    return read


def given_rules(files: RuleFiles, *, dry_run: bool) -> RuleReader:
    """Rules of a folder: all from files. A missing key file is made, readable by its owner only."""
    if not dry_run and (files.templates is None or files.policy is None):
        raise ConfigurationError(
            "a dir: source needs its rules from files",
            hint="give --templates FILE and --policy FILE (and --key FILE; a missing key file is made)",
        )
    if files.key is None and not dry_run:
        raise ConfigurationError(
            "a dir: source needs a key for pseudonyms and UIDs",
            hint="give --key FILE; a missing file is made. Keep it: the same key gives the same pseudonyms",
        )
    stand_in_key = secrets.token_bytes(KEY_BYTES)
    templates_file, policy_file, key_file = files.templates, files.policy, files.key

    def read() -> Rules:
        templates = TemplateSet()  # nothing matches: a dry run shows what there is
        if templates_file is not None:
            templates = TemplateSet.from_text(_read(templates_file), str(templates_file))
        policy = policy_of_file(policy_file) if policy_file else _NO_POLICY
        if policy.labels.kept:
            raise ConfigurationError(
                "the policy keeps labels, and a folder has none: only XNAT names subjects and sessions",
                hint="let labels.subject and labels.session of a policy for folders be pseudonym",
            )
        key = stand_in_key if key_file is None or (dry_run and not key_file.exists()) else key_of_file(key_file)
        script = _script(None, files.script, policy)[0]
        return Rules(templates, policy, identity_of(key, policy), fingerprint_of(key, ""), script=script)

    return read


def policy_of(text: str, where: str) -> Policy:
    """policy.json as typed values; DocumentError also for what only the headers room knows to be wrong in it."""
    policy = Policy.from_text(text, where)
    if problems := list(exception_problems(policy.headers)):
        raise DocumentError(where, problems)
    return policy


def identity_of(key: bytes, policy: Policy) -> Identity:
    """The pseudonyms and UIDs of a key, with the site's secret, as the policy wants them."""
    return replace(Identity.from_keys(key, site_key()), keeps_uids=RETAIN_UIDS in policy.headers.options)


_NO_POLICY = Policy(destination=DestinationPolicy("same", ""))


def _templates(store: DocumentStore, given: Path | None) -> tuple[TemplateSet, int | None]:
    if given is not None:
        return TemplateSet.from_text(_read(given), str(given)), None
    stored = store.load(templates_document.DOCUMENT)
    if stored is None:
        return TemplateSet(), None  # nothing matches: every image is held, none is lost
    return TemplateSet.from_text(stored.text, f"stored templates.json, version {stored.version}"), stored.version


def _policy(store: DocumentStore, given: Path | None, *, dry_run: bool) -> tuple[Policy, StoredDocument | None]:
    if given is not None:
        return policy_of_file(given), None
    stored = store.load(policy_document.DOCUMENT)
    if stored is not None:
        return policy_of(stored.text, f"stored policy.json, version {stored.version}"), stored
    if dry_run:
        return _NO_POLICY, None
    raise RefusedError(
        "the staging project has no policy.json: nothing may leave it",
        hint="an owner stores one ('policy push', or the menu's 'Set up publishing'), looks at a dry run, then arms it",
    )


def _script(store: DocumentStore | None, given: Path | None, policy: Policy) -> tuple[str, int | None]:
    """The script that the policy names, compiled once to see that it can be; DocumentError with line and column."""
    if not policy.script:
        if given is not None:
            raise ConfigurationError(
                "a script is given, and the policy names none: it would not be run",
                hint='let the policy\'s headers.script be "script", or leave --script out',
            )
        return "", None
    stored = store.load(SCRIPT_DOCUMENT) if store is not None and given is None else None
    if given is None and stored is None:
        raise NotFoundError(
            "the policy names the project's DicomEdit script, and there is none",
            hint="an owner stores it ('script push'), or give --script FILE; or let headers.script be null",
        )
    text = _read(given) if given is not None else stored.text if stored is not None else ""
    check_script(text, str(given) if given is not None else "stored script")
    return text, None if stored is None else stored.version


def policy_of_file(path: Path) -> Policy:
    """The policy in a file."""
    return policy_of(_read(path), str(path))


def script_of_file(path: Path | None, policy: Policy) -> str:
    """The script in a file, where the policy names one; as of a folder's run."""
    return _script(None, path, policy)[0]


def new_key() -> str:
    """A fresh project key as text: 32 random bytes, base64."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def key_from_text(text: str, where: str) -> bytes:
    """The 32 bytes of a key in base64; ConfigurationError otherwise."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{where} is not {KEY_BYTES} bytes in base64", hint="restore it from your backup")
    return key


def key_fingerprint(store: DocumentStore, project: str) -> str | None:
    """The fingerprint of a staging project, for the clean project's accepts.json; None while it has no key."""
    stored = store.load(KEY_DOCUMENT)
    return None if stored is None else fingerprint_of(key_from_text(stored.text, "the stored key"), project)


def key_of_file(path: Path) -> bytes:
    """The key in the file; a missing file is made with mode 0600."""
    if not path.exists():
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as out:
                out.write(new_key() + "\n")
        except FileExistsError:
            pass  # another run made it just now
        except OSError as error:
            raise ConfigurationError(
                f"the key file {path} cannot be made: {error.strerror}",
                hint="give --key FILE in a folder that is there and that you may write",
            ) from None
    return key_from_text(_read(path), str(path))


def site_key() -> bytes | None:
    """PIXELANON_SITE_KEY, where it is set."""
    text = os.environ.get(SITE_KEY_VARIABLE, "")
    return key_from_text(text, SITE_KEY_VARIABLE) if text else None


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}", hint="check the path and its rights") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text", hint="save it as UTF-8, or give another file") from None
