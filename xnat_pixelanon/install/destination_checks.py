"""The doctor's look at the clean project: by reading requests only, with the rules that a run follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from xnat_pixelanon.archive import Role, XnatConnection, XnatDocumentStore, XnatLocation, prearchive_code, project_role
from xnat_pixelanon.archive.script_check import check_script
from xnat_pixelanon.archive.xnat_destination import refuse_own_policy
from xnat_pixelanon.domain import accepts as accepts_document
from xnat_pixelanon.domain.accepts import Accepts, fingerprint_of
from xnat_pixelanon.errors import ConfigurationError, PixelanonError
from xnat_pixelanon.install.findings import Findings
from xnat_pixelanon.install.staging_checks import Staging, has
from xnat_pixelanon.pipeline.setup import Connections, destination_of

_WAITS = 0
_ARCHIVES = {4: "archives by itself what arrives", 5: "archives by itself what arrives, over what is there"}


def check_destination(
    findings: Findings,
    source: XnatLocation,
    staging: Staging,
    connection: XnatConnection,
    connections: Connections,
    environment: Mapping[str, str],
) -> None:
    """Warned of, and not looked at, where this machine has no login for the second server."""
    if staging.policy is None:
        findings.warn("destination", "not known without a valid policy", "store a policy, then run doctor again")
        return
    clean = destination_of(staging.policy, source)
    if clean.server != source.server:
        opened = _second_login(findings, clean, connections, environment)
        if opened is None:
            return
        connection_there = opened
    else:
        connection_there = connection
    if (connection_there.server, clean.project) == (connection.server, source.project):
        findings.problem(
            "destination", "it is the staging project itself", "let an owner name another clean project in the policy"
        )
        return
    checks = _Checks(findings, connection_there, clean)
    if findings.guarded("rights in the clean project", checks.role):
        findings.guarded("destination", checks.no_policy)
        findings.guarded("script of the clean project", checks.script)
        findings.guarded("prearchive of the clean project", checks.prearchive)
        if staging.policy.destination.server != "same" and staging.key is not None:
            findings.guarded("accept list", partial(checks.accepts, fingerprint_of(staging.key, source.project)))
    findings.guarded("script of the clean site", checks.site_script)


def _second_login(
    findings: Findings, clean: XnatLocation, connections: Connections, environment: Mapping[str, str]
) -> XnatConnection | None:
    try:
        clean.credentials(environment)
    except ConfigurationError as error:
        remedy = f"set {', '.join(clean.variables)} to the login that the containers use, to have it looked at"
        findings.warn("login to the clean server", f"not looked at: {error.message}", remedy)
        return None
    try:
        opened = connections.of(clean)
    except PixelanonError as error:
        findings.problem("login to the clean server", error.message, error.hint)
        return None
    findings.ok("login to the clean server", f"as {opened.user} at {opened.server}")
    return opened


@dataclass(slots=True)
class _Checks:
    findings: Findings
    connection: XnatConnection
    clean: XnatLocation

    def role(self) -> None:
        role = project_role(self.connection, self.clean.project)
        detail = f"{self.connection.user} {has(role, self.clean.project)}"
        if role is Role.OWNER:
            self.findings.ok("rights in the clean project", detail)
            return
        remedy = "only owners can see a hidden session, verify it and release it: ask an owner of the clean project"
        self.findings.problem("rights in the clean project", f"{detail}, and has to be its owner", remedy)

    def no_policy(self) -> None:
        refuse_own_policy(self.connection, self.clean.project)
        self.findings.ok("destination", f"{self.clean.text} is another project, and only a destination")

    def accepts(self, fingerprint: str) -> None:
        stored = XnatDocumentStore(self.connection, self.clean.project).load(accepts_document.DOCUMENT)
        where = f"{accepts_document.DOCUMENT} of {self.clean.text}"
        if stored is not None and fingerprint in Accepts.from_text(stored.text, where):
            self.findings.ok("accept list", f"{self.clean.text} accepts {fingerprint}, which is staging")
            return
        remedy = (
            f"an owner of {self.clean.project} types: xnat-pixelanon accept add --to {self.clean.text} {fingerprint}"
        )
        self.findings.problem("accept list", f"{self.clean.text} has not accepted {fingerprint}", remedy)

    def script(self) -> None:
        check_script(self.connection, self.clean.project)
        self.findings.ok("script of the clean project", "off, or leaves pixels and UIDs alone")

    def site_script(self) -> None:
        check_script(self.connection)
        self.findings.ok("script of the clean site", "off, or leaves pixels and UIDs alone")

    def prearchive(self) -> None:
        code = prearchive_code(self.connection, self.clean.project)
        if code == _WAITS:
            self.findings.ok("prearchive of the clean project", "code 0: what arrives waits in the prearchive")
            return
        does = _ARCHIVES.get(code, "does something that is not known")
        detail = f"code {code}: it {does}; what a cut transfer leaves could be archived half"
        remedy = "in the clean project, Manage, Archive: place sessions in the prearchive (code 0)"
        self.findings.warn("prearchive of the clean project", detail, remedy)
