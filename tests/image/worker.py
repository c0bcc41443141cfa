"""Runs in a container of the image: TorchServe's worker, its protocol, and the chart's sitecustomize.py in $HOOK.

    read:        prints what TorchServe's own module and the changed one make of the same requests, as two texts
    write:       prints the answers that both make of the same values, as two lists of bodies
    run CONFIG:  starts a worker as Java does, with CONFIG (or nothing: without the hook) as config.properties; prints its output
"""

import importlib.util
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading
import types

import ts

FOLDER = pathlib.Path("/tmp/hook")
HOME = pathlib.Path(ts.__file__).parent
END = struct.pack("!i", -1)
HANDLER = """
import logging


def handle(rows, context):
    logging.info("the handler's own line")
    return [{"an": "answer"}] * len(rows or [])
"""


def field(data: bytes) -> bytes:
    return struct.pack("!i", len(data)) + data


def request(number: str, headers: dict[str, str], *parameters: tuple[str, str, bytes]) -> bytes:
    named = b"".join(field(key.encode()) + field(value.encode()) for key, value in headers.items())
    return (field(number.encode()) + named + END
            + b"".join(field(name.encode()) + field(kind.encode()) + field(value) for name, kind, value in parameters) + END)


LOAD = b"L" + field(b"model") + field(b"/tmp/model") + struct.pack("!i", 1) + field(b"handler.py") + END + field(b"") + b"\x01"
MESSAGES = [
    LOAD,
    b"I" + request("1", {"explain": "False", "Host": "here"}, ("body", "application/json", b'{"instances": [1]}')) + END,
    b"I" + request("2", {}, ("body", "application/json", b"{broken")) + END,
    b"I" + request("3", {"a": ""}, ("data", "text/plain", "grüße".encode()), ("more", "text/plain", b"\xff\xfe")) + END,
    b"I" + request("4", {}, ("body", "image/png", bytes(range(256)) * 12000), ("empty", "", b"")) + END,
    b"I" + request("5", {}, ("body", "", b"x")) + request("6", {}) + END,
]


VALUES = [{"predictions": [[0.5, None, "grüße"], {"a": {}}]}, [], True, "text\nof two lines", b"bytes \n", bytearray(b"x"), {1}]


def the_hook() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("hook", FOLDER / "sitecustomize.py")
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    return hook


def read() -> None:
    from ts.protocol import otf_message_handler as codec

    hook, found = the_hook(), []
    for change in (lambda _: None, hook.read_in_one_piece):
        change(codec)
        mine, theirs = socket.socketpair()
        sending = threading.Thread(target=theirs.sendall, args=(b"".join(MESSAGES),))
        sending.start()
        found.append(repr([codec.retrieve_msg(mine) for _ in MESSAGES]))
        sending.join()
    print(json.dumps(found))


def body(answer: bytearray) -> str:
    """That of the only request: after the status, the two texts, and four numbers that say that there is nothing else."""
    at = 4
    for _ in range(2):
        at += 4 + struct.unpack_from("!i", answer, at)[0]
    at += 4 * 4
    length, = struct.unpack_from("!i", answer, at)
    return answer[at + 4 : at + 4 + length].decode()


def write() -> None:
    from ts.protocol import otf_message_handler as codec

    hook, found = the_hook(), []
    for change in (lambda _: None, hook.write_in_one_line):
        change(codec)
        found.append([body(codec.create_predict_response([value], {0: "1"}, "said", 200)) for value in VALUES])
    print(json.dumps(found))


def run(config: str) -> None:
    model, name = pathlib.Path("/tmp/model"), "/tmp/worker.9000"
    model.mkdir()
    (model / "handler.py").write_text(HANDLER)
    (FOLDER / "config.properties").write_text(config)
    environment = {**os.environ, "PYTHONPATH": f"{FOLDER}:{model}" if config else str(model)}
    worker = subprocess.Popen([sys.executable, HOME / "model_service_worker.py", "--sock-type", "unix", "--sock-name", name,
                               "--metrics-config", HOME / "configs/metrics.yaml"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=model)
    said = []
    while "Torch worker started." not in "".join(said):
        said.append(worker.stdout.readline() or sys.exit("".join(said)))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(name)
        for message, answer in ((LOAD, b"loaded model"), (MESSAGES[1], b'"an": "answer"')):
            connection.sendall(message)
            received = b""
            while not received.endswith(END):
                received += connection.recv(1 << 16) or sys.exit(f"{received!r} {worker.stdout.read()}")
            assert answer in received, received
    print("".join(said) + worker.stdout.read() + f"answered {received!r}")


FOLDER.mkdir()
(FOLDER / "sitecustomize.py").write_text(os.environ.pop("HOOK"))
{"read": read, "write": write, "run": run}[sys.argv[1]](*sys.argv[2:])
