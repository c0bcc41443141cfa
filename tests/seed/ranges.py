"""A real HTTP server that honours ranges, keeps connections open, has a rate for each, and breaks where told."""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.seed.listening import ManyAtOnce

SLICE = 16 << 10
CRAWL_SECONDS = 0.5  # less than what a run in these tests waits for a byte


@dataclass
class Request:
    """A GET for bytes from `start` to before `end`; `whole` where it asked for no range."""

    number: int
    start: int
    end: int
    whole: bool
    headers: dict[str, str]
    path: str


@dataclass
class Fault:
    """What goes wrong with one answer: another status, a cut after so many bytes, a wait after them, another rate."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    hold: tuple[int, threading.Event] | None = None
    rate: float | None = None


class RangeServer:
    """Serves `content` at every path. `etag` and `fault` are asked at each request; `log` has all of them. `chunked`: no
    answer says how long it is. `enough`: after so many bytes each connection gets one at a time, so that a run is in the middle
    of its transfer for as long as a test wants it there. `at_once`: answers with content wait until so many are asked for."""

    def __init__(self, content: bytes, certificate: Path | None = None) -> None:
        self.content, self.rate = content, None
        self.enough: int | None = None
        self.at_once: threading.Barrier | None = None
        self.etag: Callable[[Request], str] = lambda _: '"one"'
        self.modified = ""
        self.fault: Callable[[Request], Fault | None] = lambda _: None
        self.honours, self.shift, self.chunked = True, 0, False
        self.connections = 0
        self.log: list[Request] = []
        self.sent = self.now = self.most = 0
        self.lock = threading.Lock()
        self.http = ManyAtOnce(("127.0.0.1", 0), self._handler())
        self.http.handle_error = lambda *_: None
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def url(self, path: str = "/bert.mar", userinfo: str = "", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{userinfo}{host}:{self.http.server_port}{path}"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                with server.lock:
                    server.connections += 1

            def do_GET(self) -> None:
                with server.lock:
                    server.now += 1
                    server.most = max(server.most, server.now)
                try:
                    self.answer(server.request(self.path, dict(self.headers)))
                finally:
                    with server.lock:
                        server.now -= 1

            def answer(self, request: Request) -> None:
                if server.at_once and not server.at_once.broken and request in server.payload[: server.at_once.parties]:
                    server.at_once.wait(30)
                fault = server.fault(request) or Fault()
                etag = server.etag(request)
                valid = request.headers.get("If-Range") in (None, etag, server.modified)
                part = server.honours and valid and not request.whole
                start, end = (request.start, request.end) if part else (0, len(server.content))
                self.send_response(fault.status or (206 if part else 200))
                headers = {"Content-Length": "0" if fault.status else str(end - start)}
                if server.chunked and not fault.status:
                    headers = {"Transfer-Encoding": "chunked"}
                headers |= {"ETag": etag} if etag else {}
                headers |= {"Last-Modified": server.modified} if server.modified else {}
                if part:
                    first = start + server.shift
                    headers["Content-Range"] = f"bytes {first}-{end - 1 + server.shift}/{len(server.content)}"
                for name, value in {**headers, **fault.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if not fault.status:
                    self.body(server.content[start:end], fault)

            def body(self, body: bytes, fault: Fault) -> None:
                rate, sent = fault.rate or server.rate, 0
                size = min(SLICE, int(rate * CRAWL_SECONDS)) if rate else SLICE
                while sent < len(body):
                    crawls = server.enough is not None and server.sent >= server.enough
                    piece = body[sent : sent + (1 if crawls else size)]
                    if fault.hold and sent + len(piece) > fault.hold[0]:
                        self.write(piece[: fault.hold[0] - sent])
                        fault.hold[1].wait(30)
                        self.close_connection = True
                        return
                    if fault.cut is not None and sent + len(piece) > fault.cut:
                        self.write(piece[: fault.cut - sent])
                        self.close_connection = True
                        return
                    self.write(piece)
                    sent += len(piece)
                    if rate or crawls:
                        time.sleep(CRAWL_SECONDS if crawls else len(piece) / rate)  # what makes it slow
                if server.chunked:
                    self.wfile.write(b"0\r\n\r\n")

            def write(self, piece: bytes) -> None:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if server.chunked and piece else piece)
                with server.lock:
                    server.sent += len(piece)

            def log_message(self, *args) -> None:
                pass

        return Handler

    def request(self, path: str, headers: dict[str, str]) -> Request:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("Range", ""))
        size = len(self.content)
        with self.lock:
            start, end = (int(found[1]), min(int(found[2] or size) + 1, size)) if found else (0, size)
            request = Request(len(self.log), start, end, not found, headers, path)
            self.log.append(request)
            return request

    @property
    def payload(self) -> list[Request]:
        """The requests that are not the one byte with which the seed looks at a source."""
        return [request for request in self.log if request.whole or request.end - request.start > 1]
