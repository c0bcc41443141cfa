"""Contour: the implementation of the Gateway API by which KServe serves InferenceServices of Standard mode to the outside."""

from typing import Any

from ci.cluster import gateway, images, objects, ports, probes, source, toolchain
from ci.cluster.kind import Kind
from ci.cluster.versions import versions
from ci.cluster.waiting import wait_for

NAMESPACE = "projectcontour"
GATEWAY = "kserve"
CERTIFICATE = "gateway-certificate"
CLASS = "contour"
READY_SECONDS = 180
CONFIG = f"gateway:\n  gatewayRef:\n    namespace: {NAMESPACE}\n    name: {GATEWAY}\n"


def image_names() -> list[str]:
    """The images that Contour runs, by the names that `manifests` gives them."""
    return [images.table()["contour"]["image"], versions()["pull"]["envoy"]]


def manifests() -> list[dict[str, Any]]:
    """The Gateway API's CRDs, and Contour from its own example manifests, for one node."""
    examples = toolchain.module_folder(source.SOURCE / "ingress", "github.com/projectcontour/contour") / "examples"
    files = [examples / "gateway" / "00-crds.yaml", *sorted((examples / "contour").glob("0*.yaml"))]
    return [_adapted(item) for file in files for item in objects.read(file.read_text())]


def install(cluster: Kind) -> None:
    """Installs the Gateway API and Contour with one gateway for all namespaces; see `wait_until_ready`."""
    cluster.apply(manifests())
    wait_for("the API server to serve Gateways", lambda: _has_gateway(cluster), seconds=READY_SECONDS)


def wait_until_ready(cluster: Kind) -> None:
    """Waits until Contour runs and its gateway answers HTTP and HTTPS."""
    for what, condition in (
            ("Contour to run", lambda: cluster.runs(NAMESPACE)),
            ("Contour's gateway to answer HTTP", lambda: gateway.answers_http(cluster, ports.INGRESS_HTTP)),
            ("Contour's gateway to answer HTTPS", lambda: gateway.answers_https(cluster, ports.INGRESS_HTTPS))):
        wait_for(what, condition, seconds=READY_SECONDS)


def _has_gateway(cluster: Kind) -> bool:
    cluster.apply(_gateway(cluster))
    return True


def _gateway(cluster: Kind) -> list[dict[str, Any]]:
    """The gateway that KServe's HTTPRoutes name, with a certificate for the domain."""
    api, everywhere = "gateway.networking.k8s.io/v1", {"namespaces": {"from": "All"}}
    listeners = [{"name": "http", "protocol": "HTTP", "port": 80, "allowedRoutes": everywhere},
                 {"name": "https", "protocol": "HTTPS", "port": 443, "allowedRoutes": everywhere,
                  "tls": {"mode": "Terminate", "certificateRefs": [{"name": CERTIFICATE}]}}]
    return [
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
         "metadata": {"name": CERTIFICATE, "namespace": NAMESPACE},
         "stringData": gateway.issue(cluster, [gateway.DOMAIN, f"*.{gateway.DOMAIN}"])},
        {"apiVersion": api, "kind": "GatewayClass", "metadata": {"name": CLASS},
         "spec": {"controllerName": "projectcontour.io/gateway-controller"}},
        {"apiVersion": api, "kind": "Gateway", "metadata": {"name": GATEWAY, "namespace": NAMESPACE},
         "spec": {"gatewayClassName": CLASS, "listeners": listeners}},
        # Without any route Contour's Envoy does not listen: this one lets us see that it would.
        {"apiVersion": api, "kind": "HTTPRoute", "metadata": {"name": "answer", "namespace": NAMESPACE},
         "spec": {"parentRefs": [{"name": GATEWAY}], "hostnames": [gateway.DOMAIN], "rules": [{"filters": [
             {"type": "RequestRedirect", "requestRedirect": {"statusCode": 302, "hostname": f"www.{gateway.DOMAIN}"}}]}]}},
    ]


def _adapted(item: dict[str, Any]) -> dict[str, Any]:
    """One object with our images, our node ports and one replica."""
    kind, name = item["kind"], item["metadata"]["name"]
    if kind in ("Deployment", "DaemonSet"):
        pod = item["spec"]["template"]["spec"]
        for container in (*pod["containers"], *pod.get("initContainers", [])):
            for port in container.get("ports", []):
                port.pop("hostPort", None)
            probes.make_patient(container)
            if container["image"].startswith("docker.io/envoyproxy/envoy:"):
                container["image"] = versions()["pull"]["envoy"]  # one Envoy for both gateways
        if kind == "Deployment":
            item["spec"]["replicas"] = 1
            pod["containers"][0]["args"].append("--disable-leader-election")
    elif kind == "ConfigMap":
        item["data"] = {"contour.yaml": CONFIG}
    elif kind == "Service" and name == "envoy":
        item["spec"]["type"] = "NodePort"
        for port, node_port in zip(item["spec"]["ports"], (ports.INGRESS_HTTP, ports.INGRESS_HTTPS), strict=True):
            port["nodePort"] = node_port
    return item
