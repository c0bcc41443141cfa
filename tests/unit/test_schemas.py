"""Every object of every install case fits the schemas of the Kubernetes and the KServe that the project pins."""

from __future__ import annotations

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST
from tests.unit.render import only, render_chart
from tests.unit.schemas import faults


@pytest.mark.parametrize("case", CASES)
def test_every_object_is_what_the_api_server_takes(case):
    assert {item["kind"]: faults(item) for item in render_chart(CASES[case]) if faults(item)} == {}


def test_an_existing_claim_renders_objects_that_the_api_server_takes():
    assert [fault for item in render_chart(EXISTING) for fault in faults(item)] == []


def test_a_misspelt_field_is_found():
    runtime = only(render_chart(SMALLEST), "ServingRuntime")
    runtime["spec"]["containers"][0]["volumeMount"] = []
    assert len(faults(runtime)) == 1
    job = only(render_chart(SMALLEST), "Job")
    job["spec"]["template"]["spec"]["containers"][0]["resource"] = {}
    assert len(faults(job)) == 1


def test_a_fraction_that_is_not_a_string_is_found():
    runtime = only(render_chart(SMALLEST), "ServingRuntime")
    runtime["spec"]["containers"][0]["resources"]["limits"]["cpu"] = 0.5
    assert len(faults(runtime)) == 1
