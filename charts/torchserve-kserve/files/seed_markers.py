"""What the markers on the claim say: what is there and vouched for, whose it is, when it was last used, and what may go.

A marker's owners are all who have run its plan; a run without --owner counts as one that never lets go ("").
"""
from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

import seed_archive
import seed_text
from seed_errors import Failure, say
from seed_plan import inside
from seed_volume import digest, publish, remove_at_once, size_of


def markers(root: Path) -> dict[Path, dict]:
    """Every readable marker, also the partial ones and what is left of pruned ones."""
    found = {}
    for file in root.glob("*.json"):
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, OSError):
            marker = json.loads(file.read_bytes())
            # Once a marker had one owner, the first who wrote it; before that none, and whose such a plan is nobody knows.
            owners = [str(owner) for owner in marker.get("owners") or [marker.get("owner") or ""]]
            artifacts = [{**entry, "path": str(entry["path"])} for entry in marker["artifacts"]]
            found[file] = {"plan": marker.get("plan"), "owners": owners, "artifacts": artifacts}
    return found


def write(file: Path, temp: Path, marker: dict, used: int | None = None) -> None:
    """Give a marker its name; `used`: when its plan was last used, where that isn't now."""
    publish(temp / file.name, file, json.dumps(marker) + "\n")
    if used is not None:
        os.utime(file, ns=(used, used))


def used_by(owner: str, file: Path) -> bool:
    """Whether a complete plan's marker is there and has this owner; its time then says that the plan is used now, where that may
    be written."""
    if owner not in markers(file.parent).get(file, {"owners": ()})["owners"]:
        return False
    try:
        os.utime(file)
    except FileNotFoundError:
        return False
    except OSError:  # another uid's
        pass
    return True


def record(file: Path, temp: Path, owner: str, entries: list[dict], aside: Path) -> None:
    """Have a marker say that these are there and that this owner, too, uses its plan; it takes the place of the one `aside`."""
    known = markers(file.parent)
    owners = sorted({owner}.union(*(known[place]["owners"] for place in (file, aside) if place in known)))
    marker = {"plan": file.stem.partition("-")[0], "owners": owners, "artifacts": entries}
    if known.get(file) != marker or not used_by(owner, file):
        write(file, temp, marker)
    aside.unlink(missing_ok=True)


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


def outdated(root: Path, wanted: Iterable[str], owner: str, keep: int) -> list[str]:
    """Paths that this owner's markers name and that are not wanted, without the `keep` last used ones that are there. A text is
    none of them: whatever reads it may still do so."""
    used: dict[str, int] = {}
    for file, marker in markers(root).items():
        names = {entry["path"] for entry in marker["artifacts"] if not entry.get("text")} if owner in marker["owners"] else ()
        with contextlib.suppress(FileNotFoundError):  # another run has pruned it
            for path in names:
                used[path] = max(file.stat().st_mtime_ns, used.get(path, 0))
    wanted = {Path(path) for path in wanted}
    places = {path: root.parent / path for path in used if inside(Path(path)) and Path(path) not in wanted}
    old = [path for path, place in places.items() if is_artefact(place)]
    return sorted(old, key=lambda path: (used[path], places[path].stat().st_mtime_ns), reverse=True)[keep:]


def is_artefact(place: Path) -> bool:
    return place.is_file() or (place / seed_archive.MANIFEST).is_file()


def prune(root: Path, temp: Path, owner: str, paths: list[str]) -> None:
    """This owner lets go of these paths. A marker goes with the last of its owners, and then a file that none names any more: so
    no marker names what is not there. What else the owner had by a marker stays known in `<plan>-old-<owner>.json`, so that a
    later run may prune it."""
    for file, marker in markers(root).items():
        rest = [entry for entry in marker["artifacts"] if entry["path"] not in paths]
        if owner not in marker["owners"] or len(rest) == len(marker["artifacts"]) > 0:
            continue
        rest = [entry for entry in rest if not entry.get("text")]  # never pruned, so nobody asks for it
        others = [other for other in marker["owners"] if other != owner]
        used = file.stat().st_mtime_ns
        left = file if "-old" in file.stem else root / f"{file.stem}-old-{hashlib.sha256(owner.encode()).hexdigest()[:10]}.json"
        if rest:
            write(left, temp, {**marker, "owners": [owner], "artifacts": rest}, used)
        if others:
            write(file, temp, {**marker, "owners": others}, used)
        elif not (rest and file == left):
            file.unlink()
    named = {entry["path"] for marker in markers(root).values() for entry in marker["artifacts"]}
    for path in paths:
        if path not in named:
            size = size_of(root.parent / path) or 0
            remove_at_once(root.parent / path, temp)
            say(f"removed {path}, {size:,} bytes, which no plan names any more", "removed", path=path, bytes=size)


def entry(item: dict, size: int, sha256: str) -> dict:
    """What the marker says of an artefact."""
    told = {name: item.get(name) for name in ("model", "version", "path")}
    return {**told, "bytes": size, "sha256": sha256, **({"text": True} if "text" in item else {})}
