"""What the management API says of models, and readiness over HTTP made of it, for whom can't run ready.sh: KServe's agent.

The agent (`logger`, `batcher`) stands in front of the server in Standard mode, asks the server's readiness probe itself, and ends
where that is a command: "required key SERVING_READINESS_PROBE missing value".
"""
from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterable
from urllib.parse import SplitResult

ANSWER = 4.0  # seconds, as in ready.sh: to give up on an answer that still comes resets the connection, which TorchServe logs
STATES = {0: "is not answered for by the management API yet", 200: "has no worker that is READY", 404: "is not registered"}


def workers_of(address: SplitResult, name: str, version: str) -> tuple[int, list[dict]]:
    """HTTP status and workers of a model in the management API; (0, []) when nobody answers there yet."""
    # By hand: http.client is 6 MiB of a program that stays. What has no length ends with the connection, which is HTTP 1.0's way.
    server = (address.hostname or "127.0.0.1", address.port or 8081)
    with contextlib.suppress(OSError, ValueError, LookupError), socket.create_connection(server, ANSWER) as connection:
        connection.sendall(f"GET /models/{name}/{version} HTTP/1.0\r\nHost: {server[0]}\r\n\r\n".encode())
        with connection.makefile("rb") as answer:
            status, headers = int(answer.readline().split()[1]), {}
            while line := answer.readline().strip():
                key, _, value = line.partition(b":")
                headers[key.lower()] = value
            body = answer.read(int(headers.get(b"content-length", -1)))
        return status, json.loads(body)[0]["workers"] if status == 200 else []
    return 0, []


def why_not(address: SplitResult, models: Iterable[tuple[str, str]], ports: Iterable[int]) -> str:
    """What is not ready, as ready.sh says it: a model without a READY worker, a port on which nothing listens; "" if all is."""
    for name, version in models:
        status, workers = workers_of(address, name, version)
        if not any(worker["status"] == "READY" for worker in workers):
            return f"model {name} {version} {STATES.get(status, f'is answered for with status {status}')}"
    closed = [port for port in ports if not listens(port)]
    return f"nothing listens on 127.0.0.1:{closed[0]} yet" if closed else ""


def listens(port: int) -> bool:
    """Whether a local port takes a connection."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), ANSWER):
        return True
    return False


def serve(port: int, address: SplitResult, models: Iterable[tuple[str, str]], ports: Iterable[int]) -> None:
    """Answer every GET on this port, from now on and beside all else: 200 if all is ready, else 503 and a sentence."""
    import http.server  # 6 MiB

    class Asked(http.server.BaseHTTPRequestHandler):
        timeout = 5  # seconds that a caller may be silent

        def do_GET(self) -> None:  # (its name is http.server's)
            why = why_not(address, models, ports)
            body = f"ready: {why}\n".encode() if why else b"ready\n"
            with contextlib.suppress(OSError):  # who asked has given up
                self.send_response(503 if why else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET

        def server_bind(self) -> None:
            if self.address_family == socket.AF_INET6:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            super().server_bind()

        def handle_error(self, *_: object) -> None:
            """Silence: a caller that went is no trouble of the server's."""

    server = Server(("", port), Asked)
    threading.Thread(target=server.serve_forever, daemon=True).start()
