"""Every error that this package raises on purpose.

    PixelanonError                 1
    ├─ ConfigurationError          3   what was asked for cannot be done as it is set up
    │  ├─ DocumentError                a templates, policy or other document is not valid
    │  ├─ LoginError                   the server does not accept the credentials
    │  ├─ RightsError                  the account may not do what the run needs
    │  ├─ NotFoundError                project, session or file: absent, or not readable
    │  └─ RefusedError                 the policy, or the safety rules, forbid this run
    ├─ SessionError                1   one session could not be finished; others go on
    │  ├─ TransferError                the server or the network did not do what it said
    │  ├─ ScratchError                 the scratch folder is full or not writable
    │  ├─ LabelError                   a label that the policy keeps may not be seen on the clean side
    │  ├─ ConflictError                the clean project holds something that is not ours
    │  └─ ChangedError                 policy, templates or source changed while we worked
    │     └─ OvertakenError               two stored a document at the same moment
    ├─ InstanceError               1   one file could not be cleaned; its scan is held
    └─ ProofError                  5   a written copy is not what it has to be

The message says what is wrong and where, the hint what to do next. No message carries a header value.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import ClassVar


class PixelanonError(Exception):
    """Base of every error raised on purpose."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def extend(self, text: str) -> None:
        """Say more in an error that is on its way already."""
        self.message += text
        self.args = (self.message,)


class ConfigurationError(PixelanonError):
    """What was asked for cannot be done as things are set up; nothing was sent."""

    exit_code = 3


class DocumentError(ConfigurationError):
    """A document with errors: `problems` names each JSON path and what was expected there."""

    def __init__(self, document: str, problems: Sequence[str], *, hint: str = "") -> None:
        self.document = document
        self.problems = tuple(problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"{document} is not valid:{lines}", hint=hint or "correct each line and try again")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.document, self.problems), {"hint": self.hint})


class LoginError(ConfigurationError):
    """The server does not accept the credentials, or they have expired."""


class RightsError(ConfigurationError):
    """The account may not do what the run needs."""


class NotFoundError(ConfigurationError):
    """Absent, or not readable by this account: XNAT answers the same for both."""


class RefusedError(ConfigurationError):
    """The policy or a safety rule forbids this."""


class SessionError(PixelanonError):
    """One session could not be finished; the others go on."""


class TransferError(SessionError):
    """The server or the network did not do what it said."""


class ScratchError(SessionError):
    """The scratch folder is full or not writable."""


class LabelError(SessionError):
    """A label that the policy keeps may not be seen on the clean side; the text does not quote it."""


class ConflictError(SessionError):
    """The clean project holds something under our name that is not ours."""


class ChangedError(SessionError):
    """Policy, templates or source changed while the session was worked on."""


class OvertakenError(ChangedError):
    """Two stored a document at the same moment, and ours came second: `version` of it stands over `theirs`.

    Whoever gets this puts `theirs` back: the first one was told that it is stored.
    """

    def __init__(self, name: str, version: int, theirs: str) -> None:
        super().__init__(
            f"somebody else stored {name} at the same moment, just before you",
            hint="pull again, repeat the change, push",
        )
        self.name = name
        self.version = version
        self.theirs = theirs


class InstanceError(PixelanonError):
    """One file could not be cleaned: `code` is one of the codes of domain/codes.py."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.code, self.detail))


class ProofError(PixelanonError):
    """A written copy is not what it has to be; it was not sent."""

    exit_code = 5


def internal_error(error: Exception) -> PixelanonError:
    """A defect of ours by its type and place. Its own text may quote a header, and containers' logs are mailed."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} at {place.name}:{place.lineno}"
    return PixelanonError(f"internal error: {where}", hint="report it; running again is safe")
