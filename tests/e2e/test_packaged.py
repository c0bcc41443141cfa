"""The packaged chart from an index repository: by Helm 3, by Helm 4, and a release carried from the one to the other; from an OCI
registry, and as a part of another chart.

Which helm it was does not matter to KServe: Standard mode alone. What needs no cluster for its proof is in tests/package.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci import helm
from ci import package as packages
from ci.cluster import helms, up
from ci.cluster.paths import CHART
from ci.release import Release
from tests import registry as registries
from tests.e2e.rollouts import wait_until_rolled_out
from tests.e2e.watching import state_of, watched
from tests.repository import served

pytestmark = pytest.mark.only("Standard")

VERSION = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
Values = dict[str, Any]


@pytest.fixture(scope="module")
def by(cluster: up.Cluster, namespace: str, preparing: Callable[[], AbstractContextManager[None]]) -> dict[int, helm.Helm]:
    """Both helms, by their major versions."""
    with preparing():
        programs = {3: helms.three(), 4: helms.four()}
    return {version: helm.Helm(cluster.kubeconfig, namespace, str(program), CHART.name) for version, program in programs.items()}


@pytest.fixture(scope="module")
def of_repository(by: dict[int, helm.Helm], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:  # noqa: ARG001
    """helm's options for the chart of a repository on loopback, which has the package."""
    folder = tmp_path_factory.mktemp("repository")
    package = packages.build(CHART, folder)
    with served(folder) as url:
        packages.index(package, url, None)
        yield ["--repo", url, "--version", VERSION]


@pytest.fixture(scope="module")
def packaged(install: Callable[..., Release], tiny: Callable[..., Values], by: dict[int, helm.Helm],
             of_repository: list[str]) -> dict[int, Release]:
    """A release by each helm."""
    found = {version: install(f"helm-{version}", tiny("one"), *of_repository, by=by[version]) for version in by}
    for release in found.values():
        release.wait_until_ready()
    return found


@pytest.mark.thorough
def test_it_installs_from_an_oci_registry(
        install: Callable[..., Release], tiny: Callable[..., Values], namespace: str, cluster: up.Cluster, install_packages: bool,
        tmp_path: Path, by: dict[int, helm.Helm]) -> None:
    with registries.running(tmp_path, install=install_packages, why="the test of the package") as address:
        packages.push(packages.build(CHART, tmp_path), f"oci://{address}/charts")
        of_registry = helm.Helm(cluster.kubeconfig, namespace, by[3].program, f"oci://{address}/charts/{CHART.name}")
        release = install("oci", tiny("one"), "--version", VERSION, "--plain-http", by=of_registry)
    release.wait_until_ready()
    assert release.predict("tiny", {"instances": [{}]}).json() == {"predictions": ["one"]}


@pytest.mark.thorough
def test_it_installs_as_a_subchart(
        install: Callable[..., Release], tiny: Callable[..., Values], namespace: str, cluster: up.Cluster,
        of_repository: list[str], tmp_path: Path, by: dict[int, helm.Helm]) -> None:
    parent = tmp_path / "parent"
    parent.mkdir()
    dependency = {"name": CHART.name, "version": VERSION, "repository": of_repository[1], "condition": f"{CHART.name}.enabled"}
    (parent / "Chart.yaml").write_text(yaml.safe_dump(
        {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [dependency]}))
    by[3]("dependency", "update", str(parent))
    of_parent = helm.Helm(cluster.kubeconfig, namespace, by[3].program, str(parent))
    release = install("family", {CHART.name: {"enabled": True, **tiny("one")}}, by=of_parent)
    release.wait_until_ready()
    assert release.predict("tiny", {"instances": [{}]}).json() == {"predictions": ["one"]}
    assert "Succeeded" in of_parent("test", release.name, "--timeout", "120s")


@pytest.mark.parametrize("version", [3, 4])
def test_a_release_of_the_package_predicts(packaged: dict[int, Release], version: int) -> None:
    assert packaged[version].predict("tiny", {"instances": [{}]}).json() == {"predictions": ["one"]}


@pytest.mark.parametrize("version", [3, 4])
def test_helm_test_of_it_succeeds(packaged: dict[int, Release], by: dict[int, helm.Helm], version: int) -> None:
    assert "Succeeded" in by[version]("test", packaged[version].name, "--timeout", "120s")


@pytest.mark.parametrize("version", [3, 4])
def test_upgraded_by_helm_4_with_the_same_values_nothing_rolls(packaged: dict[int, Release], by: dict[int, helm.Helm],
                                                               of_repository: list[str], version: int) -> None:
    release = packaged[version]
    before = state_of(release)
    selector = f"serving.kserve.io/inferenceservice={release.name}"
    with watched(release.core.list_namespaced_pod, release.namespace, label_selector=selector) as seen:
        by[4]("upgrade", release.name, CHART.name, *of_repository, "--reuse-values")
        release.wait_until_ready()
        assert release.predict("tiny", {"instances": [{}]}).json() == {"predictions": ["one"]}
    assert state_of(release) == before
    assert [change.kind for change in seen if change.kind != "MODIFIED"] == []
    history = json.loads(by[4]("history", release.name, "--output", "json"))
    assert [(row["revision"], row["status"]) for row in history] == [(1, "superseded"), (2, "deployed")]


def test_a_changed_model_of_the_carried_release_is_served(
        packaged: dict[int, Release], by: dict[int, helm.Helm], tiny: Callable[..., Values], of_repository: list[str],
        mode: str) -> None:
    release = packaged[3]
    pods = release.predictor_pods()
    by[4].install(release.name, tiny("two"), *of_repository)
    wait_until_rolled_out(release, pods, mode)
    assert release.predict("tiny", {"instances": [{}]}).json() == {"predictions": ["two"]}
