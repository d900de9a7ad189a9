"""`doctor`: everything that a run needs, looked at one by one. Nothing is written anywhere."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from xnat_pixelanon import __version__
from xnat_pixelanon.archive import XnatConnection, XnatLocation, uris
from xnat_pixelanon.errors import LoginError, NotFoundError, PixelanonError, RightsError
from xnat_pixelanon.install.container_checks import ContainerChecks
from xnat_pixelanon.install.destination_checks import check_destination
from xnat_pixelanon.install.findings import Finding, Findings
from xnat_pixelanon.install.staging_checks import Staging, check_staging
from xnat_pixelanon.pipeline.rules import SITE_KEY_VARIABLE
from xnat_pixelanon.pipeline.setup import Connections, Pace, destination_of
from xnat_pixelanon.pixels.libraries import missing_codecs, versions, why_no_turbojpeg

_NEEDED, _COMFORTABLE = 1 << 30, 8 << 30


def examine(
    source: XnatLocation,
    tell: Callable[[Finding], None],
    *,
    events: bool = False,
    environment: Mapping[str, str] = os.environ,
    pace: Pace | None = None,
) -> Findings:
    """All checks. events: sessions are expected to be published as they arrive."""
    findings = Findings(tell)
    _codecs(findings)
    _scratch(findings, Path(environment.get("TMPDIR") or tempfile.gettempdir()))
    with ExitStack() as stack:
        connections = Connections(environment, stack, pace or Pace())
        try:
            connection = connections.of(source)
            findings.ok("login", f"as {connection.user} at {connection.server}")
            findings.guarded("server", lambda: _version(findings, connection))
            staging = check_staging(findings, connection, source)
            if staging is not None:
                check_destination(findings, source, staging, connection, connections, environment)
                clean = _clean_here(source, staging)
                site_key = bool(environment.get(SITE_KEY_VARIABLE))
                checks = ContainerChecks(findings, connection, source.project, staging.policy, clean, site_key=site_key)
                checks.run(events=events)
        except LoginError as error:
            findings.problem("login", error.message, error.hint)
        except PixelanonError as error:
            findings.problem("server", error.message, error.hint)
    return findings


def _clean_here(source: XnatLocation, staging: Staging) -> str:
    """The clean project, where it is on the server of staging."""
    if staging.policy is None:
        return ""
    destination = destination_of(staging.policy, source)
    return destination.project if destination.server == source.server else ""


def _codecs(findings: Findings) -> None:
    found = versions()
    absent = [name for name, version in found.items() if not version]
    listed = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    if absent or missing_codecs():
        what = ", ".join([*absent, *missing_codecs()])
        findings.problem(
            "codecs", f"missing: {what}; there: {listed}", "install xnat-pixelanon again, or use its image"
        )
    else:
        findings.ok("codecs", f"xnat-pixelanon {__version__}, {listed}")
    why = why_no_turbojpeg()
    if why:
        remedy = "install libturbojpeg 2.1 or newer (Debian: libturbojpeg0); until then JPEG is stored losslessly"
        findings.warn("libturbojpeg", why, remedy)
    else:
        findings.ok("libturbojpeg", "there, and passes its self-test")


def _scratch(findings: Findings, folder: Path) -> None:
    remedy = "set TMPDIR to a folder that is writable and has room for four times the largest session"
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        findings.problem("scratch space", f"{folder} is no folder that can be written", remedy)
        return
    free = shutil.disk_usage(folder).free
    detail = f"{folder} has {free / (1 << 30):.1f} GiB free on this machine"
    if free < _NEEDED:
        findings.problem("scratch space", detail, remedy)
    elif free < _COMFORTABLE:
        findings.warn("scratch space", detail, remedy)
    else:
        findings.ok("scratch space", detail)


def _version(findings: Findings, connection: XnatConnection) -> None:
    what = "reading the version of the server"
    info = connection.get(uris.xapi("siteConfig", "buildInfo"), what).json(what)
    parts = [f"XNAT {info.get('version', '?')}"] if isinstance(info, dict) else []
    if isinstance(info, dict) and info.get("buildNumber"):
        parts.append(f"build {info['buildNumber']}")
    parts += _plugin(connection)
    findings.ok("server", ", ".join(parts) or "version not told")


def _plugin(connection: XnatConnection) -> list[str]:
    """Name and version of the Container Service, where the server tells its plugins to this account."""
    what = "listing the plugins of the server"
    try:
        plugins = connection.get(uris.xapi("plugins"), what).json(what)
    except (RightsError, NotFoundError):
        return []
    found = plugins.get("containers") if isinstance(plugins, dict) else None
    return [f"Container Service {found.get('version', '?')}"] if isinstance(found, dict) else []
