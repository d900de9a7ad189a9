"""getURL over real HTTP: answers of the hosts that the policy names, and of no others."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from header_makers import identified, request, reread

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers import write_header

ANSWERS = {
    "/ok": (200, "front\n door"),
    "/gone": (404, "no"),
    "/away": (302, ""),
    "/long": (200, "x" * 400_000),
    "/parts": (200, "front| door"),
    "/long-parts": (200, "|".join(["x" * 10_000] * 40)),
    "/slow": (200, "|".join("x" * 60)),
    "/odd": (200, "xn--a\xe4"),
}


class Desk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    close_connection = True

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        status, body = ANSWERS[self.path.partition("?")[0]]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/ok")
        if self.path == "/odd":
            self.send_header("Content-Type", "text/plain; charset=idna")
        parts = body.split("|")
        if len(parts) > 1:
            self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        if len(parts) == 1:
            self.wfile.write(body.encode())
            return
        with suppress(OSError):  # whoever asked has gone
            for part in (*parts, ""):
                self.wfile.write(f"{len(part):x}\r\n{part}\r\n".encode())
                if self.path == "/slow":
                    time.sleep(0.1)

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


def test_an_answer_in_parts_is_read_to_its_end(desk: ThreadingHTTPServer) -> None:
    asked = request(script=script(desk, "/parts"), url_hosts=("127.0.0.1",))
    assert b"front door" in write_header(reread(identified()), asked).body


def test_an_answer_that_drips_is_not_waited_for(desk: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xnat_pixelanon.headers.script_asking.SECONDS", 1)
    asked = request(script=script(desk, "/slow"), url_hosts=("127.0.0.1",))
    begun = time.monotonic()
    with pytest.raises(InstanceError, match="getURL got no answer"):
        write_header(reread(identified()), asked)
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize("path", ["/gone", "/away", "/long", "/long-parts", "/odd"])
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
