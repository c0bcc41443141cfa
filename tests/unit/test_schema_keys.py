"""Every key of values.schema.json, however deep: described, and shown by examples that fit."""

from __future__ import annotations

import json

import pytest

from tests.unit.batch import defaults
from tests.unit.fitting import misfits, validator
from tests.unit.leaves import SCHEMA, checked_alone, keys

KEYS = {key.name: key for key in keys()}
UNSET = object()


def default(path: tuple[str, ...]) -> object:
    value = defaults()
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return UNSET
        value = value[name]
    return value


def test_the_walk_gets_everywhere():
    """Through a definition, a map, a list, an alternative and a pattern."""
    deep = {"models.*.build.handler.uri", "models.*.versions.*.uriFrom.secretKeyRef.name", "imagePullSecrets.[].name",
            "persistence.selector.matchLabels", "runtime.resources.limits", "global.imagePullSecrets.[].name"}  # fmt: skip
    assert deep <= set(KEYS)


@pytest.mark.parametrize("name", KEYS)
def test_it_is_described_and_its_examples_fit(name):
    node = KEYS[name].node
    assert node.get("description")
    assert node.get("examples"), "without an example"
    judge = validator(checked_alone(node))
    for example in node["examples"]:
        assert misfits(judge, example) == [], example


@pytest.mark.parametrize("name", [name for name in KEYS if default(KEYS[name].path) is not UNSET])
def test_its_default_fits(name):
    value = default(KEYS[name].path)
    assert misfits(validator(checked_alone(KEYS[name].node)), value) == []


def test_no_keyword_hides_keys_from_the_walk():
    words = ("anyOf", "allOf", "if", "then", "else", "not", "dependencies", "contains")
    assert [word for word in words if f'"{word}": ' in json.dumps(SCHEMA)] == []


def test_the_keys_at_the_top_are_judged_each_alone():
    """A rule between them is validate.yaml's, whose sentence says more."""
    about = {"$schema", "title", "description", "examples", "definitions"}
    assert SCHEMA.keys() - about == {"type", "additionalProperties", "properties"}
