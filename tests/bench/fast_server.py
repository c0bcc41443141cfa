"""A file server for measurements, a process of its own: ranges, open connections, `sendfile`, a rate for each connection.

    fast_server.py DIRECTORY [--rate BYTES_PER_SECOND]

Its first line of output is its port. GET /-/sent answers how many bytes of files it has sent so far.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import socket
import threading
import time
from pathlib import Path

SLICE = 1 << 20
sent, lock = 0, threading.Lock()


def serve(connection: socket.socket, root: Path, rate: float | None) -> None:
    """Every request of one connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, contextlib.suppress(OSError):
        reader = connection.makefile("rb")
        while line := reader.readline():
            headers = {}
            while (header := reader.readline()) not in (b"\r\n", b""):
                name, _, value = header.decode().partition(":")
                headers[name.lower()] = value.strip()
            answer(connection, root / line.split()[1].decode().lstrip("/"), headers, rate)


def answer(connection: socket.socket, path: Path, headers: dict[str, str], rate: float | None) -> None:
    if path.name == "sent":
        body = str(sent).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        return
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start, end, status = 0, size, "200 OK"
        more = f'ETag: "{size:x}"\r\nAccept-Ranges: bytes\r\n'
        if found := re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("range", "")):
            start, end, status = int(found[1]), min(size, int(found[2] or size) + 1), "206 Partial Content"
            more += f"Content-Range: bytes {start}-{end - 1}/{size}\r\n"
        connection.sendall(f"HTTP/1.1 {status}\r\n{more}Content-Length: {end - start}\r\n\r\n".encode())
        send(connection, file.fileno(), start, end, rate)


def send(connection: socket.socket, file: int, start: int, end: int, rate: float | None) -> None:
    global sent
    at = start
    while at < end:
        begun = time.monotonic()
        count = os.sendfile(connection.fileno(), file, at, min(end - at, max(int(rate / 50), 1) if rate else SLICE))
        at += count
        with lock:
            sent += count
        if rate and (left := count / rate - (time.monotonic() - begun)) > 0:
            time.sleep(left)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--rate", type=float)
    options = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, options.directory, options.rate), daemon=True).start()


if __name__ == "__main__":
    main()
