"""docs/values.md: every value with its type, default, description and an example, from values.schema.json and values.yaml.

The schema says what a value is, values.yaml what it is by default; the page repeats both and owns neither.
"""

import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from ci.cluster.paths import CHART, REPOSITORY

PAGE = REPOSITORY / "docs" / "values.md"
DEFINITION = "#/definitions/"
EXPANDED = "model"  # the one definition that is shown where it is used; the others have a section at the end
SHOWN = 90  # characters of a default, so that a row can be read
HEAD = """# Values

Every value of the chart. `ci/nox -s docs` makes this page from `values.schema.json` and `values.yaml`; unknown keys are refused,
and so is a value of another type. Rules between values are sentences of the chart's own, which say what to write instead.
What to set first: [the chart's README](../charts/torchserve-kserve/README.md#values); by task: [the other pages](README.md).

A dash as the default means that the key is not there until you write it. `<name>` is a key that you choose, `[]` an item of a
list.

"""
SHAPES = """# Shapes

What is written in the same way in several places.

"""


@dataclass(frozen=True)
class Value:
    """One row: a key, where it stands, and what the schema and values.yaml say of it.

    Attributes:
        path: the key with all above it, as `seed.s3.region`.
        node: its part of the schema, `$ref` not followed.
        default: what values.yaml has there; MISSING where it has nothing.
    """

    path: str
    node: dict[str, Any]
    default: Any


MISSING = object()


def schema() -> dict[str, Any]:
    """The schema as it is in the chart."""
    return json.loads((CHART / "values.schema.json").read_text())


def defaults() -> dict[str, Any]:
    """values.yaml as it is in the chart."""
    return yaml.safe_load((CHART / "values.yaml").read_text())


def values_below(path: str, node: dict[str, Any], default: Any, definitions: dict[str, Any]) -> Iterator[Value]:
    """The key itself and, depth first and in the schema's order, every key below it."""
    yield Value(path, node, default)
    inner = definitions[EXPANDED] if node.get("$ref") == DEFINITION + EXPANDED else node
    for key, below in _properties(inner).items():
        known = default.get(key, MISSING) if isinstance(default, dict) else MISSING
        yield from values_below(f"{path}.{key}", below, known, definitions)
    for step, below in ((".<name>", inner.get("additionalProperties")), ("[]", inner.get("items"))):
        if isinstance(below, dict) and _has_more_to_say(below):
            yield from values_below(path + step, below, MISSING, definitions)


def _properties(node: dict[str, Any]) -> dict[str, Any]:
    """The keys of a map, also of one that is a choice beside a text."""
    choices = [node, *node.get("oneOf", [])]
    return {key: below for choice in choices for key, below in choice.get("properties", {}).items()}


def _has_more_to_say(node: dict[str, Any]) -> bool:
    """Whether keys that the user chooses, or items, have keys of their own; of a text or a shape the row above says all."""
    return node.get("$ref") == DEFINITION + EXPANDED or "properties" in node


def anchor(path: str) -> str:
    """The page's anchor of a key: `values.md#seed-s3-region`."""
    return re.sub(r"[^a-z0-9]+", "-", path.lower().replace("[]", "-item")).strip("-")


def row(value: Value, definitions: dict[str, Any]) -> str:
    """One line of a table. What a key does not say itself, its shape says; a top-level key has its heading's anchor."""
    node = value.node
    said = definitions.get(node.get("$ref", "").removeprefix(DEFINITION), {}) | node
    default = node.get("default", MISSING) if value.default is MISSING else value.default
    mark = f'<a id="{anchor(value.path)}"></a>' if anchor(value.path) != value.path.lower() else ""
    cells = [f"{mark}`{value.path}`", _type(node), _default(default), _description(said), _example(said)]
    return "| " + " | ".join(cells) + " |\n"


def table(rows: list[Value], definitions: dict[str, Any]) -> str:
    """A table of values; nothing where there are none."""
    if not rows:
        return ""
    head = "| key | type | default | what it is | example |\n| --- | --- | --- | --- | --- |\n"
    return head + "".join(row(value, definitions) for value in rows) + "\n"


def section(name: str, node: dict[str, Any], default: Any, definitions: dict[str, Any]) -> str:
    """A top-level key: its heading and description, then its keys. A key without others is a table of one row."""
    first, *below = values_below(name, node, default, definitions)
    if not below:
        return f"## {name}\n\n{table([first], definitions)}"
    return f"## {name}\n\n{_escaped(node.get('description', ''))}\n\n{_top_example(node)}{table(below, definitions)}"


def page() -> str:
    """docs/values.md as the schema and values.yaml of this tree make it."""
    whole, given = schema(), defaults()
    definitions = whole["definitions"]
    names = textwrap.fill(", ".join(f"[`{name}`](#{name.lower()})" for name in whole["properties"]), 128, break_long_words=False)
    sections = [section(name, node, given.get(name, MISSING), definitions) for name, node in whole["properties"].items()]
    shapes = [section(name, node, MISSING, definitions) for name, node in definitions.items() if name != EXPANDED]
    return (HEAD + names + "\n\n" + "".join(sections) + SHAPES + "".join(shapes)).rstrip("\n") + "\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _code(text: str) -> str:
    """A text as code in a cell of a table. A backtick in it would end it, so it gets two more around it then."""
    fence = "``" if "`" in text else "`"
    return fence + text.replace("|", "\\|") + fence


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _default(value: Any) -> str:
    if value is MISSING:
        return "—"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) or value in ("", None) else _shown(value)
    if isinstance(value, bool):
        text = str(value).lower()
    return _code(text) if len(text) <= SHOWN else "see the keys below"


def _description(node: dict[str, Any]) -> str:
    return _escaped(" ".join(node.get("description", "").split()))


def _example(node: dict[str, Any]) -> str:
    return "<br>".join(_code(_shown(example)) for example in node.get("examples", []))


def _top_example(node: dict[str, Any]) -> str:
    shown = _example(node)
    return f"Example: {shown}\n\n" if shown else ""


def _type(node: dict[str, Any]) -> str:
    """Types, choices and limits in words; a shared shape is a link to it."""
    if "$ref" in node:
        name = node["$ref"].removeprefix(DEFINITION)
        return "map" if name == EXPANDED else f"[{name}](#{name.lower()})"
    if "enum" in node:
        return " or ".join(_code(_shown(choice)) for choice in node["enum"])
    if "oneOf" in node:
        return " or ".join(dict.fromkeys(_type(choice) for choice in node["oneOf"]))
    types = node.get("type", [])
    return " or ".join(_word(kind, node) for kind in ([types] if isinstance(types, str) else types))


def _word(kind: str, node: dict[str, Any]) -> str:
    if kind == "array":
        items = node.get("items", {})
        return f"list of {_type(items)}" if isinstance(items, dict) and items else "list"
    if kind == "object":
        each = node.get("additionalProperties")
        named = isinstance(each, dict) and each.get("$ref") != DEFINITION + EXPANDED
        return f"map of {_type(each).removesuffix(' or `null`')}" if named else "map"
    limits = _limits(node) if kind in ("integer", "number") else ""
    return {"string": "text", "null": "`null`"}.get(kind, kind) + limits


def _limits(node: dict[str, Any]) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if low is None and high is None:
        return ""
    if high is None:
        return f" ({low} or more)"
    return f" (at most {high})" if low is None else f" ({low} to {high})"
