"""helm as the harness calls it: the image's values, and a release that an interrupted helm left behind."""

import json
from collections.abc import Callable
from pathlib import Path

import kubernetes
import pytest

from ci import helm
from ci.cluster.errors import Problem

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(("image", "values"), [
    ("torchserve:1", {"repository": "torchserve", "tag": "1"}),
    ("docker.io/pytorch/torchserve:0-cpu", {"registry": "docker.io", "repository": "pytorch/torchserve", "tag": "0-cpu"}),
    ("docker.io/torchserve:1", {"registry": "docker.io", "repository": "torchserve", "tag": "1"}),
    ("localhost/torchserve:1", {"registry": "localhost", "repository": "torchserve", "tag": "1"}),
    (f"pytorch/torchserve@{DIGEST}", {"repository": "pytorch/torchserve", "digest": DIGEST}),
    (f"host:5000/a/b@{DIGEST}", {"registry": "host:5000", "repository": "a/b", "digest": DIGEST}),
    (f"quay.io/a/b:1@{DIGEST}", {"registry": "quay.io", "repository": "a/b", "tag": "1", "digest": DIGEST}),
])
def test_an_image_name_becomes_values_that_render_the_same_name(image: str, values: dict[str, str]) -> None:
    assert helm.image_values(image) == {"runtime": {"image": values}}
    objects = helm.render("x", "default", helm.merged({"models": {"m": {"uri": "https://host/m.mar"}}}, helm.image_values(image)))
    runtime = next(item for item in objects if item["kind"] == "ServingRuntime")
    found = runtime["spec"]["containers"][0]["image"]
    name, _, digest = image.partition("@")
    shown = f"{name.rpartition(':')[0] if ':' in name.rpartition('/')[2] else name}@{digest}" if digest else image
    assert found == (shown if "registry" in values else f"docker.io/{shown}")


@pytest.mark.parametrize("image", ["torchserve", "host:5000/torchserve", "docker.io/pytorch/torchserve", "a/b:", "a/b@", ":1"])
def test_a_name_with_neither_tag_nor_digest_is_refused(image: str) -> None:
    with pytest.raises(Problem, match="has neither tag nor digest: write NAME:TAG or NAME@sha256:…"):
        helm.image_values(image)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """calls(status): what `install` of release `demo` runs where helm lists it with that status ("": not at all)."""
    def install(status: str) -> list[str]:
        listed = json.dumps([{"name": "demo", "revision": "3", "status": status}] if status else [])
        script = f"#!/bin/sh\necho helm \"$*\" >> {tmp_path}/calls\ncase \"$*\" in *' list '*) echo '{listed}';; esac\n"
        (tmp_path / "helm").write_text(script)
        (tmp_path / "helm").chmod(0o755)

        def delete(_: object, name: str, namespace: str) -> None:
            with (tmp_path / "calls").open("a") as file:
                file.write(f"delete --kubeconfig config --namespace {namespace} {name}\n")

        monkeypatch.setattr(helm, "client", lambda _: None)
        monkeypatch.setattr(kubernetes.client.CoreV1Api, "delete_namespaced_secret", delete)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        helm.Helm(Path("config"), "models").install("demo", {})
        lines = (tmp_path / "calls").read_text().splitlines()
        assert all(" --kubeconfig config --namespace models " in line for line in lines)
        return [line.replace("--kubeconfig config --namespace models ", "") for line in lines]
    return install


@pytest.mark.parametrize("status", ["", "deployed", "failed", "superseded"])
def test_a_release_that_helm_can_work_on_is_left_as_it_is(calls: Callable[[str], list[str]], status: str) -> None:
    listed, installed = calls(status)
    assert listed == "helm list --pending --filter ^demo$ --output json"
    assert installed.startswith("helm upgrade --install demo ")


def test_an_interrupted_install_is_uninstalled_first(
        calls: Callable[[str], list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    _, uninstalled, installed = calls("pending-install")
    assert uninstalled == "helm uninstall demo --wait --timeout 120s"
    assert installed.startswith("helm upgrade --install demo ")
    assert "release demo is pending-install, left by an interrupted helm: uninstalling it" in capsys.readouterr().err


@pytest.mark.parametrize("status", ["pending-upgrade", "pending-rollback"])
def test_the_record_of_an_interrupted_upgrade_is_removed_first(
        calls: Callable[[str], list[str]], capsys: pytest.CaptureFixture[str], status: str) -> None:
    _, removed, installed = calls(status)
    assert removed == "delete sh.helm.release.v1.demo.v3"
    assert installed.startswith("helm upgrade --install demo ")
    assert f"release demo is {status}, left by an interrupted helm: forgetting its revision 3" in capsys.readouterr().err


def test_an_image_as_options_is_what_it_is_as_values():
    assert helm.image_options("localhost:5000/a/b:1") == (
        "--set runtime.image.repository=a/b --set runtime.image.tag=1 --set runtime.image.registry=localhost:5000")
