"""Whether the anonymisation scripts that a clean server runs by itself leave alone what is published. By GET only."""

from __future__ import annotations

from dataclasses import dataclass

from xnat_pixelanon.archive import uris
from xnat_pixelanon.archive.anon_scripts import spoiling_lines
from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.errors import NotFoundError, RefusedError, RightsError


@dataclass(frozen=True, slots=True)
class OwnScript:
    """A project's own anonymisation script in XNAT; `enabled`: XNAT runs it when a session is archived."""

    text: str
    enabled: bool


def own_script(connection: XnatConnection, project: str) -> OwnScript | None:
    """The script of a project, None where it has none of its own."""
    what = "reading the project's anonymisation script"
    answer = connection.get(uris.anonymisation("projects", project), what, (200, 204, 404))
    text = answer.text(what) if answer.status == 200 else ""
    return OwnScript(text, _is_enabled(connection, "projects", project, what)) if text.strip() else None


def check_script(connection: XnatConnection, project: str = "") -> None:
    """RefusedError unless the script (without `project` the site's) is off, or leaves pixels and UIDs alone."""
    scope, whose = ("projects", "clean project's") if project else ("site", "site's")
    what = f"reading the {whose} anonymisation script"
    try:
        if not _is_enabled(connection, scope, project, what):
            return
        answer = connection.get(uris.anonymisation(scope, project), what, (200, 204))
    except (RightsError, NotFoundError):
        raise RefusedError(
            f"the {whose} anonymisation script cannot be read, so it may spoil what is published",
            hint="let an administrator of the clean server give the account the right to read it",
        ) from None
    if answer.status != 200:
        return
    lines = spoiling_lines(answer.text(what))
    if lines:
        numbers = ", ".join(str(line) for line in lines)
        raise RefusedError(
            f"the {whose} anonymisation script edits pixels or UIDs, or is not understood, in line {numbers}",
            hint="what is published has to stay as it was proved: take these lines out, or disable the script",
        )


def _is_enabled(connection: XnatConnection, scope: str, project: str, what: str) -> bool:
    answer = connection.get(uris.anonymisation(scope, project, enabled=True), what, (200, 204))
    return answer.status == 200 and answer.text(what).strip().casefold() != "false"
