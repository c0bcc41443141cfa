"""Small server pods, as a namespace that enforces Pod Security `restricted` takes them: what all of our servers share."""

from collections.abc import Mapping
from typing import Any

import kubernetes

from ci.cluster import probes
from ci.cluster.waiting import wait_for
from ci.release import create

READY_SECONDS = 120
USER = 1000


def pod(name: str, image: str, volumes: Mapping[str, Mapping[str, Any]], user: int = USER, **container: Any) -> dict[str, Any]:
    """A pod with one container, both of this name, whose root file system is read-only.

    Args:
        volumes: where something is mounted, and what, as a pod's volume has it.
        container: more of the container's fields.
    """
    named = {f"volume-{number}": (path, source) for number, (path, source) in enumerate(volumes.items())}
    return {
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": name, "image": image,
                "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
                "volumeMounts": [{"name": volume, "mountPath": path} for volume, (path, _) in named.items()],
                "securityContext": {"runAsUser": user, "runAsNonRoot": True, "allowPrivilegeEscalation": False,
                                    "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
                                    "seccompProfile": {"type": "RuntimeDefault"}},
                **container,
            }],
            "volumes": [{"name": volume, **source} for volume, (_, source) in named.items()],
        },
    }


def serve(api: kubernetes.client.ApiClient, namespace: str, pod: dict[str, Any], port: int, service_port: int = 80) -> None:
    """Makes a server's pod and a Service of its name, if they are not there, and waits until it takes connections on `port`."""
    core, name = kubernetes.client.CoreV1Api(api), pod["metadata"]["name"]
    pod["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": port}, **probes.FIELDS}
    create(core.create_namespaced_pod, namespace, pod)
    create(core.create_namespaced_service, namespace, {
        "metadata": {"name": name}, "spec": {"selector": {"app": name}, "ports": [{"port": service_port, "targetPort": port}]}})
    wait_for(f"the server {namespace}/{name}", lambda: is_ready(core, namespace, name), seconds=READY_SECONDS)


def from_secrets(**keys: tuple[str, str]) -> list[dict[str, Any]]:
    """A container's environment: each variable with the Secret and the key that it comes from."""
    return [{"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}} for name, (secret, key) in keys.items()]


def is_ready(core: kubernetes.client.CoreV1Api, namespace: str, name: str) -> bool:
    """Whether a pod is ready."""
    status = core.read_namespaced_pod(name, namespace).status
    return any(condition.type == "Ready" and condition.status == "True" for condition in status.conditions or [])
