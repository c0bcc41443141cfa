"""docs/repository.md: its commands, run by both helms in the order in which they stand there, against a repository and a registry
on loopback. What is run in place of a command that needs a cluster, docs/commands.md says."""

import argparse
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ci import commands
from ci import package as packages
from ci.cluster.errors import Problem
from ci.cluster.paths import REPOSITORY
from tests.repository import served

Run = Callable[..., str]
PAGE = (REPOSITORY / "docs" / "repository.md").read_text()
COMMANDS = [line[2:] for line in PAGE.splitlines() if line.startswith("$ ")]
INSTALL, UPGRADE, PACK = "helm install ", "helm upgrade ", "ci/nox -s package"
URL, REGISTRY = "https://charts.example.com", "oci://registry.example.com/charts"


def parent_files() -> dict[str, str]:
    """The files of the parent chart, as the page shows them."""
    return dict(re.findall(r"^`parent/(\S+)`:\n\n```yaml\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, public_key: Path) -> Path:
    """Where the commands are run: the parent chart is there, the publisher's key, and nothing that another helm has left."""
    for name, text in parent_files().items():
        (tmp_path / "parent").mkdir(exist_ok=True)
        (tmp_path / "parent" / name).write_text(text)
    shutil.copy(public_key, tmp_path / "public.gpg")
    for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_is_of_a_kind_that_is_run_here_or_by_the_table_elsewhere() -> None:
    assert len(COMMANDS) >= 16
    here = "tests/package/test_repository_docs.py::"
    for command in COMMANDS:
        entry = commands.entry_of(command, commands.table())
        assert entry and (entry.test.startswith(here) or (command.startswith(UPGRADE) and entry.test)), command


def test_the_commands_that_publish_take_their_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret_key: Path,
                                                      repository: str, registry: str) -> None:
    monkeypatch.setattr(packages, "OUT", tmp_path / "out" / "package")
    monkeypatch.setattr(packages, "REPOSITORY", tmp_path)
    made = []
    for command in (command for command in COMMANDS if command.startswith(PACK)):
        given = command.removeprefix(PACK).removeprefix(" -- ").replace(URL, repository).replace(REGISTRY, f"oci://{registry}/docs")
        parser = argparse.ArgumentParser()
        packages.add_options(parser)
        signed = ["--keyring", str(secret_key)] if "--sign" in given else []
        packages.run(parser.parse_args([*shlex.split(given), *signed]))
        made.append({file.name for file in packages.OUT.iterdir()})
    version = yaml.safe_load((packages.CHART / "Chart.yaml").read_text())["version"]
    package = f"torchserve-kserve-{version}.tgz"
    assert f"artifacts/package/{package}" in PAGE
    assert made == [{package}, {package, f"{package}.prov"}, {package, "index.yaml"}, {package}]


def test_the_commands_that_consume_are_answered_by_both_helms(helm: Run, folder: Path, signed_repository: str,
                                                              signed_charts: str) -> None:
    answers = {}
    for command in (command for command in COMMANDS if command.startswith("helm ") and not command.startswith(UPGRADE)):
        given = command.replace(INSTALL, "helm template ").replace(URL, signed_repository).replace(REGISTRY, signed_charts)
        plain = ["--plain-http"] if "oci://" in given else []
        if given.startswith("helm dependency update"):
            file = folder / "parent" / "Chart.yaml"
            file.write_text(file.read_text().replace(URL, signed_repository))
        answers[command] = helm(*shlex.split(given)[1:], *plain)
    rendered = [answer for command, answer in answers.items() if command.startswith(INSTALL)]
    kinds = [[item["kind"] for item in yaml.safe_load_all(answer) if item] for answer in rendered]
    assert len(rendered) == 4 and all("InferenceService" in found and found == kinds[0] for found in kinds)
    assert list(folder.glob("torchserve-kserve-*.tgz"))


def test_a_package_that_was_changed_on_the_way_is_not_verified(helm: Run, folder: Path, signed: Path) -> None:
    place = folder / "changed"
    place.mkdir()
    for file in signed.parent.iterdir():
        shutil.copy(file, place)
    with (place / signed.name).open("ab") as file:
        file.write(b"\0")
    packages.index(place / signed.name, "http://127.0.0.1", None)
    with served(place) as url:
        packages.index(place / signed.name, url, None)
        with pytest.raises(Problem, match="sha256 sum does not match"):
            helm("pull", "torchserve-kserve", "--repo", url, "--verify", "--keyring", str(folder / "public.gpg"))
