"""The rendered container in docker's words: quantities, limits, mounts that its user can read."""

import os
import stat
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ci import helm, preview, preview_container
from ci.cluster.errors import Problem

VALUES = {"models": {"bert": {"uri": "https://host/bert.mar"}}}


@pytest.fixture
def umask_077() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def arguments(values: dict[str, Any], work: Path, cpus: int = 8) -> list[str]:
    release = preview.Rendered(helm.render("preview", "default", values))
    return preview_container.arguments(release.spec, release.config_maps, work, work / "claim", cpus)


def option(name: str, given: list[str]) -> list[str]:
    """The values of an option that may be given several times."""
    return [value for key, value in pairwise(given) if key == name]


@pytest.mark.parametrize(("text", "number"), [
    ("2", "2"), ("0.5", "0.5"), ("1.", "1"), ("500m", "0.5"), ("2k", "2000"), ("1M", "1000000"), ("1Ki", "1024"),
    ("2Gi", "2147483648"), ("0.5Gi", "536870912"), ("1E", "1000000000000000000"), ("1E3", "1000"), ("1e-1", "0.1"),
])
def test_a_quantity_of_kubernetes_is_a_number(text: str, number: str) -> None:
    assert preview_container.quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "Gi", "2gb", "-1", "2 Gi", "1e", "0x10"])
def test_anything_else_is_no_quantity(text: str) -> None:
    with pytest.raises(Problem, match=r"is not a quantity of Kubernetes: write for example 2, 0\.5, 500m or 2Gi"):
        preview_container.quantity(text)


@pytest.mark.parametrize(("limits", "expected"), [
    ({"cpu": "500m", "memory": "2Gi"}, ["--memory", "2147483648", "--cpus", "0.500"]),
    ({"cpu": "1e1"}, ["--cpus", "4"]),
    ({"cpu": "2", "nvidia.com/gpu": "1"}, ["--cpus", "2"]),
    ({}, []),
])
def test_limits_are_dockers_and_no_more_cpus_than_there_are(limits: dict[str, str], expected: list[str]) -> None:
    assert preview_container.limits({"limits": limits}, cpus=4) == expected


def test_without_limits_there_are_none() -> None:
    assert preview_container.limits({}, cpus=4) == []


def test_the_charts_limits_reach_docker(tmp_path: Path) -> None:
    given = arguments({**VALUES, "runtime": {"resources": {"limits": {"cpu": 1.5, "memory": "1Gi"}}}}, tmp_path)
    assert (option("--memory", given), option("--cpus", given)) == (["1073741824"], ["1.5"])


def test_the_container_is_restricted_and_reads_the_claim_only(tmp_path: Path) -> None:
    given = arguments(VALUES, tmp_path)
    assert {"--read-only", "no-new-privileges"} <= set(given)
    assert (option("--cap-drop", given), option("--user", given)) == (["ALL"], ["1000"])
    assert option("--publish", given) == ["127.0.0.1::8080"]
    mounts = option("--volume", given)
    assert f"{tmp_path}/claim:/mnt/models:ro" in mounts
    assert [mount for mount in mounts if not mount.endswith(":ro")] == ["/tmp"]


def test_the_command_is_the_rendered_one(tmp_path: Path) -> None:
    given = arguments(VALUES, tmp_path)
    image = given.index("docker.io/pytorch/torchserve:0.12.0-cpu")
    assert given[image - 2:image] == ["--entrypoint", "python"]
    assert given[image + 1:image + 3] == ["/opt/torchserve-kserve/start/start.py", "--ts-config"]


@pytest.mark.usefixtures("umask_077")
def test_the_containers_user_can_read_the_config_maps_whatever_the_umask(tmp_path: Path) -> None:
    arguments(VALUES, tmp_path)
    found = {str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert found == {"config": 0o755, "config/config.properties": 0o644, "config/log4j2.xml": 0o644,
                     "config/sitecustomize.py": 0o644,
                     "start": 0o755, "start/start.py": 0o644, "start/inflight.py": 0o644, "start/intact.py": 0o644,
                     "start/authorities.py": 0o644,
                     "start/processes.py": 0o644, "start/readiness.py": 0o644, "start/requirements.py": 0o644,
                     "start/ready.sh": 0o644}


@pytest.mark.usefixtures("umask_077")
def test_the_containers_user_can_enter_the_claim_whatever_the_umask(tmp_path: Path) -> None:
    assert stat.S_IMODE(preview_container.readable_folder(tmp_path / "claim").stat().st_mode) == 0o755


def test_in_knative_mode_the_same_files_come_from_the_annotations(tmp_path: Path) -> None:
    (tmp_path / "standard").mkdir()
    (tmp_path / "knative").mkdir()
    arguments(VALUES, tmp_path / "standard")
    arguments({**VALUES, "deploymentMode": "Knative"}, tmp_path / "knative")
    contents = [{path.name: path.read_text() for path in (tmp_path / mode).rglob("*") if path.is_file()}
                for mode in ("standard", "knative")]
    assert contents[0] == contents[1]


@pytest.mark.parametrize("runtime", [
    {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]},
    {"envFrom": [{"configMapRef": {"name": "a"}}]}, {"ca": {"configMapName": "a"}}, {"ca": {"secretName": "a"}},
])
def test_what_only_a_cluster_has_is_refused(runtime: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(Problem, match="A preview has no ConfigMaps and Secrets of a cluster: leave runtime"):
        arguments({**VALUES, "runtime": runtime}, tmp_path)


def test_more_environment_reaches_docker(tmp_path: Path) -> None:
    given = arguments({**VALUES, "runtime": {"env": [{"name": "HF_HOME", "value": "/tmp/hf"}]}}, tmp_path)
    assert "HF_HOME=/tmp/hf" in option("--env", given)
