"""What a model archive, or the directory that takes its place, must be for TorchServe to load it."""
from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

from seed_errors import ARCHIVE, CHECKSUM, Failure

MANIFEST = "MAR-INF/MANIFEST.json"
LARGEST_MANIFEST = 1 << 20


def check(item: dict, place: Path, sha256: str) -> None:
    """That the file or directory is the one declared, and one that TorchServe can load."""
    page = ""
    if place.is_file():
        with place.open("rb") as start:
            page = " (it looks like a web page; a login?)" if start.read(512).lstrip()[:1] == b"<" else ""
    if item.get("sha256") and item["sha256"].lower() != sha256:
        raise Failure(CHECKSUM, f"its sha256 is {sha256}, declared is {item['sha256']}{page}")
    try:
        names, model = _directory(place) if place.is_dir() else _archive(place)
        handler, version = model["handler"].split(":")[0], model.get("modelVersion")
    except zipfile.BadZipFile:
        raise Failure(ARCHIVE, f"it is not a whole zip file{page}") from None
    except Exception as error:  # of a damaged file zlib, zipfile and json raise nearly everything there is
        cause = type(error).__name__ if isinstance(error, RecursionError) else str(error) or type(error).__name__
        raise Failure(ARCHIVE, f"it has no {MANIFEST} with a model and a handler ({cause})") from None
    for name in names:
        if re.match(r"[/\\]|[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
            raise Failure(ARCHIVE, f"it holds {name!r}, which unpacks outside the model's directory")
    if not handler or (handler.endswith(".py") and handler not in names):
        raise Failure(ARCHIVE, f"it does not hold its handler {handler!r}")
    if version is None:
        raise Failure(ARCHIVE, "its manifest has no modelVersion, without which TorchServe loads no model")
    if item.get("version") and version != item["version"]:
        remedy = f"write {version!r} as the model's version, or give an archive of {item['version']!r}"
        raise Failure(ARCHIVE, f"its version is {version!r}, declared is {item['version']!r}", remedy=remedy)


def _archive(file: Path) -> tuple[list[str], dict]:
    with zipfile.ZipFile(file) as archive, archive.open(MANIFEST) as manifest:
        return archive.namelist(), json.loads(manifest.read(LARGEST_MANIFEST))["model"]


def _directory(root: Path) -> tuple[list[str], dict]:
    names = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    return names, json.loads((root / MANIFEST).read_bytes()[:LARGEST_MANIFEST])["model"]
