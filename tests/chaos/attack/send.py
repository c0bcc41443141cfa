"""Sends hostile requests to a pod and prints what came back, a line of JSON for each. It runs in another pod of the cluster.

Usage: python send.py ADDRESS SEED NUMBER MODEL

The last line says which ports of the pod take connections, and how often the attacker's own server was asked for something: once,
by this program itself, unless a model was fetched from there.
"""

import http.client
import io
import json
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from generator import Generator, Request

PORT = 8080
PORTS = range(1, 10_000)
ANSWER_SECONDS, AT_ONCE = 20, 6
PART_SECONDS = 1  # for an answer to a request that is none, or not all of one
KEPT = 300  # characters of an answer


class Kept(io.BytesIO):
    """What was received, as the socket that http.client reads answers from."""

    def makefile(self, *_: object) -> "Kept":
        return self

    def close(self) -> None:
        """Nothing: there may be another answer."""


def answers(raw: bytes, method: str) -> list[tuple[int, str]]:
    """Status and beginning of the body of each whole answer in what was received; 0 and why for one that can't be read."""
    stream, found = Kept(raw), []
    while stream.tell() < len(raw):
        answer = http.client.HTTPResponse(stream, method=method)  # type: ignore[arg-type]  # it only calls makefile
        try:
            answer.begin()
            text = answer.read().decode(errors="replace")
        except (http.client.HTTPException, ValueError) as error:
            found.append((0, repr(error)[:KEPT]))
            break
        found.append((answer.status, text[:KEPT]))
    return found


def received(connection: socket.socket, request: Request) -> tuple[list[tuple[int, str]], str]:
    """The answers that come, and how that ended: with the first whole one, but where there may be a second one."""
    raw, found = b"", []
    try:
        while part := connection.recv(1 << 16):
            raw += part
            found = answers(raw, request.method)
            if request.whole and found and found[-1][0]:
                return found, "answered"
    except TimeoutError:
        return found, "nothing more came"
    except OSError as error:
        return found, type(error).__name__
    return found, "closed"


def sent(address: tuple[str, int], request: Request) -> dict[str, object]:
    """What came of one request."""
    found, end, early = [], "", ""
    try:
        with socket.create_connection(address, timeout=ANSWER_SECONDS) as connection:
            try:
                connection.sendall(request.sent)
            except OSError as error:  # the server has answered and closed before it had all
                early = type(error).__name__
            connection.settimeout(ANSWER_SECONDS if request.whole else PART_SECONDS)
            found, end = received(connection, request)
    except OSError as error:
        end = f"no connection: {error!r}"
    return {"kind": request.kind, "method": request.method[:20], "target": request.target[:200], "bytes": len(request.sent),
            "whole": request.whole, "answers": found, "end": early or end}


class Attacker:
    """A server that models are to be fetched from, at the address that the attacked pod sees; it counts who comes."""

    def __init__(self, attacked: str) -> None:
        self.calls = 0
        self.socket = socket.create_server(("0.0.0.0", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.connect((attacked, PORT))
            self.host, self.port = way.getsockname()[0], self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            connection, _ = self.socket.accept()
            self.calls += 1
            connection.close()


def is_open(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError:
        return False
    return True


def main() -> None:
    host, seed, number, model = sys.argv[1:5]
    attacker = Attacker(host)
    requests = Generator(int(seed), model, f"{attacker.host}:{attacker.port}")(int(number))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for result in pool.map(lambda request: sent((host, PORT), request), requests):
            print(json.dumps(result), flush=True)
        listening = [port for port in pool.map(lambda port: port if is_open((host, port)) else 0, PORTS) if port]
    with socket.create_connection((attacker.host, attacker.port), timeout=ANSWER_SECONDS) as own:
        own.recv(1)  # the server has counted it and closes
    print(json.dumps({"ports": listening, "calls": attacker.calls}), flush=True)


if __name__ == "__main__":
    main()
