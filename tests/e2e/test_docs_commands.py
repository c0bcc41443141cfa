"""The kubectl commands of the docs, typed in on a release: names and namespace are that release's, the rest is the page's."""

import os
import re
import shutil
from pathlib import Path

import pytest
import requests

from ci import commands
from ci.cluster import shell, up
from ci.forward import forwarded
from ci.release import Release

pytestmark = pytest.mark.only("Standard")

HERE = "tests/e2e/test_docs_commands.py::"
SAYS = {"wait": "condition met", "logs": "", "get pods": "Running", "get inferenceservice": "True"}


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


def typed(command: str, running: Release, kubectl: Path, cluster: up.Cluster, folder: Path) -> str:
    """The output of a command of the docs, with this release's names in it."""
    job = running.seed_jobs()[0].metadata.name
    for written, name in (("REL-seed-HASH", job), ("inferenceservice/bert", f"inferenceservice/{running.name}"),
                          ("inferenceservice=bert", f"inferenceservice={running.name}"),
                          ("inferenceservice=REL", f"inferenceservice={running.name}"),
                          ("inferenceservice bert", f"inferenceservice {running.name}")):
        command = command.replace(written, name)
    command = re.sub(r" -n (NS|models)\b", "", command).replace("kubectl ", f"kubectl --namespace {running.namespace} ", 1)
    environment = {"KUBECONFIG": str(cluster.kubeconfig), "PATH": f"{kubectl.parent}{os.pathsep}{os.environ['PATH']}"}
    return shell.output(["bash", "-c", command], env=environment, cwd=folder)


@pytest.mark.parametrize("command", of("test_kubectl_says_what_the_pages_say"))
def test_kubectl_says_what_the_pages_say(
        command: str, releases: dict[str, Release], kubectl: Path, cluster: up.Cluster, tmp_path: Path) -> None:
    said = typed(command, releases["bert"], kubectl, cluster, tmp_path)
    (wanted,) = [text for words, text in SAYS.items() if f" {words} " in command]
    assert said.strip()
    assert wanted in said


@pytest.mark.parametrize("command", of("test_kubectl_takes_what_is_to_be_created"))
def test_kubectl_takes_what_is_to_be_created(
        command: str, releases: dict[str, Release], kubectl: Path, cluster: up.Cluster, tmp_path: Path) -> None:
    for name in re.findall(r"--from-file=(\S+)", command):
        (tmp_path / name).write_text("# code\n")
    # A namespace of this name may be there on a cluster of yours.
    given = command.replace("namespace models", "namespace docs-commands") + " --dry-run=server"
    assert "created (server dry run)" in typed(given, releases["bert"], kubectl, cluster, tmp_path)


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
