"""The main job on this machine: preview, cluster, model, helm install, predict; the release stays."""

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

import kubernetes
import requests
import yaml

from ci import fileserver, helm, preview, release
from ci.cluster import examples, ports, profile_default, up
from ci.cluster.errors import Problem
from ci.cluster.paths import EXAMPLES
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.files_pod import FilesPod

RELEASE, NAMESPACE, EXAMPLE = "demo", "demo", "bert"
SERVER_LINES = ("Torch worker started.", "WORKER_MODEL_LOADED")
ANSWER_SECONDS = 30


def add_options(parser: argparse.ArgumentParser) -> None:
    """The demo takes no options of its own: it shows one thing."""


def run(options: argparse.Namespace) -> None:
    values = yaml.safe_load((EXAMPLES / EXAMPLE / "values.yaml").read_text())
    cluster = up.ours(profile_default.PROFILE, install=not options.no_install, meanwhile=lambda image: _preview(values, image))
    image = cluster.runtime_image
    values = helm.merged(values, helm.image_values(image))
    api = release.client(cluster.kubeconfig)
    release.create(kubernetes.client.CoreV1Api(api).create_namespace, {"metadata": {"name": NAMESPACE}})
    with timings.stage("upload"):
        files = FilesPod(api, NAMESPACE, image)
        files.start()
        url = files.put(examples.archive(EXAMPLE, image))
    running = release.Release(api, NAMESPACE, RELEASE)
    running.forget_failed_seed()
    with timings.stage("helm install to Ready"):
        helm.Helm(cluster.kubeconfig, NAMESPACE).install(RELEASE, helm.merged(values, {"models": {EXAMPLE: {"uri": url}}}))
        running.wait_until_ready()
    _show_logs(running)
    address = _publish(api, cluster)
    with timings.stage("predict"):
        _predict(address)
    _farewell(cluster)


def _preview(values: dict[str, Any], image: str) -> None:
    """The first answer, on docker alone, while the cluster may still be compiling."""
    with timings.stage("train"):
        archive = examples.archive(EXAMPLE, image)
    with timings.stage("preview"), fileserver.served({EXAMPLE: archive}) as urls:
        first = helm.merged(values, helm.image_values(image), {"models": {EXAMPLE: {"uri": urls[EXAMPLE]}}})
        preview.answer(preview.Rendered(helm.render(RELEASE, NAMESPACE, first)))


def _show_logs(running: release.Release) -> None:
    print("\nThe seeding Job's log:")
    print("".join(f"  {line}\n" for line in running.seed_logs().splitlines()), end="")
    print("The server's log, the lines that matter:")
    for line in running.server_logs().splitlines():
        if any(part in line for part in SERVER_LINES):
            print(f"  {line}")


def _publish(api: kubernetes.client.ApiClient, cluster: up.Cluster) -> str:
    """A NodePort Service in front of the predictor; returns its address on this machine's loopback."""
    assert cluster.kind
    name = f"{RELEASE}-loopback"
    body: dict[str, Any] = {"metadata": {"name": name}, "spec": {
        "type": "NodePort", "selector": {"app": f"isvc.{RELEASE}-predictor"},
        "ports": [{"port": 80, "targetPort": 8080, "nodePort": ports.SERVICE}]}}
    core = kubernetes.client.CoreV1Api(api)
    # A second run: creating it again would not be told "there is one" but "its port is taken".
    if name not in [service.metadata.name for service in core.list_namespaced_service(NAMESPACE).items]:
        core.create_namespaced_service(NAMESPACE, body)
    return f"http://127.0.0.1:{cluster.kind.loopback_port()}"


def _predict(address: str) -> None:
    body = json.loads((EXAMPLES / EXAMPLE / "request.json").read_text())
    expected = json.loads((EXAMPLES / EXAMPLE / "expected.json").read_text())
    url = f"{address}/v1/models/{EXAMPLE}:predict"

    def answer() -> requests.Response | None:
        try:
            return requests.post(url, json=body, timeout=ANSWER_SECONDS)
        except requests.ConnectionError:
            return None  # kube-proxy has not heard of the Service yet

    response = wait_for(f"an answer at {address}", answer, seconds=ANSWER_SECONDS)
    print(f"\n$ curl {url} -H 'Content-Type: application/json' -d '{json.dumps(body)}'\n{response.text}")
    if response.status_code != 200 or response.json() != expected:
        raise Problem(f"The model {EXAMPLE} answered {response.status_code}, where {expected} is right: see the server's log.")


def _farewell(cluster: up.Cluster) -> None:
    path = shlex.quote(str(cluster.tools or Path()))
    print(f"\nThe release `{RELEASE}` in namespace `{NAMESPACE}` keeps running. helm, kubectl and this cluster in your shell:\n"
          f"  export PATH={path}:$PATH KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}\n"
          "The TorchServe image that this cluster has, for releases of your own:\n"
          f"  {helm.image_options(cluster.runtime_image)}\n"
          f"Remove it:\n  helm --namespace {NAMESPACE} uninstall {RELEASE} && kubectl delete namespace {NAMESPACE}\n"
          "Or cluster and all (with `-- --cache` also what was built):\n  ci/nox -s down\n")
