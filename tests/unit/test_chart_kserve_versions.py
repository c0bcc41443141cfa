"""kserve.version: what is rendered fits older and newer KServes, too, by their names of the modes."""

from __future__ import annotations

import re

import pytest

from ci.cluster.versions import versions
from tests.unit.cases import CASES, SMALLEST, changed
from tests.unit.render import only, render_chart
from tests.unit.rules import both_ways
from tests.unit.schemas import faults, kserve

OTHERS = versions()["kserve-also"]
MODE = "serving.kserve.io/deploymentMode"
OF_KSERVE = ("InferenceService", "ServingRuntime")


def of(values: dict, version: str) -> dict:
    """The values, and the version that a user would write."""
    return changed(values, kserve__version=version)


def mode(values: dict) -> str:
    return only(render_chart(values), "InferenceService")["metadata"]["annotations"][MODE]


@pytest.mark.parametrize("version", OTHERS)
@pytest.mark.parametrize("case", CASES)
def test_every_object_of_kserve_is_what_that_version_takes(case, version):
    objects = [item for item in render_chart(of(CASES[case], version)) if item["kind"] in OF_KSERVE]
    assert objects and {item["kind"]: faults(item, version) for item in objects if faults(item, version)} == {}


@pytest.mark.parametrize(("version", "names"), [
    ("", ["Standard", "Knative"]), ("0.15", ["RawDeployment", "Serverless"]), ("v0.15.2", ["RawDeployment", "Serverless"]),
    ("0.16", ["Standard", "Knative"]), ("0.16.0", ["Standard", "Knative"]), ("1.0", ["Standard", "Knative"])])
def test_the_modes_have_the_names_of_that_version(version, names):
    assert [mode(of(changed(SMALLEST, deploymentMode=given), version)) for given in ("Standard", "Knative")] == names


@pytest.mark.parametrize("version", ["", *OTHERS])
def test_that_versions_source_has_these_names(version):
    constants = (kserve(version or versions()["kserve"]) / "pkg" / "constants" / "constants.go").read_text()
    known = re.findall(r'DeploymentModeType += "(\w+)"', constants)
    assert {mode(of(changed(SMALLEST, deploymentMode=given), version)) for given in ("Standard", "Knative")} <= set(known)


test_a_version_that_is_too_old_is_refused, test_the_oldest_is_taken = both_ways({
    "too old": (
        of(SMALLEST, "0.14.1"),
        "kserve.version 0.14.1: the chart's objects fit KServe 0.15 and later; upgrade KServe, or write the version that is on "
        "the cluster",
        of(SMALLEST, "0.15.0"),
    ),
})
