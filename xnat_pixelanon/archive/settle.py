"""Bringing a session that stands in the clean project already into a clean state: verified and visible, or gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from xnat_pixelanon.archive.answers import OtherBytes
from xnat_pixelanon.archive.clean_project import CleanProject, CleanSession, Name
from xnat_pixelanon.archive.inbound import Waits
from xnat_pixelanon.archive.ports import WITHHELD, WITHHELD_HINT, Published
from xnat_pixelanon.archive.verify import (
    Inventory,
    PixelDigest,
    Series,
    inventory,
    read_back,
    satisfies,
    unsatisfied,
)
from xnat_pixelanon.domain.receipt import Receipt
from xnat_pixelanon.errors import ChangedError, ConflictError, NotFoundError, SessionError, TransferError

AGAIN = "run again: the session is then verified and finished, or taken back and sent anew"
NOT_ACTIVE = "the session was verified, but the server did not activate it; it stays hidden"
_RIVAL = "another run works on the clean session at this moment"


@dataclass(frozen=True, slots=True)
class Means:
    """What every publication of a destination shares."""

    clean: CleanProject
    pixel_digest: PixelDigest
    waits: Waits


@dataclass(frozen=True, slots=True)
class Held:
    """What a session holds, and the listing that it was read by."""

    listed: Inventory
    series: Series


class Settling:
    """Bringing a session that is there already into a clean state: verified and visible, or gone.

    `gate` is asked just before a session becomes visible.
    """

    def __init__(self, means: Means, name: Name, gate: Callable[[], None], scratch: Path) -> None:
        self.means = means
        self.gate = gate
        self.clean = means.clean
        self.name = name
        self.scratch = scratch

    def read(self, session: CleanSession, only: set[str] | None = None, like: Mapping[str, Path] | None = None) -> Held:
        """Every instance of a session (of the series in `only`), downloaded and digested; `like` as in read_back.

        Again while a rival replaces files under our hands, as long as one is waited for.
        """
        end = time.monotonic() + self.means.waits.rival
        connection = self.clean.connection
        while True:
            try:
                listed = inventory(connection, session.id)
                return Held(listed, read_back(connection, listed, self.scratch, self.means.pixel_digest, only, like))
            except (OtherBytes, NotFoundError):
                if time.monotonic() >= end:
                    raise
            time.sleep(self.means.waits.poll)

    def finish(self, session: CleanSession, receipt: Receipt) -> None:
        """Verify a session against its receipt and activate it; see XnatDestination.finish."""
        held = self.read(session)
        listed = held.listed if satisfies(held.series, receipt) else self._taken_back(session, held, receipt)
        if session.is_active:
            return
        if inventory(self.clean.connection, session.id) != listed:
            raise SessionError("the session changed while it was being finished; it stays hidden", hint=AGAIN)
        standing, _ = self.clean.look(self.name, everywhere=False)
        if not isinstance(standing, Published) or standing.receipt != receipt:
            raise ChangedError(_RIVAL, hint="run again")
        if standing.withheld:
            raise ConflictError(WITHHELD, hint=WITHHELD_HINT)
        self.gate()
        if not self.clean.release(session, receipt):
            raise SessionError(NOT_ACTIVE, hint=AGAIN)

    def _taken_back(self, session: CleanSession, held: Held, receipt: Receipt) -> Inventory:
        """What a session holds without the scans that its receipt does not name; raises when it is wrong otherwise."""
        if not session.is_quarantined:
            raise ConflictError(
                "the published session no longer holds what its receipt says",
                hint="somebody changed it in the clean project: withdraw or remove it there, then run again",
            )
        if unsatisfied(held.series, receipt):
            self.clean.withdraw(session)
            raise TransferError(
                "a hidden session that did not hold what its receipt says was taken back", hint="run again"
            )
        if self.await_receipt(receipt) is not None:
            raise ChangedError(_RIVAL, hint="run again")
        vouched = {scan.series_instance_uid: scan.instances for scan in receipt.scans}
        self.drop_scans(session, held, set(held.series) - set(vouched))
        listed = inventory(self.clean.connection, session.id)
        if {series: count for series, count in listed.counts().items() if count} != vouched:
            raise SessionError("scans of an interrupted run could not be taken back", hint=AGAIN)
        return listed

    def await_receipt(self, known: Receipt | None) -> tuple[CleanSession, Receipt] | None:
        """Give a rival time to write another receipt than the one that is `known`; None when none comes.

        Also None when the session is gone meanwhile.
        """
        end = time.monotonic() + self.means.waits.rival
        while True:
            standing, session = self.clean.look(self.name, everywhere=False)
            if session is not None and isinstance(standing, Published) and standing.receipt != known:
                return session, standing.receipt
            if session is None or time.monotonic() >= end:
                return None
            time.sleep(self.means.waits.poll)

    def drop_scans(self, session: CleanSession, held: Held, series: set[str]) -> None:
        """Delete scans of ours that no receipt vouches for, from a session that nobody sees."""
        for scan in held.listed.scan_ids(series):
            self.clean.delete_scan(session, scan)
