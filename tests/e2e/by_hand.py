"""An InferenceService as somebody writes it by hand, with the mistakes that are made by hand: TorchServe's own defaults."""

import base64
import json
from typing import Any

import kubernetes

from ci.cluster import probes
from ci.release import create
from tests.e2e.tiny import archive

NAME, GROUP = "by-hand", ("serving.kserve.io", "v1beta1")
SNAPSHOT = {"name": "startup.cfg", "modelCount": 1, "models": {"tiny": {"1.0": {
    "defaultVersion": True, "marName": "tiny.mar", "minWorkers": 1, "maxWorkers": 1, "batchSize": 8, "maxBatchDelay": 500,
    "responseTimeout": 60}}}}
CONFIG = f"""inference_address=http://0.0.0.0:8080
management_address=http://0.0.0.0:8081
metrics_address=http://127.0.0.1:8082
service_envelope=kserve
disable_token_authorization=true
model_store=/models
model_snapshot={json.dumps(SNAPSHOT)}
"""
# What the conformance suite has to name, and nothing else.
MISTAKES = {
    "snapshot.the_management_api_listens_inside_the_pod_only", "snapshot.models_come_from_no_url",
    "snapshot.no_batch_goes_through_a_stock_envelope", "readiness.the_probe_looks_at_the_model",
    "management.it_is_not_on_the_pods_address", "limits.many_at_once_are_answered_as_each_alone",
}
# What follows from them: a pod that is ready before its model, and the log of what answered wrongly.
PASSING = {"readiness.ready_came_after_the_model_had_loaded", "logs.the_server_says_nothing_bad"}


def install(api: kubernetes.client.ApiClient, namespace: str, image: str) -> None:
    """Makes it, and the ConfigMap that it is served from."""
    create(kubernetes.client.CoreV1Api(api).create_namespaced_config_map, namespace, {
        "metadata": {"name": NAME}, "data": {"config.properties": CONFIG},
        "binaryData": {"tiny.mar": base64.b64encode(archive("one")).decode()}})
    create(kubernetes.client.CustomObjectsApi(api).create_namespaced_custom_object, *GROUP, namespace, "inferenceservices", {
        "apiVersion": "/".join(GROUP), "kind": "InferenceService",
        "metadata": {"name": NAME, "annotations": {"serving.kserve.io/deploymentMode": "RawDeployment"}},
        "spec": {"predictor": {"containers": [_container(image)], "volumes": [
            {"name": "given", "configMap": {"name": NAME}}, {"name": "tmp", "emptyDir": {}}]}}})


def remove(api: kubernetes.client.ApiClient, namespace: str) -> None:
    kubernetes.client.CustomObjectsApi(api).delete_namespaced_custom_object(*GROUP, namespace, "inferenceservices", NAME)


def _container(image: str) -> dict[str, Any]:
    return {
        "name": "kserve-container", "image": image,
        "command": ["torchserve", "--start", "--foreground", "--ncs", "--ts-config=/models/config.properties"],
        "ports": [{"containerPort": 8080}], "workingDir": "/tmp",
        "env": [{"name": "LOG_LOCATION", "value": "/tmp/logs"}, {"name": "METRICS_LOCATION", "value": "/tmp/logs"},
                {"name": "TEMP", "value": "/tmp"}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, **probes.FIELDS},
        "resources": {"requests": {"cpu": "20m", "memory": "256Mi"}, "limits": {"cpu": "2", "memory": "2Gi"}},
        "volumeMounts": [{"name": "given", "mountPath": "/models", "readOnly": True}, {"name": "tmp", "mountPath": "/tmp"}],
        "securityContext": {"runAsUser": 1000, "runAsNonRoot": True, "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
                            "seccompProfile": {"type": "RuntimeDefault"}},
    }
