"""policy.json: what an owner allows, as typed values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from xnat_pixelanon.domain.changes import OnChange
from xnat_pixelanon.domain.documents import parse, schema_problems
from xnat_pixelanon.domain.header_rules import PLAIN, HeaderRules, rule_problems
from xnat_pixelanon.domain.objects import headers_only_problem
from xnat_pixelanon.domain.pictures import Wanted
from xnat_pixelanon.errors import DocumentError

DOCUMENT = "policy.json"
FIXED_LETTERS = 2


@dataclass(frozen=True, slots=True)
class Labels:
    """How subjects and sessions are named on the clean side: by pseudonyms, or by the labels that they have.

    Labels that are kept match the owner's pattern as a whole.
    """

    prefix: str = ""
    subject_from: Literal["subject_label", "patient_id"] = "subject_label"
    subject: Literal["pseudonym", "keep"] = "pseudonym"
    session: Literal["pseudonym", "keep"] = "pseudonym"
    subject_pattern: str = ""
    session_pattern: str = ""

    @property
    def kept(self) -> bool:
        """Whether a label of staging stays."""
        return "keep" in (self.subject, self.session)


@dataclass(frozen=True, slots=True)
class DestinationPolicy:
    """The only place that a run may publish to. `server` is `same` or the NAME of PIXELANON_<NAME>_HOST."""

    server: str
    project: str


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of policy.json with its defaults filled in."""

    destination: DestinationPolicy
    enabled: bool = False
    launchers: Literal["owners", "members"] = "owners"
    publish: Literal["complete-sessions", "available-scans"] = "complete-sessions"
    on_change: OnChange = "report"
    mixed: Literal["unsupported", "per-instance"] = "unsupported"
    settle_minutes: int = 10
    headers: HeaderRules = PLAIN
    identifiers: tuple[str, ...] = field(default=(), repr=False)
    """The owner's list of what is looked for besides what headers and XNAT say."""
    script: bool = False
    """The project's DicomEdit script is run over every header, before the profile."""
    url_hosts: tuple[str, ...] = ()
    """Hosts that the script may ask."""
    send_headers_only: tuple[str, ...] = ()
    """SOP classes without pixels that go with their headers cleaned."""
    labels: Labels = Labels()
    pictures: Wanted = "both"
    fan_out: bool = False
    based_on: int | None = None

    @classmethod
    def from_text(cls, text: str, where: str = DOCUMENT) -> Policy:
        """From JSON text; DocumentError names every path and what was expected there."""
        return cls.from_document(parse(text, where), where)

    @classmethod
    def from_document(cls, document: Any, where: str = DOCUMENT) -> Policy:
        """From parsed JSON; DocumentError names every path and what was expected there."""
        problems = schema_problems("policy", document) or [
            *_label_problems(document.get("labels", {})),
            *rule_problems(document.get("headers", {})),
            *_headers_only_problems(document),
        ]
        if problems:
            raise DocumentError(where, problems)
        labels, headers = document.get("labels", {}), document.get("headers", {})
        plain = (
            "enabled",
            "launchers",
            "publish",
            "on_change",
            "mixed",
            "settle_minutes",
            "pictures",
            "fan_out",
            "based_on",
        )
        return cls(
            destination=DestinationPolicy(**document["destination"]),
            headers=HeaderRules.from_document(headers),
            identifiers=tuple(headers.get("identifiers", ())),
            script=headers.get("script") is not None,
            url_hosts=tuple(host.lower() for host in headers.get("url_hosts", ())),
            send_headers_only=tuple(document.get("send_headers_only", ())),
            labels=Labels(**labels),
            **{key: document[key] for key in plain if key in document},
        )

    @property
    def digest(self) -> str:
        """Of the keys that decide what a published copy looks like; other keys may change without making it stale.

        Not of `identifiers`: a plain digest of names could be guessed.
        """
        parts: dict[str, Any] = {
            "mixed": self.mixed,
            "prefix": self.labels.prefix,
            "subject_from": self.labels.subject_from,
        }
        if self.labels.kept:
            parts["kept"] = [self.labels.subject, self.labels.session]
        if self.headers != PLAIN:
            parts["headers"] = self.headers.as_document()
        return f"sha256:{sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()}"


def _headers_only_problems(document: Mapping[str, Any]) -> Iterator[str]:
    options = document.get("headers", {}).get("options", ())
    for index, uid in enumerate(document.get("send_headers_only", ())):
        if problem := headers_only_problem(uid, options):
            yield f"$.send_headers_only[{index}]: {problem}"


def _label_problems(labels: Mapping[str, Any]) -> Iterator[str]:
    """A label that is kept needs a pattern that more than numbers match: a hospital's own numbers are no pseudonyms."""
    for key in ("subject", "session"):
        pattern = labels.get(f"{key}_pattern")
        if labels.get(key) != "keep":
            if pattern is not None:
                yield f'$.labels.{key}_pattern: no label is kept; expected "keep" in $.labels.{key}, or no pattern'
        elif pattern is None:
            yield f"$.labels.{key}_pattern: missing; a label is kept where it matches a pattern, as STUDY7-###"
        elif sum(map(str.isalpha, pattern)) < FIXED_LETTERS:
            yield (
                f"$.labels.{key}_pattern: expected {FIXED_LETTERS} letters or more that stand for themselves: "
                "a hospital's own numbers must not match"
            )
    if labels.get("subject") == "keep" and labels.get("subject_from") == "patient_id":
        yield '$.labels.subject: the label is kept, and subject_from is patient_id; expected "subject_label"'
    if labels.get("prefix") and labels.get("subject") == labels.get("session") == "keep":
        yield "$.labels.prefix: it stands before pseudonyms, and there are none; expected an empty one"
