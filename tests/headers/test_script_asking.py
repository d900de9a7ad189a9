"""getURL over real HTTP: answers of the hosts that the policy names, and of no others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from header_makers import identified, request, reread

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers import write_header

ANSWERS = {"/ok": (200, "front\n door"), "/gone": (404, "no"), "/away": (302, ""), "/long": (200, "x" * 400_000)}


class Desk(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        status, body = ANSWERS[self.path.partition("?")[0]]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/ok")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *arguments: object) -> None: ...


@pytest.fixture
def desk() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def script(desk: ThreadingHTTPServer, path: str) -> str:
    return f'(0008,1030) := getURL["http://127.0.0.1:{desk.server_port}{path}"]'


def test_the_answer_of_a_named_host_is_written_and_asked_for_once(desk: ThreadingHTTPServer) -> None:
    asked = request(script=script(desk, "/ok?one"), url_hosts=("127.0.0.1",))
    written = [write_header(reread(identified()), asked) for _ in range(3)]
    assert all(b"front door" in one.body for one in written)
    assert desk.asked == ["/ok?one"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/gone", "/away", "/long"])
def test_an_answer_that_is_none_holds_the_instance(desk: ThreadingHTTPServer, path: str) -> None:
    asked = request(script=script(desk, path), url_hosts=("127.0.0.1",))
    with pytest.raises(InstanceError, match="getURL got no answer"):
        write_header(reread(identified()), asked)
    assert desk.asked == [path]  # type: ignore[attr-defined]


@pytest.mark.parametrize("hosts", [(), ("localhost",), ("127.0.0.1.example.org",)])
def test_a_host_that_is_not_named_is_not_asked(desk: ThreadingHTTPServer, hosts: tuple[str, ...]) -> None:
    with pytest.raises(InstanceError, match="only hosts"):
        write_header(reread(identified()), request(script=script(desk, "/ok"), url_hosts=hosts))
    assert desk.asked == []  # type: ignore[attr-defined]
