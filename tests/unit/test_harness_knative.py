"""Knative's and Contour's manifests, as the harness installs them; Python only, no module is fetched."""

from typing import Any

import pytest

from ci.cluster import images, ingress, knative, objects, ports, up
from ci.cluster.errors import Problem
from ci.cluster.versions import versions


def deployment(image: str) -> dict[str, Any]:
    container = {"name": "it", "image": image, "resources": {"requests": {"cpu": "300m", "memory": "60Mi"}}}
    return {"kind": "Deployment", "metadata": {"name": "it"}, "spec": {"template": {"spec": {"containers": [container]}}}}


def test_a_go_package_becomes_the_image_of_its_release_and_requests_shrink() -> None:
    found = knative._adapted(deployment("ko://knative.dev/serving/cmd/activator"))["spec"]["template"]["spec"]["containers"][0]
    assert found["image"] == f"gcr.io/knative-releases/knative.dev/serving/cmd/activator:{versions()['knative-release']}"
    assert found["resources"]["requests"] == {"cpu": "10m", "memory": "60Mi"}


@pytest.mark.parametrize("image", ["ko://knative.dev/serving/cmd/new", "docker.io/envoyproxy/envoy:v2"])
def test_an_image_that_nobody_provides_is_named(image: str) -> None:
    with pytest.raises(Problem, match=f"Knative's manifests want the image {image}, which is not among those we provide"):
        knative._adapted(deployment(image))


def test_settings_are_added_to_what_a_config_map_says_and_the_queue_proxys_image_is_ours() -> None:
    found = knative._adapted({"kind": "ConfigMap", "metadata": {"name": "config-deployment"},
                              "data": {"_example": "x", "queue-sidecar-image": "ko://knative.dev/serving/cmd/queue"}})["data"]
    assert found["queue-sidecar-image"] == images.table()["knative-queue"]["image"]
    assert found["_example"] == "x"
    assert "index.docker.io" in found["registries-skipping-tag-resolving"].split(",")


def test_the_gateways_are_at_the_mapped_node_ports() -> None:
    kourier = {"kind": "Service", "metadata": {"name": "kourier"}, "spec": {"type": "LoadBalancer", "ports": [{}, {}]}}
    envoy = {"kind": "Service", "metadata": {"name": "envoy"}, "spec": {"type": "LoadBalancer", "ports": [{}, {}]}}
    assert knative._adapted(kourier)["spec"] == {
        "type": "NodePort", "ports": [{"nodePort": ports.KOURIER_HTTP}, {"nodePort": ports.KOURIER_HTTPS}]}
    assert ingress._adapted(envoy)["spec"] == {
        "type": "NodePort", "ports": [{"nodePort": ports.INGRESS_HTTP}, {"nodePort": ports.INGRESS_HTTPS}]}


def test_both_gateways_run_one_envoy_on_ports_of_their_own_pods() -> None:
    container = {"image": "docker.io/envoyproxy/envoy:distroless-v1", "ports": [{"containerPort": 8080, "hostPort": 80}]}
    item = {"kind": "DaemonSet", "metadata": {"name": "envoy"}, "spec": {"template": {"spec": {"containers": [container]}}}}
    assert ingress._adapted(item)["spec"]["template"]["spec"]["containers"] == [
        {"image": versions()["pull"]["envoy"], "ports": [{"containerPort": 8080}]}]


def test_objects_come_out_of_their_text_as_they_went_in() -> None:
    items = [{"kind": "A", "data": {"x": "on\n", "y": "1"}}, {"kind": "B", "n": 1, "ok": True}]
    assert objects.read(f"---\n{objects.write(items)}---\n# nothing\n") == items


def test_versions_of_other_profiles_do_not_remake_the_default_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    before = up._key()
    table = {**versions(), "of-another-profile": "v1"}
    monkeypatch.setattr(up, "versions", lambda: table)
    assert up._key() == before
    table["knative"] = "v9"
    assert up._key() != before
