"""PID 1 of the predictor: wait for the models, run TorchServe, stop it without losing a request, say why it failed.

    start.py --ts-config FILE --models DIR [--marker .seed/<plan>.json] --timeout-seconds N [--drain-seconds N]

1. With --marker (relative to --models): wait, N seconds at most, until the seeding Job has written it; its twin *.error holds
   the sentence of a failed try. 2. Check that every archive of FILE's snapshot is in the model store. 3. Start TorchServe; watch
   its management API until each model has as many READY workers as its minWorkers. 4. On SIGTERM or SIGINT serve on until no
   request is in flight (at least LINGER, at most --drain-seconds), then stop; a second signal stops at once.
Exit status: 0 stopped as asked; 1 a cause, printed as `start: CAUSE; REMEDY` and written to the termination log, where KServe
and `kubectl describe pod` show it; otherwise the server's own (128 + N when signal N ended it).
"""
from __future__ import annotations

import argparse
import contextlib
import ctypes
import http.client
import json
import os
import re
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

LINGER = 1.0  # seconds to serve on after SIGTERM: proxies need a moment to stop sending to this pod
STOP = 0.2  # seconds from SIGTERM to SIGKILL: by then TorchServe has dropped every connection; it would idle for 6 s
ERROR_STANDS = 15.0  # seconds until a seed's error counts: a Job's first retry comes after 10 s and removes it
DEATHS = 3  # a worker that died this often while loading won't load
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


class Failure(Exception):
    """A cause and its remedy, one sentence."""


class Stopped(Exception):
    """SIGTERM or SIGINT has come."""


def say(text: str) -> None:
    print(f"start: {text}", flush=True)


class Processes:
    """Our signals, blocked and fetched so that they never interrupt; our children, every zombie reaped; and what the
    server prints: passed on as it comes, its end kept, since it alone tells why a worker died."""

    def __init__(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: adopt orphans also when we are not PID 1
        self.ended: dict[int, int] = {}  # pid -> exit status as a shell has it
        self.tail, (self.output, self.input) = b"", os.pipe()
        self.printer = threading.Thread(target=self.pass_on, daemon=True)
        self.printer.start()

    def pass_on(self) -> None:
        while data := os.read(self.output, 1 << 16):
            self.tail = (self.tail + data)[-(1 << 17):]
            os.write(1, data)

    def spawn(self, command: list[str]) -> None:
        """Run a command to its end. What it leaves running goes on printing to us."""
        os.environ.pop("TS_CONFIG_FILE", None)  # it would beat --ts-config
        outputs = [(os.POSIX_SPAWN_DUP2, self.input, number) for number in (1, 2)]
        pid = os.posix_spawnp(command[0], command, os.environ, file_actions=outputs, setsigmask=[], setsigdef=[signal.SIGPIPE])
        os.close(self.input)
        self.wait(pid)

    def reason(self, thread: str = "") -> str:
        """Why, from the server's output: of a worker's thread (`-<model>_<version>-stdout`) the first exception after its
        latest death (a failed import is followed by a misleading one), else the last error, else the last line."""
        self.printer.join(0.2)
        lines = self.tail.decode(errors="replace").splitlines()
        said = [line.partition(" - ")[2] for line in lines if thread and thread in line]
        causes = re.findall(r"(?m)^[\w.]+(?:Error|Exception|Exit)\b.*", "\n".join(said).rpartition("worker process died")[2])
        errors = [line for line in lines if "[ERROR]" in line or re.match(r"[\w.]+(Error|Exception): ", line)] or lines or [""]
        otherwise = "no Python exception (out of memory?)" if said else errors[-1].rpartition(" - ")[2]
        return (causes[0] if causes else otherwise)[:600]

    def pause(self, seconds: float) -> None:
        """For this long, or until a child has ended; Stopped when we are asked to stop."""
        got = signal.sigtimedwait(SIGNALS, max(seconds, 0))
        with contextlib.suppress(ChildProcessError):
            while (child := os.waitpid(-1, os.WNOHANG))[0]:
                status = child[1]
                self.ended[child[0]] = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        if got and got.si_signo != signal.SIGCHLD:
            raise Stopped

    def wait(self, pid: int, seconds: float = float("inf")) -> int | None:
        """The exit status of this child, or None if it still runs after so many seconds."""
        deadline = time.monotonic() + seconds
        while pid not in self.ended and time.monotonic() < deadline:
            self.pause(min(deadline - time.monotonic(), 3600))
        return self.ended.get(pid)


def read_config(file: Path) -> tuple[dict[str, str], dict[tuple, dict]]:
    """config.properties, read as TorchServe's launcher does, and its snapshot's models: (name, version) -> settings."""
    try:
        config = dict(map(str.strip, line.split("=", 1)) for line in file.read_text().splitlines() if "=" in line)
        snapshot = json.loads(config["model_snapshot"])["models"]
        return config, {(name, version): spec for name, all_ in snapshot.items() for version, spec in all_.items()}
    except (OSError, KeyError, ValueError, AttributeError) as error:
        raise Failure(f"{file} is no config with a model_snapshot ({error!r}); render it with the chart") from None


def wait_for_marker(marker: Path, timeout: float, processes: Processes) -> None:
    """Until the marker is there; Failure with the seed's sentence once it stands, or when the time is over."""
    started, told, error, since = time.monotonic(), -10.0, "", 0.0
    while True:
        now = time.monotonic()
        if marker.parent.is_dir() and marker in marker.parent.iterdir():  # a stat may get an old "no such file" over NFS
            say(f"the seeding Job has written {marker} (waited {now - started:.1f} s)")
            return
        found = ""
        with contextlib.suppress(FileNotFoundError):  # a retry may remove it right now
            found = marker.with_suffix(".error").read_text(encoding="utf-8").strip()
        if found != error:
            error, since = found, now
            say(f"the seeding Job says: {error} (waiting for its next try)" if error else "the seeding Job tries again")
        if error and now - since > ERROR_STANDS:
            raise Failure(error)
        if now - started > timeout:
            raise Failure(f"no {marker} after {timeout:g} s; see the log of the seeding Job (component=seed)")
        if now - told >= 10:
            say(f"waiting for the seeding Job to write {marker} ({now - started:.0f} of {timeout:g} s)")
            told = now
        processes.pause(0.2)


def check_store(store: Path, root: Path, models: dict[tuple, dict]) -> None:
    """That every archive of the snapshot is readable in the model store; Failure says where it lies instead."""
    for (name, _), spec in models.items():
        file = store / spec["marName"]
        if os.access(file, os.R_OK):
            continue
        if file.exists():
            raise Failure(f"model {name}: uid {os.getuid()} may not read {file}; run chmod a+r on it")
        there = store if store.is_dir() else root
        remedy = f"put it there (found in {there}: {', '.join(sorted(path.name for path in there.iterdir())[:8]) or 'nothing'})"
        for near in [hit for depth in ("", "*/", "*/*/") for hit in sorted(root.glob(depth + file.name))][:1]:
            above = near.parent.parent.relative_to(root) if near.parent.name == store.name and near.parent != root else Path()
            remedy = f"it lies at {near}: " + (f"append {above} to persistence.subPath" if above.parts else "move it")
        raise Failure(f"model {name}: {file} does not exist; {remedy}")


def clear(temp: Path) -> None:
    """Remove what an earlier life of this container left: every start unpacks anew, a stale pid file refuses it."""
    shutil.rmtree(temp / "models", ignore_errors=True)
    for path in [*temp.glob(".model_server.pid"), *temp.glob(".ts.sock.*")]:
        path.unlink()


def launch(ts_config: Path, processes: Processes) -> int:
    """Start TorchServe; its pid. Its launcher starts Java and ends, so Java becomes our child. (With --foreground the
    launcher stays, passes no signal on, and ends with 0 whatever Java's status was.)"""
    command, log_config = ["torchserve", "--start", "--ncs", f"--ts-config={ts_config}"], ts_config.with_name("log4j2.xml")
    if log_config.exists():
        command.append(f"--log-config={log_config}")
    try:
        processes.spawn(command)
        return int(Path(tempfile.gettempdir(), ".model_server.pid").read_text())
    except (OSError, ValueError) as error:
        raise Failure(f"torchserve did not start: {processes.reason() or error}; use an image with TorchServe and Java") from None


def workers_of(address: SplitResult, name: str, version: str) -> tuple[int, list[dict]]:
    """HTTP status and workers of a model in the management API; (0, []) when nobody answers there yet."""
    connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port or 8081, timeout=2)
    with contextlib.closing(connection), contextlib.suppress(OSError, ValueError, http.client.HTTPException):
        connection.request("GET", f"/models/{name}/{version}")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())[0]["workers"] if answer.status == 200 else []
    return 0, []


def watch_loading(server: int, config: dict[str, str], models: dict[tuple, dict], processes: Processes) -> None:
    """Until each model has its READY workers or the server has ended. TorchServe serves on without what it can't register."""
    address = urlsplit(config.get("management_address", "http://127.0.0.1:8081"))
    left, pids, started = dict(models), {model: set() for model in models}, time.monotonic()
    while left and server not in processes.ended:
        for (name, version), spec in list(left.items()):
            status, workers = workers_of(address, name, version)
            title, thread = f"model {name} {version}", f"-{name}_{version}-stdout"
            seen, seconds, limit = pids[name, version], time.monotonic() - started, spec.get("startupTimeout", 120) + 30
            seen |= {worker["pid"] for worker in workers if worker["pid"] > 0}
            if status == 404:  # final: the management API opens after the last registration
                raise Failure(f"{title} was not registered: {processes.reason()}; pack it again, or fetch it again")
            if sum(worker["status"] == "READY" for worker in workers) >= max(1, spec.get("minWorkers", 1)):
                say(f"{title} is ready: {len(workers)} worker(s), {seconds:.1f} s after the start")
                del left[name, version]
            elif len(seen) - len(workers) >= DEATHS:
                raise Failure(f"{title}: its worker died {DEATHS} times: {processes.reason(thread)}; correct its handler or file")
            elif seconds > limit:
                raise Failure(f"{title} was not ready after {limit} s: {processes.reason(thread)}; raise its startupTimeout")
        processes.pause(1.0 if left else 0)


def connections(port: int) -> Iterator[tuple[int, bytes]]:
    """Unsent bytes and struct tcp_info of each established connection to this local port, from sock_diag(7)."""
    for family in (socket.AF_INET, socket.AF_INET6):
        query = struct.pack("=BBBxI48x", family, socket.IPPROTO_TCP, 1 << 1, 1 << 1)  # with tcp_info; established
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as diag:  # NETLINK_SOCK_DIAG
            diag.send(struct.pack("=IHHII", 16 + len(query), 20, 0x301, 1, 0) + query)  # BY_FAMILY, REQUEST | DUMP
            data = diag.recv(1 << 16)
            while (kind := struct.unpack_from("=IH", data)[1]) != 3:  # NLMSG_DONE
                if kind == 2:  # NLMSG_ERROR
                    raise OSError(0, f"sock_diag error {struct.unpack_from('=i', data, 16)[0]}")
                length = struct.unpack_from("=I", data)[0]
                at, (unsent,) = 16 + 72, struct.unpack_from("=I", data, 16 + 60)  # after nlmsghdr and inet_diag_msg
                while struct.unpack_from(">H", data, 16 + 4)[0] == port and at < length:
                    size, attribute = struct.unpack_from("=HH", data, at)
                    if attribute == 2:  # INET_DIAG_INFO
                        yield unsent, data[at + 4:at + size]
                    at += size + 3 & ~3
                data = data[length + 3 & ~3:] or diag.recv(1 << 16)


def in_flight(port: int) -> int:
    """Connections that are owed an answer: their last bytes came in, or are still going out. An idle keep-alive's last
    bytes went out, long ago. Both within one kernel tick can mean either: owed then for 3 s."""
    count = 0
    for unsent, info in connections(port):
        sent_ago, received_ago, bytes_sent, bytes_received = struct.unpack_from("=I4xI64xQQ", info, 44)  # ago: milliseconds
        owed = bytes_sent <= 1 or received_ago < sent_ago or received_ago == sent_ago < 3000
        count += bool(unsent or (bytes_received and owed))
    return count


def drain(server: int, port: int, seconds: float, processes: Processes) -> None:
    """Serve on until nothing is in flight. The server's end or a second signal ends this too."""
    say(f"asked to stop: serving on until no request is in flight, {seconds:g} s at most")
    deadline = time.monotonic() + seconds
    try:
        processes.wait(server, min(LINGER, seconds))
        while server not in processes.ended and time.monotonic() < deadline and in_flight(port):
            processes.pause(0.05)
    except Stopped:
        say("asked again: stopping at once")
    except OSError as error:  # a sandbox without sock_diag
        say(f"can't see requests in flight ({error.strerror}): serving on for 2 s")
        with contextlib.suppress(Stopped):
            processes.wait(server, min(2.0, seconds))


def stop(server: int, processes: Processes) -> None:
    """End the server if it still runs. Its workers lose their socket and end too; PID 1's end takes all the rest."""
    for number, seconds in ((signal.SIGTERM, STOP), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError, Stopped):
            if server and server not in processes.ended:
                os.kill(server, number)
                processes.wait(server, seconds)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Start program of the predictor.", allow_abbrev=False)
    parser.add_argument("--ts-config", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True, help="where the claim is mounted")
    parser.add_argument("--marker", type=Path)
    parser.add_argument("--timeout-seconds", type=float, required=True, help="for the marker")
    parser.add_argument("--drain-seconds", type=float, default=20.0, help="keep it below the pod's grace period")
    parser.add_argument("--termination-log", type=Path, default=Path("/dev/termination-log"), help="used if it exists")
    options = parser.parse_args(argv)
    processes, server, config = Processes(), 0, {}
    try:
        config, models = read_config(options.ts_config)
        if options.marker:
            wait_for_marker(options.models / options.marker, options.timeout_seconds, processes)
        check_store(Path(config.get("model_store", options.models / "model-store")), options.models, models)
        clear(Path(tempfile.gettempdir()))
        server = launch(options.ts_config, processes)
        watch_loading(server, config, models, processes)
        raise Failure(f"TorchServe ended by itself with status {processes.wait(server)}; {processes.reason()}")
    except Stopped:
        if server:
            drain(server, urlsplit(config.get("inference_address", "")).port or 8080, options.drain_seconds, processes)
            stop(server, processes)
        say("stopped")
        return 0
    except (Failure, OSError) as failure:
        say(str(failure))
        with contextlib.suppress(OSError), options.termination_log.open("r+", encoding="utf-8") as log:
            log.write(f"start: {failure}\n")
        status = processes.ended.get(server, 1)
        stop(server, processes)
        return status


if __name__ == "__main__":
    sys.exit(main())
