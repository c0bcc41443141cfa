"""KServe's controller on a cluster: its own charts, without cert-manager, waited for until its webhooks answer."""

import base64
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from ci.cluster import certificates, gateway, objects, registry, shell, source, toolchain
from ci.cluster.kind import Kind
from ci.cluster.versions import versions
from ci.cluster.waiting import wait_for

CRD = "inferenceservices.serving.kserve.io"
NAMESPACE = "kserve"
WEBHOOK_SERVICE = "kserve-webhook-server-service"
WEBHOOK_SECRET = "kserve-webhook-server-cert"
READY_SECONDS = 240
PROBE: dict[str, Any] = {
    "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
    "metadata": {"name": "probe", "namespace": "default"},
    "spec": {"predictor": {"model": {"modelFormat": {"name": "pytorch"}, "storageUri": "pvc://probe"}}},
}
# On a cluster of two cores the requests of the default values would keep a predictor from being scheduled.
VALUES: dict[str, Any] = {
    "kserve": {
        "controller": {
            "deploymentMode": "Standard",
            "gateway": {
                "domain": gateway.DOMAIN, "domainTemplate": gateway.HOST_TEMPLATE,
                "disableIstioVirtualHost": True,  # Knative's network here is none of KServe's business
                "ingressGateway": {"enableGatewayApi": True},
            },
            "resources": {"requests": {"cpu": "10m", "memory": "100Mi"}, "limits": {"cpu": "1", "memory": "600Mi"}},
            "rbacProxyImage": versions()["pull"]["kube-rbac-proxy"],
            "rbacProxy": {"resources": {"requests": {"cpu": "10m", "memory": "20Mi"},
                                        "limits": {"cpu": "500m", "memory": "300Mi"}}},
        },
    },
}


def charts(*, pulled: bool) -> Callable[[str], Path]:
    """Where KServe's charts are: pulled from a registry, or inside KServe's Go module."""
    if pulled:
        return registry.pull_chart
    module = toolchain.module_folder(source.SOURCE / "core", "github.com/kserve/kserve")
    return lambda name: module / "charts" / name


def install(cluster: Kind, chart: Callable[[str], Path], standard_gateway: str) -> None:
    """Installs KServe's CRDs and controller, and waits until its webhooks are served.

    `standard_gateway` is the Gateway that Standard mode's HTTPRoutes name, as `namespace/name`.
    Knative and the Gateway API must be there before: KServe looks for their CRDs when it starts.
    """
    cluster.apply(_render(cluster, chart("kserve-crd"), {}))
    wait_for("the API server to serve InferenceServices", lambda: _serves_inference_services(cluster), seconds=60)
    now, later = _with_own_certificate(_render(cluster, chart("kserve-resources"), values(standard_gateway)))
    cluster.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, *now])
    wait_until_ready(cluster)
    cluster.apply(later)


def values(standard_gateway: str) -> dict[str, Any]:
    """The values of KServe's chart; see `install`."""
    made = copy.deepcopy(VALUES)
    made["kserve"]["controller"]["gateway"]["ingressGateway"]["kserveGateway"] = standard_gateway
    return made


def is_ready(cluster: Kind) -> bool:
    """Whether KServe's webhooks let an InferenceService pass: asked of the API server, which then makes none.

    Raises Problem with the API server's words while they don't.
    """
    cluster.kubectl("apply", "--dry-run=server", "--filename", "-", stdin=yaml.safe_dump(PROBE))
    return True


def wait_until_ready(cluster: Kind) -> None:
    """Waits until KServe's webhooks answer; what they guard can't be applied before."""
    wait_for("KServe's webhooks to answer", lambda: is_ready(cluster), seconds=READY_SECONDS)


def _serves_inference_services(cluster: Kind) -> bool:
    cluster.kubectl("get", "inferenceservices", "--all-namespaces", "--output", "name")
    return True


def _render(cluster: Kind, chart: Path, values: dict[str, Any]) -> list[dict[str, Any]]:
    rendered = shell.output([str(cluster.tools / "helm"), "template", chart.name, str(chart), "--namespace", NAMESPACE,
                             "--values", "-"], stdin=yaml.safe_dump(values))
    return objects.read(rendered)


def _with_own_certificate(rendered: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Replaces what cert-manager would do by a certificate of our own.

    Returns the objects to apply at once, and those whose kinds KServe's webhooks guard, to apply when they are served.
    """
    certificate, secret_key = certificates.self_signed([f"{WEBHOOK_SERVICE}.{NAMESPACE}.svc", f"{WEBHOOK_SERVICE}.{NAMESPACE}"])
    now: list[dict[str, Any]] = [{
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": WEBHOOK_SECRET, "namespace": NAMESPACE},
        "data": {"tls.crt": _base64(certificate), "tls.key": _base64(secret_key)},
    }]
    guarded: list[dict[str, Any]] = []
    for item in rendered:
        if item["apiVersion"].startswith("cert-manager.io/"):
            continue
        for webhook in item.get("webhooks", []):
            webhook["clientConfig"]["caBundle"] = _base64(certificate)
        (guarded if item["apiVersion"].startswith("serving.kserve.io/") else now).append(item)
    return now, guarded


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
