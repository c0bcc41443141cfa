"""Images from a mirror: global.imageRegistry, digests, pull secrets, and the list of them that `nox -s images` prints."""

from __future__ import annotations

import json

import pytest

from ci import __main__, image_list
from tests.unit.cases import CASES, SMALLEST, changed
from tests.unit.render import CHART, only, render_chart
from tests.unit.seeding import SERVER_IMAGE, STORAGE_IMAGE
from tests.unit.test_chart_pod_security import pods

MIRROR = {"global": {"imageRegistry": "mirror.example.com:5000"}}
# Together every image that the chart can name: the servers with and without CUDA (which hands on the packing tool), and KServe's
# storage library.
EVERY = {"models": {"bert": {"build": {"handler": "s3://b/handler.py"}}}, "gpu": {"enabled": True}}
A = f"sha256:{'a' * 64}"


def listed(values: dict) -> list[str]:
    return list(image_list.images(render_chart(values)))


def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *options: str) -> tuple[str, str]:
    """What the command prints, on standard output and on standard error."""
    monkeypatch.setattr("sys.argv", ["ci", "images", *options])
    assert __main__.main() == 0
    return capsys.readouterr()


def test_the_list_has_each_image_once():
    assert listed(SMALLEST) == [SERVER_IMAGE]
    assert listed(EVERY) == sorted([SERVER_IMAGE, STORAGE_IMAGE, "docker.io/pytorch/torchserve:0.12.0-gpu"])


def test_the_images_of_oci_sources_are_in_it_as_they_were_written():
    values = changed(CASES["image-source"], **MIRROR)
    uri = CASES["image-source"]["models"]
    (given,) = {model["uri"].removeprefix("oci://").partition("#")[0] for model in uri.values()}
    assert listed(values) == sorted([given, "mirror.example.com:5000/pytorch/torchserve:0.12.0-cpu"])


def test_a_mirror_holds_every_image_of_the_chart():
    assert listed(changed(EVERY, **MIRROR)) == sorted(
        image.replace("docker.io/", "mirror.example.com:5000/") for image in listed(EVERY)
    )


@pytest.mark.parametrize("case", ["cloud-sources", "image-source", "gpu", "kubeflow", "stock-runtime", "wrapper", "all-options"])
def test_no_image_of_the_chart_comes_from_elsewhere(case):
    given = json.dumps(CASES[case])
    elsewhere = [image for image in listed(changed(CASES[case], **MIRROR)) if not image.startswith("mirror.example.com:5000/")]
    assert [image for image in elsewhere if f"oci://{image}#" not in given] == []


def test_a_digest_wins_over_the_tag_everywhere():
    values = changed(EVERY, runtime__image__digest=A, gpu__image__digest=A, seed__storageImage__digest=A)
    assert listed(values) == [f"docker.io/kserve/storage-initializer@{A}", f"docker.io/pytorch/torchserve@{A}"]


def test_an_empty_registry_is_the_engines_unless_there_is_a_mirror():
    values = changed(SMALLEST, runtime__image__registry="")
    assert listed(values) == ["pytorch/torchserve:0.12.0-cpu"]
    assert listed(changed(values, **MIRROR)) == ["mirror.example.com:5000/pytorch/torchserve:0.12.0-cpu"]


@pytest.mark.parametrize("shared", [["mirror", {"name": "own"}], [{"name": "own"}, {"name": "mirror"}]])
def test_pull_secrets_of_the_parent_chart_are_added_to_every_pod(shared):
    values = changed(SMALLEST, imagePullSecrets=[{"name": "own"}], **{"global": {"imagePullSecrets": shared}})
    for spec in pods(values).values():
        assert spec["imagePullSecrets"] == [{"name": "own"}, {"name": "mirror"}]


def test_a_parent_chart_alone_may_have_them():
    for spec in pods(changed(SMALLEST, **{"global": {"imagePullSecrets": ["mirror"]}})).values():
        assert spec["imagePullSecrets"] == [{"name": "mirror"}]


def test_the_command_takes_values_as_helm_does(capsys, monkeypatch):
    file = str(CHART / "ci/air-gap-values.yaml")
    out, err = printed(capsys, monkeypatch, "--values", file, "--set", "runtime.image.digest=", "--set", "gpu.enabled=true")
    assert out.splitlines() == [f"mirror.example.com/pytorch/torchserve:0.12.0-{kind}" for kind in ("cpu", "gpu")]
    assert err == ""


def test_without_values_it_is_a_release_with_the_defaults(capsys, monkeypatch):
    assert printed(capsys, monkeypatch) == (f"{SERVER_IMAGE}\n", "")
    out, _ = printed(capsys, monkeypatch, "--set", "models.digits.uri=s3://b/digits.mar")
    assert out.splitlines() == sorted([STORAGE_IMAGE, SERVER_IMAGE])


def test_json_says_who_runs_it(capsys, monkeypatch):
    out, _ = printed(capsys, monkeypatch, "--json")
    (found,) = json.loads(out)
    assert found["image"] == SERVER_IMAGE
    assert [place.partition("/")[0] for place in found["used"]] == ["Job", "Pod", "ServingRuntime"]
    assert found["used"][1] == "Pod/release-test-predict/predict"


@pytest.mark.parametrize(
    ("case", "said"),
    [("stock-runtime", "the runtime kserve-torchserve"), ("storage-uri", "KServe's storage-initializer"),
     ("pass-through", "KServe's agent, for logger and batcher"), ("knative", "Knative's queue-proxy, in each pod")],
)
def test_what_is_not_in_the_chart_is_said_beside_it(case, said, capsys, monkeypatch):
    out, err = printed(capsys, monkeypatch, "--values", str(CHART / f"ci/{case}-values.yaml"))
    assert said in err
    assert said not in out


def test_values_that_the_chart_refuses_end_with_its_sentence(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["ci", "images", "--set", "gpu.count=2"])
    assert __main__.main() == 1
    assert "gpu.count is 2 while gpu.enabled is false" in capsys.readouterr().err


def test_the_servers_image_is_the_one_that_is_listed():
    assert only(render_chart(EVERY), "ServingRuntime")["spec"]["containers"][0]["image"] in listed(EVERY)
