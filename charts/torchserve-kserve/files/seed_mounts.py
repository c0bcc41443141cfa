"""configMap://, pvc:// and oci://: a file that the Job's pod has mounted.

The chart mounts each source below --mounts: configMap/NAME/KEY, pvc/CLAIM/PATH, oci/<10 hex digits of the image's sha256>/PATH.
"""
from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import urllib.parse
from pathlib import Path

from seed_errors import NO_SPACE, NOT_FOUND, PLAN, REFUSED, UNREACHABLE, Failure
from seed_plan import Context

CHUNK = 1 << 20
READABLE = "run chmod -R a+rX there, or set securityContext.runAsUser to whose it is"
SEARCHED = 20_000  # files of a claim that are looked through for one that lies elsewhere


def needs(item: dict, _: Path, context: Context) -> int:
    """Bytes that are to come; fails where the file is not there."""
    return locate(item["uri"], context.mounts).stat().st_size


def obtain(item: dict, temp: Path, context: Context) -> tuple[int, str]:
    """Copy the mounted file to `temp`, hashed on the way: its bytes and sha256."""
    digest, done = hashlib.sha256(), 0
    with opened(locate(item["uri"], context.mounts)) as source, temp.open("wb") as out:
        size = os.fstat(source.fileno()).st_size
        context.progress.start(item["model"], item["uri"].rpartition("/")[2], size)
        if size > (free := shutil.disk_usage(temp.parent).free):
            raise Failure(NO_SPACE, f"it has {size:,} bytes, the volume has {free:,} free")
        while chunk := read(source):
            digest.update(chunk)
            done += out.write(chunk)
            context.progress.moved(len(chunk))
    return done, digest.hexdigest()


def locate(uri: str, mounts: Path | None) -> Path:
    """The file in --mounts that a uri names; a Failure that says which thing is missing."""
    if mounts is None:
        raise Failure(PLAN, "there is no --mounts, where this kind of source is")
    scheme, _, rest = uri.partition("://")
    if scheme.lower() == "oci":
        image, _, path = rest.partition("#")
        root, whose = mounts / "oci" / hashlib.sha256(image.encode()).hexdigest()[:10], f"image {image}"
    else:
        name, _, path = rest.partition("/")
        kind = {"configmap": "configMap", "pvc": "pvc"}[scheme.lower()]
        root, whose = mounts / kind / name, f"{'ConfigMap' if kind == 'configMap' else 'claim'} {name}"
    path = path.lstrip("/")
    if scheme.lower() == "configmap":
        if not (root / path).is_file() or "/" in path or path.startswith(".."):
            raise Failure(NOT_FOUND, f"this namespace has no {whose} with a key {path}")
        return root / path
    if not root.is_dir():
        raise Failure(NOT_FOUND, f"{whose} is not mounted here")
    if (file := inside(root, path, whose)) is None:
        raise Failure(NOT_FOUND, f"{whose} has no {missing(scheme.lower(), root, path)}")
    return file


def missing(scheme: str, root: Path, path: str) -> str:
    """What is not there. Out of an image comes only what was asked for, so that tells nothing about what else it has."""
    if scheme == "oci":
        return f"file /{path} that uid {os.getuid()} may read, or no sh, cp, mv and mkdir to hand it on"
    return f"{path}{elsewhere(root, path)}"


def inside(root: Path, path: str, whose: str) -> Path | None:
    """The file at `path`, as it is written or with its %XX decoded, which is really below `root`; None where there is none."""
    for written in dict.fromkeys((path, urllib.parse.unquote(path))):
        file = Path(os.path.realpath(root / written))
        if os.path.realpath(root) not in map(str, file.parents):
            raise Failure(NOT_FOUND, f"{path} leads out of {whose}")
        try:
            mode = file.stat().st_mode
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM):
                raise Failure(REFUSED, f"uid {os.getuid()} may not look into {written} on {whose}", remedy=READABLE) from None
            continue
        if stat.S_ISREG(mode):
            return file
        what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise Failure(NOT_FOUND, f"{written} on {whose} is {what}", remedy="name the file itself")
    return None


def elsewhere(root: Path, path: str) -> str:
    """Where a file of that name lies instead, or what is there."""
    name, seen = urllib.parse.unquote(path).rpartition("/")[2], 0
    for top, _, names in os.walk(root):
        if name in names:
            return f", but it has {Path(top, name).relative_to(root)}"
        seen += len(names)
        if seen > SEARCHED:
            break
    there = sorted(entry.name for entry in root.iterdir())[:5] if os.access(root, os.R_OK) else []
    return f" (at its top: {', '.join(there)})" if there else " (it is empty)"


def opened(file: Path):
    try:
        return file.open("rb")
    except OSError as error:
        raise Failure(REFUSED, f"uid {os.getuid()} may not read it ({error.strerror})", remedy=READABLE) from None


def read(source) -> bytes:
    try:
        return source.read(CHUNK)
    except OSError as error:  # of the source's volume; what goes wrong in writing is told by seed.py
        raise Failure(UNREACHABLE, f"reading it: {error.strerror}") from None
