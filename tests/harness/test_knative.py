"""Knative's and Contour's manifests, as the harness installs them; Python only, no module is fetched."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ci.cluster import images, ingress, knative, kourier, kserve, make, objects, ports, profile_default, profile_istio
from ci.cluster.errors import Problem
from ci.cluster.versions import versions


def deployment(image: str) -> dict[str, Any]:
    container = {"name": "it", "image": image, "resources": {"requests": {"cpu": "300m", "memory": "60Mi"}},
                 "readinessProbe": {"httpGet": {"port": 8012}}, "livenessProbe": {"httpGet": {"port": 8012}, "timeoutSeconds": 3}}
    return {"kind": "Deployment", "metadata": {"name": "it"}, "spec": {"template": {"spec": {"containers": [container]}}}}


def adapted(item: dict[str, Any]) -> dict[str, Any]:
    return knative.adapted(item, knative.images_of("knative.dev/serving/"), knative.SETTINGS)


def test_a_go_package_becomes_the_image_of_its_release_requests_shrink_and_probes_wait() -> None:
    found = adapted(deployment("ko://knative.dev/serving/cmd/activator"))["spec"]["template"]["spec"]["containers"][0]
    assert found["image"] == f"gcr.io/knative-releases/knative.dev/serving/cmd/activator:{versions()['knative-release']}"
    assert found["resources"]["requests"] == {"cpu": "10m", "memory": "60Mi"}
    assert {found[probe]["timeoutSeconds"] for probe in ("readinessProbe", "livenessProbe")} == {10}


@pytest.mark.parametrize("image", ["ko://knative.dev/serving/cmd/new", "docker.io/envoyproxy/envoy:v2"])
def test_an_image_that_nobody_provides_is_named(image: str) -> None:
    with pytest.raises(Problem, match=f"Knative's manifests want the image {image}, which is not among those we provide"):
        adapted(deployment(image))


def test_settings_are_added_to_what_a_config_map_says_and_the_queue_proxys_image_is_ours() -> None:
    found = adapted({"kind": "ConfigMap", "metadata": {"name": "config-deployment"},
                     "data": {"_example": "x", "queue-sidecar-image": "ko://knative.dev/serving/cmd/queue"}})["data"]
    assert found["queue-sidecar-image"] == images.table()["knative-queue"]["image"]
    assert found["_example"] == "x"
    assert "index.docker.io" in found["registries-skipping-tag-resolving"].split(",")


def test_the_gateways_are_at_the_mapped_node_ports() -> None:
    to_kourier = {"kind": "Service", "metadata": {"name": "kourier"}, "spec": {"type": "LoadBalancer", "ports": [{}, {}]}}
    envoy = {"kind": "Service", "metadata": {"name": "envoy"}, "spec": {"type": "LoadBalancer", "ports": [{}, {}]}}
    assert kourier._adapted(to_kourier)["spec"] == {
        "type": "NodePort", "ports": [{"nodePort": ports.KOURIER_HTTP}, {"nodePort": ports.KOURIER_HTTPS}]}
    assert ingress._adapted(envoy)["spec"] == {
        "type": "NodePort", "ports": [{"nodePort": ports.INGRESS_HTTP}, {"nodePort": ports.INGRESS_HTTPS}]}


def test_both_gateways_run_one_envoy_on_ports_of_their_own_pods() -> None:
    container = {"image": "docker.io/envoyproxy/envoy:distroless-v1", "ports": [{"containerPort": 8080, "hostPort": 80}],
                 "readinessProbe": {"httpGet": {"path": "/ready"}, "timeoutSeconds": 1}}
    item = {"kind": "DaemonSet", "metadata": {"name": "envoy"}, "spec": {"template": {"spec": {"containers": [container]}}}}
    assert ingress._adapted(item)["spec"]["template"]["spec"]["containers"] == [
        {"image": versions()["pull"]["envoy"], "ports": [{"containerPort": 8080}],
         "readinessProbe": {"httpGet": {"path": "/ready"}, "timeoutSeconds": 10}}]


def test_objects_come_out_of_their_text_as_they_went_in() -> None:
    items = [{"kind": "A", "data": {"x": "on\n", "y": "1"}}, {"kind": "B", "n": 1, "ok": True}]
    assert objects.read(f"---\n{objects.write(items)}---\n# nothing\n") == items


def test_each_network_has_its_own_gateway_for_standard_mode() -> None:
    given = kserve.values("istio-system/knative-gateway")["kserve"]["controller"]["gateway"]["ingressGateway"]
    assert given == {"enableGatewayApi": True, "kserveGateway": "istio-system/knative-gateway"}
    assert "kserveGateway" not in kserve.VALUES["kserve"]["controller"]["gateway"]["ingressGateway"]


@pytest.mark.parametrize(("row", "remade"), [
    ("of-another-profile", (False, False)), ("knative", (True, True)), ("envoy", (True, True)),
    ("kourier", (True, False)), ("kourier-release", (True, False)), ("contour", (True, False))])
def test_a_version_remakes_the_clusters_that_have_it_and_no_others(
        row: str, remade: tuple[bool, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = (profile_default.PROFILE, profile_istio.PROFILE)
    before = [profile.key() for profile in profiles]
    for module in (make, profile_default, profile_istio):
        monkeypatch.setattr(module, "versions", lambda: {**versions(), row: "v9"})
    assert tuple(profile.key() != key for profile, key in zip(profiles, before, strict=True)) == remade


@pytest.mark.parametrize(("code", "remade"), [
    (make, (True, True)), (knative, (True, True)), (kourier, (True, False)), (ingress, (True, False)),
    (profile_default, (True, False)), (profile_istio, (False, True))])
def test_the_code_that_installs_remakes_what_it_installed(
        code: ModuleType, remade: tuple[bool, bool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    profiles = (profile_default.PROFILE, profile_istio.PROFILE)
    before = [profile.key() for profile in profiles]
    changed = tmp_path / Path(str(code.__file__)).name
    changed.write_text("changed")
    monkeypatch.setattr(code, "__file__", str(changed))
    assert tuple(profile.key() != key for profile, key in zip(profiles, before, strict=True)) == remade
