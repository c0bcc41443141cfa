"""The claim: whose turn it is, temporary files, how a finished file gets its name, and room."""
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import socket
import time
from pathlib import Path

from seed_errors import NO_SPACE, NOT_WRITABLE, Failure, say

CHUNK = 1 << 20
LEFT_ALONE = 3600.0  # seconds after which a file in tmp belongs to no run any more, on a volume without locks
GONE = ".gone"  # what a directory in tmp is called while it is removed


class Turn:
    """Between `take` and `give`, or the end of this process, no other run works on this volume. `temp`: for temporary files."""

    def __init__(self, root: Path) -> None:
        self.root, self.temp, self._lock = root, root / "tmp", -1

    def take(self) -> None:
        (self.root / "tmp").mkdir(parents=True, exist_ok=True)
        if self._lock < 0:
            self._lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another seed works on this volume; waiting until it ends")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:  # temporary files of its own, so that two runs don't write one file; names are given at once
            if self.temp == self.root / "tmp":
                say(f"this volume has no file locks ({error.strerror}); going on without")
                self.temp = self.root / "tmp" / f"{socket.gethostname()}-{os.getpid()}"
            self.temp.mkdir(exist_ok=True)

    def give(self) -> None:
        """Let others work."""
        with contextlib.suppress(OSError):  # a volume without locks
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def end(self) -> None:
        """The directory that a run without locks had for itself goes with it."""
        if self.temp != self.root / "tmp":
            remove(self.temp)


def may_write(root: Path) -> bool:
    """Whether this run could take its turn here. A claim is mounted read-only, or was filled by another uid."""
    lock = root / "lock"
    return os.access(root, os.W_OK | os.X_OK) and (os.access(lock, os.R_OK | os.W_OK) or not lock.exists())


def key(item: dict) -> str:
    """How an artefact's temporary files begin. The chart's path has a hash of the source in it."""
    return hashlib.sha256(item["path"].encode()).hexdigest()[:16] + ".part"


def tidy(root: Path, temp: Path, artifacts: list[dict]) -> None:
    """Remove temporary files, but what this plan's artefacts can be resumed from."""
    wanted = tuple(key(item) for item in artifacts)
    for left in (root / "tmp").iterdir():
        with contextlib.suppress(FileNotFoundError):  # another run without locks has removed it
            if temp == root / "tmp":
                keep = left.name.startswith(wanted)
            else:  # no locks: another run may be at work
                keep = left == temp or time.time() - left.stat().st_mtime < LEFT_ALONE
            if not keep:
                remove(left)


def remove(path: Path) -> None:
    """The file or directory, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_at_once(path: Path, temp: Path) -> None:
    """The same, so that a run that is killed meanwhile leaves no half of a directory under its name."""
    if path.is_dir() and not path.is_symlink():
        gone = temp / f"{path.name}{GONE}"
        remove(gone)
        path = path.replace(gone)
    remove(path)


def half_removed(root: Path) -> bool:
    """Whether a run was killed while it removed a directory, and the rest still takes room."""
    return any((root / "tmp").glob(f"*{GONE}"))


def discard(temp: Path, item: dict) -> None:
    """All of an artefact's temporary files."""
    with contextlib.suppress(FileNotFoundError):
        for left in [left for left in temp.iterdir() if left.name.startswith(key(item))]:
            remove(left)


def publish(temp: Path, final: Path, text: str = "") -> None:
    """Give a finished file, directory (or this text) its name: readable by everyone, at once, still there after a power cut."""
    if text:
        temp.write_text(text, encoding="utf-8")
    final.parent.mkdir(parents=True, exist_ok=True)
    for path in [*(temp.rglob("*") if temp.is_dir() else ()), temp]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        _sync(path)
    if temp.is_dir() and final.exists():  # a directory replaces an empty one only
        remove_at_once(final, temp.parent)
    temp.replace(final)
    with contextlib.suppress(OSError):  # some network file systems can't sync a directory
        _sync(final.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        if path.is_file():
            raise
    finally:
        os.close(handle)


def digest(place: Path) -> tuple[int, str]:
    """Bytes and sha256 of a file; of a directory the sha256 of the lines `<sha256>  <relative path>` of its files, sorted."""
    if not place.is_dir():
        found, size = hashlib.sha256(), 0
        with place.open("rb", buffering=0) as file:
            buffer = memoryview(bytearray(CHUNK))
            while count := file.readinto(buffer):
                found.update(buffer[:count])
                size += count
        return size, found.hexdigest()
    names = sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
    files = [(name, *digest(place / name)) for name in names]
    lines = "".join(f"{sha256}  {name}\n" for name, _, sha256 in files)
    return sum(size for _, size, _ in files), hashlib.sha256(lines.encode()).hexdigest()


def size_of(place: Path) -> int | None:
    """Bytes of a file or of all files in a directory; None if it is not there."""
    if place.is_dir():
        return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    return place.stat().st_size if place.is_file() else None


def check_room(sizes: list[tuple[str, int, int]], destination: Path) -> None:
    """That all of these (what it is, bytes it still needs, bytes it takes meanwhile) fit on the volume, before the first of them
    is fetched. They come one after the other, so what they take meanwhile doesn't add up."""
    free, need = shutil.disk_usage(destination).free, sum(stays for _, stays, _ in sizes) + max(more for _, _, more in sizes)
    if need > free:
        where, stays, more = max(sizes, key=lambda entry: entry[1] + entry[2])
        share = "" if len(sizes) == 1 else f" of the {need:,} that the plan needs"
        raise Failure(NO_SPACE, f"it needs {stays + more:,} bytes{share}, the volume has {free:,} free", where)


def check_writable(item: dict, destination: Path) -> None:
    """That the artefact can get its name, before it is fetched."""
    folder = (destination / item["path"]).parent
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failure(NOT_WRITABLE, f"{folder}: it may not be written")
