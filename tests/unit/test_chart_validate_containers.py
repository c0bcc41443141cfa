"""The rules about containers that are passed through, and about who a pod may connect to: the sentence, and silence beside it."""

from __future__ import annotations

import pytest

from tests.unit.cases import SMALLEST, changed
from tests.unit.render import complaints_of, notes
from tests.unit.rules import both_ways

KNATIVE = changed(SMALLEST, deploymentMode="Knative")
POLICY = changed(SMALLEST, networkPolicy__enabled=True)
OPEN = [{"ports": [{"port": 443}]}]
SETTINGS = {"name": "settings", "configMap": {"name": "mine"}}
SCRATCH = {"name": "scratch", "emptyDir": {}}


def beside(base: dict, **fields: object) -> dict:
    """With one more container of these fields."""
    return changed(base, predictor__containers=[{"name": "watch", "image": "a", **fields}])


def port(number: int) -> list[dict]:
    return [{"containerPort": number}]


def mounted(base: dict, volume: dict, **mount: object) -> dict:
    mounts = [{"name": volume["name"], "mountPath": "/mine", **mount}]
    return changed(base, predictor={"volumes": [volume], "model": {"volumeMounts": mounts}})


RULES = {
    "port of the management API": (
        beside(SMALLEST, ports=port(8081)),
        "predictor.containers: watch has the port 8081, which is taken in the pod; let it listen on another one",
        beside(SMALLEST, ports=port(8083)),
    ),
    "port of the metrics": (
        beside(changed(SMALLEST, metrics__port=8083), ports=port(8083)),
        "predictor.containers: watch has the port 8083, which is taken in the pod; let it listen on another one",
        beside(changed(SMALLEST, metrics__port=8082), ports=port(8083)),
    ),
    "port of another sidecar": (
        changed(SMALLEST, predictor__containers=[{"name": name, "image": "a", "ports": port(8083)}
                                                 for name in ("look", "watch")]),
        "predictor.containers: watch has the port 8083, which is taken in the pod; let it listen on another one",
        changed(SMALLEST, predictor__containers=[{"name": name, "image": "a", "ports": port(number)}
                                                 for name, number in (("look", 8083), ("watch", 8084))]),
    ),
    "second port in Knative": (
        beside(KNATIVE, ports=port(8083)),
        "predictor.containers: watch has ports, and Knative takes the server's one port alone; remove them, or use "
        "deploymentMode Standard",
        beside(SMALLEST, ports=port(8083)),
    ),
    "name of another sidecar": (
        changed(SMALLEST, predictor__containers=[{"name": "watch", "image": image} for image in "ab"]),
        "predictor.containers: watch is there twice; give yours another name",
        changed(SMALLEST, predictor__containers=[{"name": name, "image": "a"} for name in ("look", "watch")]),
    ),
    "name of Knative's container": (
        changed(KNATIVE, predictor__containers=[{"name": "queue-proxy", "image": "a"}]),
        "predictor.containers: queue-proxy is Knative's own container; give yours another name",
        changed(SMALLEST, predictor__containers=[{"name": "queue-proxy", "image": "a"}]),
    ),
    "name of the agent": (
        changed(SMALLEST, logger__mode="all", predictor__containers=[{"name": "agent", "image": "a"}]),
        "predictor.containers: agent is KServe's, which logger and batcher bring; give yours another name",
        changed(SMALLEST, predictor__containers=[{"name": "agent", "image": "a"}]),
    ),
    "name of the mesh's sidecar": (
        changed(SMALLEST, kubeflow__enabled=True, predictor__containers=[{"name": "istio-proxy", "image": "a"}]),
        "predictor.containers: istio-proxy is Istio's, which kubeflow.enabled brings; give yours another name",
        changed(SMALLEST, predictor__containers=[{"name": "istio-proxy", "image": "a"}]),
    ),
    "volume that nothing mounts in Knative": (
        changed(KNATIVE, predictor__volumes=[{"name": "spare", "emptyDir": {}}]),
        "predictor.volumes: nothing mounts spare, and Knative refuses such a volume; mount it, or remove it",
        mounted(KNATIVE, {"name": "spare", "emptyDir": {}}),
    ),
    "mount at a path of Knative's": (
        changed(KNATIVE, predictor={"volumes": [{"name": "spare", "emptyDir": {}}],
                                    "model": {"volumeMounts": [{"name": "spare", "mountPath": "/dev/"}]}}),
        "predictor.model.volumeMounts: Knative lets nothing be mounted at /dev/; write another mountPath",
        mounted(KNATIVE, {"name": "spare", "emptyDir": {}}),
    ),
    "variable of Knative": (
        changed(KNATIVE, predictor__model={"env": [{"name": "PORT", "value": "1"}]}),
        "predictor.model.env: PORT is Knative's own variable, and Knative refuses it; remove it, or take another name",
        changed(SMALLEST, predictor__model={"env": [{"name": "PORT", "value": "1"}]}),
    ),
    "variable of Knative in another container": (
        beside(KNATIVE, env=[{"name": "PORT", "value": "1"}, {"name": "K_REVISION", "value": "1"}]),
        "predictor.containers.env: K_REVISION is Knative's own variable, and Knative refuses it; remove it, or take another name",
        beside(KNATIVE, env=[{"name": "PORT", "value": "1"}]),
    ),
    "writable settings in Knative": (
        mounted(KNATIVE, SETTINGS),
        "predictor.model.volumeMounts: Knative mounts the volume settings only to be read; write readOnly: true at /mine",
        mounted(KNATIVE, SETTINGS, readOnly=True),
    ),
    "no egress for the sidecar": (
        changed(POLICY, networkPolicy__egress=[], kubeflow={"enabled": True}),
        "networkPolicy.egress is empty, and the sidecar of kubeflow.enabled gets its settings from istiod, without which no pod "
        "gets ready; allow DNS and istiod there, or write null",
        changed(POLICY, networkPolicy__egress=OPEN, kubeflow={"enabled": True}),
    ),
}

test_a_wrong_value_is_refused_in_one_sentence, test_the_right_value_beside_it_is_taken = both_ways(RULES)


@pytest.mark.parametrize("values", [mounted(SMALLEST, SETTINGS), mounted(KNATIVE, SCRATCH)], ids=["Standard", "emptyDir"])
def test_a_writable_mount_is_taken_where_it_may_be_one(values):
    assert complaints_of([values]) == [[]]


def test_notes_name_the_flag_for_probes_of_other_containers():
    probed = {"readinessProbe": {"tcpSocket": {"port": 1}}}
    assert "predictor.containers with probes: multi-container-probing" in notes(beside(KNATIVE, **probed))
    assert "multi-container-probing" not in notes(beside(SMALLEST, **probed))
