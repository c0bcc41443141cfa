"""A null takes a default of the chart away: where it can't do without, it says so; elsewhere it renders."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.unit.batch import CHART, defaults
from tests.unit.cases import SMALLEST, changed
from tests.unit.leaves import SCHEMA, below, resolved
from tests.unit.render import RenderError, complaints_of, helm_template, render_chart
from tests.unit.rules import both_ways
from tests.unit.schemas import faults

# Nothing is made of them where they are null, or another sentence says so.
SPARED = {"enabled", "runtime.resources", "seed.resources", "runtime.ca.key", "seed.ca.key", "runtime.image.registry",
          "runtime.image.tag", "runtime.requestLogs", "gpu.image.tag", "seed.storageImage.registry",
          "seed.storageImage.tag"}  # fmt: skip
# Open maps that many templates look into.
OPEN = {"predictor", "properties", "extraProperties"}

RULES = {
    "null for a map": (
        changed(SMALLEST, runtime__image=None),
        "runtime.image is null, which takes the chart's default away; remove it, or write a value",
        changed(SMALLEST, runtime__image={}),
    ),
    "null for a word": (
        changed(SMALLEST, deploymentMode=None),
        "deploymentMode is null, which takes the chart's default away; remove it, or write a value",
        changed(SMALLEST, deploymentMode="Standard"),
    ),
}
test_wrong_value, test_right_value = both_ways(RULES)


def needed(value: object, node: dict, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Keys whose default is a map of named keys, or not empty, and whose schema knows no null."""
    node = resolved(node)
    kinds = node.get("type", "string")
    named = isinstance(value, dict) and node.get("additionalProperties") is False
    filled = not isinstance(value, dict) and value not in (None, "", [])
    if path and "null" not in kinds and (named or filled):
        yield ".".join(path)
    children = below(node)
    for key, child in value.items() if isinstance(value, dict) else ():
        if key in children:
            yield from needed(child, children[key], (*path, key))


NEEDED = sorted({*needed(defaults(), SCHEMA), *OPEN} - SPARED)


def nulled(path: str) -> dict:
    return changed(SMALLEST, **{path.replace(".", "__"): None})


def test_the_chart_lists_what_it_needs():
    text = (CHART / "templates" / "_validate_defaults.tpl").read_text()
    _, _, listed = text.partition('"torchserve-kserve.neededDefaults" -}}\n')
    found = set()
    for line in listed.partition("\n{{- end")[0].splitlines():
        parent, *names = line.split()
        found |= {f"{parent}.{name}".removeprefix("Values.") for name in names}
    assert sorted(found) == NEEDED


@pytest.mark.parametrize("path", NEEDED)
def test_a_null_for_what_is_needed_is_refused_by_name(path):
    said = f"{path} is null, which takes the chart's default away; remove it, or write a value"
    assert complaints_of([nulled(path)]) == [[said]]


@pytest.mark.parametrize("path", ["annotations", "imagePullSecrets", "seed.s3.credentials.secretName", "runtime.resources",
                                  "runtime.image.registry", "storageUri"])
def test_a_null_for_what_may_be_empty_renders(path):
    assert [fault for item in render_chart(nulled(path)) for fault in faults(item)] == []


def test_a_null_for_a_list_of_indexes_is_no_index():
    values = changed(SMALLEST, pip={"enabled": True, "extraIndexUrl": None})
    assert [fault for item in render_chart(values) for fault in faults(item)] == []


def test_no_models_are_said_beside_a_batcher_too():
    said, = complaints_of([{"models": None, "batcher": {"maxBatchSize": 8}}])
    assert [sentence.partition(";")[0] for sentence in said] == ["models is empty"]


@pytest.mark.parametrize("path", ["runtime.image", "persistence", "seed.s3.credentials"])
def test_the_sentence_comes_before_any_template_that_needs_it(path):
    """Helm itself: it renders the files in an order of its own."""
    with pytest.raises(RenderError, match=f"{path} is null, which"):
        helm_template(json.dumps(nulled(path)))
