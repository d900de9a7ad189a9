"""The loopback server of the live page: one person, one browser, one origin."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from xnat_pixelanon.errors import ConfigurationError, PixelanonError
from xnat_pixelanon.review.build import page
from xnat_pixelanon.review.storing import Storing

HOST = "127.0.0.1"
TOKEN_HEADER = "x-pixelanon-token"
_LARGEST = 16 * 1024 * 1024
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_Handler = Callable[[Request], Awaitable[Response]]


class ReviewServer:
    """Serves the page of one survey on 127.0.0.1 until it is interrupted.

    `url` holds a token that works once: it is exchanged for a cookie. Requests under another Host or Origin than this
    server's, as those of pages elsewhere and of names that lead here, are refused; to store something the page shows a
    second token besides, that only the page has.
    """

    def __init__(self, survey: Mapping[str, Any], storing: Storing, port: int = 0) -> None:
        self._survey = survey
        self._storing = storing
        self._once: str | None = secrets.token_urlsafe(32)
        self._cookie, self._token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self._listener = _listen(port)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://{HOST}:{self.port}/?token={self._once}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._application(),
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )

    @property
    def started(self) -> bool:
        """Whether requests are answered."""
        return self._server.started

    def run(self) -> None:
        """Answer requests until `stop`, or until the process is interrupted."""
        self._server.run(sockets=[self._listener])

    def stop(self) -> None:
        """End `run`, from another thread."""
        self._server.should_exit = True

    def _application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self._guarded(self._page), methods=["GET"]),
                Route("/documents", self._guarded(self._documents, token=True), methods=["GET"]),
                Route("/documents/{name}", self._guarded(self._store, token=True), methods=["PUT"]),
            ]
        )

    def _guarded(self, handler: _Handler, *, token: bool = False) -> _Handler:
        async def guarded(request: Request) -> Response:
            answer = self._refusal(request, token) or await handler(request)
            answer.headers.update(_HEADERS)
            return answer

        return guarded

    def _refusal(self, request: Request, token: bool) -> Response | None:
        own = f"{HOST}:{self.port}"
        if request.headers.get("host") != own:
            return PlainTextResponse("this server answers under its own address only\n", 421)
        if request.headers.get("origin", f"http://{own}") != f"http://{own}":
            return PlainTextResponse("pages of another origin are not answered\n", 403)
        if token and not (self._known(request) and _same(request.headers.get(TOKEN_HEADER, ""), self._token)):
            return PlainTextResponse("this page is not known here: start review again\n", 403)
        return None

    def _known(self, request: Request) -> bool:
        try:
            jar = SimpleCookie(request.headers.get("cookie", ""))
        except CookieError:
            return False
        found = jar.get(self._cookie_name)
        return found is not None and _same(found.value, self._cookie)

    @property
    def _cookie_name(self) -> str:
        return f"pixelanon-{self.port}"  # cookies are shared between ports

    async def _page(self, request: Request) -> Response:
        given = request.query_params.get("token", "")
        if given and self._once is not None and _same(given, self._once):
            self._once = None
            answer = RedirectResponse("/", 303)
            answer.set_cookie(self._cookie_name, self._cookie, httponly=True, samesite="strict", path="/")
            return answer
        if not self._known(request):
            return PlainTextResponse("the address works once, and was used or is not right: start review again\n", 403)
        return HTMLResponse(await run_in_threadpool(page, self._survey, live=self._token))

    async def _documents(self, _request: Request) -> Response:
        try:
            return JSONResponse(await run_in_threadpool(self._storing.documents))
        except PixelanonError as error:
            return JSONResponse({"message": error.message}, 502)

    async def _store(self, request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST:
                return JSONResponse({"message": "the document is too large"}, 413)
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return JSONResponse({"message": "the document is not UTF-8"}, 422)
        pretty = _pretty(text)
        reply = await run_in_threadpool(self._storing.store, request.path_params["name"], pretty)
        return JSONResponse(dict(reply.content), reply.status)


def _pretty(text: str) -> str:
    """Stored as `pull` writes it; what is no JSON is refused where documents are checked."""
    try:
        return json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"
    except (json.JSONDecodeError, RecursionError):
        return text


def _same(given: str, wanted: str) -> bool:
    return secrets.compare_digest(given.encode(), wanted.encode())


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise ConfigurationError(f"port {port} is taken", hint="choose another port, or 0 for any free one") from None
    return listener
