"""Put the model archives that a plan names on a volume, verified and whole, then say so with a marker.

    seed.py --plan PLAN.json --destination DIR [--config-maps DIR]

Plan: {"artifacts": [{"model": "bert", "version": "1.0", "uri": "https://host/bert.mar", "sha256": "<64 hex>" or null,
"path": "model-store/bert-<hash>.mar"}]}; `version` and `sha256` may be absent, `path` is relative to the destination.
Sources: http://, https:// (userinfo: basic authentication), configMap://NAME/KEY (the file NAME/KEY in --config-maps).
On the volume, with <plan> = the first 10 hex digits of the sha256 of the plan file's bytes:
  <path>               a whole archive, checked before it gets this name, readable by everyone
  .seed/<plan>.json    marker, written last: {"plan", "artifacts": [{"model", "version", "path", "bytes", "sha256"}]}
  .seed/<plan>.error   the sentence with which the latest run failed; the next run removes it
  .seed/lock, .seed/tmp/  one run at a time; what an interrupted run left in tmp is removed
A run with a true marker transfers nothing; a file for which any plan's marker vouches is kept as it is.

Exit codes: 0 done; 2 plan or usage; 3 source not found; 4 source refused; 5 source unreachable or unreliable; 6 wrong
sha256; 7 not a usable archive; 8 no space; 9 destination not writable; 10 certificate not trusted; 130, 143 stopped.
A failure is one line, `seed: MODEL: URI without secrets: CAUSE; REMEDY`, on stderr, in error file and termination log.
"""
from __future__ import annotations

import argparse
import base64
import contextlib
import errno
import fcntl
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

CHUNK = 1 << 20
URI = re.compile(r"(https?://([^/?#@]*@)?([\w.-]+|\[[\da-f:]+\])(:\d+)?|configMap://[\w.-]+)/[!-~]+", re.I | re.A)
PLAN, NOT_FOUND, REFUSED, UNREACHABLE, CHECKSUM, ARCHIVE, NO_SPACE, NOT_WRITABLE, CERTIFICATE = range(2, 11)
REMEDY = {
    PLAN: "see the format at the top of seed.py",
    NOT_FOUND: "correct the model's uri, or put the file there",
    REFUSED: "check the credentials in the uri, and what the server permits",
    UNREACHABLE: "check the server, its name, the network policy and the proxy",
    CHECKSUM: "correct the one that is wrong",
    ARCHIVE: "give the uri of an archive packed by torch-model-archiver, and its own version",
    NO_SPACE: "enlarge persistence.size, or remove old models from the claim",
    NOT_WRITABLE: f"let uid {os.getuid()} write the claim (fsGroup, or chown on the volume)",
    CERTIFICATE: "use a server whose certificate this image trusts",
}


class Failure(Exception):
    """args: exit code (which also tells the remedy), cause."""


def say(text: str) -> None:
    print(f"seed: {text}", flush=True)


def shown(uri: str) -> str:  # as it may be printed: without userinfo, query and fragment
    return re.sub(r"://[^/]*@", "://", re.sub(r"[?#].*", "", uri))


def read_plan(path: Path) -> tuple[str, list[dict]]:
    """The plan's hash and its artefacts, each checked; Failure(PLAN) otherwise."""
    try:
        raw = path.read_bytes()
        artifacts = json.loads(raw)["artifacts"]
        for item in artifacts:
            where, target = f"model {item['model']}", Path(item["path"])
            if not URI.fullmatch(item["uri"]):
                raise ValueError(f"{where}: the uri is no complete http, https or configMap URI in printable ASCII")
            if target.is_absolute() or ".." in target.parts or target.parts[:1] in ((), (".seed",)):
                raise ValueError(f"{where}: path {item['path']!r} is not inside the destination, or is in .seed")
            if not re.fullmatch(r"[0-9a-fA-F]{64}", item.get("sha256") or "0" * 64):
                raise ValueError(f"{where}: sha256 is not 64 hex digits")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        cause = f"{error} is missing" if isinstance(error, KeyError) else getattr(error, "strerror", error)
        raise Failure(PLAN, f"plan {path}: {cause}") from None
    return hashlib.sha256(raw).hexdigest()[:10], artifacts


@contextlib.contextmanager
def network() -> Iterator[None]:
    """Turn what goes wrong on the way to a server into a Failure. Texts of http.client may quote the URL: not shown."""
    try:
        yield
    except urllib.error.HTTPError as error:
        busy, gone = error.code >= 500 or error.code in (408, 425, 429), error.code in (404, 410)
        code = UNREACHABLE if busy else NOT_FOUND if gone else REFUSED
        raise Failure(code, f"HTTP {error.code} {http.client.responses.get(error.code, '')}".rstrip()) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise Failure(CERTIFICATE, reason.verify_message) from None
        raise Failure(UNREACHABLE, getattr(reason, "strerror", None) or type(reason).__name__) from None


def open_source(item: dict, options: argparse.Namespace):
    """The source, opened for reading, and its size in bytes or None."""
    uri = urllib.parse.urlsplit(item["uri"])
    if uri.scheme == "configmap":
        file = Path(options.config_maps or "/nonexistent", uri.netloc, uri.path[1:])
        if "/" in uri.path[1:] or ".." in file.parts or not file.is_file():
            raise Failure(NOT_FOUND, f"this namespace has no ConfigMap {uri.netloc} with a key {uri.path[1:]}")
        return file.open("rb"), file.stat().st_size
    request = urllib.request.Request(uri._replace(netloc=uri.netloc.rpartition("@")[2], fragment="").geturl())
    if uri.username is not None:  # "unredirected": another host that we are sent to must not see it
        pair = urllib.parse.unquote(f"{uri.username}:{uri.password or ''}").encode()
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(pair).decode())
    with network():
        answer = urllib.request.urlopen(request, timeout=options.timeout)
    return answer, answer.length


def download(item: dict, temp: Path, options: argparse.Namespace) -> tuple[int, str]:
    """One try to stream the source into `temp`, hashed on the way: its bytes and sha256."""
    source, size = open_source(item, options)
    started = told = time.monotonic()
    digest, done = hashlib.sha256(), 0
    with contextlib.closing(source), temp.open("wb") as out:
        if size is not None and size > (free := shutil.disk_usage(temp.parent).free):
            raise Failure(NO_SPACE, f"it has {size:,} bytes, the volume has {free:,} free")
        while True:
            with network():
                chunk = source.read(CHUNK)
            if not chunk:
                break
            digest.update(chunk)
            done += out.write(chunk)
            if time.monotonic() - told >= options.progress_seconds:
                told = time.monotonic()
                share = f" of {size:,} ({100 * done // size} %)" if size else ""
                say(f"{item['model']}: {done:,}{share} bytes, {done / (told - started) / 1e6:.1f} MB/s")
    if size is not None and done < size:
        raise Failure(UNREACHABLE, f"the transfer was cut after {done:,} of {size:,} bytes")
    return done, digest.hexdigest()


def fetch(item: dict, temp: Path, options: argparse.Namespace, attempt: int = 1) -> tuple[int, str]:
    """`download`, again where that may help, after backoff, 2·backoff, 4·backoff … seconds."""
    try:
        return download(item, temp, options)
    except Failure as failure:
        if failure.args[0] != UNREACHABLE or attempt >= options.attempts:
            raise
        pause = options.backoff * 2 ** (attempt - 1)
        say(f"{item['model']}: {failure.args[1]}; trying again in {pause:g} s")
        time.sleep(pause)
    return fetch(item, temp, options, attempt + 1)


def check(item: dict, file: Path, sha256: str) -> None:
    """That the file is the one declared, and an archive that TorchServe can load."""
    with file.open("rb") as start:
        page = " (it looks like a web page; a login?)" if start.read(512).lstrip()[:1] == b"<" else ""
    if item.get("sha256") and item["sha256"].lower() != sha256:
        raise Failure(CHECKSUM, f"its sha256 is {sha256}, declared is {item['sha256']}{page}")
    try:
        with zipfile.ZipFile(file) as archive, archive.open("MAR-INF/MANIFEST.json") as manifest:
            names, model = archive.namelist(), json.loads(manifest.read(CHUNK))["model"]
        handler, version = model["handler"].split(":")[0], model.get("modelVersion")
    except zipfile.BadZipFile:
        raise Failure(ARCHIVE, f"it is not a whole zip file{page}") from None
    except (KeyError, ValueError, TypeError, AttributeError, NotImplementedError) as error:
        raise Failure(ARCHIVE, f"it has no MAR-INF/MANIFEST.json with a model and a handler ({error})") from None
    for name in names:
        if name.startswith("/") or ".." in re.split(r"[/\\]", name):
            raise Failure(ARCHIVE, f"it holds {name!r}, which unpacks outside the model's directory")
    if not handler or (handler.endswith(".py") and handler not in names):
        raise Failure(ARCHIVE, f"it does not hold its handler {handler!r}")
    if version and item.get("version") and version != item["version"]:
        raise Failure(ARCHIVE, f"its version is {version!r}, declared is {item['version']!r}")


def publish(temp: Path, final: Path, text: str = "") -> None:
    """Give a finished file (or this text) its name: readable by everyone, at once, still there after a power cut."""
    if text:
        temp.write_text(text, encoding="utf-8")
    final.parent.mkdir(parents=True, exist_ok=True)
    temp.chmod(0o644)
    with temp.open("rb") as file:
        os.fsync(file.fileno())
    temp.replace(final)
    with contextlib.suppress(OSError):  # some network file systems can't sync a directory; exit closes it
        os.fsync(os.open(final.parent, os.O_RDONLY))


def in_place(item: dict, final: Path, root: Path) -> tuple[int, str] | None:
    """Bytes and sha256 of a right file that is there already. It is read only if no marker vouches for it."""
    if not final.is_file():
        return None
    size, path, declared = final.stat().st_size, item["path"], (item.get("sha256") or "").lower()
    for marker in root.glob("*.json"):
        with contextlib.suppress(ValueError, KeyError, TypeError, OSError):
            for entry in json.loads(marker.read_bytes())["artifacts"]:
                same = (entry["path"], entry["version"], entry["bytes"]) == (path, item.get("version"), size)
                if same and entry["sha256"] == (declared or entry["sha256"]):
                    return size, entry["sha256"]
    digest = hashlib.sha256()
    with final.open("rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
    try:
        check(item, final, digest.hexdigest())
    except Failure as failure:
        say(f"{item['model']}: {path} is there, but {failure.args[1]}; fetching it again")
        return None
    return size, digest.hexdigest()


def take_turn(destination: Path) -> Path:
    """`.seed` with an empty `tmp`, locked until this process ends."""
    root = destination / ".seed"
    (root / "tmp").mkdir(parents=True, exist_ok=True)
    lock = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o644)  # stays open
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another seed works on this volume; waiting until it ends")
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:  # even so, a name appears with its whole file or not at all
        say(f"this volume has no file locks ({error.strerror}); going on without")
    for left in (root / "tmp").iterdir():
        left.unlink()
    return root


def seed(plan: str, artifacts: list[dict], root: Path, options: argparse.Namespace) -> None:
    marker, entries = root / f"{plan}.json", []
    (root / f"{plan}.error").unlink(missing_ok=True)
    for number, item in enumerate(artifacts):
        options.subject = f"{item['model']}: {shown(item['uri'])}: "
        started, final, how = time.monotonic(), options.destination / item["path"], "kept"
        found = in_place(item, final, root)
        if not found:
            marker.unlink(missing_ok=True)  # what it says is not so
            say(f"{options.subject}fetching")
            how, temp = "fetched", root / "tmp" / f"{number}.part"
            try:
                found = fetch(item, temp, options)
                check(item, temp, found[1])
                publish(temp, final)
            finally:
                temp.unlink(missing_ok=True)
        entries.append({key: item.get(key) for key in ("model", "version", "path")} | {"bytes": found[0], "sha256": found[1]})
        took = f"{found[0]:,} bytes in {time.monotonic() - started:.2f} s"
        say(f"{item['model']}: {how} {item['path']}, {took}, sha256 {found[1]}")
    options.subject = ""
    if not marker.exists():
        publish(root / "tmp" / marker.name, marker, json.dumps({"plan": plan, "artifacts": entries}) + "\n")
    say(f"plan {plan} is complete in {options.destination}")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Put the model archives of a plan on a volume.", allow_abbrev=False)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--destination", type=Path, required=True, help="the claim's directory")
    parser.add_argument("--config-maps", type=Path, help="has a directory of keys per ConfigMap")
    parser.add_argument("--attempts", type=int, default=5, help="tries per source")
    parser.add_argument("--backoff", type=float, default=1.0, help="seconds before the second try, then doubled")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds without a byte that end a try")
    parser.add_argument("--progress-seconds", type=float, default=5.0)
    parser.add_argument("--termination-log", type=Path, default=Path("/dev/termination-log"), help="used if it exists")
    options = parser.parse_args(argv)
    options.subject, root, plan = "", None, ""
    for number in (signal.SIGTERM, signal.SIGINT):  # SIGINT too: a background shell hands it down ignored
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    os.umask(0o022)
    try:
        plan, artifacts = read_plan(options.plan)
        root = take_turn(options.destination)
        seed(plan, artifacts, root, options)
        return 0
    except Failure as failure:
        code, cause = failure.args
    except OSError as error:
        code = NO_SPACE if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else NOT_WRITABLE
        cause = f"{error.filename or options.destination}: {error.strerror}"
    except SystemExit as stop:
        print("seed: interrupted; no unfinished file has its final name, run it again", file=sys.stderr, flush=True)
        return int(stop.code or 0)
    line = f"seed: {options.subject}{cause}; {REMEDY[code]}\n"
    print(line, end="", file=sys.stderr, flush=True)
    with contextlib.suppress(OSError), options.termination_log.open("r+", encoding="utf-8") as log:
        log.write(line)
    with contextlib.suppress(OSError):
        publish(root / "tmp" / "error", root / f"{plan}.error", line) if root else None
    return code


if __name__ == "__main__":
    sys.exit(main())
