"""The authenticating edge in front of a gateway of our cluster: oauth2-proxy and an OpenID Connect provider, in a namespace."""

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from ci.cluster import edge_settings, gateway, images, ports, source, store
from ci.cluster.edge_settings import HTTP_PORT, HTTPS_PORT, ISSUER_PATH, PROVIDER_PORT, Secrets
from ci.cluster.errors import Problem
from ci.cluster.kind import Kind
from ci.cluster.paths import prefix
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for

NAMESPACE, SECRET, MADE_OF = "auth", "edge", "torchserve-kserve/made-of"
# Prints the user's password, for whoever may read the Secret.
SHOW_PASSWORD = f"kubectl --namespace {NAMESPACE} get secret {SECRET} --output jsonpath='{{.data.password}}' | base64 --decode"
LABELS = {"app.kubernetes.io/part-of": "torchserve-kserve", "pod-security.kubernetes.io/enforce": "restricted"}
KOURIER = "http://kourier.kourier-system.svc.cluster.local"
READY_SECONDS, ANSWER_SECONDS = 120, 5
MOUNT = Path("/etc/edge")
UID = 65532
ISSUER = f"http://oidc-provider.{NAMESPACE}.svc.cluster.local:{PROVIDER_PORT}{ISSUER_PATH}"


@dataclass(frozen=True)
class Edge:
    """An edge as a client sees it.

    Attributes:
        http: its address, `http://localhost:…`.
        https: its address, `https://localhost:…`, with a certificate of `ca`.
        ca: the file (PEM) of the authority.
        secrets: user, password and the rest of what opens it.
    """

    http: str
    https: str
    ca: Path
    secrets: Secrets = field(repr=False)


def install(cluster: Kind, *, upstream: str = KOURIER) -> Edge:
    """Puts the edge in front of `upstream` (a URL that the cluster's pods reach), unless it is there; waits until it answers."""
    with timings.stage("edge"):
        built = images_of(source.binaries("edge"))
        code = [Path(module.__file__) for module in (edge_settings, gateway)]
        key = store.key(built, upstream, Path(__file__), *code, gateway.authority(cluster))
        if _installed(cluster) != key:
            for image in built.values():
                cluster.load(image)
            cluster.apply(_objects(cluster, built, upstream, Secrets()))
            cluster.kubectl("annotate", "namespace", NAMESPACE, "--overwrite", f"{MADE_OF}={key}")
        for name in built:
            cluster.kubectl("--namespace", NAMESPACE, "rollout", "status", f"deployment/{name}", f"--timeout={READY_SECONDS}s",
                            timeout=READY_SECONDS + 10)
        edge = installed(cluster)
        wait_for("the edge and its provider to answer", lambda: all(_answers(edge, url) for url in (edge.http, edge.https)),
                 seconds=READY_SECONDS)
    return edge


def installed(cluster: Kind) -> Edge:
    """The edge that is there. Raises Problem where there is none."""
    content = json.loads(cluster.kubectl("--namespace", NAMESPACE, "get", "secret", SECRET, "--output", "json"))["data"]
    http, https = (f"{scheme}://localhost:{cluster.loopback_port(port)}"
                   for scheme, port in (("http", ports.EDGE_HTTP), ("https", ports.EDGE_HTTPS)))
    return Edge(http, https, gateway.authority(cluster), Secrets.from_json(base64.b64decode(content["secrets.json"]).decode()))


def remove(cluster: Kind) -> None:
    """Takes the edge away; what it guarded stays."""
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", timeout=READY_SECONDS)


def images_of(binaries: Path) -> dict[str, str]:
    """Makes an image of each program of the set, if the engine has none of this build; program -> image."""
    made = {program.name: f"{prefix()}/{program.name}:{binaries.name}" for program in sorted(binaries.iterdir())}
    for program, image in made.items():
        if not images.exists(image):
            images.import_program(binaries / program, image, path=f"/{program}", user=UID)
    return made


def _answers(edge: Edge, base_url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(f"{base_url}{ISSUER_PATH}/healthz", verify=str(edge.ca), timeout=ANSWER_SECONDS).ok
        except requests.RequestException as error:
            raise Problem(f"The edge at {base_url} does not answer: {error}") from error


def _installed(cluster: Kind) -> str | None:
    """What the edge that is there was made of."""
    found = cluster.kubectl("get", "namespace", NAMESPACE, "--ignore-not-found", "--output", "json")
    return json.loads(found)["metadata"].get("annotations", {}).get(MADE_OF) if found.strip() else None


def _objects(cluster: Kind, built: dict[str, str], upstream: str, secrets: Secrets) -> list[dict[str, Any]]:
    files = {
        "secrets.json": secrets.to_json(), "password": secrets.password, "cookie": secrets.cookie, "client": secrets.client,
        "provider.json": edge_settings.provider_configuration(secrets, listen=f":{PROVIDER_PORT}", issuer=ISSUER),
        "proxy.yaml": edge_settings.proxy_configuration(MOUNT, issuer=ISSUER, upstream=upstream, http=f":{HTTP_PORT}",
                                                        https=f":{HTTPS_PORT}"),
        **gateway.issue(cluster, ["localhost", gateway.DOMAIN, f"*.{gateway.DOMAIN}"]),
    }
    proxy, provider = "oauth2-proxy", "oidc-provider"
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": LABELS}},
        _named("v1", "Secret", SECRET, {"stringData": files}),
        _deployment(provider, built[provider], [f"{MOUNT}/provider.json"], ["provider.json"], PROVIDER_PORT,
                    f"{ISSUER_PATH}/healthz", store.key(files)),
        _deployment(proxy, built[proxy], edge_settings.proxy_arguments(MOUNT, MOUNT / "proxy.yaml"),
                    ["cookie", "client", "proxy.yaml", "tls.crt", "tls.key"], HTTP_PORT, "/ping", store.key(files)),
        _named("v1", "Service", provider, {"spec": {"selector": {"app": provider}, "ports": [{"port": PROVIDER_PORT}]}}),
        _named("v1", "Service", proxy, {"spec": {"type": "NodePort", "selector": {"app": proxy}, "ports": [
            {"name": "http", "port": 80, "targetPort": HTTP_PORT, "nodePort": ports.EDGE_HTTP},
            {"name": "https", "port": 443, "targetPort": HTTPS_PORT, "nodePort": ports.EDGE_HTTPS}]}}),
    ]


def _deployment(name: str, image: str, arguments: list[str], files: list[str], port: int, health: str,
                content: str) -> dict[str, Any]:
    """One pod of a program that reads `files` of the Secret; `content` (their hash) starts it anew when they change."""
    container = {
        "name": name, "image": image, "imagePullPolicy": "IfNotPresent", "args": arguments,
        "readinessProbe": {"httpGet": {"path": health, "port": port}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {"runAsNonRoot": True, "runAsUser": UID, "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
                            "seccompProfile": {"type": "RuntimeDefault"}},
        "volumeMounts": [{"name": SECRET, "mountPath": str(MOUNT), "readOnly": True}],
    }
    volume = {"name": SECRET, "secret": {"secretName": SECRET, "items": [{"key": file, "path": file} for file in files]}}
    return _named("apps/v1", "Deployment", name, {"spec": {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}, "annotations": {"torchserve-kserve/content": content}},
                     "spec": {"automountServiceAccountToken": False, "containers": [container], "volumes": [volume]}}}})


def _named(version: str, kind: str, name: str, rest: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, **rest}
