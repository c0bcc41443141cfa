"""The catalogue (the folder beside this file) of what the programs around a release say: which of its entries explain a line."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

CONTAINERS = ("seed", "server", "queue-proxy", "storage-initializer")
PLACES = (*CONTAINERS, "event", "condition", "state", "answer")
SEVERITIES = ("never", "trouble", "harmless")
# What the catalogue calls a container, by the container's name in a pod.
PLACE_OF_CONTAINER = {"kserve-container": "server", "seed": "seed", "queue-proxy": "queue-proxy",
                      "storage-initializer": "storage-initializer"}


@dataclass(frozen=True)
class Entry:
    """One entry; the fields are described at the top of catalogue/index.yaml.

    Attributes:
        near: 0 to 100.
        also: ids of entries whose patterns may find this one's example, too.
    """

    id: str
    symptom: str
    where: tuple[str, ...]
    pattern: re.Pattern[str]
    meaning: str
    remedy: str
    severity: str
    near: int
    example: str
    source: str
    generic: bool = False
    hides: re.Pattern[str] | None = None
    also: tuple[str, ...] = ()

    def found_in(self, line: str) -> bool:
        return bool(self.pattern.search(line))


def _read(name: str) -> Any:
    return yaml.safe_load((resources.files(__package__) / "catalogue" / f"{name}.yaml").read_text(encoding="utf-8"))


@cache
def _index() -> dict[str, Any]:
    return _read("index")


@cache
def entries() -> tuple[Entry, ...]:
    """The whole catalogue, in its own order. Raises TypeError for an unknown field, re.error for a pattern that is none."""
    return tuple(_entry(fields) for name in _index()["files"] for fields in _read(name))


def _entry(fields: dict[str, Any]) -> Entry:
    patterns = {key: re.compile(fields[key]) for key in ("pattern", "hides") if key in fields}
    return Entry(**{**fields, **patterns, "where": tuple(fields["where"]), "also": tuple(fields.get("also", ()))})


def symptoms() -> dict[str, str]:
    """What a user sees -> the heading of it."""
    return _index()["symptoms"]


def explain(line: str, place: str, severities: Iterable[str] = SEVERITIES) -> list[Entry]:
    """The entries that find something in a line of a place, the nearest to the cause first; a harmless line has no others."""
    found = [entry for entry in entries() if place in entry.where and entry.found_in(line)]
    if any(entry.severity == "harmless" for entry in found):
        found = [entry for entry in found if entry.severity == "harmless"]
    return sorted((entry for entry in found if entry.severity in tuple(severities)), key=lambda entry: -entry.near)


def visible_lines(text: str, place: str) -> Iterator[tuple[int, str]]:
    """The lines of a log with their numbers (from 0), without those that belong to the one before them (`hides`)."""
    hidden: list[re.Pattern[str]] = []
    for number, line in enumerate(text.splitlines()):
        if any(pattern.search(line) for pattern in hidden):
            hidden = []
            continue
        hidden = [entry.hides for entry in explain(line, place) if entry.hides]
        yield number, line


def bad_lines(text: str, place: str) -> list[tuple[int, str, Entry]]:
    """What a healthy release's log must not have: number of the line (from 0), the line, and the entry that explains it best."""
    return [(number, line, found[0]) for number, line in visible_lines(text, place)
            if (found := explain(line, place, ["never"]))]
