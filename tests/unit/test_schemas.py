"""Every object that a test renders fits the schemas of the Kubernetes and the KServe that the project pins: `render_chart` itself
holds it against them. Here are all install cases in both modes, and that a wrong object is found."""

from __future__ import annotations

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, changed, in_knative
from tests.unit.render import complaints, only, render_chart
from tests.unit.schemas import faults, known


@pytest.mark.parametrize("case", CASES)
def test_every_object_is_what_the_api_server_takes(case):
    assert {item["kind"]: faults(item) for item in render_chart(CASES[case]) if faults(item)} == {}


@pytest.mark.parametrize("case", CASES)
def test_every_object_in_knative_mode_is_what_the_api_server_takes(case):
    values = in_knative(CASES[case])
    assert complaints(values) == []
    assert [fault for item in render_chart(values) for fault in faults(item)] == []


def refusal(values: dict) -> str:
    """What a test hears that asks for objects which don't fit."""
    try:
        render_chart(values)
    except AssertionError as error:
        return str(error)
    return ""


def test_a_render_that_does_not_fit_fails_the_test_that_asked_for_it():
    values = changed(SMALLEST, predictor={"nodeSelecter": {"a": "b"}})
    said = refusal(values)
    assert said.startswith("the chart renders what the API server refuses or drops: InferenceService demo $.spec.predictor: ")
    assert "nodeSelecter" in said
    assert only(render_chart(values, fits=False), "InferenceService")


def test_every_kind_that_the_cases_render_has_a_schema():
    found = [item for name, values in CASES.items() if "extraObjects" not in values for item in render_chart(values)]
    assert {item["kind"] for item in found if not known(item)} == set()
    assert not known({"apiVersion": "example.com/v1", "kind": "Unheard"})


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
