"""Taking a session back from an XNAT project: found by our label and our receipt, deleted, and seen to be gone."""

from __future__ import annotations

import time
from collections.abc import Callable

from xnat_pixelanon.archive.clean_project import CleanProject, CleanSession
from xnat_pixelanon.archive.inbound import Waits
from xnat_pixelanon.archive.ports import Claim, TakenBack
from xnat_pixelanon.archive.prearchive import Prearchive
from xnat_pixelanon.domain.receipt import Receipt
from xnat_pixelanon.errors import ConflictError, NotFoundError, PixelanonError

_NOT_OURS = "look at it in the clean project; what is not known to be ours is never deleted"


class Withdrawal:
    """One source session on its way out of the clean project."""

    def __init__(self, clean: CleanProject, claim: Claim, waits: Waits) -> None:
        self._clean = clean
        self._claim = claim
        self._waits = waits

    def find(self) -> list[CleanSession]:
        """What stands there and is ours. ConflictError where something does that is not known to be ours."""
        return [session for session, _ in self._found()]

    def run(self, gate: Callable[[], None]) -> TakenBack | None:
        """Delete it, and what runs left in the prearchive; see ports.Destination.take_back."""
        # First: what is archived from there after the session was deleted would stand there again.
        label, study = self._claim.session_label, self._claim.study_instance_uid
        prearchive = Prearchive(self._clean.connection, self._clean.project)
        prearchive.remove_all(label, study, gate, limit=self._waits.archive, poll=self._waits.poll)
        sessions = self._settled()
        for session in sessions:
            gate()
            self._clean.delete(session)
        if not sessions:
            return None
        subject = sessions[0].subject
        return TakenBack(subject, self._is_empty(subject))

    def _settled(self) -> list[CleanSession]:
        """Ours, after a rival who is at work on it had the time to write its receipt."""
        end = time.monotonic() + self._waits.rival
        while True:
            found = self._found()
            if all(receipt is not None for _, receipt in found) or time.monotonic() >= end:
                return [session for session, _ in found]
            time.sleep(self._waits.poll)

    def _found(self) -> list[tuple[CleanSession, Receipt | None]]:
        """Sessions under our label, or with our Study Instance UID, each with its receipt."""
        label, study = self._claim.session_label, self._claim.study_instance_uid
        listed = self._clean.sessions("" if study else label)
        found = [one for one in listed if (label and one.label == label) or (study and one.uid == study)]
        if self._claim.kept:
            found = [one for one in found if (study and one.uid == study) or self._is_ours(one)]
        if not found and not study:
            found = self._by_receipt()
        kept: list[tuple[CleanSession, Receipt | None]] = []
        for session in found:
            try:
                kept.append((session, self._receipt(session)))
            except (NotFoundError, ConflictError):  # gone meanwhile: as good as deleted by us
                if self._clean.is_there(session):
                    raise
        return kept

    def _by_receipt(self) -> list[CleanSession]:
        """Of a source that staging no longer has, under a label of another prefix: each session's receipt is read."""
        every = self._clean.sessions()
        return [one for one in every if (held := self._clean.receipt(one)) and held.source == self._claim.source]

    def _receipt(self, session: CleanSession) -> Receipt | None:
        """Its receipt; None for a crash of ours. ConflictError unless the session is known to be ours."""
        reason = self._clean.not_at_home(session)
        receipt = None if reason else self._clean.receipt(session)
        if receipt is not None and receipt.source != self._claim.source:
            reason = "a session under our label or study has the receipt of another source"
        if receipt is None and not reason and not self._is_crash(session):
            reason = "a session under our label or study has no receipt of ours"
        if reason:
            raise ConflictError(reason, hint=_NOT_OURS)
        return receipt

    def _is_ours(self, session: CleanSession) -> bool:
        receipt = self._clean.receipt(session)
        return receipt is not None and receipt.source == self._claim.source

    def _is_crash(self, session: CleanSession) -> bool:
        """Hidden, and of our study: a run of ours died before it wrote the receipt."""
        ours = self._claim.study_instance_uid
        return session.is_quarantined and bool(ours) and session.uid == ours

    def _is_empty(self, subject: str) -> bool:
        try:
            return self._clean.has_empty_subject(subject)
        except PixelanonError:
            return False
