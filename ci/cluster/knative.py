"""Knative Serving with Kourier as its gateway: the manifests inside their Go modules, cut down for one node of two cores."""

from typing import Any

import yaml

from ci.cluster import gateway, images, objects, ports, source, toolchain
from ci.cluster.errors import Problem
from ci.cluster.kind import Kind
from ci.cluster.versions import versions
from ci.cluster.waiting import wait_for

NAMESPACE, GATEWAY_NAMESPACE = "knative-serving", "kourier-system"
GATEWAY_SECRET = "gateway-certificate"
READY_SECONDS = 240
FOLDERS = (("knative.dev/serving", "config/core"), ("knative.dev/networking", "config"), ("knative.dev/caching", "config"),
           ("knative.dev/net-kourier", "config"))
# On one node without a metrics server these only complain; nothing caches images, nor issues Knative's certificates.
DROPPED = ("HorizontalPodAutoscaler", "PodDisruptionBudget", "Image", "Certificate")
SETTINGS: dict[str, dict[str, str]] = {
    "config-network": {"ingress-class": "kourier.ingress.networking.knative.dev", "autocreate-cluster-domain-claims": "true"},
    "config-domain": {gateway.DOMAIN: ""},
    # Images are on the node by name, with no registry to ask for the digest of a tag.
    "config-deployment": {"registries-skipping-tag-resolving":
                          "kind.local,ko.local,dev.local,localhost,localhost:5000,index.docker.io,gcr.io,ghcr.io,quay.io"},
    # What Kourier shows to clients that name a host which no certificate of its own is for.
    "config-kourier": {"certs-secret-namespace": GATEWAY_NAMESPACE, "certs-secret-name": GATEWAY_SECRET},
}
PROBE: dict[str, Any] = {
    "apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "probe", "namespace": "default"},
    "spec": {"template": {"spec": {"containers": [{"image": "probe"}]}}},
}


def image_names() -> list[str]:
    """The images that Knative and Kourier run, by the names that `manifests` gives them."""
    return [*_by_package().values(), versions()["pull"]["envoy"]]


def manifests() -> list[dict[str, Any]]:
    """All objects of Knative and Kourier, namespaces first."""
    root = source.SOURCE / "core"
    found = [item for module, folder in FOLDERS
             for file in sorted((toolchain.module_folder(root, module) / folder).rglob("*.yaml"))
             for item in objects.read(file.read_text())]
    return sorted((_adapted(item) for item in found if item["kind"] not in DROPPED), key=lambda item: item["kind"] != "Namespace")


def install(cluster: Kind) -> None:
    """Installs Knative and Kourier; see `wait_until_ready`."""
    certificate = gateway.issue(cluster, [gateway.DOMAIN, f"*.{gateway.DOMAIN}"])
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "stringData": certificate,
              "metadata": {"name": GATEWAY_SECRET, "namespace": GATEWAY_NAMESPACE}}
    cluster.apply([*manifests(), secret])


def wait_until_ready(cluster: Kind) -> None:
    """Waits until Knative's programs run, its webhook lets a Service pass, and its gateway answers HTTP and HTTPS."""
    for what, condition in (
            ("Knative's programs to run", lambda: cluster.runs(NAMESPACE)),
            ("Kourier's gateway to run", lambda: cluster.runs(GATEWAY_NAMESPACE)),
            ("Knative's webhook to answer", lambda: _webhook_answers(cluster)),
            ("Kourier's gateway to answer HTTP", lambda: gateway.answers_http(cluster, ports.KOURIER_HTTP)),
            ("Kourier's gateway to answer HTTPS", lambda: gateway.answers_https(cluster, ports.KOURIER_HTTPS))):
        wait_for(what, condition, seconds=READY_SECONDS)


def _by_package() -> dict[str, str]:
    """Go package -> image, for the programs of Knative and Kourier that the core set makes."""
    packages = {package: program for build in source.programs("core")["builds"] for program, package in build["packages"].items()}
    table = images.table()
    return {package: table[program]["image"] for package, program in packages.items() if package.startswith("knative.dev/")}


def _image(name: str) -> str:
    """The image for what a manifest names: a Go package (`ko://…`) or an image that is what we expect."""
    image = _by_package().get(name.removeprefix("ko://"), name)
    if image not in image_names():
        raise Problem(f"Knative's manifests want the image {name}, which is not among those we provide: compare FOLDERS in "
                      "ci/cluster/knative.py, ci/source/core/programs.yaml and pull.envoy in ci/versions.yaml with its modules.")
    return image


def _adapted(item: dict[str, Any]) -> dict[str, Any]:
    """One object with our images, requests and settings."""
    kind, name = item["kind"], item["metadata"]["name"]
    if kind == "Deployment":
        for container in item["spec"]["template"]["spec"]["containers"]:
            container["image"] = _image(container["image"])
            # Their own requests would leave no room for a predictor.
            container["resources"]["requests"]["cpu"] = "10m"
    elif kind == "ConfigMap" and name.startswith("config-"):
        data = {**(item.get("data") or {}), **SETTINGS.get(name, {})}
        if "queue-sidecar-image" in data:
            data["queue-sidecar-image"] = _image(data["queue-sidecar-image"])
        item["data"] = data
    elif kind == "Service" and item["spec"].get("type") == "LoadBalancer":
        item["spec"]["type"] = "NodePort"
        for port, node_port in zip(item["spec"]["ports"], (ports.KOURIER_HTTP, ports.KOURIER_HTTPS), strict=True):
            port["nodePort"] = node_port
    return item


def _webhook_answers(cluster: Kind) -> bool:
    """Asked of the API server, which makes no Service. Raises Problem with its words while it can't ask the webhook."""
    cluster.kubectl("apply", "--dry-run=server", "--filename", "-", stdin=yaml.safe_dump(PROBE))
    return True
