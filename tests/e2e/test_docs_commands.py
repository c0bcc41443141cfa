"""The kubectl commands of the docs, typed in on a release: names and namespace are that release's, the rest is the page's."""

import json
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import requests
import yaml

from ci import commands
from ci.cluster import up
from ci.cluster.paths import CHART, REPOSITORY
from ci.forward import forwarded
from ci.release import Release
from tests.e2e import terminal
from tests.ports import free_port

pytestmark = pytest.mark.only("Standard")

FIRST_ANSWER, FIRST_SECONDS = '{"predictions": ["Hello, you!"]}', 300
TYPED_SECONDS = 60
HERE = "tests/e2e/test_docs_commands.py::"
# What a command prints, by what is in it; the first that fits counts.
SAYS = {
    r" wait ": "condition met",
    r" logs job/": r"sha256[ =:]+[0-9a-f]{64}",
    r" logs -l .*grep": "Number of GPUs",
    r" logs -l ": r"worker|WORKER|MODEL_LOG",
    r"-n kserve get pods": r"kserve-controller-manager\S+ .*Running",
    r" get pods": "Running",
    r" get inferenceservice": "True",
    r" get hpa": r"predictor .*Deployment/",
    r" get events": "Scheduled|Pulled|Created|Started",
    r" get nodes --show-labels": "kubernetes.io/hostname=",
    r" get storageclass": "PROVISIONER",
    r" get servingruntimes,clusterservingruntimes": "servingruntime.*torchserve",
    r" get (networkpolicy|revisions|runtimeclass)": "No resources found|NAME",  # none of them has to be there
    r" describe inferenceservice ": "Type: +PredictorReady",
    r" describe pvc": "Status: +Bound",
    r" describe pod": "kserve-container",
    r" describe node": "Allocatable:",
    r" create token ": r"^ey[\w-]+\.",
    r"^helm history ": "deployed",
    r"^helm get values ": "models:",
    r"^helm uninstall ": r'release "\S+" uninstalled',
}


def of(test: str) -> list[str]:
    """The commands of the docs that ci/commands.yaml gives to a test of this file."""
    found = []
    for _, command in commands.all_commands():
        entry = commands.entry_of(command, commands.table())
        if entry and entry.test == HERE + test:
            found.append(command)
    return sorted(set(found))


@pytest.fixture
def kubectl(cluster: up.Cluster) -> Path:
    return cluster.tools / "kubectl" if cluster.tools else Path(shutil.which("kubectl") or "kubectl")


def named(command: str, running: Release) -> str:
    """A command of the docs with this release's names in it, for its namespace."""
    job = running.seed_jobs()[0].metadata.name
    for written, name in (("REL-seed-HASH", job), ("release.v1.REL.vN", f"release.v1.{running.name}.v1"),
                          ("--revision N", "--revision 1"), ("default-editor", "default")):
        command = command.replace(written, name)
    command = re.sub(r"(?<=inferenceservice[/= ])(bert|demo|torchserve|REL)\b", running.name, command)
    command = re.sub(r"\bREL\b", running.name, command)
    return re.sub(r" -n (NS|models|kubeflow-user-example-com|<namespace>)(?= )", "", command)


def typed(command: str, running: Release, cluster: up.Cluster, folder: Path) -> str:
    """What a command of the docs prints, errors too, with this release's names in it."""
    written = named(command, running).replace("kubectl ", f"kubectl --namespace {running.namespace} ", 1)
    return terminal.typed(f"export HELM_NAMESPACE={running.namespace}\n{written}", cluster, seconds=TYPED_SECONDS, folder=folder)


def wanted(command: str) -> str:
    """The pattern of what a command prints."""
    return next(text for words, text in SAYS.items() if re.search(words, command))


@pytest.mark.parametrize("command", of("test_kubectl_says_what_the_pages_say"))
def test_kubectl_says_what_the_pages_say(
        command: str, releases: dict[str, Release], cluster: up.Cluster, tmp_path: Path) -> None:
    said = typed(command, releases["bert"], cluster, tmp_path)
    assert re.search(wanted(command), said, re.MULTILINE), said


@pytest.mark.parametrize("command", of("test_helm_says_what_the_pages_say"))
def test_helm_says_what_the_pages_say(
        command: str, releases: dict[str, Release], cluster: up.Cluster, tmp_path: Path) -> None:
    given = command.replace("helm uninstall", "helm uninstall --dry-run")
    said = typed(given, releases["bert"], cluster, tmp_path)
    assert re.search(wanted(command), said), said


@pytest.mark.parametrize("command", of("test_kubectl_takes_what_is_to_be_changed"))
def test_kubectl_takes_what_is_to_be_changed(
        command: str, releases: dict[str, Release], cluster: up.Cluster, tmp_path: Path) -> None:
    for name in re.findall(r"--from-file=(\S+)", command):
        (tmp_path / name).write_text("# code\n")
    # A namespace of this name may be there on a cluster of yours, and NAME is none that Kubernetes takes.
    given = command.replace("namespace models", "namespace docs-commands").replace("configmap NAME", "configmap docs-commands")
    said = typed(f"{given} --dry-run=server", releases["bert"], cluster, tmp_path)
    assert re.search(r"(created|deleted|patched) \((server dry run|no change)\)", said) or "(server dry run)" in said, said


@pytest.mark.parametrize("command", of("test_the_api_server_takes_what_a_template_renders"))
def test_the_api_server_takes_what_a_template_renders(
        command: str, releases: dict[str, Release], values: Callable[..., dict[str, Any]], cluster: up.Cluster,
        tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values("bert")))
    said = typed(command.replace("REL CHART", f"docs-commands {CHART}"), releases["bert"], cluster, tmp_path)
    lines = [line for line in said.splitlines() if line.startswith("inferenceservice.serving.kserve.io/docs-commands ")]
    assert lines and "(server dry run)" in lines[0], said


@pytest.fixture
def elsewhere(api: kubernetes.client.ApiClient, labels: dict[str, str]) -> Iterator[str]:
    """The name of a namespace that is there only when something has made it; deleted in the end."""
    name = f"docs-commands-{uuid.uuid4().hex[:6]}"
    core = kubernetes.client.CoreV1Api(api)
    yield name
    core.patch_namespace(name, {"metadata": {"labels": labels}})
    core.delete_namespace(name)


def test_the_first_block_of_the_readme_answers(
        elsewhere: str, cluster: up.Cluster, common: dict[str, Any], tmp_path: Path) -> None:
    block = next(block for block in commands.blocks(REPOSITORY / "README.md") if block.kind == "sh")
    mine = {*of("test_the_first_block_of_the_readme_answers"), "kubectl create namespace models"}
    assert set(commands.commands(block)) == mine
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(common))
    text = re.sub(r"(?<=namespace )models|(?<= -n )models", elsewhere, block.text).replace("8080", str(free_port()))
    text = text.replace("charts/torchserve-kserve", f"{CHART} --values values.yaml")
    said = terminal.typed(text, cluster, seconds=FIRST_SECONDS, folder=tmp_path)
    assert json.loads(said[said.rindex('{"predictions"'):]) == json.loads(FIRST_ANSWER), said
    assert f"`{FIRST_ANSWER}`" in (REPOSITORY / "README.md").read_text()


def test_a_port_is_forwarded_and_asked(
        releases: dict[str, Release], kubectl: Path, cluster: up.Cluster, tmp_path: Path) -> None:
    (command,) = of("test_a_port_is_forwarded_and_asked")
    running = releases["bert"]
    target, ports = command.split()[-2:]
    target = target.replace("bert", running.name, 1)
    port, request = int(ports.partition(":")[2]), {"instances": [{"data": "Hello World!"}]}
    with forwarded(kubectl, cluster.kubeconfig, running.namespace, target, port, tmp_path / "log") as address:
        answer = requests.post(f"http://{address}/v1/models/bert:predict", json=request, timeout=60)
    assert answer.json() == {"predictions": [4]}
