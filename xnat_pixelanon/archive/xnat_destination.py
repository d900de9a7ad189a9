"""A project of an XNAT as a destination."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from xnat_pixelanon.archive import uris
from xnat_pixelanon.archive.clean_project import CleanProject, CleanSession, Name
from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.archive.documents import TOOL
from xnat_pixelanon.archive.inbound import Waits
from xnat_pixelanon.archive.ports import Claim, Outrun, Published, Sent, Standing, TakenBack
from xnat_pixelanon.archive.publish import Publication
from xnat_pixelanon.archive.replace import Replacement
from xnat_pixelanon.archive.rights import Role, project_role
from xnat_pixelanon.archive.script_check import check_script
from xnat_pixelanon.archive.settle import Means, Settling
from xnat_pixelanon.archive.verify import PixelDigest
from xnat_pixelanon.archive.withdraw import Withdrawal
from xnat_pixelanon.domain.receipt import Receipt
from xnat_pixelanon.domain.session import Package
from xnat_pixelanon.errors import ChangedError, NotFoundError, RefusedError, RightsError, TransferError


def refuse_own_policy(connection: XnatConnection, project: str) -> None:
    """RefusedError where a destination has a policy.json, also a disabled one: it is, or was, a staging project."""
    what = "reading the clean project's own policy"
    policy = uris.config(project, TOOL, "policy.json", format="json")
    if connection.get(policy, what, (200, 204, 404)).status == 200:
        raise RefusedError(
            f"the destination {project} has a pixelanon policy of its own, as staging projects have",
            hint="send to a project that is only a destination; a policy that was disabled counts, too",
        )


class XnatDestination:
    """The clean project. `source` is the server and project that sessions come from, where they come from an XNAT."""

    def __init__(
        self,
        connection: XnatConnection,
        project: str,
        pixel_digest: PixelDigest,
        *,
        name: str = "",
        source: tuple[str, str] | None = None,
        waits: Waits | None = None,
    ) -> None:
        self._connection = connection
        self._project = project
        self._source = source
        self._name = name or f"xnat:{project}"
        self._clean = CleanProject(connection, project)
        self._means = Means(self._clean, pixel_digest, waits or Waits())

    @property
    def name(self) -> str:
        return self._name

    def check(self) -> None:
        """RefusedError, RightsError or NotFoundError unless sessions may be published here. By GET only."""
        if self._source == (self._connection.server, self._project):
            raise RefusedError("source and destination are the same project", hint="name another clean project")
        role = project_role(self._connection, self._project)
        if role is not Role.OWNER:
            raise RightsError(
                f"the account is {role} of the clean project {self._project}, and has to be its owner",
                hint="only owners can see a hidden session, verify it and release it: ask an owner of the project",
            )
        refuse_own_policy(self._connection, self._project)
        check_script(self._connection)
        check_script(self._connection, self._project)

    def look(self, package_labels: tuple[str, str], study_instance_uid: str, subject: str = "") -> Standing:
        """How the session stands there now; by GET only."""
        return self._clean.look(Name(*package_labels, study_instance_uid, subject))[0]

    def publish(self, package: Package, gate: Callable[[], None], scratch: Path) -> Sent | Outrun:
        """Publish all or nothing; see ports.Destination.publish.

        RightsError too, when the account lost its rights midway; a ConflictError leaves what is there untouched.
        """
        try:
            publication = Publication if package.replaces is None else Replacement
            return publication(self._means, package, gate, scratch).run()
        except NotFoundError as error:
            raise _vanished(error) from None

    def finish(
        self, package_labels: tuple[str, str], receipt: Receipt, gate: Callable[[], None], scratch: Path
    ) -> None:
        """Verify a session against its receipt and activate it.

        Hidden scans that no receipt names, of an interrupted addition, are taken back first. A hidden session that
        does not hold what its receipt says is taken back: TransferError. A visible one is left, and one that a person
        hid: ConflictError.
        """
        name, session = self._published(package_labels, receipt)
        Settling(self._means, name, gate, scratch).finish(session, receipt)

    def seen_visible(self, package_labels: tuple[str, str], receipt: Receipt) -> None:
        """Say so beside the receipt, where it is not said yet: a run may have died before it did."""
        _, session = self._published(package_labels, receipt)
        if session.is_active:
            self._clean.remember_released(session, receipt)

    def _published(self, package_labels: tuple[str, str], receipt: Receipt) -> tuple[Name, CleanSession]:
        name = Name(*package_labels, receipt.study_instance_uid, receipt.subject)
        standing, session = self._clean.look(name)
        if session is None or not isinstance(standing, Published) or standing.receipt != receipt:
            raise ChangedError("the clean session is no longer the one that was to be finished", hint="run again")
        return name, session

    def holds(self, claim: Claim) -> bool:
        """Whether a session of ours stands there; by GET only."""
        return Withdrawal(self._clean, claim, self._means.waits).find() != []

    def take_back(self, claim: Claim, gate: Callable[[], None]) -> TakenBack | None:
        """Delete the session that was made from this source; see ports.Destination.take_back."""
        try:
            return Withdrawal(self._clean, claim, self._means.waits).run(gate)
        except NotFoundError as error:
            raise _vanished(error) from None

    def close(self) -> None:
        """The connection belongs to whoever opened it."""


def _vanished(error: NotFoundError) -> TransferError:
    return TransferError(
        f"something vanished from the clean project while it was worked on: {error.message}",
        hint="run again: a run finishes what an earlier one left",
    )
