"""Things built once: each in a folder named after the hash of its inputs, renamed into place only when it is whole."""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ci.cluster.paths import cache
from ci.cluster.report import say

KEY_LENGTH = 12


def key(*inputs: Any) -> str:
    """A short hash of strings, numbers, lists, dicts, and of the contents of files and folders given as Path."""
    digest = hashlib.sha256()
    for value in inputs:
        if isinstance(value, Path):
            for file in _files(value):
                digest.update(str(file.relative_to(value.parent)).encode() + b"\0" + file.read_bytes() + b"\0")
        else:
            digest.update(json.dumps(value, sort_keys=True).encode() + b"\0")
    return digest.hexdigest()[:KEY_LENGTH]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def built(kind: str, entry: str, build: Callable[[Path], None]) -> Path:
    """The folder of one built thing, made by `build(folder)` if it is not there yet.

    An interrupted build leaves only a folder with another name, which the next one clears. Two processes that want the
    same thing take turns.
    """
    final = cache() / kind / entry
    if final.is_dir():
        return final
    with lock(f"{kind}-{entry}"):
        if not final.is_dir():
            work = final.with_name(f".{entry}.part")
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            build(work)
            work.rename(final)
    return final


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Holds a lock that other processes of this user respect, and says so when it must wait for it."""
    path = cache() / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run that is making {name} …")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
