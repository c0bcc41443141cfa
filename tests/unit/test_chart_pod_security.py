"""Every pod keeps to the restricted Pod Security Standard (Kubernetes' own list of rules) and gets no token."""

from __future__ import annotations

import pytest

from tests.unit.cases import CASES, OWN
from tests.unit.render import of_kind, only, render_chart
from tests.unit.stock import pod

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def pods(values: dict) -> dict[str, dict]:
    """Pod specs by who makes them; the predictor's is put together as KServe does it: runtime and predictor."""
    objects = render_chart(values)
    found = {"predictor": pod(only(objects, "InferenceService"), of_kind(objects, "ServingRuntime"))}
    found |= {job["metadata"]["name"]: job["spec"]["template"]["spec"] for job in of_kind(objects, "Job")}
    return found | {pod["metadata"]["name"]: pod["spec"] for pod in of_kind(objects, "Pod")}


def faults(spec: dict) -> list[str]:
    """Rules of the restricted standard that a pod breaks, and the chart's own two: read-only root, no token."""
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    found += [f"volume {v['name']}" for v in spec.get("volumes", []) if not set(v) - {"name"} <= VOLUMES]
    if spec.get("automountServiceAccountToken") is not False:
        found.append("token")
    for container in [*spec["containers"], *spec.get("initContainers", [])]:
        security = container.get("securityContext", {})
        pod = spec.get("securityContext", {})
        capabilities = security.get("capabilities", {})
        rules = {
            "privileged": not security.get("privileged"),
            "escalation": security.get("allowPrivilegeEscalation") is False,
            "capabilities": capabilities.get("drop") == ["ALL"] and not capabilities.get("add"),
            "non-root": security.get("runAsNonRoot", pod.get("runAsNonRoot")) is True,
            "uid": security.get("runAsUser", 1000) != 0,
            "seccomp": security.get("seccompProfile", pod.get("seccompProfile")) == {"type": "RuntimeDefault"},
            "host port": not any("hostPort" in port for port in container.get("ports", [])),
            "read-only root": security.get("readOnlyRootFilesystem") is True,
        }
        found += [rule for rule, kept in rules.items() if not kept]
    return found


@pytest.mark.parametrize("case", CASES)
def test_every_pod_is_restricted(case):
    given = {"predictor": [] if case in OWN else ["read-only root"]}  # another's image may write anywhere
    assert {name: faults(spec) for name, spec in pods(CASES[case]).items()} == {name: [] for name in pods(CASES[case])} | given


def test_the_check_itself_sees_a_plain_pod():
    plain = {"containers": [{"name": "a", "securityContext": {"privileged": True}}], "volumes": [{"name": "h", "hostPath": {}}]}
    assert {"privileged", "escalation", "capabilities", "non-root", "seccomp", "read-only root", "token", "volume h"} == set(
        faults(plain)
    )


@pytest.mark.parametrize(("given", "written"), [(1000, 1000), (2000, 2000), (None, None)])
def test_the_user_is_the_one_given_and_null_leaves_it_to_the_image(given, written):
    specs = pods({**CASES["smallest"], "securityContext": {"runAsUser": given}})
    assert {spec["containers"][0]["securityContext"].get("runAsUser") for spec in specs.values()} == {written}


@pytest.mark.parametrize("group", [1000, None])
def test_only_the_job_sets_the_group_of_the_claims_files(group):
    specs = pods({**CASES["smallest"], "securityContext": {"fsGroup": group}})
    groups = {name: spec.get("securityContext", {}).get("fsGroup") for name, spec in specs.items()}
    jobs = {name for name in groups if "-seed-" in name}
    assert {name for name, found in groups.items() if found} == (jobs if group else set())
