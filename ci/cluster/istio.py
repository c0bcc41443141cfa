"""Istio on a cluster: its own charts, with an ingress gateway at node ports, and gateways of the Gateway API on it."""

from typing import Any

import yaml

from ci.cluster import gateway, istio_images, objects, ports, shell
from ci.cluster.errors import Problem
from ci.cluster.kind import Kind
from ci.cluster.waiting import wait_for

NAMESPACE = "istio-system"
GATEWAY_SERVICE, LOCAL_SERVICE = "istio-ingressgateway", "knative-local-gateway"
# Gateways of the Gateway API, under the names that Knative's net-gateway-api expects.
GATEWAY, LOCAL_GATEWAY = "knative-gateway", "knative-local-gateway"
CERTIFICATE = "gateway-certificate"
LOCAL_PORT = 8081  # of the gateway's pod, for requests from inside the cluster
READY_SECONDS = 240
SMALL = {"requests": {"cpu": "10m", "memory": "40Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}}
# What only Istio's own Envoy has, and these settings keep out of the configuration: the filters istio.metadata_exchange,
# istio.alpn and istio.stats, and the ALPN names of metadata exchange.
STOCK_ENVOY: dict[str, Any] = {
    "env": {"PILOT_ENABLE_METADATA_EXCHANGE": "false", "PILOT_ENABLE_ALPN_FILTER": "false", "PILOT_DISABLE_MX_ALPN": "true"},
    "telemetry": {"enabled": False},
}


def install(cluster: Kind, names: istio_images.Names) -> None:
    """Installs the Gateway API, istiod, the ingress gateway, and gateways for HTTP, HTTPS and the inside.

    It waits for istiod, which gives the gateway's pod its image; for the rest see `wait_until_ready`.
    """
    cluster.apply(_gateway_api())
    cluster.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
                   *_render(cluster, "istio-base", "base", {})])
    cluster.apply(_render(cluster, "istiod", "istio-control/istio-discovery", _istiod(names)))
    wait_for("istiod to run", lambda: cluster.runs(NAMESPACE), seconds=READY_SECONDS)
    certify(cluster, [])
    cluster.apply([*_render(cluster, GATEWAY_SERVICE, "gateway", _ingress()), *_gateways()])


def wait_until_ready(cluster: Kind) -> None:
    """Waits until istiod and the gateway run, and the gateway answers HTTP and HTTPS."""
    for what, condition in (
            ("Istio's programs to run", lambda: cluster.runs(NAMESPACE)),
            ("Istio's gateway to answer HTTP", lambda: gateway.answers_http(cluster, ports.INGRESS_HTTP)),
            ("Istio's gateway to answer HTTPS", lambda: gateway.answers_https(cluster, ports.INGRESS_HTTPS))):
        wait_for(what, condition, seconds=READY_SECONDS)


def certify(cluster: Kind, namespaces: list[str]) -> None:
    """Gives the gateway a certificate of the cluster's authority for the domain and for all hosts of these namespaces."""
    hosts = [gateway.DOMAIN, f"*.{gateway.DOMAIN}", *[gateway.host("*", namespace) for namespace in namespaces]]
    cluster.apply([{"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                    "metadata": {"name": CERTIFICATE, "namespace": NAMESPACE}, "stringData": gateway.issue(cluster, hosts)}])


def _gateway_api() -> list[dict[str, Any]]:
    """The CRDs of the Gateway API's standard channel, in the version that Istio is built with."""
    folder = istio_images.module(istio_images.ISTIO, "sigs.k8s.io/gateway-api") / "config" / "crd" / "standard"
    found = [item for file in sorted(folder.glob("gateway.*.yaml")) for item in objects.read(file.read_text())]
    crds = [item for item in found if item["kind"] == "CustomResourceDefinition"]
    if not crds:
        raise Problem(f"There are no CRDs of the Gateway API in {folder}: look where its module has them now.")
    return crds


def _render(cluster: Kind, release: str, chart: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    folder = istio_images.module(istio_images.ISTIO, "istio.io/istio") / "manifests" / "charts" / chart
    rendered = shell.output([str(cluster.tools / "helm"), "template", release, str(folder), "--namespace", NAMESPACE,
                             "--include-crds", "--values", "-"], stdin=yaml.safe_dump(values))
    return objects.read(rendered)


def _istiod(names: istio_images.Names) -> dict[str, Any]:
    return {
        **STOCK_ENVOY, "image": names.pilot, "autoscaleEnabled": False, "resources": SMALL,
        "global": {"imagePullPolicy": "IfNotPresent", "defaultPodDisruptionBudget": {"enabled": False},
                   "proxy": {"image": names.proxy, "resources": SMALL}, "proxy_init": {"image": names.proxy}},
    }


def _ingress() -> dict[str, Any]:
    served = [("http2", 80, ports.INGRESS_HTTP), ("https", 443, ports.INGRESS_HTTPS)]
    return {
        "autoscaling": {"enabled": False}, "imagePullPolicy": "IfNotPresent", "resources": SMALL,
        "service": {"type": "NodePort", "ports": [
            {"name": name, "port": port, "targetPort": port, "nodePort": node_port} for name, port, node_port in served]},
    }


def _gateways() -> list[dict[str, Any]]:
    """Gateways on the ingress gateway's pods: one for the world, one for the cluster's inside."""
    def made(name: str, service: str, listeners: list[dict[str, Any]]) -> dict[str, Any]:
        every = {"allowedRoutes": {"namespaces": {"from": "All"}}}
        return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
                "metadata": {"name": name, "namespace": NAMESPACE},
                "spec": {"gatewayClassName": "istio",
                         # Not a gateway of its own, but that one.
                         "addresses": [{"type": "Hostname", "value": f"{service}.{NAMESPACE}.svc.cluster.local"}],
                         "listeners": [{**listener, **every} for listener in listeners]}}

    http = {"name": "http", "port": 80, "protocol": "HTTP"}
    https = {"name": "https", "port": 443, "protocol": "HTTPS",
             "tls": {"mode": "Terminate", "certificateRefs": [{"name": CERTIFICATE}]}}
    # Istio takes listeners of this Service for its target port, which a second port 80 of one pod needs.
    local = {"apiVersion": "v1", "kind": "Service",
             "metadata": {"name": LOCAL_SERVICE, "namespace": NAMESPACE,
                          "labels": {"experimental.istio.io/disable-gateway-port-translation": "true"}},
             "spec": {"selector": {"istio": "ingressgateway"},
                      "ports": [{"name": "http2", "port": 80, "targetPort": LOCAL_PORT}]}}
    return [local, made(GATEWAY, GATEWAY_SERVICE, [http, https]), made(LOCAL_GATEWAY, LOCAL_SERVICE, [http])]
