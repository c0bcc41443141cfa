"""Knative and KServe with Istio as their network: Knative by net-gateway-api, KServe's Standard mode by the Gateway API."""

import json
from typing import Any

import yaml

from ci.cluster import istio, istio_images, knative, kserve, objects
from ci.cluster.errors import Problem
from ci.cluster.kind import Kind
from ci.cluster.waiting import wait_for

PACKAGE = "ko://knative.dev/net-gateway-api/cmd/controller"
INGRESS_CLASS = "gateway-api.ingress.networking.knative.dev"
PROVIDER = "networking.knative.dev/ingress-provider"
KSERVE_CONFIG = "inferenceservice-config"
# Pods of these must get through the gate of a namespace that is STRICT, and are not in one that is injected.
IN_MESH = ("activator", "autoscaler")
READY_SECONDS = 240


def install_knative(cluster: Kind, names: istio_images.Names) -> None:
    """Installs Knative without Kourier, and net-gateway-api; istiod must run before. See `wait_until_ready`."""
    cluster.apply([*_knative(), *_net_gateway_api(names)])


def wait_until_ready(cluster: Kind) -> None:
    """Waits until Knative's programs run and its webhook answers."""
    wait_for("Knative's programs to run", lambda: cluster.runs(knative.NAMESPACE), seconds=READY_SECONDS)
    wait_for("Knative's webhook to answer", lambda: _webhook_answers(cluster), seconds=READY_SECONDS)


def configure_kserve(cluster: Kind) -> None:
    """Tells KServe of the gateway for Standard mode; else its settings are those of `kserve.VALUES`, with the Gateway API on."""
    namespace = ["--namespace", kserve.NAMESPACE]
    config = json.loads(cluster.kubectl(*namespace, "get", "configmap", KSERVE_CONFIG, "--output", "json"))
    ingress = {**json.loads(config["data"]["ingress"]), "kserveIngressGateway": f"{istio.NAMESPACE}/{istio.GATEWAY}"}
    # Read again at each change of an InferenceService.
    cluster.kubectl(*namespace, "patch", "configmap", KSERVE_CONFIG, "--patch",
                    json.dumps({"data": {"ingress": json.dumps(ingress, indent=2)}}))


def _knative() -> list[dict[str, Any]]:
    kept = [item for item in knative.manifests() if item["metadata"].get("labels", {}).get(PROVIDER) != "kourier"]
    for item in kept:
        name = item["metadata"]["name"]
        if item["kind"] == "ConfigMap" and name == "config-network":
            item["data"]["ingress-class"] = INGRESS_CLASS
        if item["kind"] == "Deployment" and name in IN_MESH:
            item["spec"]["template"]["metadata"]["labels"]["sidecar.istio.io/inject"] = "true"
    return kept


def _net_gateway_api(names: istio_images.Names) -> list[dict[str, Any]]:
    """net-gateway-api without its webhook, which checks nothing but a ConfigMap that stays as it is."""
    folder = istio_images.module(istio_images.NET_GATEWAY_API, "knative.dev/net-gateway-api") / "config"
    found = [item for file in sorted(folder.glob("*.yaml")) for item in objects.read(file.read_text())]
    kept = [item for item in found if "webhook" not in item["metadata"]["name"]]
    for item in kept:
        for container in _containers(item):
            if container["image"] != PACKAGE:
                raise Problem(f"net-gateway-api's manifests want the image {container['image']} and not {PACKAGE}: compare "
                              "ci/source/net-gateway-api/programs.yaml with its module.")
            container["image"] = names.net_gateway_api
            container["resources"]["requests"]["cpu"] = "10m"
    return kept


def _containers(item: dict[str, Any]) -> list[dict[str, Any]]:
    return item["spec"]["template"]["spec"]["containers"] if item["kind"] == "Deployment" else []


def _webhook_answers(cluster: Kind) -> bool:
    """Asked of the API server, which makes no Service. Raises Problem with its words while it can't ask the webhook."""
    cluster.kubectl("apply", "--dry-run=server", "--filename", "-", stdin=yaml.safe_dump(knative.PROBE))
    return True
