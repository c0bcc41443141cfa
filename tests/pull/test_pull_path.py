"""The pull path, proven against a real registry on loopback that holds the built images under their upstream names."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.cluster import engine, images, ingress, knative, kourier, kserve, node_image, registry, runtime, shell
from ci.cluster.errors import Problem
from ci.cluster.paths import REPOSITORY, prefix
from ci.cluster.versions import versions
from tests.registry import running

# Like upstream's, it does not end when the command has ended: nothing may rely on the image's entrypoint.
UPSTREAMS_ENTRYPOINT = 'ENTRYPOINT ["bash", "-c", "eval \\"$@\\"; tail -f /dev/null", "entrypoint"]'


@pytest.fixture(scope="module")
def local_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry on a free loopback port, empty; yields `host:port`."""
    engine.ensure(install=True)
    folder = tmp_path_factory.mktemp("registry")
    try:
        with running(folder, install=True, why="the test of the pull path") as address:
            yield address
    finally:
        shutil.rmtree(folder / "data", ignore_errors=True)


def upstream_names() -> list[str]:
    """The images that are pulled where a registry answers."""
    pulled = versions()["pull"]
    return [*[pulled[name] for name in ("node", "torchserve", "torchserve-kfs", "kserve-controller", "kube-rbac-proxy")],
            *dict.fromkeys([*knative.image_names(), *kourier.image_names(), *ingress.image_names()])]


@pytest.fixture(scope="module")
def environment(local_registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The registry filled, and an environment that points to it, with names and a cache of its own."""
    pulled = versions()["pull"]
    upstream = upstream_names()
    if present := [image for image in upstream if images.exists(image)]:
        raise Problem(f"This test gives the upstream names {', '.join(present)} to images of its own, and the engine has them: "
                      "remove them first.")
    environment = {**os.environ, "TORCHSERVE_KSERVE_REGISTRY": local_registry, "TORCHSERVE_KSERVE_PREFIX": f"{prefix()}-pull",
                   "TORCHSERVE_KSERVE_CACHE": str(tmp_path_factory.mktemp("cache"))}
    own = runtime.own(install=True)
    torchserve = images.local_name(pulled["torchserve"])
    shell.output(["docker", "build", "--tag", torchserve, "-"], stdin=f"FROM {own}\n{UPSTREAMS_ENTRYPOINT}\n",
                 env={"DOCKER_BUILDKIT": "0"})
    built = {pulled["node"]: node_image.build(own), pulled["torchserve"]: torchserve, pulled["torchserve-kfs"]: torchserve}
    for program, row in images.table().items():
        if row["image"] in upstream:
            built[row["image"]] = images.local_name(images.build_program(program))
    built[pulled["envoy"]] = images.local_name(images.build_envoy())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHSERVE_KSERVE_REGISTRY", local_registry)
        stored = {name: registry.mirrored(name) for name in upstream}
    try:
        for name, image in built.items():
            shell.output(["docker", "tag", image, stored[name]])
            shell.output(["docker", "push", stored[name]])
        shell.output(["docker", "image", "rm", *stored.values(), *(set(built.values()) - {built[pulled["node"]]})])
        _push_charts(local_registry, tmp_path_factory.mktemp("charts"))
        yield environment
    finally:
        subprocess.run([sys.executable, "-m", "ci", "down", "--cache"], cwd=REPOSITORY, env=environment, check=False)
        for image in (*stored.values(), *upstream):
            shell.succeeds(["docker", "image", "rm", image])


def _push_charts(host: str, folder: Path) -> None:
    """KServe's charts from its Go module, in the registry where upstream's are."""
    charts = kserve.charts(pulled=False)
    path = versions()["pull"]["kserve-charts"].removeprefix("oci://").partition("/")[2]
    for name in ("kserve-crd", "kserve-resources"):
        shell.output(["helm", "package", str(charts(name)), "--version", versions()["kserve"], "--destination", str(folder)])
    for package in sorted(folder.glob("*.tgz")):
        shell.output(["helm", "push", str(package), f"oci://{host}/{path}", "--plain-http"])


def test_where_a_registry_answers_the_demo_pulls_everything_and_predicts(environment: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-m", "ci", "demo"], cwd=REPOSITORY, env=environment, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout)
    assert done.returncode == 0, done.stdout
    assert "a registry answers" in done.stdout
    assert re.search(r'"predictions":\s*\[\s*4\s*\]', done.stdout)
    assert f"pulling {environment['TORCHSERVE_KSERVE_REGISTRY']}/" in done.stdout
    of_tests = {versions()["pull"]["torchserve-kfs"]}
    assert [name for name in upstream_names() if name not in of_tests and name.rpartition("/")[2] not in done.stdout] == []
    assert "compiling" not in done.stdout
    assert "building" not in done.stdout.replace("building and running the cluster", "")


def test_the_write_up_is_answered_by_upstreams_wrapper_image_where_that_is_pulled(environment: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-m", "pytest", "-s", "tests/e2e/test_write_up.py"], cwd=REPOSITORY, env=environment,
                          text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout)
    assert done.returncode == 0, done.stdout
    assert f"pulling {environment['TORCHSERVE_KSERVE_REGISTRY']}/pytorch/torchserve-kfs" in done.stdout
