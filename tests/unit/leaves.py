"""The keys of values.schema.json, all of them: through references, alternatives, lists and maps."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import NamedTuple

from tests.unit.batch import CHART

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
ENTRY, ITEM = "*", "[]"  # in a path: whatever key of a map, whatever item of a list
Path = tuple[str, ...]


class Key(NamedTuple):
    path: Path
    node: dict
    leaf: bool  # nothing below it has a name of its own, or it may be a text instead of what has

    @property
    def name(self) -> str:
        return ".".join(self.path)


def resolved(node: dict) -> dict:
    """The subschema without a reference; what stands beside a reference comes before what it refers to."""
    while "$ref" in node:
        beside = {key: value for key, value in node.items() if key != "$ref"}
        node = SCHEMA["definitions"][node["$ref"].rpartition("/")[2]] | beside
    return node


def below(node: dict) -> dict[str, dict]:
    """The subschemas under the names that they have in a path."""
    found = dict(node.get("properties", {}))
    for pattern, child in node.get("patternProperties", {}).items():  # ours are names and alternatives of names
        found |= dict.fromkeys(pattern.strip("^()$").split("|"), child)
    for name, keyword in ((ENTRY, "additionalProperties"), (ITEM, "items")):
        if isinstance(node.get(keyword), dict):
            found[name] = node[keyword]
    for alternative in node.get("oneOf", []):
        found |= below(resolved(alternative))
    return found


def named(node: dict) -> bool:
    """Whether any key below has a name, not only entries and items."""
    return any(name not in (ENTRY, ITEM) or named(resolved(child)) for name, child in below(node).items())


def walk(node: dict, path: Path) -> Iterator[Key]:
    node = resolved(node)
    if path and path[-1] not in (ENTRY, ITEM):
        yield Key(path, node, "oneOf" in node or not named(node))
    if path and not named(node):
        return
    for name, child in below(node).items():
        yield from walk(child, (*path, name))


@functools.cache
def keys() -> list[Key]:
    """Every key that the schema names, in its order."""
    return list(walk(SCHEMA, ()))


def checked_alone(node: dict) -> dict:
    """The subschema as a schema of its own, for a validator."""
    return node | {"definitions": SCHEMA["definitions"]}
