"""Where sessions come from and go to, as written on the command line, and the credentials that belong to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xnat_pixelanon.archive.connection import Credentials
from xnat_pixelanon.errors import ConfigurationError

_PROJECT = re.compile(r"[A-Za-z0-9_-]+")
_SERVER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_EXPECTED = "give xnat:PROJECT, xnat:PROJECT@NAME or dir:PATH"


@dataclass(frozen=True, slots=True)
class XnatLocation:
    """A project; `server` names a second server, empty for the one of XNAT_HOST."""

    project: str
    server: str = ""

    @property
    def text(self) -> str:
        return f"xnat:{self.project}" + (f"@{self.server}" if self.server else "")

    @property
    def variables(self) -> tuple[str, str, str]:
        """The environment variables that hold address, user and password."""
        prefix = f"PIXELANON_{self.server}" if self.server else "XNAT"
        return f"{prefix}_HOST", f"{prefix}_USER", f"{prefix}_PASS"

    def credentials(self, environment: Mapping[str, str]) -> Credentials:
        """From the environment; ConfigurationError names each variable that is missing."""
        missing = [name for name in self.variables if not environment.get(name)]
        if missing:
            raise ConfigurationError(
                f"{self.text} needs the environment variable{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
                hint="set them to the server's address, a user name (or alias) and a password (or the alias's secret)",
            )
        host, user, password = (environment[name] for name in self.variables)
        return Credentials(host, user, password)


@dataclass(frozen=True, slots=True)
class DirLocation:
    """A folder."""

    path: Path

    @property
    def text(self) -> str:
        return f"dir:{self.path}"


Location = XnatLocation | DirLocation


def parse_location(text: str) -> Location:
    """`xnat:PROJECT`, `xnat:PROJECT@NAME` or `dir:PATH`; ConfigurationError for anything else."""
    kind, colon, rest = text.partition(":")
    if colon and kind == "dir" and rest:
        return DirLocation(Path(rest).expanduser())
    if colon and kind == "xnat":
        project, at, server = rest.partition("@")
        if _PROJECT.fullmatch(project) and (not at or _SERVER_NAME.fullmatch(server)):
            return XnatLocation(project, server.upper())
    raise ConfigurationError("a source or destination is not written as it has to be", hint=_EXPECTED)
