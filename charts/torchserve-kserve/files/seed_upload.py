"""upload://NAME: a file that someone sends from their own machine: `kubectl exec -i … seed.py --receive MODEL … < FILE`.

It gets its name, .seed/upload/<name of the artefact on the claim>, when it is whole and checked; the run that waits for it takes
it from there. Until then it is a .part beside it, locked by the process that writes it, so that what a killed one left is known.
A run that waits lets others work on the claim meanwhile: seed.py gives its turn away and takes it again. Senders need none.
"""
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shlex
import socket
import sys
import time
import zipfile
from argparse import Namespace
from pathlib import Path

import seed_archive
import seed_markers
import seed_volume
from seed_errors import ARCHIVE, PLAN, Failure, from_os, say
from seed_plan import Context, is_upload

CHUNK = 1 << 20
LOOK_SECONDS = 0.2
RARELY = 60.0  # seconds between two lines that say nothing new


def obtain(_: dict, temp: Path, __: Context) -> tuple[int, str]:
    """Bytes and sha256 of what was `taken`."""
    return seed_volume.digest(temp)


def taken(item: dict, temp: Path, root: Path) -> bool:
    """Whether the upload was there; then it is at `temp`."""
    with contextlib.suppress(FileNotFoundError):
        place(root, item).replace(temp)
        return True
    return False


def wait(item: dict, root: Path, options: Namespace) -> None:
    """Until the upload is there, or another run has put it in its place."""
    sent, final, name = place(root, item), root.parent / item["path"], item["uri"].partition("://")[2]
    sent.parent.mkdir(exist_ok=True)
    before, pause = identity(final), options.progress_seconds
    say(f"{item['model']}: waiting for {name}, which comes by: {command(item['model'], options)} < {shlex.quote(name)}")
    told = time.monotonic()
    while not sent.exists() and identity(final) == before:
        coming = [part.stat().st_size for part in sent.parent.glob(f"{sent.name}.*.part")]
        if time.monotonic() - told >= (options.progress_seconds if coming else pause):
            told, pause = time.monotonic(), min(2 * pause, RARELY)
            state = f"{name} is being uploaded, {max(coming):,} bytes are here" if coming else f"still waiting for {name}"
            say(f"{item['model']}: {state}")
        time.sleep(LOOK_SECONDS)


def identity(file: Path) -> tuple[int, int, int] | None:
    """Another one for another file in the same place; None where there is none."""
    with contextlib.suppress(OSError):
        found = file.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size
    return None


def place(root: Path, item: dict) -> Path:
    return root / "upload" / Path(item["path"]).name


def command(model: str, options: Namespace) -> str:
    """What sends a file, before its `< FILE`: here, or into the pod of the chart's Job, whose owner is NAMESPACE/RELEASE."""
    places = ["--plan", str(options.plan), "--destination", str(options.destination)]
    here = shlex.join(["python3", sys.argv[0], "--receive", model, *places])
    namespace, job, _ = options.owner.partition("/")
    return f"kubectl -n {namespace} exec -i {socket.gethostname()} -c seed -- {here}" if job else here


def receive(model: str, artifacts: list[dict], options: Namespace) -> int:
    """`seed.py --receive MODEL`: the exit code. Here, where the sender sees it, is refused what the run would refuse later; the
    waiting run hears nothing of that."""
    try:
        fitting = [item for item in artifacts if item["model"] == model and is_upload(item)]
        if not fitting:
            raise Failure(PLAN, f"the plan has no model {model} with an upload:// uri")
        take(fitting[0], options.destination / ".seed", sys.stdin.buffer)
    except OSError as error:
        failure = from_os(error, options.destination)
    except Failure as error:
        failure = error
    else:
        return 0
    failure.where = failure.where or model
    print(failure.line, file=sys.stderr, flush=True)
    with contextlib.suppress(OSError):  # to its end: kubectl waits for ever to hand over what nobody reads
        while not sys.stdin.isatty() and sys.stdin.buffer.read1(CHUNK):
            pass
    return failure.args[0]


def take(item: dict, root: Path, stream) -> None:
    """What comes on the stream, whole and checked, to where the run takes it; a Failure leaves nothing behind."""
    final, sent = root.parent / item["path"], place(root, item)
    there = Failure(PLAN, f"the claim has it already, as {item['path']}", remedy="for another one set another seed.revision")
    if seed_markers.in_place(item, final, root):
        raise there
    if stream.isatty():
        raise Failure(PLAN, "nothing is sent on standard input", remedy="add `< FILE`, and to kubectl exec -i, without -t")
    before = identity(final)  # of what is no right archive, which the run replaces
    sent.parent.mkdir(parents=True, exist_ok=True)
    part = sent.with_name(f"{sent.name}.{socket.gethostname()}-{os.getpid()}.part")
    try:
        with part.open("wb") as out:
            with contextlib.suppress(OSError):  # a volume without locks
                fcntl.flock(out, fcntl.LOCK_EX)
            size, sha256 = copy(stream, out)
            check(item, part, size, sha256)
            if identity(final) != before:  # another sender was faster
                raise there
            own = identity(part)
            seed_volume.publish(part, sent)
        if identity(final) != before and identity(sent) == own:  # it came in between, so nobody takes this one
            sent.unlink(missing_ok=True)
            raise there
    finally:
        part.unlink(missing_ok=True)
    say(f"{item['model']}: {size:,} bytes are here, sha256 {sha256}; the seed goes on with them")


def copy(stream, out) -> tuple[int, str]:
    """Bytes and sha256 of what came."""
    digest, size = hashlib.sha256(), 0
    # `read` would wait for all of a chunk, and a signal that comes between two parts of it for its end
    for chunk in iter(lambda: stream.read1(CHUNK), b""):
        digest.update(chunk)
        size += out.write(chunk)
    out.flush()
    return size, digest.hexdigest()


def check(item: dict, part: Path, size: int, sha256: str) -> None:
    """As seed.py checks what it has fetched; of what a cut transfer leaves it is said that it is cut."""
    if not size:
        raise Failure(ARCHIVE, "nothing came on standard input", remedy="give kubectl exec its -i, and a file that is not empty")
    try:
        seed_archive.check(item, part, sha256)
    except Failure:
        if zipfile.is_zipfile(part):
            raise
        cut = f"the {size:,} bytes that came are no whole archive: the transfer was cut, or it is another file"
        raise Failure(ARCHIVE, cut, remedy="send it again") from None


def tidy(root: Path, artifacts: list[dict]) -> None:
    """Remove what killed transfers left, and uploads of this plan that came too late."""
    known = list(seed_markers.markers(root).values())
    late = {place(root, item).name for item in artifacts
            if is_upload(item) and seed_markers.vouched(item, root.parent / item["path"], known)}
    for left in (root / "upload").glob("*"):
        if left.name in late or (left.suffix == ".part" and abandoned(left)):
            left.unlink(missing_ok=True)


def abandoned(part: Path) -> bool:
    try:
        with part.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
    except OSError:  # locked; gone; or a volume without locks
        return False
