"""What Python runs first in TorchServe's workers (start.py names this file's folder in PYTHONPATH): less work for each request.

- A request is read from the socket in one piece. TorchServe 0.12.0 asks the kernel for each name, value and length by itself,
  some thirty times. Other versions are left as they are.
- What a handler or TorchServe's envelope leaves as a Python value is written as JSON in one line, which json does in C.
  TorchServe asks for indents, which it does in Python. Other versions are left as they are.
- No line of log that a request has come in: Java would read it and drop it. (A newer version's that has these words, too.)
- No metric PredictionTime, a line that Java parses, where nobody can read it from outside the pod (metrics.enabled is false).

With runtime.requestLogs this file is not there. Every other Python that inherits the variable goes on as without it.
"""
import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
VERSION, CODEC, METRICS = "0.12.0", "ts.protocol.otf_message_handler", "ts.metrics.metric_cache_abstract"


def is_worker():
    """Whether this process is a worker of TorchServe's, or torchrun with its workers. (At this moment there is no sys.argv.)"""
    return any(word.endswith(b"/ts/model_service_worker.py") for word in Path("/proc/self/cmdline").read_bytes().split(b"\0"))


def read_in_one_piece(codec):
    """Let TorchServe's module of the workers' protocol read requests from a buffer. What it gives is the same."""
    import json
    import logging
    from struct import unpack

    readers = {}

    def exactly(connection, length):
        if connection not in readers:
            readers.clear()
            readers[connection] = connection.makefile("rb", 1 << 16)
        data = bytearray(length)
        if readers[connection].readinto(data) < length:
            logging.info("Frontend disconnected.")
            sys.exit(0)
        return data

    def field(connection):
        """The next one, or None where the list ends."""
        length, = unpack("!i", exactly(connection, 4))
        return None if length < 0 else exactly(connection, length)

    def decoded(kind, value):
        if os.environ.get("TS_DECODE_INPUT_REQUEST", "true") == "true":
            try:
                if kind == "application/json":
                    return json.loads(value.decode())
                if kind.startswith("text"):
                    return value.decode()
            except Exception:
                what = "json" if kind == "application/json" else "utf-8"
                logging.warning("Failed %s decoding of input data. Forwarding encoded payload", what, exc_info=True)
        return value

    def request(connection, number):
        headers, parameters = [], []
        while (name := field(connection)) is not None:
            headers.append({"name": name, "value": field(connection)})
        while (name := field(connection)) is not None:
            kind = field(connection).decode()
            parameters.append({"name": name.decode(), "contentType": kind, "value": decoded(kind, field(connection))})
        return {"requestId": number, "headers": headers, "parameters": parameters}

    def retrieve_msg(connection):
        command = exactly(connection, 1)
        if command != codec.PREDICT_MSG:
            if command != codec.LOAD_MSG:
                raise ValueError(f"Invalid command: {command}")
            return command, codec._retrieve_load_msg(connection)
        batch = []
        while (number := field(connection)) is not None:
            batch.append(request(connection, number))
        return command, batch

    codec.retrieve_msg, codec._retrieve_buffer = retrieve_msg, exactly


def write_in_one_line(codec):
    """Let TorchServe's module of the workers' protocol write values as JSON without indents."""
    import json

    class OneLine:
        """The module json in that one."""

        def __getattr__(self, name):
            return getattr(json, name)

        def dumps(self, value, **options):
            return json.dumps(value, **{**options, "indent": None})

    codec.json = OneLine()


def less_work(codec):
    read_in_one_piece(codec)
    write_in_one_line(codec)


def forget_prediction_time(metrics):
    """Let TorchServe's module of metrics pass over that one."""
    add_time = metrics.MetricCacheAbstract.add_time

    def add_other_time(self, name, *arguments, **options):
        if name != "PredictionTime":
            add_time(self, name, *arguments, **options)

    metrics.MetricCacheAbstract.add_time = add_other_time


class Changed:
    """Among Python's finders of modules: after these modules of TorchServe's have run, they are changed."""

    def __init__(self, changes):
        self.changes = changes

    def find_spec(self, name, *_):
        if name not in self.changes:
            return None
        change = self.changes.pop(name)
        spec = importlib.util.find_spec(name)
        if spec is None:
            return None
        run = spec.loader.exec_module

        def run_and_change(module):
            run(module)
            if getattr(sys.modules["ts"], "__version__", None) == VERSION:
                change(module)

        spec.loader.exec_module = run_and_change
        return spec


def change():
    """All of it, in this process."""
    import logging

    logging.getLogger().addFilter(lambda record: record.msg != "Backend received inference at: %d")
    changes = {CODEC: less_work}
    if "metrics_address=http://127.0.0.1:" in (HERE / "config.properties").read_text(encoding="utf-8"):
        changes[METRICS] = forget_prediction_time
    sys.meta_path.insert(0, Changed(changes))


def run_hidden():
    """The sitecustomize of the image, which this one hides. It may do the same: this folder has to be off the path first."""
    sys.path[:] = [folder for folder in sys.path if Path(folder) != HERE]
    if hidden := importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path):
        hidden.loader.exec_module(importlib.util.module_from_spec(hidden))


run_hidden()
if is_worker():
    change()
