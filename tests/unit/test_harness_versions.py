"""The one table of versions says what the pinned modules, charts and packages say."""

import re
from pathlib import Path

import yaml

from ci.cluster import images
from ci.cluster.paths import CHART, CI, REPOSITORY
from ci.cluster.versions import versions

MODULES = {
    "kubernetes": "k8s.io/kubernetes", "kserve": "github.com/kserve/kserve", "kind": "sigs.k8s.io/kind",
    "coredns": "github.com/coredns/coredns", "kube-rbac-proxy": "github.com/brancz/kube-rbac-proxy",
    "local-path-provisioner": "github.com/rancher/local-path-provisioner",
}


def required(go_mod: Path) -> dict[str, str]:
    return dict(re.findall(r"^\t(\S+) (v\S+)$", go_mod.read_text(), re.MULTILINE))


def test_the_table_and_go_mod_name_the_same_versions() -> None:
    pinned = required(CI / "source" / "core" / "go.mod")
    assert {name: pinned[module] for name, module in MODULES.items()} == {name: versions()[name] for name in MODULES}
    assert pinned["go.etcd.io/etcd/server/v3"].removeprefix("v") == versions()["etcd"].split("-")[0]


def test_the_staging_modules_are_replaced_by_the_kubernetes_release() -> None:
    text = (CI / "source" / "core" / "go.mod").read_text()
    replaced = set(re.findall(r"^\tk8s\.io/\S+ => k8s\.io/\S+ (v\S+)$", text, re.MULTILINE))
    assert replaced == {versions()["kubernetes"].replace("v1.", "v0.", 1)}


def test_pulled_and_built_images_have_the_same_names_and_versions() -> None:
    built = {row["image"] for row in images.table().values()}
    assert {versions()["pull"]["kserve-controller"], versions()["pull"]["kube-rbac-proxy"]} <= built


def test_the_charts_default_image_is_the_one_that_is_pulled() -> None:
    image = yaml.safe_load((CHART / "values.yaml").read_text())["runtime"]["image"]
    assert f"{image['repository']}:{image['tag']}" == versions()["pull"]["torchserve"]
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == versions()["torchserve"]["torchserve"]


def test_the_launcher_pins_the_packages_that_the_table_pins() -> None:
    pinned = " ".join(f"{name}=={version}" for name, version in versions()["python"]["launcher"].items())
    assert f'requirements="{pinned}"' in (CI / "nox").read_text()


def test_every_program_of_the_core_set_is_one_that_tools_go_keeps() -> None:
    kept = (CI / "source" / "core" / "tools.go").read_text()
    builds = yaml.safe_load((CI / "source" / "core" / "programs.yaml").read_text())["builds"]
    packages = [package for build in builds for package in build["packages"].values() if not package.startswith("./")]
    assert [package for package in packages if f'"{package}"' not in kept] == []


def test_the_readme_names_only_sessions_that_exist() -> None:
    sessions = set(re.findall(r"^def (\w+)\(session", (REPOSITORY / "noxfile.py").read_text(), re.MULTILINE))
    named = set(re.findall(r"ci/nox -s (\w+)", (REPOSITORY / "README.md").read_text()))
    assert {"demo", "tests"} <= named <= sessions
