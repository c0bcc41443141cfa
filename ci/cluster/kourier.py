"""Kourier, the gateway of Knative on the default cluster: the manifests inside its Go module."""

from typing import Any

from ci.cluster import gateway, knative, ports
from ci.cluster.kind import Kind
from ci.cluster.versions import versions
from ci.cluster.waiting import wait_for

NAMESPACE = "kourier-system"
CLASS = "kourier.ingress.networking.knative.dev"
SECRET = "gateway-certificate"
READY_SECONDS = 240
FOLDERS = (("knative.dev/net-kourier", "config"),)
# What Kourier shows to clients that name a host which no certificate of its own is for.
SETTINGS = {"config-kourier": {"certs-secret-namespace": NAMESPACE, "certs-secret-name": SECRET}}


def image_names() -> list[str]:
    """The images that Kourier runs, by the names that `manifests` gives them."""
    return list(_images().values())


def manifests() -> list[dict[str, Any]]:
    """All objects of Kourier, its namespace first."""
    return sorted((_adapted(item) for item in knative.read(FOLDERS)), key=lambda item: item["kind"] != "Namespace")


def install(cluster: Kind) -> None:
    """Installs Knative with Kourier as its network; see `wait_until_ready`."""
    certificate = gateway.issue(cluster, [gateway.DOMAIN, f"*.{gateway.DOMAIN}"])
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "stringData": certificate,
              "metadata": {"name": SECRET, "namespace": NAMESPACE}}
    # Together: Knative's webhook, once it runs, looks at ConfigMaps.
    cluster.apply([*knative.manifests(CLASS), *manifests(), secret])


def wait_until_ready(cluster: Kind) -> None:
    """Waits until Knative and Kourier run, and the gateway answers HTTP and HTTPS."""
    knative.wait_until_ready(cluster)
    for what, condition in (
            ("Kourier's gateway to run", lambda: cluster.runs(NAMESPACE)),
            ("Kourier's gateway to answer HTTP", lambda: gateway.answers_http(cluster, ports.KOURIER_HTTP)),
            ("Kourier's gateway to answer HTTPS", lambda: gateway.answers_https(cluster, ports.KOURIER_HTTPS))):
        wait_for(what, condition, seconds=READY_SECONDS)


def _images() -> dict[str, str]:
    """What the manifests name -> image."""
    envoy = versions()["pull"]["envoy"]
    return {**knative.images_of("knative.dev/net-kourier/"), envoy: envoy}


def _adapted(item: dict[str, Any]) -> dict[str, Any]:
    """One object with our images, requests, settings and node ports."""
    if item["kind"] == "Service" and item["spec"].get("type") == "LoadBalancer":
        item["spec"]["type"] = "NodePort"
        for port, node_port in zip(item["spec"]["ports"], (ports.KOURIER_HTTP, ports.KOURIER_HTTPS), strict=True):
            port["nodePort"] = node_port
    return knative.adapted(item, _images(), SETTINGS)
