"""The HTTP face: body to disk, who is asking, faults, handler, answer."""

from __future__ import annotations

import asyncio
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.cookies import CookieError, SimpleCookie
from typing import IO
from urllib.parse import parse_qsl, unquote

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.types import Receive, Scope, Send

from . import routes
from .accounts import BROWSER, GUEST, NotLoggedIn
from .faults import Call, Cut, CutBody, CutUpload, Delay, Fault, Faults, HtmlPage, Status
from .login_routes import session_cookie
from .records import User
from .routes import Site
from .wire import Answer, Refusal, Request, login_page, status_page

_SPOOL = 1024 * 1024
_OPEN_PATHS = ("/services/auth", "/xapi/siteConfig/buildInfo")


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request as the server saw it. `status` is 0 while it runs and after its connection was cut."""

    n: int
    method: str
    path: str
    query: str
    status: int
    user: str


class RequestLog:
    """All requests in order of arrival."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[int, RequestRecord] = {}
        self._next = 1

    def begin(self, method: str, path: str, query: str) -> int:
        with self._lock:
            n, self._next = self._next, self._next + 1
            self._records[n] = RequestRecord(n, method, path, query, 0, "")
            return n

    def end(self, n: int, *, status: int | None = None, user: str | None = None) -> None:
        with self._lock:
            record = self._records.get(n)
            if record is not None:
                status = record.status if status is None else status
                self._records[n] = replace(record, status=status, user=record.user if user is None else user)

    def copy(self) -> list[RequestRecord]:
        with self._lock:
            return list(self._records.values())

    def clear(self) -> None:
        with self._lock:
            self._records.clear()


Disconnect = Callable[[tuple[str, int], bool], None]


class App:
    """The ASGI application of one sandbox. `disconnect(client, abort)` ends the connection of a client."""

    def __init__(self, site: Site, faults: Faults, log: RequestLog, disconnect: Disconnect) -> None:
        self._site = site
        self._faults = faults
        self._log = log
        self._disconnect = disconnect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        method, path = scope["method"], scope["raw_path"].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        n = self._log.begin(method, unquote(path), query)
        struck = self._faults.strike(method, unquote(path), query)
        if any(f.when == "before" and isinstance(f.action, Cut) for f in struck):
            await self._cut(scope, receive, abort=True)
            return
        with tempfile.SpooledTemporaryFile(_SPOOL, dir=str(self._site.state.temporary)) as body:
            upload = next((f.action.n_bytes for f in struck if isinstance(f.action, CutUpload)), None)
            size, complete = await _spool(receive, body, upload)
            if not complete:
                # XNAT unpacks while it receives: what came before the cut is in the prearchive.
                if path.endswith("/services/import"):
                    await run_in_threadpool(self._handle, scope, path, query, body, size, n)
                if upload is not None:
                    await self._cut(scope, receive, abort=True)
                return
            answer = await self._before(struck)
            if answer is None:
                answer = await run_in_threadpool(self._handle, scope, path, query, body, size, n)
        after = await self._after(struck, answer)
        if after is None:
            await self._cut(scope, receive, abort=True)
            return
        self._log.end(n, status=after.status)
        limit = next((f.action.n_bytes for f in struck if isinstance(f.action, CutBody)), None)
        await _send(send, after, 0 if method == "HEAD" else limit)
        if method == "HEAD":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        if limit is not None:
            await self._cut(scope, receive, abort=False)

    async def _before(self, struck: list[Fault]) -> Answer | None:
        for fault in struck:
            if fault.when == "before" and (replaced := await _apply(fault)) is not None:
                return replaced
        return None

    async def _after(self, struck: list[Fault], answer: Answer) -> Answer | None:
        """The answer as the faults leave it, or None when the connection is cut."""
        for fault in struck:
            if fault.when == "after":
                if isinstance(fault.action, Cut):
                    return None
                answer = await _apply(fault) or answer
        return answer

    async def _cut(self, scope: Scope, receive: Receive, *, abort: bool) -> None:
        self._disconnect(tuple(scope["client"]), abort)
        while (await receive())["type"] != "http.disconnect":
            pass

    def _handle(self, scope: Scope, path: str, query: str, body: IO[bytes], size: int, n: int) -> Answer:
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        normal = routes.normal_path(path)
        body.seek(0)
        request = Request(
            method="GET" if scope["method"] == "HEAD" else scope["method"],
            path=unquote(normal),
            raw_segments=tuple(normal.strip("/").split("/")),
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=headers,
            body=body,
            body_size=size,
            user=GUEST,
            jsession="",
        )
        cookies: tuple[tuple[str, str], ...] = ()
        try:
            user, jsession, fresh = self._identify(request)
            self._log.end(n, user=user.name)
            if fresh:
                cookies = session_cookie(self._site.state, jsession)
            self._check_csrf(path, request, user, jsession)
            answer = routes.answer(self._site, replace(request, user=user, jsession=jsession))
        except NotLoggedIn as refused:
            return self._not_logged_in(request, refused)
        except Refusal as refusal:
            answer = status_page(refusal.status, refusal.text)
        return replace(answer, headers=(*answer.headers, *cookies))

    def _identify(self, request: Request) -> tuple[User, str, bool]:
        try:
            jar = SimpleCookie(request.headers.get("cookie", ""))
        except CookieError:
            jar = SimpleCookie()
        cookie = jar["JSESSIONID"].value if "JSESSIONID" in jar else None
        try:
            return self._site.accounts.identify(cookie, request.headers.get("authorization"))
        except NotLoggedIn as refused:
            guest = self._site.state.settings.dead_session == "guest"
            if not refused.hard and (request.path in _OPEN_PATHS or guest):
                return GUEST, "", False
            raise

    def _check_csrf(self, path: str, request: Request, user: User, jsession: str) -> None:
        """Below `/data` a browser shows the token of its login with all that changes something (section 2.2)."""
        agent = request.headers.get("user-agent", "")
        browser = BROWSER.search(agent) and "JAVA" not in agent.upper()
        changes = request.method in ("POST", "PUT", "DELETE") and re.match(r"/(data|REST)(/|$)", path)
        if not (self._site.state.settings.csrf and browser and changes) or user.guest:
            return
        given = request.query.get("XNAT_CSRF", "")
        if not given and request.content_type == "application/x-www-form-urlencoded":
            given = dict(parse_qsl(request.text())).get("XNAT_CSRF", "")
        if given != self._site.accounts.csrf_token(jsession):
            raise Refusal(500, "INVALID CSRF (Cross-site request forgery) token")

    def _not_logged_in(self, request: Request, refused: NotLoggedIn) -> Answer:
        if refused.hard:
            return status_page(401, "Authentication failed.")
        browser = BROWSER.search(request.headers.get("user-agent", ""))
        if request.path in ("", "/") or browser or self._site.state.settings.dead_session == "html":
            return login_page()
        return status_page(401, "Unauthorized")


async def _apply(fault: Fault) -> Answer | None:
    match fault.action:
        case Delay(seconds=seconds):
            await asyncio.sleep(seconds)
        case Call(function=function):
            await run_in_threadpool(function)
        case Status(code=code, text=text):
            return status_page(code, text)
        case HtmlPage(status=status):
            return login_page(status)
    return None


async def _spool(receive: Receive, body: IO[bytes], limit: int | None) -> tuple[int, bool]:
    """The size of the body, and whether it came to its end: not when the client goes away, or behind `limit` bytes."""
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return size, False
        chunk = message.get("body", b"")
        if limit is not None and size + len(chunk) >= limit:
            body.write(chunk[: limit - size])
            return limit, False
        body.write(chunk)
        size += len(chunk)
        if not message.get("more_body", False):
            return size, True


async def _send(send: Send, answer: Answer, limit: int | None) -> None:
    headers = [("content-type", answer.content_type), *answer.headers]
    length = len(answer.body) if isinstance(answer.body, bytes) else answer.length
    if length is not None:
        headers.append(("content-length", str(length)))
    raw = [(key.lower().encode("latin-1"), value.encode("latin-1")) for key, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    chunks: Iterator[bytes] = iter((answer.body,)) if isinstance(answer.body, bytes) else answer.body
    left = limit
    async for chunk in iterate_in_threadpool(chunks):
        part = chunk if left is None else chunk[:left]
        if part:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        if left is not None:
            left -= len(part)
            if left <= 0:
                break
    if isinstance(answer.body, Iterator) and hasattr(answer.body, "close"):
        await run_in_threadpool(answer.body.close)
    if limit is None:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
