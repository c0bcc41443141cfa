"""What is passed through and looked into: text where a map belongs is refused by the field's name; no template fails on it."""

from __future__ import annotations

import re

import pytest

from tests.unit.batch import CHART
from tests.unit.cases import SMALLEST, changed
from tests.unit.render import complaints_of
from tests.unit.rules import both_ways

TEMPLATE = (CHART / "templates" / "_validate_shapes.tpl").read_text()
SHAPES = dict(re.findall(r'(?m)^(\S+): (map|list)$', TEMPLATE))
WRONG = {"map": [True, 5, "x", ["x"]], "list": [True, 5, "x", {"a": 1}]}
RIGHT = {"map": {}, "list": []}

RULES = {
    "a map": (
        changed(SMALLEST, predictor={"affinity": True}),
        "predictor.affinity is no map; write a map, as Kubernetes has it",
        changed(SMALLEST, predictor={"affinity": {}}),
    ),
    "a list": (
        changed(SMALLEST, predictor={"volumes": {"name": "cache"}}),
        "predictor.volumes is no list; write a list, as Kubernetes has it",
        changed(SMALLEST, predictor={"volumes": [{"name": "cache", "emptyDir": {}}]}),
    ),
    "an item": (
        changed(SMALLEST, predictor={"containers": [{"name": "a", "image": "b"}, None]}),
        "predictor.containers[1] is no map; write a map, as Kubernetes has it",
        changed(SMALLEST, predictor={"containers": [{"name": "a", "image": "b"}, {"name": "c", "image": "d"}]}),
    ),
    "a field of an item": (
        changed(SMALLEST, predictor={"containers": [{"name": "a", "image": "b", "ports": [8000]}]}),
        "predictor.containers[0].ports[0] is no map; write a map, as Kubernetes has it",
        changed(SMALLEST, predictor={"containers": [{"name": "a", "image": "b", "ports": [{"containerPort": 8000}]}]}),
    ),
}
test_wrong_value, test_right_value = both_ways(RULES)


def at(path: str, value: object) -> dict:
    """Values with that at a path of the table, inside lists of one."""
    for step in reversed(path.split(".")):
        value = [value] if step == "[]" else {step: value}
    return changed(SMALLEST, **value)


def test_the_table_is_read():
    assert len(SHAPES) > 20


@pytest.mark.parametrize("path", SHAPES)
def test_any_other_shape_is_refused_by_name(path):
    place, shape = path.replace(".[]", "[0]"), SHAPES[path]
    for mode in ("Standard", "Knative"):
        for said in complaints_of([at(path, value) | {"deploymentMode": mode} for value in WRONG[shape]]):
            assert said == [f"{place} is no {shape}; write a {shape}, as Kubernetes has it"]


@pytest.mark.parametrize("path", SHAPES)
def test_nothing_at_all_has_no_shape(path):
    if not path.endswith("[]"):
        (said,) = complaints_of([at(path, None)])
        assert [line for line in said if "as Kubernetes has it" in line] == []
