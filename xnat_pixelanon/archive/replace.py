"""Publishing a session in the place of one that is published already.

The new copy is verified in the prearchive before the old one is deleted, and archived only once the old one is seen to
be gone: XNAT would merge the two. A run that dies in between leaves the place empty, and the next run publishes.
"""

from __future__ import annotations

from xnat_pixelanon.archive.clean_project import CleanSession
from xnat_pixelanon.archive.ports import Outrun, Published, Sent
from xnat_pixelanon.archive.publish import Publication
from xnat_pixelanon.domain.receipt import Receipt
from xnat_pixelanon.errors import ConflictError, PixelanonError

_DELETED = "; the session that it was to replace is deleted already: a run publishes the new one"


class Replacement(Publication):
    """One package on its way into the place of the session with the receipt `package.replaces`."""

    _deleted = False

    def run(self) -> Sent | Outrun:
        """Publish all or nothing; see ports.Destination.publish."""
        try:
            return super().run()
        except PixelanonError as error:
            if self._deleted:
                error.extend(_DELETED)
            raise

    def _over_published(self, session: CleanSession, receipt: Receipt) -> Outrun | None:
        if receipt == self.package.replaces:
            return None
        return super()._over_published(session, receipt)

    def _make_room(self) -> Sent | Outrun | None:
        """Delete the old session; then None when the label is free, or how a rival's session stands there now."""
        standing, session = self.clean.look(self.name, everywhere=False)
        if session is None or not isinstance(standing, Published) or standing.receipt != self.package.replaces:
            return self._clear_way(rival=True)
        if standing.receipt.source != self.package.receipt.source:
            raise ConflictError(
                "the session that is to be replaced has the receipt of another source",
                hint="look at it in the clean project; what is not known to be ours is never deleted",
            )
        self.clean.delete(session)
        self._deleted = True
        return self._clear_way(rival=True)
