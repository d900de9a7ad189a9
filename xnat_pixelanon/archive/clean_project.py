"""The clean project as publishing sees it: how a session stands there, its receipt, its status, its removal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256

from xnat_pixelanon.archive import uris
from xnat_pixelanon.archive.connection import XnatConnection
from xnat_pixelanon.archive.ports import Absent, Foreign, Published, Standing, Unfinished
from xnat_pixelanon.domain.documents import parse, schema_problems
from xnat_pixelanon.domain.receipt import FILE_NAME, RELEASED_FILE, RESOURCE, Receipt
from xnat_pixelanon.errors import DocumentError, SessionError, TransferError

OTHERS_SUBJECT = "the clean project has a subject under our kept label that is not known to be the same person"
# XNAT gives the column back in lower case, whatever case it was asked in.
_STATUS = "xnat:imagesessiondata/meta/status"


@dataclass(frozen=True, slots=True)
class CleanSession:
    """One session of the clean project as listed; `status` is empty where the server does not tell it."""

    id: str
    label: str = field(repr=False)
    uid: str = field(repr=False)
    subject: str = field(repr=False)
    status: str = ""

    @property
    def is_active(self) -> bool:
        return self.status == "active"

    @property
    def is_quarantined(self) -> bool:
        """Known to be hidden from all but the owners: only then it may be taken back unasked."""
        return bool(self.status) and not self.is_active


@dataclass(frozen=True, slots=True)
class Name:
    """Under which a package is published."""

    subject: str = field(repr=False)
    session: str = field(repr=False)
    study_instance_uid: str = field(repr=False)
    subject_digest: str = field(default="", repr=False)
    """Receipt.subject, where the subject's label is kept."""


class CleanProject:
    """Sessions of one project. Each method is one step; what changes something says so."""

    def __init__(self, connection: XnatConnection, project: str) -> None:
        self.connection = connection
        self.project = project

    def look(self, name: Name, *, everywhere: bool = True) -> tuple[Standing, CleanSession | None]:
        """How the session stands there, and the session itself where it is ours. By GET only.

        everywhere: our Study Instance UID is looked for under all labels, not under ours alone.
        """
        listed = self.sessions("" if everywhere else name.session)
        found = [s for s in listed if s.label == name.session or s.uid == name.study_instance_uid]
        session = found[0] if found else None
        reason = self._foreign(found, name) if found else ""
        text = self._receipt_text(session) if session is not None and not reason else None
        seen = session is not None and session.is_active and text is not None  # looked at when it became visible
        if everywhere and not seen and not reason:
            reason = self._others_subject(listed, found, name)
        if reason:
            return Foreign(reason), None
        if session is None:
            return Absent(), None
        if text is None:
            return Unfinished(), session
        receipt = parse_receipt(text)
        if receipt is not None and receipt.study_instance_uid == name.study_instance_uid:
            withheld = session.is_quarantined and self._was_released(session, receipt)
            return Published(receipt, session.is_active, withheld), session
        if session.is_quarantined:
            return Unfinished(), session  # cut while it was being written
        return Foreign("the session's receipt is not one"), None

    def others_subject(self, name: Name) -> str:
        """Why the subject is not ours alone, where its label is kept; empty where it is."""
        if not name.subject_digest:
            return ""
        listed = self.sessions()
        return self._others_subject(listed, [one for one in listed if one.label == name.session], name)

    def _others_subject(self, listed: list[CleanSession], ours: list[CleanSession], name: Name) -> str:
        """Of a session without receipt nobody knows whose it is: hidden, it may be of a run at work and is passed."""
        if not name.subject_digest:
            return ""
        same = [one for one in listed if one.subject.casefold() == name.subject.casefold() and one not in ours]
        for one in same:
            receipt = self.receipt(one)
            if receipt is None and one.is_quarantined:
                continue
            if receipt is None or receipt.subject != name.subject_digest:
                return OTHERS_SUBJECT
        return ""

    def sessions(self, label: str = "") -> list[CleanSession]:
        """The image sessions of the project that the account can see; of one label only where that is given.

        A server that does not know that filter lists all.
        """
        columns = ("ID", "label", "UID", "subject_label", "project", "xnat:imageSessionData/meta/status")
        uri = uris.experiments(self.project, *columns, **({"label": label} if label else {}))
        rows = self.connection.rows(uri, "listing the clean project's sessions")
        return [
            CleanSession(
                row.get("ID", ""),
                row.get("label", ""),
                row.get("UID", ""),
                row.get("subject_label", ""),
                next((value for key, value in row.items() if key.casefold() == _STATUS), ""),
            )
            for row in rows
        ]

    def _foreign(self, found: list[CleanSession], name: Name) -> str:
        if len(found) > 1:
            return "several sessions of the clean project bear our label or our Study Instance UID"
        session = found[0]
        if session.label != name.session:
            return "our Study Instance UID stands in the clean project under another label"
        if session.uid != name.study_instance_uid:
            return "another study stands in the clean project under our label"
        if session.subject.casefold() != name.subject.casefold():
            return "our session stands in the clean project under another subject"
        return self.not_at_home(session)

    def not_at_home(self, session: CleanSession) -> str:
        """Why a listed session is not this project's own; empty when it is."""
        what = "reading a clean session"
        try:
            item = self.connection.get(uris.experiment(session.id, format="json"), what).json(what)
            home = item["items"][0]["data_fields"].get("project")
        except (KeyError, IndexError, TypeError, AttributeError):
            raise TransferError(f"{what}: the answer is not an item") from None
        return "" if home == self.project else "a session of another project is shared under our label"

    def receipt(self, session: CleanSession) -> Receipt | None:
        """The session's receipt; None where there is none, or nothing that can be read as one."""
        text = self._receipt_text(session)
        return None if text is None else parse_receipt(text)

    def _receipt_text(self, session: CleanSession) -> bytes | None:
        answer = self.connection.get(self._receipt_uri(session), "reading a receipt", (200, 404))
        return answer.content if answer.status == 200 else None

    def store_receipt(self, session: CleanSession, receipt: Receipt) -> Receipt | None:
        """Write the receipt and give back what is stored then: a rival may have written his.

        RightsError when the account may not; None when nothing readable is stored.
        """
        resource = uris.experiment(session.id, "resources", RESOURCE)
        what = "making the receipt's resource"
        # Without the right to edit, the file's PUT would be answered by 200 and stored nowhere; this one says 403.
        self.connection.put(resource, what, accepted=(200, 201, 409), repeat=True)
        self.connection.put(
            self._receipt_uri(session, inbody="true", overwrite="true", format="JSON"),
            "writing the receipt",
            receipt_bytes(receipt),
            content_type="application/octet-stream",
            accepted=(200, 201),
            repeat=True,
        )
        return self.receipt(session)

    def release(self, session: CleanSession, receipt: Receipt) -> bool:
        """Release a session from quarantine; whether it is released then, where the server tells.

        That it was is remembered beside its receipt: a session that is hidden afterwards was hidden by a person.
        """
        if not session.is_active:
            uri = uris.project(self.project, "subjects", session.subject, "experiments", session.id, activate="true")
            self.connection.put(uri, "activating the session", accepted=(200, 201), repeat=True)
            now = next((one for one in self.sessions(session.label) if one.id == session.id), None)
            if now is None or now.is_quarantined:
                return False
        self.remember_released(session, receipt)
        return True

    def remember_released(self, session: CleanSession, receipt: Receipt) -> None:
        """Say beside the receipt that the session was visible with it, unless it is said there."""
        if self._was_released(session, receipt):
            return
        self.connection.put(
            self._file_uri(session, RELEASED_FILE, inbody="true", overwrite="true", format="TXT"),
            "remembering that the session is released",
            _released(receipt),
            content_type="application/octet-stream",
            accepted=(200, 201),
            repeat=True,
        )

    def forget_released(self, session: CleanSession) -> None:
        """Before scans are added, as that hides the session by our doing."""
        self.connection.delete(
            self._file_uri(session, RELEASED_FILE), "preparing the session for more scans", (200, 404)
        )

    def _was_released(self, session: CleanSession, receipt: Receipt) -> bool:
        """Whether a run released it as it is now: what was said of an older receipt counts no more."""
        uri = self._file_uri(session, RELEASED_FILE)
        answer = self.connection.get(uri, "reading whether the session was released", (200, 404))
        return answer.status == 200 and answer.content == _released(receipt)

    def withdraw(self, session: CleanSession) -> None:
        """Delete a session with its files."""
        uri = uris.project(self.project, "experiments", session.id, removeFiles="true")
        self.connection.delete(uri, "deleting a clean session", (200, 404))

    def delete(self, session: CleanSession) -> None:
        """Delete a session with its files, and see that it is gone; SessionError when it is not, or nobody knows."""
        said = ""
        try:
            self.withdraw(session)
        except TransferError as error:  # its answer may be lost: what counts is what is there
            said = f": {error.message}"
        if self.is_there(session):
            raise SessionError(
                f"the clean session was not deleted{said}",
                hint="run again; if it stays so, ask an administrator of the clean server",
            )

    def is_there(self, session: CleanSession) -> bool:
        """Whether the project still lists it, under whatever label."""
        return any(one.id == session.id for one in self.sessions())

    def delete_scan(self, session: CleanSession, scan: str) -> None:
        """Delete one scan with its files."""
        uri = uris.experiment(session.id, "scans", scan, removeFiles="true")
        self.connection.delete(uri, "taking back an unfinished scan", (200, 404))

    def has_empty_subject(self, label: str) -> bool:
        """Whether that subject is there without any session: a failed archive leaves it."""
        rows = self.connection.rows(
            uris.table("projects", self.project, "subjects", columns="ID,label"), "listing the subjects"
        )
        there = any(row.get("label", "").casefold() == label.casefold() for row in rows)
        return there and all(one.subject.casefold() != label.casefold() for one in self.sessions())

    def _receipt_uri(self, session: CleanSession, **query: str) -> str:
        return self._file_uri(session, FILE_NAME, **query)

    def _file_uri(self, session: CleanSession, name: str, **query: str) -> str:
        return uris.experiment(session.id, "resources", RESOURCE, "files", name, **query)


def receipt_bytes(receipt: Receipt) -> bytes:
    """receipt.json as it is stored."""
    return (json.dumps(receipt.as_dict(), indent=1, sort_keys=True) + "\n").encode("ascii")


def _released(receipt: Receipt) -> bytes:
    """released.txt: of which receipt it speaks, and what it is for."""
    digest = sha256(receipt_bytes(receipt)).hexdigest()
    return f"{digest}\nA run made the session with this receipt visible; once hidden, no run shows it again.\n".encode()


def parse_receipt(text: bytes) -> Receipt | None:
    """A stored receipt; None when it is not one."""
    try:
        document = parse(text.decode("utf-8"), FILE_NAME)
    except (DocumentError, UnicodeDecodeError):
        return None
    return None if schema_problems("receipt", document) else Receipt.from_dict(document)
