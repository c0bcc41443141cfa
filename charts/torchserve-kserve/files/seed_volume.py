"""The claim: whose turn it is, what is on it and vouched for, how a finished file gets its name, and what may go."""
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterable
from pathlib import Path

import seed_archive
import seed_text
from seed_errors import NO_SPACE, NOT_WRITABLE, Failure, say
from seed_plan import inside

CHUNK = 1 << 20
LEFT_ALONE = 3600.0  # seconds after which a file in tmp belongs to no run any more, on a volume without locks


def take_turn(root: Path) -> Path:
    """The directory for temporary files in `.seed`, which is locked until this process ends."""
    (root / "tmp").mkdir(parents=True, exist_ok=True)
    lock = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o644)  # stays open
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another seed works on this volume; waiting until it ends")
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:  # temporary files of its own, so that two runs don't write one file; names are given at once
        say(f"this volume has no file locks ({error.strerror}); going on without")
        temp = root / "tmp" / f"{socket.gethostname()}-{os.getpid()}"
        temp.mkdir(exist_ok=True)
        return temp
    return root / "tmp"


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


def leave(root: Path, temp: Path) -> None:
    """The directory that a run without locks had for itself goes with it."""
    if temp != root / "tmp":
        remove(temp)


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
        remove(final)
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


def markers(root: Path) -> dict[Path, dict]:
    """Every readable marker."""
    found = {}
    for file in root.glob("*.json"):
        with contextlib.suppress(ValueError, KeyError, TypeError, OSError):
            marker = json.loads(file.read_bytes())
            found[file] = {**marker, "artifacts": [{**entry, "path": str(entry["path"])} for entry in marker["artifacts"]]}
    return found


def vouched(item: dict, final: Path, known: Iterable[dict]) -> tuple[int, str] | None:
    """Bytes and sha256 of what is there already and in a marker; it is not read, but for a text."""
    if "text" in item:
        return seed_text.in_place(item, final)
    size, declared = size_of(final), (item.get("sha256") or "").lower()
    for entry in [entry for marker in known for entry in marker["artifacts"]] if size is not None else []:
        same = [entry.get(name) for name in ("path", "version", "bytes")] == [item["path"], item.get("version"), size]
        if same and entry.get("sha256") and entry["sha256"] == (declared or entry["sha256"]):
            return size, entry["sha256"]
    return None


def in_place(item: dict, final: Path, root: Path) -> tuple[int, str] | None:
    """Bytes and sha256 of a right artefact that is there already. It is read only if no marker vouches for it."""
    if found := vouched(item, final, markers(root).values()):
        return found
    if not final.exists():
        return None
    if "text" in item:
        say(f"{item['path']} is there with another text; replacing it when all else is there")
        return None
    found = digest(final)
    try:
        seed_archive.check(item, final, found[1])
    except Failure as failure:
        say(f"{item['model']}: {item['path']} is there, but {failure.args[1]}; fetching it again")
        return None
    return found


def complete(artifacts: list[dict], destination: Path, marker: Path) -> list[tuple[int, str]] | None:
    """What the plan's true marker says of each artefact; None if there is none. Only reads."""
    said = markers(marker.parent).get(marker)
    found = [vouched(item, destination / item["path"], [said] if said else []) for item in artifacts]
    return None if None in found or not (said or not artifacts) else found


def check_room(sizes: list[tuple[str, int]], destination: Path) -> None:
    """That all of these (what it is, bytes it still needs) fit on the volume, before the first of them is fetched."""
    free, need = shutil.disk_usage(destination).free, sum(size for _, size in sizes)
    if need > free:
        where, largest = max(sizes, key=lambda entry: entry[1])
        share = "" if len(sizes) == 1 else f" of the {need:,} that the plan needs"
        raise Failure(NO_SPACE, f"it needs {largest:,} bytes{share}, the volume has {free:,} free", where)


def check_writable(item: dict, destination: Path) -> None:
    """That the artefact can get its name, before it is fetched."""
    folder = (destination / item["path"]).parent
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failure(NOT_WRITABLE, f"{folder}: it may not be written")


def outdated(root: Path, artifacts: list[dict], owner: str, keep: int) -> list[str]:
    """Paths that only markers of this owner name and the plan does not, without the `keep` newest that are there. A text is
    none of them: whatever reads it may still do so."""
    destination, mine, others = root.parent, set(), {item["path"] for item in artifacts}
    for marker in markers(root).values():
        names = {entry["path"] for entry in marker["artifacts"] if not entry.get("text")}
        if marker.get("owner") == owner:
            mine |= names
        else:
            others |= names
    old = [path for path in mine - others if inside(Path(path)) and is_artefact(destination / path)]
    return sorted(old, key=lambda path: (destination / path).stat().st_mtime_ns, reverse=True)[keep:]


def is_artefact(place: Path) -> bool:
    return place.is_file() or (place / seed_archive.MANIFEST).is_file()


def prune(root: Path, temp: Path, paths: list[str]) -> None:
    """Remove these files, first the markers that name them. What else such a marker vouched for stays known, in
    `<plan>-old.json`, so that a later run may prune it."""
    for file, marker in markers(root).items():
        rest = [entry for entry in marker["artifacts"] if entry["path"] not in paths]
        if len(rest) < len(marker["artifacts"]):
            rest = [entry for entry in rest if not entry.get("text")]  # never pruned, so nobody asks for it
            if rest:
                stem = file.stem if file.stem.endswith("-old") else f"{file.stem}-old"
                publish(temp / "old", root / f"{stem}.json", json.dumps({**marker, "artifacts": rest}) + "\n")
            if not (rest and file.stem.endswith("-old")):
                file.unlink()
    for path in paths:
        size = size_of(root.parent / path) or 0
        remove(root.parent / path)
        say(f"removed {path}, {size:,} bytes, which no plan names any more", "removed", path=path, bytes=size)
