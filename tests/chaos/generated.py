"""Values files that nobody wrote: install cases in which some keys of the schema have other values, right or plausibly wrong."""

from __future__ import annotations

import functools
import json
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.unit.cases import CASES
from tests.unit.leaves import Key, keys, resolved
from tests.unit.mutation import base_of, prepared, with_value
from tests.unit.schemas import custom_resources

CHANGES = 4  # at most, in one file
PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
WORDS = st.sampled_from(["a", "bert", "2.0", "team/a", "x-1", "example.com/b"])
# What people write where something else belongs: other types, numbers that YAML makes of what looks like text, texts with a line
# break, a template or letters of other alphabets, too much, nothing.
ANYTHING = st.sampled_from([
    None, True, False, 0, 1, -1, 1.5, 8080, 2**31, 2**53, 10**19, 1e-7, "", " ", "1", "true", "null", "yes", "a b", "a\nb", "é",
    "../../etc/passwd", "{{ .Values.models }}", "#", "a: b", "- a", "'", '"', "\\", "\t", "x" * 300, [], {}, [None], [""], [1],
    ["a", "a"], [[]], [{}], {"": ""}, {"a": None}, {"a": 1}, {"a": {}}, {"a": []}, {"name": 1}, [{"name": None}]])
# Of these KServe's or Kubernetes' own schema says what belongs into them; ours does not.
COMPONENTS = ("predictor", "transformer", "explainer")


class Change(NamedTuple):
    """What is written where.

    Attributes:
        place: the key in the values.
        name: the same key as the schema has it.
        value: what is written there.
    """

    place: str
    name: str
    value: object


class File(NamedTuple):
    """Values as a user's file has them.

    Attributes:
        values: all of it, as JSON.
        changes: what was changed, in that order.
    """

    values: str
    changes: tuple[Change, ...]


@functools.cache
def passed_through() -> list[Key]:
    """The keys whose inside the schema leaves to KServe, Kubernetes or Istio."""
    def is_open(node: dict) -> bool:
        alternatives = [resolved(one) for one in node.get("oneOf", [])]
        return node.get("additionalProperties") is True or any(map(is_open, [*alternatives, *filter(None, [node.get("items")])]))
    return [key for key in keys() if is_open(key.node)]


def text(node: dict) -> SearchStrategy:
    """A text that fits a schema."""
    if "pattern" in node:
        fitting = st.from_regex(node["pattern"], fullmatch=True, alphabet=PRINTABLE)
    else:
        fitting = st.one_of(WORDS, st.text(PRINTABLE, max_size=12))
    return fitting.filter(lambda value: node.get("minLength", 0) <= len(value) <= node.get("maxLength", 1000))


def number(node: dict, whole: bool) -> SearchStrategy:
    """A number that fits a schema; its bounds come often."""
    least, most = node.get("minimum", -(2**31)), node.get("maximum", 2**31 - 1)
    found = st.one_of(st.sampled_from([least, most]), st.integers(least, min(most, least + 100)), st.integers(least, most))
    return found if whole else st.one_of(found, st.sampled_from([0.5, 1e-7, 1e21]))


def listed(node: dict) -> SearchStrategy:
    """A list that fits a schema."""
    items = fitting(node.get("items", {}))
    if node.get("uniqueItems"):
        return st.lists(items, min_size=node.get("minItems", 0), max_size=2, unique_by=lambda item: json.dumps(item))
    return st.lists(items, min_size=node.get("minItems", 0), max_size=2)


@st.composite
def mapped(draw: st.DrawFn, node: dict) -> dict:
    """A map that fits a schema: what it requires, and up to two more of its keys or entries."""
    known = node.get("properties", {})
    chosen = draw(st.lists(st.sampled_from(sorted(known)), max_size=2, unique=True)) if known else []
    found = {name: draw(fitting(known[name])) for name in (*node.get("required", []), *chosen)}
    if isinstance(node.get("additionalProperties"), dict):
        found |= draw(st.dictionaries(WORDS, fitting(node["additionalProperties"]), max_size=2))
    return found


def _made(node: dict) -> SearchStrategy:
    kinds = node.get("type", "string")
    makers = {"string": text, "integer": lambda node: number(node, True), "number": lambda node: number(node, False),
              "boolean": lambda _: st.booleans(), "null": lambda _: st.none(), "array": listed, "object": mapped}  # fmt: skip
    return st.one_of([makers[kind](node) for kind in ([kinds] if isinstance(kinds, str) else kinds)])


def fitting(node: dict) -> SearchStrategy:
    """A value that fits a subschema: one of its examples, or one made after its types, patterns and bounds."""
    node = resolved(node)
    if "enum" in node:
        return st.sampled_from(node["enum"])
    made = st.one_of([fitting(one) for one in node["oneOf"]]) if "oneOf" in node else st.deferred(lambda: _made(node))
    return st.one_of(st.sampled_from(node["examples"]), made) if node.get("examples") else made


@st.composite
def component(draw: st.DrawFn, name: str) -> dict:
    """One or two fields of a predictor, transformer or explainer, as KServe's own schema has them, or with anything in them."""
    spec = custom_resources()["serving.kserve.io/v1beta1", "InferenceService"]["properties"]["spec"]["properties"]
    fields = spec[name]["properties"]
    chosen = draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=2, unique=True))
    return {field: draw(st.one_of(ANYTHING, below(fields[field]))) for field in chosen}


def below(node: dict, depth: int = 2) -> SearchStrategy:
    """A value near to what a field of KServe's schema takes: maps and lists of it, with anything further down."""
    if depth and node.get("type") == "object" and node.get("properties"):
        named = st.sampled_from(sorted(node["properties"]))
        return named.flatmap(lambda name: below(node["properties"][name], depth - 1).map(lambda value: {name: value}))
    if depth and node.get("type") == "array":
        return below(node["items"], depth).map(lambda value: [value])
    plain = {"boolean": st.booleans(), "integer": st.integers(0, 100), "string": WORDS}
    return st.one_of(plain.get(node.get("type"), ANYTHING), ANYTHING)


def value_of(key: Key) -> SearchStrategy:
    """A value for a key: two of three fit it."""
    if key.name in COMPONENTS:
        return st.one_of(component(key.name), component(key.name), ANYTHING)
    return st.one_of(fitting(key.node), fitting(key.node), ANYTHING)


@st.composite
def files(draw: st.DrawFn, first: Key) -> File:
    """A values file with this key and up to three others changed: an install case, or values in which the key means something."""
    one = st.one_of(*[st.sampled_from(keys())] * 4, st.sampled_from(passed_through()))
    values = draw(st.sampled_from([base_of(first)[0], *CASES.values()]))
    changes = []
    for key in (first, *draw(st.lists(one, max_size=CHANGES - 1))):
        values, place = prepared(values, key.path)
        changes.append(Change(".".join(map(str, place)), key.name, draw(value_of(key))))
        values = with_value(values, place, changes[-1].value)
    return File(json.dumps(values, sort_keys=True), tuple(changes))
