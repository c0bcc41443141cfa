"""PID 1 of the predictor: wait for the models, run TorchServe, stop it without losing a request, say why it failed.

    start.py --ts-config FILE --models DIR [--marker .seed/<plan>.json] --timeout-seconds N [--drain-seconds N] [--wrapper FILE]
             [--pip-login DIR] [--ready-port N [--ready-behind N…]] [--linger-seconds N]

1. With --marker (relative to --models): wait, N seconds at most, until the seeding Job has written it; its twin *.error holds
   the sentence of a failed try. 2. Check that every archive of FILE's snapshot is in the model store. 3. Start TorchServe and,
   with --wrapper, KServe's model server in front of it; watch TorchServe's management API until each model has as many READY
   workers as its minWorkers. 4. On SIGTERM or SIGINT serve on until no request is in flight (at least LINGER, at most
   --drain-seconds), then stop, the wrapper first; a second signal stops at once.
It stays for as long as the pod: what only some pods or some failures need is imported there.
Exit status: 0 stopped as asked; otherwise a cause, printed as `start: CAUSE; REMEDY` and written to the termination log, where
KServe and `kubectl describe pod` show it: the status of the server that ended by itself (128 + N when signal N ended it), or 1.
"""
from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import authorities
import readiness
import requirements
from inflight import in_flight, quiet
from processes import Child, Failure, Processes, Stopped
from readiness import workers_of

PASSING_ON = 0.3  # seconds in which the wrapper passes on what TorchServe has answered, over a port that can't be watched
LINGER = 2.5  # seconds at least without a new request, after SIGTERM: proxies need a moment to stop sending to this pod
LINGER_MOST = 10.0  # the same where requests keep coming: a client that is not told that the pod goes never stops
STOP = 0.2  # seconds from SIGTERM to SIGKILL: by then TorchServe has dropped every connection; it would idle for 6 s
WRAPPER_STOP = 2.0  # the same for the wrapper, at least: it ends by itself when it has answered what it has
ERROR_STANDS = 15.0  # seconds until a seed's error counts: a Job's first retry comes after 10 s and removes it
KILLED = "it was killed, most often for memory: raise runtime.resources.limits.memory"  # it has said nothing of that
DEATHS = 3  # a worker that died this often while loading won't load


def say(text: str) -> None:
    print(f"start: {text}", flush=True)


def read_config(file: Path) -> tuple[dict[str, str], dict[tuple, dict]]:
    """config.properties, read as TorchServe's launcher does, and its snapshot's models: (name, version) -> settings."""
    try:
        config = dict(map(str.strip, line.split("=", 1)) for line in file.read_text().splitlines() if "=" in line)
        snapshot = json.loads(config["model_snapshot"])["models"]
        return config, {(name, version): spec for name, all_ in snapshot.items() for version, spec in all_.items()}
    except (OSError, KeyError, ValueError, AttributeError) as error:
        raise Failure(f"{file} is no config with a model_snapshot ({error!r}); render it with the chart") from None


def management_of(config: dict[str, str]) -> SplitResult:
    """The address of the management API."""
    return urlsplit(config.get("management_address", "http://127.0.0.1:8081"))


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
            say(f"the seeding Job says: {error} (waiting in case it tries again)" if error else "the seeding Job tries again")
        if error and now - since > ERROR_STANDS:
            raise Failure(error)
        if now - started > timeout:
            raise Failure(f"no {marker} after {timeout:g} s; see the log of the seeding Job (component=seed)")
        if now - told >= 10:
            say(f"waiting for the seeding Job to write {marker} ({now - started:.0f} of {timeout:g} s)")
            told = now
        processes.pause(0.2)


def check_store(store: Path, root: Path, models: dict[tuple, dict]) -> None:
    """That every archive of the snapshot, or directory in place of one, is readable in the model store; Failure says where it
    lies instead."""
    for (name, _), spec in models.items():
        file = store / spec["marName"]
        manifest = file / "MAR-INF/MANIFEST.json"
        if os.access(manifest if file.is_dir() else file, os.R_OK):
            continue
        if file.is_dir() and os.access(file, os.X_OK) and not manifest.exists():
            raise Failure(f"model {name}: {file} has no MAR-INF/MANIFEST.json; let torch-model-archiver make it (no-archive)")
        if file.exists():
            raise Failure(f"model {name}: uid {os.getuid()} may not read {file}; run chmod -R a+rX on it")
        there = store if store.is_dir() else root
        remedy = f"put it there (found in {there}: {', '.join(sorted(path.name for path in there.iterdir())[:8]) or 'nothing'})"
        for near in [hit for depth in ("", "*/", "*/*/") for hit in sorted(root.glob(depth + file.name))][:1]:
            above = near.parent.parent.relative_to(root) if near.parent.name == store.name and near.parent != root else Path()
            remedy = f"it lies at {near}: " + (f"append {above} to persistence.subPath" if above.parts else "move it")
        raise Failure(f"model {name}: {file} does not exist; {remedy}")


def temporary() -> Path:
    """Where TorchServe's launcher puts its pid file: tempfile.gettempdir(), without its import of OpenSSL."""
    given = [Path(os.environ[name]) for name in ("TMPDIR", "TEMP", "TMP") if os.environ.get(name)]
    return next((folder for folder in given if folder.is_dir() and os.access(folder, os.W_OK)), Path("/tmp"))


def clear(temp: Path) -> None:
    """Remove what an earlier life of this container left: every start unpacks anew, a stale pid file refuses it."""
    if (temp / "models").exists():
        import shutil

        shutil.rmtree(temp / "models", ignore_errors=True)
    for path in [*temp.glob(".model_server.pid"), *temp.glob(".ts.sock.*")]:
        path.unlink()


def launch(ts_config: Path, pip_login: Path | None, processes: Processes) -> Child:
    """Start TorchServe. Its launcher starts Java and ends, so Java becomes our child. (With --foreground the launcher stays,
    passes no signal on, and ends with 0 whatever Java's status was.)"""
    command, log_config = ["torchserve", "--start", "--ncs", f"--ts-config={ts_config}"], ts_config.with_name("log4j2.xml")
    if log_config.exists():
        command.append(f"--log-config={log_config}")
    environment, output = {name: text for name, text in os.environ.items() if name != "TS_CONFIG_FILE"}, None  # beats --ts-config
    if ts_config.with_name("sitecustomize.py").exists():
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ts_config.parent), environment.get("PYTHONPATH"))))
    if pip_login:
        environment = requirements.with_login(environment, pip_login, temporary() / "pip.conf")
    try:
        launcher, output = processes.spawn(command, environment)
        processes.wait(lambda: launcher in processes.ended)
        return processes.add(Child("TorchServe", int((temporary() / ".model_server.pid").read_text()), output))
    except (OSError, ValueError) as error:
        said = output and output.reason()
        raise Failure(f"torchserve did not start: {said or error}; use an image with TorchServe and Java") from None


def without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """This environment, its proxies not for TorchServe: the wrapper asks it over HTTP, with libraries that heed them."""
    found = dict(environment)
    if {name.lower() for name in found} & {"http_proxy", "https_proxy", "all_proxy"}:
        hosts = [host for name in ("no_proxy", "NO_PROXY") for host in found.get(name, "").split(",") if host.strip()]
        if "*" not in hosts:
            hosts = list(dict.fromkeys([*hosts, "127.0.0.1", "localhost", "0.0.0.0"]))
            found["no_proxy"] = found["NO_PROXY"] = ",".join(hosts)
    return found


def watch_installing(server: Child, config: dict[str, str], models: dict[tuple, dict], processes: Processes) -> None:
    """Until TorchServe has let pip install what archives name, which it does before its management API opens; Failure where pip
    could not. TorchServe serves on without a worker of that model."""
    address, store = management_of(config), Path(config.get("model_store", ""))
    wanted = {model: requirements.named(store / spec["marName"]) for model, spec in models.items()}
    started, limit = time.monotonic(), sum(spec.get("startupTimeout", 120) for spec in models.values())
    names = ", ".join(dict.fromkeys(name for list_ in wanted.values() for name in list_))
    if not names:
        return
    say(f"pip installs {names} from {requirements.indexes()}")
    done = False
    while not done:
        # Asked first: what pip could not do is said before the API opens.
        done = bool(workers_of(address, *next(iter(models)))[0] or processes.over())
        if b"Custom pip package installation failed" in server.output.tail:
            server.output.rest()
        said = server.output.tail.decode(errors="replace")
        # Of a model's versions TorchServe's log says not which one it was.
        for (name, version), packages in sorted(wanted.items(), key=lambda item: not any(one in said for one in item[1])):
            if refused := requirements.refused(said, name):
                raise Failure(f"model {name} {version}: {requirements.why(refused, packages)}")
        if time.monotonic() - started > limit:
            slow = ", ".join(f"model {name} {version}" for (name, version), packages in wanted.items() if packages)
            remedy = f"raise startupTimeout, or {requirements.IMAGE}"
            raise Failure(f"{slow}: pip has not installed {names} after {limit} s; {remedy}")
        processes.pause(0 if done else 0.5)


def does_not_load(title: str, archive: Path, otherwise: str) -> Failure:
    """Why: what is wrong with its archive, if anything is, else the other sentence."""
    import intact

    broken = intact.damage(archive)
    return Failure(f"{title}: {archive} is damaged ({broken}); fetch it again (seed.revision)" if broken else otherwise)


def watch_loading(server: Child, config: dict[str, str], models: dict[tuple, dict], processes: Processes) -> None:
    """Until each model has its READY workers or a child has ended. TorchServe serves on without what it can't register."""
    address = management_of(config)
    left, pids, started, why = dict(models), {model: set() for model in models}, time.monotonic(), server.output.reason
    over = None
    while left and not over:
        over = processes.over()
        if over is server:
            return
        # When the wrapper has ended, a last look: where it ended over a model, that model is the cause.
        for (name, version), spec in list(left.items()):
            status, workers = workers_of(address, name, version)
            title, thread = f"model {name} {version}", f"-{name}_{version}-stdout"
            seen, seconds, limit = pids[name, version], time.monotonic() - started, spec.get("startupTimeout", 120) + 30
            archive = Path(config.get("model_store", ""), spec["marName"])
            seen |= {worker["pid"] for worker in workers if worker["pid"] > 0}
            if status == 404:  # final: the management API opens after the last registration
                raise does_not_load(title, archive, f"{title} was not registered: {why()}; pack it again, or fetch it again")
            if sum(worker["status"] == "READY" for worker in workers) >= max(1, spec.get("minWorkers", 1)):
                say(f"{title} is ready: {len(workers)} worker(s), {seconds:.1f} s after the start")
                del left[name, version]
            elif len(seen) - len(workers) >= DEATHS:
                cause = f"its worker died {DEATHS} times: {why(thread)}; correct its handler or file"
                raise does_not_load(title, archive, f"{title}: {cause}")
            elif seconds > limit:
                raise Failure(f"{title} was not ready after {limit} s: {why(thread)}; raise its startupTimeout")
        processes.pause(1.0 if left else 0)


def drain(ports: set[int], seconds: float, linger: float, processes: Processes) -> float:
    """Serve on until nothing new comes and nothing is in flight; how many seconds are left. A child's end or a second signal
    ends this too. Knative sends SIGTERM 30 s after a pod's last request came: what is in flight then takes long."""
    say(f"asked to stop: serving on until no request is in flight, {seconds:g} s at most")
    asked = time.monotonic()
    deadline, still = asked + seconds, PASSING_ON if len(ports) > 1 else -1.0
    try:
        processes.wait(processes.over, min(linger, seconds))
        busy, came = time.monotonic(), 0.0
        while not processes.over() and (now := time.monotonic()) < deadline:
            came = max(came, now - min(map(quiet, ports)))
            if any(map(in_flight, ports)):
                busy = now
            elif now - busy >= still and (now - came >= linger or now - asked > max(linger, LINGER_MOST)):
                break
            processes.pause(0.05)
    except Stopped:
        say("asked again: stopping at once")
        return 0
    except OSError as error:  # a sandbox without sock_diag
        say(f"can't see requests in flight ({error.strerror}): serving on for 2 s")
        with contextlib.suppress(Stopped):
            processes.wait(processes.over, min(2.0, seconds))
    return max(deadline - time.monotonic(), WRAPPER_STOP)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Start program of the predictor.", allow_abbrev=False)
    parser.add_argument("--ts-config", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True, help="where the claim is mounted")
    parser.add_argument("--marker", type=Path)
    parser.add_argument("--timeout-seconds", type=float, required=True, help="for the marker")
    parser.add_argument("--drain-seconds", type=float, default=20.0, help="keep it below the pod's grace period")
    parser.add_argument("--wrapper", type=Path, help="program of KServe's model server, which serves in front of TorchServe")
    parser.add_argument("--wrapper-port", type=int, default=8080, help="where the wrapper serves HTTP")
    parser.add_argument("--ready-port", type=int, help="where readiness is told over HTTP, for whom can't run ready.sh")
    parser.add_argument("--ready-behind", type=int, nargs="*", default=[], help="ports that have to listen besides, to be ready")
    parser.add_argument("--linger-seconds", type=float, default=LINGER, help="without a new request, after SIGTERM")
    parser.add_argument("--pip-login", type=Path, help="folder with the files username and password, for $PIP_INDEX_URL")
    parser.add_argument("--termination-log", type=Path, default=Path("/dev/termination-log"), help="used if it exists")
    options = parser.parse_args(argv)
    processes = Processes()
    server = wrapper = None
    try:
        config, models = read_config(options.ts_config)
        if options.ready_port:
            readiness.serve(options.ready_port, management_of(config), list(models), options.ready_behind)
        if said := authorities.join(os.environ):
            say(said)
        if options.marker:
            wait_for_marker(options.models / options.marker, options.timeout_seconds, processes)
        check_store(Path(config.get("model_store", options.models / "model-store")), options.models, models)
        clear(temporary())
        server = launch(options.ts_config, options.pip_login, processes)
        if options.wrapper:
            command = [sys.executable, str(options.wrapper)]
            wrapper = processes.add(Child("the wrapper", *processes.spawn(command, without_proxy(os.environ))))
        if config.get("install_py_dep_per_model") == "true":
            watch_installing(server, config, models, processes)
        watch_loading(server, config, models, processes)
        over = processes.wait(processes.over)
        status = processes.ended[over.pid]
        raise Failure(f"{over.name} ended by itself with status {status}; {KILLED if status == 137 else over.output.reason()}")
    except Stopped:
        if server:
            ports = {urlsplit(config.get("inference_address", "")).port or 8080} | ({options.wrapper_port} if wrapper else set())
            left = drain(ports, options.drain_seconds, options.linger_seconds, processes)
            if wrapper:
                processes.stop(wrapper, left)
            processes.stop(server, STOP)
        say("stopped")
        return 0
    except (Failure, OSError) as failure:
        say(str(failure))
        with contextlib.suppress(OSError), options.termination_log.open("r+", encoding="utf-8") as log:
            log.write(f"start: {failure}\n")
        over = processes.over()
        for child in reversed(processes.children):
            processes.stop(child, STOP)
        return processes.ended[over.pid] or 1 if over else 1


if __name__ == "__main__":
    sys.exit(main())
