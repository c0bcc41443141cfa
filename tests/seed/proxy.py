"""An HTTP proxy: `CONNECT` and absolute URIs, with a password or without."""

from __future__ import annotations

import contextlib
import socket
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler

from tests.seed.listening import ManyAtOnce


class Proxy:
    """http://127.0.0.1:PORT; `log` has (method, target) of every request that it let through."""

    def __init__(self, authorization: str | None = None) -> None:
        self.log: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def allowed(self) -> bool:
                if authorization and self.headers["Proxy-Authorization"] != authorization:
                    self.send_error(407)
                    return False
                outer.log.append((self.command, self.path))
                return True

            def do_GET(self) -> None:
                if self.allowed():
                    there = urllib.parse.urlsplit(self.path)
                    lines = [f"GET {there.path} HTTP/1.1"]
                    lines += [f"{name}: {value}" for name, value in self.headers.items() if not name.startswith("Proxy-")]
                    self.relay((there.hostname, there.port), ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode())

            def do_CONNECT(self) -> None:
                if self.allowed():
                    host, _, port = self.path.partition(":")
                    self.send_response(200)
                    self.end_headers()
                    self.relay((host, int(port)), b"")

            def relay(self, place: tuple, first: bytes) -> None:
                with socket.create_connection(place) as there:
                    there.sendall(first)
                    back = threading.Thread(target=copy, args=(there, self.connection), daemon=True)
                    back.start()
                    if not first:
                        copy(self.connection, there)
                    back.join()
                self.close_connection = True

            def log_message(self, *args) -> None:
                pass

        self.http = ManyAtOnce(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def url(self, userinfo: str = "") -> str:
        return f"http://{userinfo}127.0.0.1:{self.http.server_port}"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


def copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
