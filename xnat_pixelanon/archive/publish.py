"""Publishing one package into an XNAT project: all of it or nothing, also when a run dies or two run at once.

What is visible was read back first. A session without its receipt is never visible by our doing; a quarantined one is
finished, or taken back, by whichever run comes next.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from xnat_pixelanon.archive.clean_project import CleanSession, Name
from xnat_pixelanon.archive.inbound import Ended, Inbound
from xnat_pixelanon.archive.ports import WITHHELD, WITHHELD_HINT, Foreign, Outrun, Published, Sent, Unfinished
from xnat_pixelanon.archive.prearchive import Entry
from xnat_pixelanon.archive.settle import AGAIN, NOT_ACTIVE, Held, Means, Settling
from xnat_pixelanon.archive.verify import Inventory, expected, inventory, satisfies
from xnat_pixelanon.domain.receipt import Receipt
from xnat_pixelanon.domain.session import Package
from xnat_pixelanon.errors import ChangedError, ConflictError, NotFoundError, PixelanonError, SessionError

_REMAINS = "; the session is hidden, or there as a whole: a later run finishes it"
_MAY_HIDE = "; the session may be hidden until a later run has finished it"
_ONE_KIND = "; XNAT merges no scans of another modality into a session, unless its site allows it"
_AS_BEFORE = "; the session is as it was before"
_WHOLE = "; the session is there as a whole all the same"
_RENAME = "find out who it is; let one of the two be renamed in staging, or become a pseudonym"
_OTHER = "what the clean project holds is not what was sent; the session stays hidden"


class Publication(Settling):
    """One package on its way. `gate` is asked just before the session comes to be, and before it becomes visible."""

    def __init__(self, means: Means, package: Package, gate: Callable[[], None], scratch: Path) -> None:
        new = not package.adds and package.replaces is None
        subject = package.receipt.subject if new else ""
        name = Name(package.subject_label, package.session_label, package.study_instance_uid, subject)
        super().__init__(means, name, gate, scratch)
        self.package = package
        self.base: Receipt | None = None
        """The receipt of the session to which scans are added."""

    def run(self) -> Sent | Outrun:
        """Publish all or nothing; see ports.Destination.publish."""
        early = self._clear_way(rival=False)
        if early is None and self.base is not None:
            early = self._adopt_added()
        if early is not None:
            return early
        inbound = Inbound(self.clean.connection, self.clean.project, self.package, self.means.waits)
        entry = inbound.send(self.scratch)
        early = self._before_archive(inbound, entry)
        if early is not None:
            inbound.discard(entry)
            return early
        if self._archive(inbound, entry) is Ended.CONFLICT:
            early = self._clear_way(rival=True) or self._await_rival()
            if early is None:
                left = f"{inbound.leftover}{self._orphan() if self.base is None else _ONE_KIND}"
                raise SessionError(
                    f"the clean server refused to archive the session; nothing new is visible{left}",
                    hint="run again; if it stays so, look at the clean project's script and the server's log",
                )
            return early
        try:
            return self._concluded()
        except PixelanonError as error:
            error.extend(self._settled() or _REMAINS)
            raise

    def _concluded(self) -> Sent | Outrun:
        """Concluded; where another run took ours back meanwhile, how its own stands."""
        try:
            return self._conclude()
        except NotFoundError:
            early = self._clear_way(rival=True)
            if early is None:
                raise SessionError("the archived session was taken back while it was verified", hint=AGAIN) from None
            return early

    def _before_archive(self, inbound: Inbound, entry: Entry) -> Sent | Outrun | None:
        try:
            self.gate()
            return self._clear_way(rival=True) or self._make_room()
        except BaseException as error:
            inbound.discard(entry, error)
            raise

    def _make_room(self) -> Sent | Outrun | None:
        """Between the gate and the archive call. What is added hides the session, by our doing and not a person's."""
        if self.base is not None:
            _, session = self.clean.look(self.name, everywhere=False)
            if session is not None:
                self.clean.forget_released(session)
        return None

    def _archive(self, inbound: Inbound, entry: Entry) -> Ended:
        try:
            return inbound.archive(entry)
        except PixelanonError as error:
            error.extend(self._orphan() if self.base is None else _MAY_HIDE)
            raise

    def _clear_way(self, *, rival: bool) -> Sent | Outrun | None:
        """None when the label is free (or the session stands as it did, for adding); else how it ended.

        `rival`: it came while we worked, so somebody may be at work on it now.
        """
        standing, session = self.clean.look(self.name)
        match standing:
            case Foreign(reason=reason):
                raise ConflictError(reason, hint="remove or rename it in the clean project, then run again")
            case Published(withheld=True):
                raise ConflictError(WITHHELD, hint=WITHHELD_HINT)
            case Published(receipt=receipt) if session is not None:
                return self._over_published(session, receipt)
            case Unfinished() if session is not None and not self.package.adds:
                return self._over_unfinished(session, rival=rival)
        if self.package.adds:
            raise ChangedError("the clean session to which scans are added is gone", hint="run again")
        return None

    def _over_published(self, session: CleanSession, receipt: Receipt) -> Outrun | None:
        if self.package.adds and receipt != self.package.receipt:
            if self.base is None:
                self.base = self._checked_base(receipt)
            if receipt == self.base:
                return None
        self.finish(session, receipt)
        return Outrun(receipt)

    def _checked_base(self, receipt: Receipt) -> Receipt:
        sent = {scan.series_instance_uid for scan in self.package.scans}
        kept = {scan for scan in self.package.receipt.scans if scan.series_instance_uid not in sent}
        if kept != set(receipt.scans):
            raise ChangedError(
                "the clean session is no longer the one to which scans were to be added", hint="run again"
            )
        return receipt

    def _over_unfinished(self, session: CleanSession, *, rival: bool) -> Sent | Outrun | None:
        """Ours without a receipt. A rival gets time to finish; a crash is finished, or taken back."""
        outcome = self._await_rival() if rival else None
        if outcome is not None:
            return outcome
        if rival and self.clean.look(self.name, everywhere=False)[1] is None:
            return None
        if self.read(session, like=self._copies).series == expected(self.package.scans):
            return self._conclude(adopted=True)
        outcome = None if rival else self._await_rival()
        if outcome is not None:
            return outcome
        _, now = self.clean.look(self.name, everywhere=False)
        if now is None:
            return None
        if not now.is_quarantined:
            raise ConflictError(
                "the clean project holds our session without a receipt, visible, and other than it has to be",
                hint="somebody released it by hand: look at it, delete it in the clean project, then run again",
            )
        self.clean.withdraw(now)
        return None

    def _await_rival(self) -> Outrun | None:
        """Give a rival time to write his receipt; then verify his session and see that it is visible."""
        found = self.await_receipt(self.base)
        if found is None:
            return None
        self.finish(*found)
        return Outrun(found[1])

    def _adopt_added(self) -> Sent | Outrun | None:
        """Scans that an interrupted run added already: finished if they are ours, else taken back."""
        _, session = self.clean.look(self.name, everywhere=False)
        listed = inventory(self.clean.connection, session.id) if session else Inventory(())
        ours = {scan.series_instance_uid for scan in self.package.scans}
        if session is None or not any(scan.uid in ours for scan, _ in listed.scans):
            return None
        held = self.read(session, set(expected(self.package.scans)), like=self._copies)
        if self._holds_all(held):
            return self._conclude(adopted=True)
        outcome = self._await_rival()
        if outcome is not None:
            return outcome
        if not session.is_quarantined:
            raise ConflictError(
                "the clean session holds scans that its receipt does not name",
                hint="somebody released it by hand: delete these scans in the clean project, then run again",
            )
        self.drop_scans(session, held, ours)
        return None

    @property
    def _copies(self) -> dict[str, Path]:
        """Our own copies by SOP Instance UID: what is adopted has to say no more than they do."""
        return {one.sop_instance_uid: one.path for scan in self.package.scans for one in scan.instances}

    def _read_ours(self, session: CleanSession) -> Held:
        """The instances of the package; of a session to which it is added, the others are only counted."""
        return self.read(session, None if self.base is None else set(expected(self.package.scans)))

    def _holds_all(self, held: Held) -> bool:
        """Whether the session holds exactly the package, and the scans to which it is added as before."""
        wanted = expected(self.package.scans)
        if self.base is None:
            return held.series == wanted
        rest = {uid: count for uid, count in held.listed.counts().items() if uid not in wanted}
        return held.series == wanted and rest == {scan.series_instance_uid: scan.instances for scan in self.base.scans}

    def _is_rivals(self, session: CleanSession, held: Held, receipt: Receipt | None) -> bool:
        """Whether another run's receipt is there, and holds."""
        if receipt is None or receipt in self._own_receipts:
            return False
        whole = held if self.base is None else self.read(session)
        return satisfies(whole.series, receipt)

    def _conclude(self, *, adopted: bool = False) -> Sent | Outrun:
        """From archived to visible: read back, receipt, activate. A rival may have his hands in it all the time."""
        end = time.monotonic() + self.means.waits.rival
        held: Held | None = None
        while True:
            standing, session = self.clean.look(self.name, everywhere=False)
            if session is None:
                raise NotFoundError("the archived session is not there")
            if held is None or inventory(self.clean.connection, session.id) != held.listed:
                held = self._read_ours(session)
            receipt = standing.receipt if isinstance(standing, Published) else None
            why = _OTHER
            if receipt is not None and self._is_rivals(session, held, receipt):
                if self._rivals_again(session, receipt):
                    return Outrun(receipt)
            elif self._holds_all(held):
                if self._complete(session, held, receipt):
                    return Sent(adopted)
                why = NOT_ACTIVE
            if time.monotonic() >= end:
                if why == _OTHER and self.base is not None and receipt == self.package.receipt:
                    self.clean.store_receipt(session, self.base)  # ours would vouch for what is not there
                raise SessionError(why, hint=AGAIN)
            time.sleep(self.means.waits.poll)

    def _complete(self, session: CleanSession, held: Held, stored: Receipt | None) -> bool:
        """Receipt and activation; False when somebody changed the session or the receipt in between."""
        if stored != self.package.receipt:
            if inventory(self.clean.connection, session.id) != held.listed:
                return False
            stored = self.clean.store_receipt(session, self.package.receipt)
        if stored != self.package.receipt or inventory(self.clean.connection, session.id) != held.listed:
            return False
        return self._activate(session, self.package.receipt)

    def _activate(self, session: CleanSession, receipt: Receipt) -> bool:
        """Make a verified session visible, if it still has this receipt and the gate lets it."""
        standing, now = self.clean.look(self.name, everywhere=False)
        if now is None or now.id != session.id or not isinstance(standing, Published) or standing.receipt != receipt:
            return False
        if not now.is_active:
            self.gate()
            if reason := self.clean.others_subject(self.name):  # another project's came while ours was archived
                raise ConflictError(f"{reason}; the session stays hidden", hint=_RENAME)
        return self.clean.release(now, receipt)

    def _rivals_again(self, session: CleanSession, receipt: Receipt) -> bool:
        """Make a rival's session visible: again, where only our archive call hid it, else through the gate."""
        standing, now = self.clean.look(self.name, everywhere=False)
        if now is not None and isinstance(standing, Published) and standing.receipt == receipt and standing.withheld:
            return self.clean.release(now, receipt)
        return self._activate(session, receipt)

    def _settled(self) -> str:
        """After a failed addition: the session visible again, without it or with all of it, if that can be done now."""
        if self.base is None:
            return ""
        try:
            standing, session = self.clean.look(self.name, everywhere=False)
            match standing:
                case Published(receipt=receipt, active=False) if session is not None and receipt in self._own_receipts:
                    self.finish(session, receipt)
                    return _AS_BEFORE if receipt == self.base else _WHOLE
        except PixelanonError:
            pass
        return ""

    @property
    def _own_receipts(self) -> tuple[Receipt | None, ...]:
        return (self.base, self.package.receipt)

    def _orphan(self) -> str:
        """What a failed archive may leave, for the message."""
        try:
            empty = self.clean.has_empty_subject(self.package.subject_label)
        except PixelanonError:
            return ""
        label = "" if self.package.receipt.subject else f" {self.package.subject_label}"  # no label of staging is said
        return f"; an empty subject{label} is left in the clean project" if empty else ""
