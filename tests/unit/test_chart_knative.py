"""Knative mode: nothing that Knative refuses, and nothing that an old revision needs is an object helm deletes."""

from __future__ import annotations

import json
import re

import pytest

from tests.unit.cases import CASES, SMALLEST, changed, in_knative
from tests.unit.render import mounted, of_kind, only, render_chart
from tests.unit.schemas import pinned

KNATIVE = changed(SMALLEST, deploymentMode="Knative")
WRAPPER = {"flavor": "wrapper", "image": {"repository": "torchserve-kserve/torchserve"}}
VARIANTS = {
    **{name: case for name, case in CASES.items() if case.get("deploymentMode") == "Knative"},
    "smallest": KNATIVE,
    "wrapper": changed(KNATIVE, runtime=WRAPPER),
    "grpc": changed(KNATIVE, runtime=WRAPPER, protocol="grpc-v2"),
    "storage-uri": CASES["storage-uri"] | {"deploymentMode": "Knative"},
    "everything": in_knative(CASES["all-options"]),
}
HANDLERS = {"exec", "httpGet", "tcpSocket", "grpc"}


def runtime(values: dict) -> dict:
    return only(render_chart(values), "ServingRuntime")["spec"]


def predictor(values: dict) -> dict:
    return only(render_chart(values), "InferenceService")["spec"]["predictor"]


def pod_spec(values: dict) -> dict:
    """The pod that KServe asks Knative for: these of the runtime's fields, and the predictor's without KServe's own."""
    kept = {"nodeSelector", "affinity", "tolerations", "volumes", "imagePullSecrets", "schedulerName", "containers"}
    mine = {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget", "timeout", "containerConcurrency", "canaryTrafficPercent"}
    mine |= {"annotations", "labels", "model"}
    found = {key: value for key, value in runtime(values).items() if key in kept}
    return found | {key: value for key, value in predictor(values).items() if key not in mine}


def allowed(mask: str) -> set[str]:
    """Fields that Knative allows without a feature flag: those its mask copies before the first `if`, or under none."""
    source = (pinned("knative.dev/serving") / "pkg" / "apis" / "serving" / "fieldmask.go").read_text()
    body = source.partition(f"\nfunc {mask}(")[2].partition("\n}\n")[0]
    fields = re.findall(r"(?m)^\tout\.(\w+) = in\.(\w+)$", body)
    assert fields, f"{mask} is not written as this test reads it"
    assert all(written == read for written, read in fields)
    return {name[0].lower() + name[1:] for name, _ in fields}


def refused(values: dict) -> set[str]:
    """Everything in the pod that Knative's webhook would refuse."""
    spec = pod_spec(values)
    (container,) = spec["containers"]
    # Only false is allowed, which Knative's mask says in an `if`.
    found = {f"pod.{key}" for key in spec if key not in allowed("PodSpecMask")} - {"pod.automountServiceAccountToken"}
    found |= {f"container.{key}" for key in container if key not in allowed("ContainerMask")}
    if spec["automountServiceAccountToken"] is not False:
        found.add("token")
    found |= {f"mount.{key}" for mount in container["volumeMounts"] for key in mount if key not in allowed("VolumeMountMask")}
    volumes = {volume["name"]: set(volume) - {"name"} for volume in spec["volumes"]}
    kinds = {"configMap", "projected", "secret", "emptyDir"}
    found |= {f"volume {name}" for name, sources in volumes.items() if not sources <= kinds}
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    found |= {f"volume {name} is not mounted" for name in volumes.keys() - mounts.keys()}
    writable = {name for name, mount in mounts.items() if not mount.get("readOnly")}
    found |= {f"mount {name} is writable" for name in writable if volumes[name] != {"emptyDir"}}
    found |= {f"path {mount['mountPath']}" for mount in mounts.values() if mount["mountPath"] in ("/", "/dev", "/dev/log")}
    found |= {f"env {item['name']}" for item in container["env"] if item["name"] in ("PORT", "K_SERVICE", "K_CONFIGURATION")}
    if len(container["ports"]) != 1 or container["ports"][0]["name"] not in ("http1", "h2c"):
        found.add("ports")
    found |= {f"port.{key}" for port in container["ports"] for key in port if key not in allowed("ContainerPortMask")}
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        handler = set(container[name]) & HANDLERS
        found |= {f"{name}.{key}" for key in set(container[name]) - handler if key not in allowed("ProbeMask")}
        found |= {name} if len(handler) != 1 else set()
    return found


@pytest.mark.parametrize("name", VARIANTS)
def test_knative_refuses_nothing_of_the_predictor(name):
    assert refused(VARIANTS[name]) == set()


def test_the_check_itself_sees_what_knative_refuses():
    assert "pod.terminationGracePeriodSeconds" in refused(SMALLEST)
    assert "pod.affinity" in refused(SMALLEST)
    assert "ports" in refused(changed(SMALLEST, runtime=WRAPPER))


def test_readiness_is_a_command_so_that_the_activator_waits_for_it():
    """Of any other kind the activator asks the queue-proxy, which finds an open port enough."""
    source = (pinned("knative.dev/serving") / "pkg/activator/net/revision_backends.go").read_text()
    assert "rp != nil && rp.Exec != nil {\n\t\t\tenableProbeOptimisation = false" in source
    for values in VARIANTS.values():
        assert "exec" in runtime(values)["containers"][0]["readinessProbe"]


def test_a_server_is_as_long_unready_as_in_standard_mode():
    probes = [runtime(values)["containers"][0]["readinessProbe"] for values in (SMALLEST, KNATIVE)]
    seconds = [probe["periodSeconds"] * probe["failureThreshold"] for probe in probes]
    assert abs(seconds[0] - seconds[1]) <= 1
    assert probes[1]["periodSeconds"] <= 2, "queue-proxy probes as often, from the start on"


def test_the_files_of_a_revision_are_in_its_pod():
    """helm deletes the ConfigMaps of the release before; a revision at zero would find none."""
    objects = render_chart(KNATIVE)
    assert [volume for volume in runtime(KNATIVE)["volumes"] if "configMap" in volume] == []
    assert [item["metadata"]["name"] for item in of_kind(objects, "ConfigMap") if "-seed-" not in item["metadata"]["name"]] == []
    assert mounted(objects).keys() == mounted(render_chart(SMALLEST)).keys()
    assert mounted(objects) == mounted(render_chart(SMALLEST))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_annotation_is_mounted_and_they_fit_kubernetes_limit(name):
    spec = runtime(VARIANTS[name])
    files = {key for key in spec["annotations"] if key.startswith("torchserve-kserve/")}
    paths = re.findall(r"metadata\.annotations\['(.+?)'\]", json.dumps(spec["volumes"]))
    assert sorted(files) == sorted(paths)
    assert all(re.fullmatch(r"torchserve-kserve/[A-Za-z0-9][-A-Za-z0-9_.]{0,61}[A-Za-z0-9]", key) for key in files)
    size = sum(len(key.encode()) + len(text.encode()) for key, text in spec["annotations"].items())
    assert size < 192 * 1024, "Kubernetes takes 256 KiB of annotations, and KServe and Knative add some"


def test_the_projected_files_are_written_as_kubernetes_fills_them_in():
    """What Kubernetes would add is a difference that Knative corrects for ever."""
    for volume in runtime(KNATIVE)["volumes"]:
        if "projected" in volume:
            assert volume["projected"]["defaultMode"] == 0o644
            items = volume["projected"]["sources"][0]["downwardAPI"]["items"]
            assert all(item["fieldRef"]["apiVersion"] == "v1" for item in items)


def test_the_start_up_budget_is_knatives_progress_deadline():
    values = changed(KNATIVE, seed__timeoutSeconds=1000, models__bert__startupTimeout=500)
    probe = runtime(values)["containers"][0]["startupProbe"]
    deadline = predictor(values)["annotations"]["serving.knative.dev/progress-deadline"]
    assert deadline == f"{probe['periodSeconds'] * probe['failureThreshold']}s"
    assert "annotations" not in predictor(SMALLEST)


def test_kserves_own_fields_are_written_only_where_they_are_set():
    given = {"scaleMetric": "rps", "scaleTarget": 100, "timeout": 600, "containerConcurrency": 0, "canaryTrafficPercent": 0}
    assert given.items() <= predictor(KNATIVE | given | {"maxReplicas": 2}).items()
    assert not given.keys() & predictor(KNATIVE).keys()


def test_minimum_replicas_may_be_zero():
    assert predictor(changed(KNATIVE, minReplicas=0))["minReplicas"] == 0


def test_the_mode_changes_neither_the_plan_nor_the_job():
    for kind in ("Job", "PersistentVolumeClaim"):
        assert only(render_chart(KNATIVE), kind) == only(render_chart(SMALLEST), kind)
    args = [runtime(values)["containers"][0]["args"] for values in (KNATIVE, SMALLEST)]
    drain = args[1].index("--drain-seconds") + 1
    assert [args[0][:drain], args[0][drain + 1:]] == [args[1][:drain], args[1][drain + 1:]]


@pytest.mark.parametrize(("timeout", "seconds"), [(None, "265"), (600, "565"), (60, "25"), (10, "5")])
def test_requests_in_flight_are_given_the_time_that_queue_proxy_leaves_them(timeout: int | None, seconds: str) -> None:
    model = KNATIVE["models"]["bert"] | {"responseTimeout": 10}
    args = runtime(changed(KNATIVE, timeout=timeout, models={"bert": model}))["containers"][0]["args"]
    assert args[args.index("--drain-seconds") + 1] == seconds
