"""One login at one XNAT, and every request that goes through it. The only module that calls `xnat.connect`.

xnatpy logs in and out; requests go through its `requests` session under our own rules: every call has a timeout, no
redirect is followed, a login page in place of an answer is noticed, a login that died or fell back to the guest
account is told apart from "not found", and no library text reaches a message (it may quote labels).
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
import time
import traceback
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import urlsplit

import requests
import xnat
import xnat.exceptions
from xnat.session import BaseXNATSession

from xnat_pixelanon.archive.answers import Answer, LoginLost, LostAnswer, OtherBytes, looks_like_html
from xnat_pixelanon.errors import (
    ConfigurationError,
    LoginError,
    NotFoundError,
    PixelanonError,
    RightsError,
    ScratchError,
    TransferError,
)

log = logging.getLogger(__name__)

CHUNK = 1 << 20
_TRANSIENT = frozenset({500, 502, 503, 504})
_REDIRECT = frozenset({301, 302, 303, 307, 308})
_LOGGED_IN = re.compile(r"User '(?P<name>[^']+)' is logged in")
_LOGIN_HINT = "check user name and password, or ask for a new alias token; an account may also be locked or expired"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where to log in and as whom; `user` and `password` may be an alias token and its secret."""

    server: str
    user: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `read` is the longest silence within an answer; `work` the same for import and archive, which answer
    only when they are done. `pauses` come before each repetition of a reading request that got no whole answer."""

    connect: float = 10.0
    read: float = 300.0
    work: float = 1800.0
    pauses: tuple[float, ...] = (0.5, 2.0)
    keepalive: float = 240.0


def connect(credentials: Credentials, timeouts: Timeouts | None = None) -> XnatConnection:
    """Log in. LoginError when the server refuses, TransferError when it cannot be reached."""
    timeouts = timeouts or Timeouts()
    server = _checked_server(credentials)
    logger = _silenced_loggers()
    try:
        session = xnat.connect(
            server,
            user=credentials.user,
            password=credentials.password,
            logger=logger,
            no_parse_model=True,
            cli=True,  # leaves the logout to close()
            default_timeout=timeouts.read,
            pilot_timeout=(timeouts.connect, timeouts.read),
        )
    except (xnat.exceptions.XNATConnectionError, requests.RequestException) as error:
        _drop_half_open(error)
        raise TransferError(
            f"cannot reach the server at {server}", hint="check the address, the network and the certificate"
        ) from None
    except (xnat.exceptions.XNATError, ValueError) as error:
        _drop_half_open(error)
        raise LoginError(f"the server at {server} does not accept the login", hint=_LOGIN_HINT) from None
    session.keepalive = False  # its thread dies on the first failure and prints what the server said
    connection = XnatConnection(session, timeouts)
    try:
        connection.verify_user(credentials.user)
    except PixelanonError:
        connection.close()
        raise
    return connection


def _drop_half_open(error: Exception) -> None:
    """End the keep-alive thread that xnatpy starts before the login is over, and leaves behind when that fails."""
    cause: BaseException | None = error
    while cause is not None:  # when the logout fails too, the error of the login is that one's context
        for frame, _ in traceback.walk_tb(cause.__traceback__):
            half_open = frame.f_locals.get("self")
            if isinstance(half_open, BaseXNATSession):
                half_open.disconnect()
                return
        cause = cause.__context__


def _checked_server(credentials: Credentials) -> str:
    parts = urlsplit(credentials.server)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ConfigurationError(
            "the address of the XNAT server is not usable", hint="give it as https://host or https://host/path"
        )
    if not credentials.user or not credentials.password:
        raise LoginError("user name or password is empty", hint=_LOGIN_HINT)
    return credentials.server.rstrip("/")


def _silenced_loggers() -> logging.Logger:
    """A logger for xnatpy that says nothing; it and urllib3 quote URLs, and with them labels."""
    for name in ("urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    logger = logging.getLogger(f"{__name__}.xnatpy")
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    return logger


class XnatConnection:
    """An open login. Close it, or use it as a context manager: XNAT counts open sessions."""

    def __init__(self, session: BaseXNATSession, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self.server: str = str(session.server).rstrip("/")
        self.user: str = str(session.logged_in_user)
        self._session = session
        self._interface: requests.Session = session.interface
        self._stop = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="xnat-keepalive", daemon=True)
        self._heart.start()

    def __enter__(self) -> XnatConnection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Log out. Never raises: a login that is gone already is as good."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._heart.join(5.0)
        try:
            self._send("DELETE", "/data/JSESSION", what="logging out")
        except TransferError:
            log.debug("logging out failed")
        self._session.disconnect()

    def verify_user(self, wanted: str) -> None:
        """LoginError unless the server knows us as `wanted`; an alias token stands for some user but the guest."""
        is_alias = re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", wanted) is not None
        if self.user.casefold() in ("guest", "none", "") or (
            not is_alias and self.user.casefold() != wanted.casefold()
        ):
            raise LoginError("the server logged us in as somebody else, or as guest", hint=_LOGIN_HINT)
        self.check_login()

    def check_login(self) -> None:
        """LoginLost unless the login still is ours: a dead one may silently become the guest account."""
        response = self._repeated("GET", "/data/auth", what="checking the login")
        found = _LOGGED_IN.search(response.content.decode("utf-8", "replace")) if response.status == 200 else None
        if found is None or found["name"] != self.user:
            raise LoginLost(
                "the server no longer accepts the login",
                hint="the password, alias token or session has expired: log in again and run again; "
                "a run finishes what an earlier one left",
            )

    def get(self, uri: str, what: str, accepted: Collection[int] = (200,)) -> Answer:
        """A reading request, repeated when no whole answer came. `what` says for people what was asked."""
        return self._judged(self._repeated("GET", uri, what=what), what, accepted)

    def rows(self, uri: str, what: str) -> list[dict[str, str]]:
        """The rows of a table. An empty one counts only when the login still is ours."""
        rows = self.get(uri, what).rows(what)
        if not rows:
            self.check_login()
        return rows

    def put(
        self,
        uri: str,
        what: str,
        body: bytes = b"",
        *,
        content_type: str = "",
        accepted: Collection[int] = (200,),
        repeat: bool = False,
    ) -> Answer:
        """`repeat`: the request does the same a second time, so it is sent again when no whole answer came."""
        send = self._repeated if repeat else self._send
        return self._judged(send("PUT", uri, what=what, data=body, content_type=content_type), what, accepted)

    def delete(self, uri: str, what: str, accepted: Collection[int] = (200,)) -> Answer:
        return self._judged(self._send("DELETE", uri, what=what), what, accepted)

    def post(self, uri: str, what: str, *, accepted: Collection[int] = (200,)) -> Answer:
        """A request that works long before it answers."""
        return self._judged(self._send("POST", uri, what=what, work=True), what, accepted)

    def send(
        self,
        method: str,
        uri: str,
        what: str,
        body: bytes = b"",
        *,
        content_type: str = "",
        accepted: Collection[int] = (200,),
    ) -> Answer:
        """Any writing request, sent once."""
        return self._judged(self._send(method, uri, what=what, data=body, content_type=content_type), what, accepted)

    def post_json(
        self, uri: str, what: str, document: object, *, accepted: Collection[int] = (200,), repeat: bool = False
    ) -> Answer:
        """POST a document of XAPI; `repeat` as in `put`."""
        send = self._repeated if repeat else self._send
        body = json.dumps(document).encode("ascii")
        return self._judged(send("POST", uri, what=what, data=body, content_type="application/json"), what, accepted)

    def upload(self, uri: str, path: Path, what: str, *, content_type: str) -> Answer:
        """POST a file's bytes, streamed from disk with its length."""
        with path.open("rb") as body:
            answer = self._send("POST", uri, what=what, data=body, content_type=content_type, work=True)
        return self._judged(answer, what, (200,))

    def download(self, uri: str, target: Path, what: str, *, size: int, md5: str = "") -> None:
        """Stream one file to `target`; TransferError unless it has `size` bytes and, where given, that MD5.

        ScratchError when `target` cannot be written.
        """
        for pause in (*self.timeouts.pauses, None):
            try:
                self._download_once(uri, target, what, size, md5)
                return
            except LostAnswer:
                target.unlink(missing_ok=True)
                if pause is None:
                    raise
                time.sleep(pause)
            except PixelanonError:
                target.unlink(missing_ok=True)
                raise

    def _download_once(self, uri: str, target: Path, what: str, size: int, md5: str) -> None:
        response = self._open("GET", uri, what=what, stream=True)
        with response:
            if response.status_code in _TRANSIENT:
                raise LostAnswer(
                    f"{what}: the server answered with status {response.status_code}", hint="run again later"
                )
            if response.status_code != 200:
                self._judged(
                    Answer(response.status_code, b"", location=response.headers.get("Location", "")), what, (200,)
                )
            written, digest, start = 0, hashlib.md5(usedforsecurity=False), b""
            try:
                with target.open("wb") as out:
                    for chunk in self._chunks(response, what):
                        start = start or chunk[:2048]
                        written += len(chunk)
                        if written > size:
                            break
                        digest.update(chunk)
                        out.write(chunk)
            except OSError as error:
                raise _scratch_error(target, error) from None
        proven = bool(md5) and digest.hexdigest() == md5.lower()
        if looks_like_html(start) and not proven:
            self._web_page(what)
        if written != size or (md5 and not proven):
            raise OtherBytes(
                f"{what}: the bytes that came are not those that the server lists",
                hint="run again; if it stays so, refresh the catalogs of the session in XNAT",
            )

    def _chunks(self, response: requests.Response, what: str) -> Iterator[bytes]:
        try:
            yield from response.iter_content(CHUNK)
        except requests.RequestException as error:
            raise LostAnswer(f"{what}: the connection broke ({type(error).__name__})") from None

    def _repeated(self, method: str, uri: str, *, what: str, data: bytes = b"", content_type: str = "") -> Answer:
        for pause in self.timeouts.pauses:
            try:
                answer = self._send(method, uri, what=what, data=data, content_type=content_type)
                if answer.status not in _TRANSIENT:
                    return answer
            except LostAnswer:
                log.debug("repeating a request: %s", what)
            time.sleep(pause)
        return self._send(method, uri, what=what, data=data, content_type=content_type)

    def _send(
        self,
        method: str,
        uri: str,
        *,
        what: str,
        data: bytes | IO[bytes] = b"",
        content_type: str = "",
        work: bool = False,
    ) -> Answer:
        response = self._open(method, uri, what=what, data=data, content_type=content_type, work=work)
        headers = response.headers
        return Answer(
            response.status_code, response.content, headers.get("Content-Type", ""), headers.get("Location", "")
        )

    def _open(
        self,
        method: str,
        uri: str,
        *,
        what: str,
        data: bytes | IO[bytes] = b"",
        content_type: str = "",
        work: bool = False,
        stream: bool = False,
    ) -> requests.Response:
        try:
            return self._interface.request(
                method,
                self.server + uri,
                data=data or None,
                headers={"Content-Type": content_type} if content_type else {},
                timeout=(self.timeouts.connect, self.timeouts.work if work else self.timeouts.read),
                allow_redirects=False,
                stream=stream,
            )
        except requests.RequestException as error:
            raise LostAnswer(f"{what}: no whole answer from the server ({type(error).__name__})") from None

    def _judged(self, answer: Answer, what: str, accepted: Collection[int]) -> Answer:
        """The answer, if its status is accepted and it is not a web page in place of data."""
        to_login = answer.status in _REDIRECT and "login" in answer.location.casefold()
        if answer.status in (401, 403, 404) or to_login:
            self.check_login()
        if answer.status < 300 and looks_like_html(answer.content):
            self._web_page(what)
        if answer.status in accepted:
            return answer
        log.debug("%s: status %d", what, answer.status)
        match answer.status:
            case 403:
                raise RightsError(
                    f"{what}: the account may not do this", hint="ask an owner of the project for the right"
                )
            case 404:
                raise NotFoundError(f"{what}: not there, or not readable by this account")
            case status:
                raise TransferError(f"{what}: the server answered with status {status}", hint="run again later")

    def _web_page(self, what: str) -> None:
        self.check_login()
        raise TransferError(
            f"{what}: a web page came in place of data", hint="a proxy or single sign-on may stand before the server"
        )

    def _beat(self) -> None:
        while not self._stop.wait(self.timeouts.keepalive):
            try:
                self._send("GET", "/data/JSESSION", what="keeping the login alive")
            except TransferError:
                log.debug("keeping the login alive failed")


def _scratch_error(target: Path, error: OSError) -> ScratchError:
    return ScratchError(
        f"cannot write into the scratch folder {target.parent}: {error.strerror}",
        hint="free space there, or point TMPDIR or the work mount elsewhere",
    )
