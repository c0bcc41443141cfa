"""docs/kserve-fields.md: every example is taken, does what it shows, and fits KServe's schema."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.unit.cases import SMALLEST, changed
from tests.unit.render import complaints, notes, render_chart
from tests.unit.schemas import custom_resources, faults

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "kserve-fields.md").read_text()
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"(?ms)^```yaml\n(.*?)^```", PAGE)]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_is_taken_and_fits_the_schemas(number):
    values = SMALLEST | EXAMPLES[number]
    assert complaints(values) == []
    objects = render_chart(values)
    assert objects != render_chart(SMALLEST)
    assert [fault for item in objects for fault in faults(item)] == []


def test_every_value_of_the_page_has_an_example():
    assert {key for example in EXAMPLES for key in example} >= {"predictor", "logger", "batcher", "transformer", "extraObjects"}
    assert len(EXAMPLES) == 8


def test_the_sentences_of_the_page_are_the_charts():
    quoted = re.findall(r"(?m)^    (\S.*)$", re.sub(r"(?ms)^```.*?^```", "", PAGE))
    assert quoted[0] in complaints(changed(SMALLEST, predictor={"minReplicas": 2}))
    assert quoted[1] in notes(changed(SMALLEST, deploymentMode="Knative", predictor={"nodeSelector": {"a": "b"}}))
    assert "nodeSelecter" in quoted[2]
    spec = custom_resources()["serving.kserve.io/v1beta1", "InferenceService"]["properties"]["spec"]["properties"]
    assert "nodeSelecter" not in spec["predictor"]["properties"]
