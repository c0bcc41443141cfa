"""s3, gs, hf, Azure, git, hdfs and webhdfs, by KServe's own library: kserve_storage, in a process of its own (seed_library.py).

The library fetches into a folder beside `temp`; the one file that is wanted is moved to `temp` and hashed. `URI#PATH` names it
where there are several.
"""
from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import seed_volume
from seed_errors import NOT_FOUND, UNREACHABLE, Failure, say
from seed_plan import Context

LIBRARY = Path(__file__).with_name("seed_library.py")
LOOK_SECONDS = 0.2
PATIENCE = 10  # times --timeout without a new byte: until then the library itself asks again
LFS = b"version https://git-lfs.github.com/spec/"
MANY = 5  # names that a sentence lists


def obtain(item: dict, temp: Path, context: Context) -> tuple[int, str]:
    """What the item's uri leads to, at `temp`: its bytes and sha256. That is a model archive; for item["part"] any file; for
    item["folder"] all files there are."""
    pauses = context.pauses()
    while (pause := once(item, temp, context, next(pauses))) is not None:
        time.sleep(pause)
    return seed_volume.digest(temp)


def once(item: dict, temp: Path, context: Context, pause: float | None) -> float | None:
    """One try. None when it is there; else the pause before the next try, if there is to be one."""
    uri, _, path = item["uri"].partition("#")
    wanted = {path, urllib.parse.unquote(path)} if path else set()
    work = temp.with_name(f"{temp.name}.cloud")
    try:
        seed_volume.remove(work)
        download(item, uri, wanted, work, context)
        pick(work / "files", wanted, item).replace(temp)
    except Failure as failure:
        if failure.args[0] != UNREACHABLE or pause is None:
            raise
        say(f"{item['model']}: {failure.args[1]}; trying again in {pause:.2g} s")
        return pause
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return None


def download(item: dict, uri: str, wanted: set[str], work: Path, context: Context) -> None:
    """Let the library fetch into `work`/files; Failure if it could not."""
    for folder in ("files", "tmp"):
        (work / folder).mkdir(parents=True)
    last = urllib.parse.unquote(urllib.parse.urlsplit(uri).path.rpartition("/")[2])
    patterns = [glob.escape(path) for path in wanted]
    if not wanted and not item.get("part"):
        patterns = ["*.mar", last or "*.mar"]
    order = json.dumps({"uri": uri, "work": str(work), "patterns": patterns})
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    context.progress.start(item["model"], min(wanted, default="") or last or uri.partition("://")[2], None)
    child = subprocess.Popen([sys.executable, str(LIBRARY)], start_new_session=True, **pipes)
    with child, contextlib.ExitStack() as ended:
        ended.callback(end, child.pid)
        child.stdin.write(f"{order}\n".encode())
        child.stdin.flush()  # and not closed: where it ends, the library's process knows that this one is no more
        watch(child, work / "files", context)
        ended.close()  # workers of the library would hold the pipe open
        told = child.stdout.read()
    if not told:
        how = f"KServe's storage library ended with status {child.returncode}"
        raise Failure(UNREACHABLE, how, remedy="give the seed more memory (seed.resources)")
    code, cause = json.loads(told)
    if code:
        raise Failure(code, cause)


def end(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def watch(child: subprocess.Popen, folder: Path, context: Context) -> None:
    """Until the child ends: tell the progress, and end it when nothing has come for long."""
    size, grown = 0, time.monotonic()
    while child.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(LOOK_SECONDS)
        now = on_disk(folder)
        if now != size:
            context.progress.moved(now - size)
            size, grown = now, time.monotonic()
        elif time.monotonic() - grown > PATIENCE * context.timeout:
            raise Failure(UNREACHABLE, f"no byte came for {PATIENCE * context.timeout:g} s, after {size:,} bytes")


def on_disk(folder: Path) -> int:
    """Bytes written so far below the folder; of a file with holes only what is written."""
    size = 0
    for top, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # renamed meanwhile
                state = Path(top, name).lstat()
                size += min(state.st_size, state.st_blocks * 512)
    return size


def pick(folder: Path, wanted: set[str], item: dict) -> Path:
    """The file to take of those that came; with item["folder"] their folder. Links and what is hidden (.git, .cache) go first."""
    for path in [path for path in folder.rglob("*") if path.is_symlink() or path.name.startswith(".")]:
        seed_volume.remove(path)
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    if item.get("folder") and not wanted and len(files) > 1:
        for name, path in sorted(files.items()):
            check_content(path, f"its file {name}")
        return folder
    kind = "file" if item.get("part") else "model archive (.mar)"
    fitting = [name for name in files if name in wanted] if wanted else list(files)
    if not (wanted or item.get("part")) and len(files) > 1:
        fitting = [name for name in files if name.endswith(".mar")]
    some = ", ".join(sorted(fitting or files)[:MANY]) + (", …" if len(fitting or files) > MANY else "")
    if len(fitting) > 1:
        raise Failure(NOT_FOUND, f"it leads to {len(fitting)} files ({some})", remedy="add #PATH of the one to the uri")
    if not fitting:
        missing = f"file {min(wanted)!r}" if wanted else kind
        raise Failure(NOT_FOUND, f"it leads to no {missing}" + (f", only to {some}" if files else ""))
    check_content(files[fitting[0]], "it")
    return files[fitting[0]]


def check_content(path: Path, what: str) -> None:
    """That the file is there itself, which git leaves elsewhere where its repository uses LFS."""
    with path.open("rb") as file:
        if file.read(len(LFS)) == LFS:
            raise Failure(NOT_FOUND, f"{what} is only a pointer of Git LFS", remedy="give an https uri of the file itself")
