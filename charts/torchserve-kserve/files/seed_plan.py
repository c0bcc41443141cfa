"""The plan: read, checked, its URIs and credentials taken from Secrets; and what a source is told beside its item."""
from __future__ import annotations

import hashlib
import json
import random
import re
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seed_errors import NOT_FOUND, PLAN, Failure, conceal, shown
from seed_progress import Progress

HTTP = re.compile(r"https?://([^/?#@]*@)?([\w.-]+|\[[\da-f]*:[\da-f:]*\])(:\d+)?/[!-~]+", re.I | re.A)
OTHER = re.compile(r"((configMap|pvc)://[\w.-]+/|(oci|upload|s3|gs|hf|hdfs|webhdfs)://)[!-~]+", re.I | re.A)
NAME = re.compile(r"[\w.-]+", re.A)
LONGEST_PAUSE = 60.0  # seconds before another try, also where the server asks for more
# Of a build: where a source is given; the last is a list.
PARTS = ("handler", "modelFile", "serializedFile", "requirementsFile", "configFile", "extraFiles")


@dataclass
class Context:
    """What a source needs to know beside its item."""

    destination: Path
    temp: Path  # what begins with the name of an item's own file in here is kept for a resume and removed after success
    progress: Progress
    needs: Callable[[dict, Path], int]  # bytes that are to come for a part of a build, as far as its source knows
    fetch: Callable[[dict, Path], tuple[int, str]]  # puts the part there: its bytes and sha256
    mounts: Path | None
    secrets: Path | None
    timeout: float
    attempts: int
    backoff: float
    connections: int
    known: dict = field(default_factory=dict)  # by temporary file: what seed_http has heard of its source

    def pauses(self) -> Iterator[float | None]:
        """Seconds before the 2nd, 3rd … try: doubled each time, and by chance more or less; after the last there is none."""
        for attempt in range(self.attempts - 1):
            yield min(self.backoff * 2**attempt, LONGEST_PAUSE) * random.uniform(0.5, 1.5)
        while True:
            yield None


def load(path: Path) -> tuple[str, bytes]:
    """The plan's hash, after which its marker is named, and its bytes."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Failure(PLAN, f"plan {path}: {error.strerror}") from None
    return hashlib.sha256(raw).hexdigest()[:10], raw


def parse(raw: bytes, path: Path) -> list[dict]:
    """The artefacts, each checked; Failure(PLAN) otherwise."""
    try:
        artifacts = json.loads(raw)["artifacts"]
        for item in artifacts:
            _check(item)
        _collisions(artifacts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        cause = f"{error} is missing" if isinstance(error, KeyError) else error
        raise Failure(PLAN, f"plan {path}: {cause}") from None
    return artifacts


def _check(item: dict) -> None:
    where = f"text {item['path']}" if "text" in item else f"model {item['model']}"
    if not inside(Path(item["path"])):
        raise ValueError(f"{where}: path {item['path']!r} is not inside the destination, or is in .seed")
    if "text" in item:
        _check_text(item, where)
    elif "build" not in item:
        _check_source(item, where)
    elif "uri" in item or "uriFrom" in item:
        raise ValueError(f"{where}: it has both a uri and a build")
    else:
        item["build"]["handler"]  # KeyError: is missing
        for option, given in _given(item):
            if not isinstance(given, dict) and (option != "handler" or "://" in str(given)):
                raise ValueError(f'{where}: {option} {given!r} is no source; write {{"uri": …}}')
        for part in parts(item):
            part.update(model=item["model"], path=item["path"])
            _check_source(part, where)


def _check_text(item: dict, where: str) -> None:
    if set(item) != {"path", "text"} or not (isinstance(item["text"], str) and item["text"]):
        raise ValueError(f"{where}: it is empty, or there is more than a text and its path")
    item.update(model=Path(item["path"]).name, shown="its text")


def inside(target: Path) -> bool:
    """Whether a relative path names a place on the claim that may be a model's."""
    return not (target.is_absolute() or ".." in target.parts or target.parts[:1] in ((), (".seed",)))


def _check_source(source: dict, where: str) -> None:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", source.get("sha256") or "0" * 64):
        raise ValueError(f"{where}: sha256 is not 64 hex digits")
    for name in [source["credentials"]] if source.get("credentials") else []:
        if not NAME.fullmatch(name):
            raise ValueError(f"{where}: credentials {name!r} is no name of a Secret")
    if "uriFrom" in source:
        given = source["uriFrom"]
        if "uri" in source or not (NAME.fullmatch(given["secret"]) and NAME.fullmatch(given["key"])):
            raise ValueError(f"{where}: uriFrom names no Secret and key, or there is a uri, too")
        return
    _check_uri(source["uri"], where)
    source["shown"] = shown(source["uri"])


def _check_uri(uri: str, where: str) -> None:
    if not (is_http(uri) or OTHER.fullmatch(uri)):
        raise ValueError(f"{where}: the uri is no complete http or https URI, nor one of the other sources, in printable ASCII")


def is_http(uri: str) -> bool:
    """Whether it is a complete http(s) URI."""
    try:
        return bool(HTTP.fullmatch(uri)) and (urllib.parse.urlsplit(uri).port or 0) >= 0
    except ValueError:  # no such port, or no such address in brackets
        return False


def is_upload(item: dict) -> bool:
    return item.get("uri", "").lower().startswith("upload:")


def _collisions(artifacts: list[dict]) -> None:
    """Two artefacts in one place, or one inside the other. Some volumes don't tell A from a."""
    seen: dict[Path, str] = {}
    for item in artifacts:
        target = Path(item["path"].casefold())
        for other, model in seen.items():
            if target == other or other in target.parents or target in other.parents:
                raise ValueError(f"models {model} and {item['model']} both take the path {item['path']}")
        seen[target] = item["model"]


def title(item: dict) -> str:
    """What a line is about: the model, and the URI without what is secret of it."""
    return f"{item['model']}: {item.get('shown', 'its build')}"


def _given(item: dict) -> Iterator[tuple[str, object]]:
    """Option and what is given for it, of all that a build is made of."""
    for name in PARTS:
        given = item["build"].get(name)
        for part in given if isinstance(given, list) else [given] if given else []:
            yield name, part


def parts(item: dict) -> Iterator[dict]:
    """The sources that a build is made of."""
    return (part for _, part in _given(item) if isinstance(part, dict))


def resolve(artifacts: list[dict], secrets: Path | None) -> None:
    """Read the URIs that come from Secrets; what of any URI is secret is concealed from now on."""
    for item in artifacts:
        for source in parts(item) if "build" in item else [] if "text" in item else [item]:
            if "uriFrom" in source:
                given = source["uriFrom"]
                source["shown"] = f"the uri in Secret {given['secret']}, key {given['key']}"
                source["uri"] = _uri_from(given, secrets, f"{item['model']}: {source['shown']}")
            _conceal_in(source["uri"], "uriFrom" in source)


def _uri_from(given: dict, secrets: Path | None, where: str) -> str:
    try:
        uri = Path(secrets or "/nonexistent", given["secret"], given["key"]).read_text("utf-8").strip()
        conceal(uri)
        if not is_http(uri):
            raise ValueError("it is no complete http or https URI, and no other is read from a Secret")
    except OSError:
        raise Failure(NOT_FOUND, f"this namespace has no Secret {given['secret']} with a key {given['key']}", where) from None
    except ValueError as error:  # also of text that is no UTF-8
        cause = "it is not text" if isinstance(error, UnicodeError) else str(error)
        raise Failure(PLAN, cause, where, "put one whole http or https URI into that key") from None
    return uri


def _conceal_in(uri: str, all_of_it: bool) -> None:
    userinfo = re.match(r"\w+://([^/?#@]*)@", uri)
    query = re.search(r"\?([^#]*)", uri)
    conceal(*(re.split(":", userinfo[1], maxsplit=1)[1:] if userinfo else []), query and query[1])
    for pair in query[1].split("&") if query else []:
        conceal(pair.partition("=")[2])
    if all_of_it:
        conceal(uri, re.sub(r"^\w+://[^/]*", "", uri))
