"""Users, logins, alias tokens and who may do what (sections 2.1 and 2.11 of the wire contract)."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from .records import Experiment, Project, User
from .state import State
from .wire import Refusal

GUEST = User("guest", "", guest=True)
BROWSER = re.compile(r"MSIE|Mozilla|AppleWebKit|Opera")
_RIGHTS: Mapping[str, frozenset[str]] = {
    "owner": frozenset({"read", "create", "edit", "delete"}),
    "member": frozenset({"read", "create", "edit"}),
    "collaborator": frozenset({"read"}),
}
_NOTHING: frozenset[str] = frozenset()


class NotLoggedIn(Exception):
    """No valid login; `hard` when credentials were given and are wrong."""

    def __init__(self, *, hard: bool = False) -> None:
        super().__init__()
        self.hard = hard


@dataclass(slots=True)
class Token:
    user: str
    secret: str


@dataclass(slots=True)
class Login:
    """`alias` is the token that it was made with, if any."""

    user: str
    last_seen: float
    alias: str = ""
    csrf: str = field(default_factory=lambda: str(uuid.uuid4()))
    """What pages of this login send with all that changes something."""


@dataclass(slots=True)
class Accounts:
    """Logins of one site; guarded by the lock of its state."""

    state: State
    tokens: dict[str, Token] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)

    def log_in(self, name: str, password: str) -> str:
        """A new JSESSIONID for a user name and password, or an alias and its secret."""
        with self.state.lock:
            user = self._check(name, password)
            if user is None:
                raise NotLoggedIn(hard=True)
            jsession = secrets.token_hex(16).upper()
            self.logins[jsession] = Login(user.name, time.monotonic(), name if name in self.tokens else "")
            return jsession

    def _check(self, name: str, password: str) -> User | None:
        token = self.tokens.get(name)
        if token is not None:
            return self.state.users.get(token.user) if secrets.compare_digest(token.secret, password) else None
        user = self.state.users.get(name)
        return user if user is not None and user.password == password else None

    def issue_token(self, user: str) -> tuple[str, str]:
        with self.state.lock:
            alias, secret = str(uuid.uuid4()), secrets.token_hex(32)
            self.tokens[alias] = Token(user, secret)
            return alias, secret

    def revoke_token(self, alias: str, *, logins: bool = False) -> None:
        """No new login comes of it. Those that were made with it go on, but with `logins`."""
        with self.state.lock:
            self.tokens.pop(alias, None)
            for jsession in [one for one, login in self.logins.items() if logins and login.alias == alias]:
                del self.logins[jsession]

    def log_out(self, jsession: str) -> None:
        with self.state.lock:
            self.logins.pop(jsession, None)

    def kill_sessions(self) -> None:
        with self.state.lock:
            self.logins.clear()

    def csrf_token(self, jsession: str) -> str:
        """That of a login, "" where there is none."""
        with self.state.lock:
            login = self.logins.get(jsession)
            return "" if login is None else login.csrf

    def identify(self, cookie: str | None, authorization: str | None) -> tuple[User, str, bool]:
        """The user of a request, the login it runs under, and whether that login was made just now."""
        with self.state.lock:
            if cookie is not None and (user := self._by_cookie(cookie)) is not None:
                return user, cookie, False
            if authorization is not None:
                jsession = self.log_in(*_basic(authorization))
                return self.state.users[self.logins[jsession].user], jsession, True
            raise NotLoggedIn

    def _by_cookie(self, jsession: str) -> User | None:
        login = self.logins.get(jsession)
        if login is None:
            return None
        now = time.monotonic()
        if now - login.last_seen > self.state.settings.session_timeout:
            del self.logins[jsession]
            return None
        login.last_seen = now
        return self.state.users.get(login.user)


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, value = authorization.partition(" ")
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise NotLoggedIn(hard=True) from None
    if scheme.lower() != "basic" or not colon:
        raise NotLoggedIn(hard=True)
    return name, password


def rights(user: User, project: Project) -> frozenset[str]:
    """What a user may do in a project. A public one is readable by everybody."""
    if user.admin:
        return _RIGHTS["owner"]
    granted = _RIGHTS.get(project.roles.get(user.name, ""), _NOTHING)
    return granted | {"read"} if project.accessibility == "public" else granted


def require(user: User, project: Project, right: str) -> None:
    """Raises 404 for a project that the user cannot read, 403 for a missing right in one that he can."""
    granted = rights(user, project)
    if "read" not in granted:
        raise Refusal(404, f"Unable to identify project {project.id}")
    if right not in granted:
        raise Refusal(403, f"User does not have permission to {right} in project {project.id}")


def may_activate(user: User, project: Project) -> bool:
    return "delete" in rights(user, project)


def may_see(user: User, experiment: Experiment, state: State) -> bool:
    """Read right in one of its projects; a quarantined session is there only for who may activate it."""
    home = state.projects[experiment.project]
    if experiment.status != "active":
        return may_activate(user, home)
    places = [home, *(state.projects[p] for p in experiment.shared if p in state.projects)]
    return any("read" in rights(user, place) for place in places)
