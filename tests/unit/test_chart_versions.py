"""Several versions of one model: the snapshot, the plan, the probe, the notes, the rules."""

from __future__ import annotations

import json

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, URI, changed
from tests.unit.render import notes, only, render_chart
from tests.unit.rules import both_ways
from tests.unit.test_chart_config import snapshot

TWICE = ("models.bert.versions: v1 and v2 are one archive, and an archive has one version in its manifest; give each its own "
         "source")
TWO = CASES["versions"]
ONE, OTHER = {"uri": URI}, {"uri": "https://example.com/other.mar"}


def versions(default: str | None = None, more: dict | None = None, **given: dict) -> dict:
    """A release of bert whose versions v1, v2, … have these values."""
    model = {"versions": given, **({"defaultVersion": default} if default else {}), **(more or {})}
    return {"models": {"bert": model}}


def test_the_snapshot_has_every_version_and_one_default_of_each_model():
    models = snapshot(TWO)["models"]
    assert {name: {version: entry["defaultVersion"] for version, entry in found.items()} for name, found in models.items()} == {
        "bert": {"1.0": False, "2.0": True}, "digits": {"1.0": True}}
    assert (models["bert"]["1.0"]["minWorkers"], models["bert"]["2.0"]["minWorkers"]) == (1, 2)
    assert snapshot(TWO)["modelCount"] == 2


def test_the_plan_brings_each_version_as_a_file_of_its_own():
    (plan,) = [item["data"]["plan.json"] for item in render_chart(TWO) if "plan.json" in item.get("data", {})]
    brought = {(item["model"], item["version"]): item["path"] for item in json.loads(plan)["artifacts"]}
    assert brought.keys() == {("bert", "1.0"), ("bert", "2.0"), ("digits", "1.0")}
    assert len(set(brought.values())) == 3
    named = {(name, version): f"model-store/{entry['marName']}" for name, found in snapshot(TWO)["models"].items()
             for version, entry in found.items()}
    assert named == brought


def test_the_pod_is_ready_when_every_version_is():
    command = only(render_chart(TWO), "ServingRuntime")["spec"]["containers"][0]["readinessProbe"]["exec"]["command"]
    assert command[3:] == ["bert/1.0", "bert/2.0", "digits"]


def test_workers_and_times_of_all_versions_count():
    objects = render_chart(versions("v1", v1=ONE, v2={**OTHER, "startupTimeout": 200}))
    (container,) = only(objects, "ServingRuntime")["spec"]["containers"]
    assert container["startupProbe"]["failureThreshold"] == 600 + 30 + 120 + 200
    assert {"name": "OMP_NUM_THREADS", "value": "1"} in container["env"]


def test_one_version_under_versions_is_the_same_as_the_short_form():
    short = render_chart(changed(SMALLEST, models__bert__version="7"))
    assert snapshot({"models": {"bert": {"versions": {"7": ONE}}}}) == snapshot(changed(SMALLEST, models__bert__version="7"))
    plans = [item["data"]["plan.json"] for item in (*short, *render_chart({"models": {"bert": {"versions": {"7": ONE}}}}))
             if "plan.json" in item.get("data", {})]
    assert plans[0] == plans[1]


def test_the_notes_say_how_a_version_is_called():
    said = notes(TWO)
    assert "InferenceService demo serves bert, digits from" in said
    assert "version 2.0, the default; for another one the path is /predictions/bert/VERSION: 1.0, 2.0." in said
    wrapper = changed(TWO, runtime={"flavor": "wrapper", "image": {"repository": "pytorch/torchserve-kfs"}})
    assert "version 2.0, the default; the wrapper serves no other one." in notes(wrapper)


@pytest.mark.parametrize("name", ["1.0", "v2", "2024-05-01_a"])
def test_names_that_torchserve_s_urls_carry(name):
    assert list(snapshot({"models": {"bert": {"versions": {name: ONE}}}})["models"]["bert"]) == [name]


RULES = {
    "no default": (
        versions(v1=ONE, v2=OTHER),
        "models.bert has 2 versions and no default; set models.bert.defaultVersion to the one that a call without a version "
        "gets: v1, v2",
        versions(v1=ONE)),
    "a default that is none": (
        versions("v3", v1=ONE, v2=OTHER), 'models.bert.defaultVersion "v3" is none of its versions; write one of v1, v2',
        versions("v2", v1=ONE, v2=OTHER)),
    "a default without versions": (
        changed(SMALLEST, models__bert__defaultVersion="1.0"),
        "models.bert.defaultVersion is set without versions, and the one version is the default anyway; set models.bert.version, "
        "or remove it",
        changed(SMALLEST, models__bert__version="1.0")),
    "no version": (
        {"models": {"bert": {"versions": {}, **ONE}}},
        "models.bert.versions is empty; name a version and its source in it, or remove it", SMALLEST),
    "values beside versions": (
        versions("v1", {"minWorkers": 2}, v1=ONE),
        "models.bert has minWorkers beside versions, where it belongs to no version; move it into each of them that needs it",
        versions("v1", v1={**ONE, "minWorkers": 2})),
    "a version without a source": (
        versions("v1", v1=ONE, v2={}),
        'models.bert.versions["v2"] has no source; set models.bert.versions["v2"].uri to where its archive is, or '
        'models.bert.versions["v2"].marName to a file that is on an existing claim',
        versions("v1", v1=ONE, v2=OTHER)),
    "one archive twice": (
        versions("v1", v1=ONE, v2=ONE),
        TWICE,
        versions("v1", v1=ONE, v2=OTHER)),
    "one file twice": (
        {**EXISTING, **versions("v1", v1={"marName": "a.mar"}, v2={"marName": "a.mar"})},
        TWICE,
        {**EXISTING, **versions("v1", v1={"marName": "a.mar"}, v2={"marName": "b.mar"})}),
    "two uploads": (
        versions("v1", v1={"uri": "upload://a.mar"}, v2={"uri": "upload://b.mar"}),
        "models.bert.versions: v1 and v2 both wait for an upload, and an upload names the model only; keep upload:// in one "
        "of them",
        versions("v1", v1={"uri": "upload://a.mar"}, v2=ONE)),
    "a version's workers": (
        versions(v1={**ONE, "minWorkers": 2, "maxWorkers": 1}),
        'models.bert.versions["v1"].maxWorkers 1 is less than minWorkers 2; raise maxWorkers or lower minWorkers',
        versions(v1={**ONE, "minWorkers": 2, "maxWorkers": 2})),
}

test_wrong_versions_are_refused, test_right_ones_are_taken = both_ways(RULES)
