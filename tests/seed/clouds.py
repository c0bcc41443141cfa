"""Servers for what KServe's storage library fetches: git as it is; Hugging Face and Azure only as far as their clients ask."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tests.seed.listening import ManyAtOnce


class Local:
    """A server on this machine, over TLS with a certificate file; `requests` are (method, path, headers)."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self) -> None:
                outer.requests.append((self.command, self.path, dict(self.headers)))
                outer.answer(self)

            do_GET = do_HEAD = do_POST = do_CONNECT = serve

            def log_message(self, *args) -> None:
                pass

        self.http = ManyAtOnce(("127.0.0.1", 0), Handler)
        self.port = self.http.server_port
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()


def reply(request: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    request.send_response(status)
    for name, value in {"Content_Length": str(len(body)), **headers}.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


class Git(Local):
    """`git http-backend` over the repositories of a folder; with `login` (user, password) for that one alone."""

    def __init__(self, folder: Path, certificate: Path, login: tuple[str, str] | None = None) -> None:
        self.folder, self.login = folder, login
        super().__init__(certificate)

    def url(self, repository: str) -> str:
        return f"https://localhost:{self.port}/{repository}.git"

    def holds(self, repository: str, files: dict[str, bytes]) -> str:
        """Make a repository with one commit of these files; its URL."""
        place, work = self.folder / f"{repository}.git", self.folder / f"{repository}-work"
        self._git("init", "--quiet", "--initial-branch=main", str(work))
        for name, content in files.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_bytes(content)
        self._git("-C", str(work), "add", "--all")
        self._git("-C", str(work), "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "model")
        self._git("clone", "--quiet", "--bare", str(work), str(place))
        return self.url(repository)

    def _git(self, *arguments: str) -> None:
        quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", *arguments], check=True, capture_output=True, env=quiet)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        given = request.headers.get("Authorization", "")
        if self.login and given != "Basic " + base64.b64encode(":".join(self.login).encode()).decode():
            return reply(request, 401, WWW_Authenticate='Basic realm="git"')
        where = urlsplit(request.path)
        length = request.headers.get("Content-Length", "0")
        environment = {
            **os.environ, "GIT_PROJECT_ROOT": str(self.folder), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": where.path,
            "QUERY_STRING": where.query, "REQUEST_METHOD": request.command, "CONTENT_LENGTH": length,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""), "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", "")}
        asked = request.rfile.read(int(length))
        done = subprocess.run(["git", "http-backend"], input=asked, capture_output=True, env=environment)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(headers.pop("Status", "200").split()[0])
        return reply(request, status, body, **headers)


class Hub(Local):
    """What the Hugging Face client asks for when it takes a snapshot of a repository; with `token` for that one alone, with
    `hold` until it is set."""

    COMMIT = "c0ffee" + "0" * 34

    def __init__(self, files: dict[str, bytes], token: str = "", hold: threading.Event | None = None) -> None:
        self.files, self.token, self.hold = files, token, hold
        super().__init__()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = urlsplit(request.path).path
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return reply(request, 401, X_Error_Code="GatedRepo", X_Error_Message="this repository is gated")
        if path.startswith("/api/models/acme/bert/revision/"):
            names = [{"rfilename": name} for name in self.files]
            body = json.dumps({"id": "acme/bert", "sha": self.COMMIT, "siblings": names}).encode()
            return reply(request, 200, body, Content_Type="application/json")
        name = unquote(path.removeprefix(f"/acme/bert/resolve/{self.COMMIT}/"))
        if name not in self.files:
            return reply(request, 404, X_Error_Code="RepoNotFound")
        if self.hold and request.command == "GET":  # half of a file, and the rest when the test lets it
            content = self.files[name]
            reply(request, 200, content[: len(content) // 2], Content_Length=str(len(content)), ETag='"1"')
            self.hold.wait(30)
            request.close_connection = True
            return None
        etag = f'"{hashlib.sha256(self.files[name]).hexdigest()}"'
        return reply(request, 200, self.files[name], ETag=etag, X_Repo_Commit=self.COMMIT)


class Blobs(Local):
    """What Azure's client asks for when it lists a container and reads its blobs, over TLS."""

    def __init__(self, files: dict[str, bytes], certificate: Path) -> None:
        self.files = files
        super().__init__(certificate)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        where = urlsplit(request.path)
        if "comp=list" in where.query:
            prefix = parse_qs(where.query).get("prefix", [""])[0]
            rows = "".join(
                f"<Blob><Name>{name}</Name><Properties><Content-Length>{len(content)}</Content-Length>"
                "<BlobType>BlockBlob</BlobType></Properties></Blob>"
                for name, content in self.files.items() if name.startswith(prefix))
            body = f'<?xml version="1.0"?><EnumerationResults><Blobs>{rows}</Blobs><NextMarker/></EnumerationResults>'
            return reply(request, 200, body.encode(), Content_Type="application/xml")
        content = self.files.get(where.path.partition("/models/")[2])
        if content is None:
            return reply(request, 404)
        span = f"bytes 0-{len(content) - 1}/{len(content)}"
        return reply(request, 206, content, Content_Range=span, ETag='"1"', x_ms_blob_type="BlockBlob",
                     Last_Modified="Sat, 01 Jan 2022 00:00:00 GMT")


class Amazon(Local):
    """As its security token service it gives a pod's identity (IRSA) these keys; as S3 it has nothing."""

    KEYS = ("ASIA-OF-THE-ROLE", "secret-of-the-role", "token-of-the-session")

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if request.command != "POST":
            return reply(request, 404)
        asked = parse_qs(request.rfile.read(int(request.headers["Content-Length"])).decode())
        assert asked["Action"] == ["AssumeRoleWithWebIdentity"]
        self.asked = asked
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        keys = "".join(f"<{name}>{value}</{name}>" for name, value in zip(names, self.KEYS, strict=True))
        body = ('<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>'
                f"<Credentials>{keys}<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
                "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>")
        return reply(request, 200, body.encode(), Content_Type="text/xml")


class Proxy(Local):
    """A proxy that takes every CONNECT to one port of this machine."""

    def __init__(self, to: int) -> None:
        self.to = to
        super().__init__()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        with socket.create_connection(("127.0.0.1", self.to)) as there:
            reply(request, 200)
            back = threading.Thread(target=pump, args=(there.recv, request.wfile.write), daemon=True)
            back.start()
            pump(request.connection.recv, there.sendall)
            there.shutdown(socket.SHUT_WR)
            back.join()
        request.close_connection = True


def pump(read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
    try:
        while data := read(1 << 16):
            write(data)
    except OSError:
        pass
