"""The doctor's look at the staging project: who may read it, what is stored in it, and what this account may do."""

from __future__ import annotations

from dataclasses import dataclass, field

from xnat_pixelanon.archive import Role, XnatConnection, XnatDocumentStore, XnatLocation, project_role
from xnat_pixelanon.domain import policy as policy_document
from xnat_pixelanon.domain import templates as templates_document
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.domain.templates import TemplateSet
from xnat_pixelanon.errors import NotFoundError
from xnat_pixelanon.install.findings import Findings
from xnat_pixelanon.pipeline.rules import KEY_DOCUMENT, key_from_text, site_key
from xnat_pixelanon.pipeline.setup import check_private


@dataclass(slots=True)
class Staging:
    """What the later checks need of it; None where it is not there or not valid."""

    policy: Policy | None = None
    key: bytes | None = field(default=None, repr=False)


def check_staging(findings: Findings, connection: XnatConnection, source: XnatLocation) -> Staging | None:
    """None where the project cannot be read at all."""
    try:
        role = project_role(connection, source.project)
    except NotFoundError as error:
        findings.problem("staging project", error.message, error.hint)
        return None
    findings.ok("staging project", f"{source.project} can be read")
    checks = _Checks(findings, connection, source, Staging())
    findings.guarded("staging is private", checks.private)
    findings.guarded("templates", checks.templates)
    findings.guarded("policy", checks.policy)
    findings.guarded("key", checks.key)
    checks.role(role)
    return checks.staging


@dataclass(slots=True)
class _Checks:
    findings: Findings
    connection: XnatConnection
    source: XnatLocation
    staging: Staging

    @property
    def store(self) -> XnatDocumentStore:
        return XnatDocumentStore(self.connection, self.source.project)

    def private(self) -> None:
        check_private(self.connection, self.source)
        self.findings.ok("staging is private", "only its members can read it")

    def templates(self) -> None:
        stored = self.store.load(templates_document.DOCUMENT)
        if stored is None:
            self.findings.warn(
                "templates", "none stored: every image is held", "store templates.json with 'templates push'"
            )
            return
        found = TemplateSet.from_text(stored.text, f"stored templates.json, version {stored.version}")
        counts = f"{len(found.templates)} templates, {len(found.exclusions)} exclusions"
        self.findings.ok("templates", f"version {stored.version} is valid: {counts}, {len(found.overrides)} overrides")

    def policy(self) -> None:
        stored = self.store.load(policy_document.DOCUMENT)
        if stored is None:
            self.findings.problem(
                "policy", "none stored: nothing may leave the project", "an owner stores policy.json with 'policy push'"
            )
            return
        policy = Policy.from_text(stored.text, f"stored policy.json, version {stored.version}")
        self.staging.policy = policy
        if policy.enabled:
            self.findings.ok("policy", f"version {stored.version} is valid and armed")
            return
        self.findings.warn(
            "policy",
            f"version {stored.version} is valid and not armed: nothing is published",
            "look at 'plan', then an owner arms it with 'policy arm'",
        )

    def key(self) -> None:
        stored = self.store.load(KEY_DOCUMENT)
        if stored is None:
            remedy = "an owner stores the policy with 'policy push'; the first push makes the key"
            self.findings.problem("key", "the project has no key for pseudonyms and UIDs", remedy)
            return
        self.staging.key = key_from_text(stored.text, "the stored key")
        self.findings.ok("key", "there" + (", with a site key mixed in" if site_key() else ""))

    def role(self, role: Role) -> None:
        policy, project = self.staging.policy, self.source.project
        allowed = (Role.OWNER, Role.MEMBER) if policy and policy.launchers == "members" else (Role.OWNER,)
        detail = f"this account {has(role, project)}"
        if role not in allowed:
            remedy = "run doctor as the person who will start runs; an owner of the project may"
            self.findings.problem("rights in staging", f"{detail}: runs that it starts are refused", remedy)
        elif role is not Role.OWNER:
            detail += ": it may start runs, and neither store documents nor keep reports in the project"
        if role in allowed:
            self.findings.ok("rights in staging", detail)


def has(role: Role, project: str) -> str:
    """What an account has in a project, as the end of a sentence."""
    return f"has no role in {project}" if role is Role.NONE else f"is {role} of {project}"
