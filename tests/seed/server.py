"""A real HTTP server that misbehaves as told, and model archives for it to send."""

from __future__ import annotations

import hashlib
import io
import json
import ssl
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.seed.listening import ManyAtOnce

HANDLER = "def handle(data, context):\n    return [4 for _ in data or []]\n"


def mar(version: str = "1.0", handler: str = "handler.py", files: dict[str, str] | None = None, **manifest) -> bytes:
    """The bytes of a model archive, as torch-model-archiver lays it out."""
    held = {"handler.py": HANDLER} if files is None else files
    model = {"modelName": "bert", "modelVersion": version, "handler": handler}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        held = {"MAR-INF/MANIFEST.json": json.dumps({"runtime": "python", "model": model, **manifest}), **held}
        for name, text in held.items():
            archive.writestr(zipfile.ZipInfo(name), text)  # a ZipInfo of its own: always the same date, so the same bytes
    return out.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Answer:
    """What the server does with one GET: `length` is the Content-Length it claims (None: none), `cut` the bytes it sends."""

    body: bytes = b""
    status: int = 200
    length: int | None = -1
    cut: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


class Server:
    """http://127.0.0.1:PORT (https with a certificate). `answers[path]` is a list whose last element repeats; `requests` are
    (path, headers)."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.sent = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append((self.path, dict(self.headers)))
                queue = outer.answers.get(self.path.split("?")[0], [Answer(status=404)])
                answer = queue.pop(0) if len(queue) > 1 else queue[0]
                self.send_response(answer.status)
                length = len(answer.body) if answer.length == -1 else answer.length
                headers = {**answer.headers, **({} if length is None else {"Content-Length": str(length)})}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                body = answer.body if answer.cut is None else answer.body[: answer.cut]
                if answer.hold:
                    self.wfile.write(body[: len(body) // 2])
                    answer.hold.wait(30)
                    body = body[len(body) // 2 :]
                self.wfile.write(body)
                outer.sent += len(body)

            def log_message(self, *args) -> None:
                pass

        self.http = ManyAtOnce(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
            self.scheme = "https"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def url(self, path: str, userinfo: str = "") -> str:
        return f"{self.scheme}://{userinfo}127.0.0.1:{self.http.server_port}{path}"

    def gives(self, path: str, *answers: Answer | bytes) -> str:
        """Answer GETs of this path with these, in turn; the URL."""
        self.answers[path] = [answer if isinstance(answer, Answer) else Answer(answer) for answer in answers]
        return self.url(path)
