"""What the account may do in a project, and how the project is set up. By reading requests only."""

from __future__ import annotations

from enum import StrEnum

from xnat_pixelanon.archive import uris
from xnat_pixelanon.archive.answers import objects
from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.errors import NotFoundError, RightsError, TransferError


class Role(StrEnum):
    """The groups that XNAT makes for each project, the mightiest first."""

    OWNER = "owner"
    MEMBER = "member"
    COLLABORATOR = "collaborator"
    NONE = "none"


class Accessibility(StrEnum):
    """Who may read a project: everybody, titles only, or its members."""

    PUBLIC = "public"
    PROTECTED = "protected"
    PRIVATE = "private"


def project_exists(connection: XnatConnection, project: str) -> bool:
    """Whether the account can read the project: XNAT answers the same for absent and unreadable."""
    answer = connection.get(uris.project(project, format="json"), "reading the project", (200, 403, 404))
    return answer.status == 200


def project_role(connection: XnatConnection, project: str, user: str = "") -> Role:
    """The group of `user` (without one, of the account) in the project; NotFoundError when it cannot be read.

    A site administrator who is in no group of the project counts as NONE.
    """
    user = user or connection.user
    if not project_exists(connection, project):
        raise NotFoundError(
            f"project {project} is absent, or not readable by this account",
            hint="check its ID (not its title), and the account's access to it",
        )
    try:
        users = connection.rows(uris.table("projects", project, "users"), "listing the users of the project")
    except RightsError:
        # A site may keep the list of users to owners; everybody may ask for his own roles.
        return _own_role(connection, project) if user == connection.user else Role.NONE
    groups = {row.get("GROUP_ID", "") for row in users if row.get("login", "").casefold() == user.casefold()}
    return next((role for role in Role if f"{project}_{role}" in groups), Role.NONE)


def _own_role(connection: XnatConnection, project: str) -> Role:
    what = "reading the account's roles"
    answer = connection.get("/xapi/access/projects", what, (200, 403, 404))
    rows = objects(answer.json(what), what) if answer.status == 200 else []
    names = {str(row.get("role", "")).casefold().removesuffix("s") for row in rows if row.get("ID") == project}
    return next((role for role in Role if role in names), Role.NONE)


def project_accessibility(connection: XnatConnection, project: str) -> Accessibility:
    """Public, protected or private; TransferError for any other answer."""
    what = "reading the project's accessibility"
    text = connection.get(uris.project(project, "accessibility"), what).text(what).strip().casefold()
    try:
        return Accessibility(text)
    except ValueError:
        raise TransferError(f"{what}: the answer is none of public, protected and private") from None


def prearchive_code(connection: XnatConnection, project: str) -> int:
    """0: arriving sessions wait in the prearchive; 4 and 5: they are archived by themselves."""
    what = "reading the project's prearchive setting"
    text = connection.get(uris.project(project, "prearchive_code"), what).text(what).strip()
    try:
        return int(text)
    except ValueError:
        raise TransferError(f"{what}: the answer is not a number") from None
