"""Both helms, the packaged chart, and where it is served from: an index repository and an OCI registry, on loopback."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from ci import package as packages
from ci.cluster import helms, shell, system
from ci.cluster.errors import Problem
from ci.cluster.paths import CHART
from tests.registry import running
from tests.repository import served

Run = Callable[..., str]
UID = "Packager <packager@example.com>"


@pytest.fixture(scope="session")
def programs(preparing: Callable[[], AbstractContextManager[None]]) -> dict[int, Path]:
    """helm by its major version."""
    with preparing():
        return {3: helms.three(), 4: helms.four()}


@pytest.fixture(autouse=True, scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of helm's and gpg's own, and no cluster: what these tests do needs none."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"):
            patch.setenv(name, str(folder / name))
        patch.setenv("KUBECONFIG", os.devnull)
        patch.delenv("SOURCE_DATE_EPOCH", raising=False)
        yield folder


@pytest.fixture(params=[3, 4])
def helm(request: pytest.FixtureRequest, programs: dict[int, Path]) -> Run:
    """helm(argument, …): what each helm prints; raises Problem where it fails."""
    program = str(programs[request.param])
    return lambda *arguments, **options: shell.output([program, *arguments], **options)


@pytest.fixture(scope="session")
def packed(programs: dict[int, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001  (one is compiled)
    """The packaged chart."""
    return packages.build(CHART, tmp_path_factory.mktemp("packed"))


@pytest.fixture(scope="session")
def repository(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a served index repository that has the package."""
    folder = tmp_path_factory.mktemp("repository")
    file = Path(shutil.copy(packed, folder))
    with served(folder) as url:
        packages.index(file, url, None)
        yield url


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory, install_packages: bool) -> Iterator[str]:
    """An empty registry: `host:port`."""
    with running(tmp_path_factory.mktemp("registry"), install=install_packages, why="the test of the package") as address:
        yield address


@pytest.fixture(scope="session")
def charts(packed: Path, registry: str) -> str:
    """Where in the registry the package is: oci://…"""
    packages.push(packed, f"oci://{registry}/charts")
    return f"oci://{registry}/charts"


@pytest.fixture(scope="session")
def keys(home: Path, install_packages: bool) -> Iterator[Path]:
    """A home of gpg with one key, which has no passphrase; beside it public.gpg and secret.gpg, its two halves."""
    system.ensure_programs({"gpg": "gpg"}, install=install_packages, why="the test of signatures")
    gnupg = home / "gnupg"
    gnupg.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(gnupg), "--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", ""]
    shell.output([*gpg, "--quick-generate-key", UID, "rsa2048", "sign", "never"])
    shell.output([*gpg, "--output", str(gnupg / "public.gpg"), "--export", UID])
    shell.output([*gpg, "--output", str(gnupg / "secret.gpg"), "--export-secret-keys", UID])
    yield gnupg
    shell.output(["gpgconf", "--homedir", str(gnupg), "--kill", "gpg-agent"])


@pytest.fixture(scope="session")
def public_key(keys: Path) -> Path:
    return keys / "public.gpg"


@pytest.fixture(scope="session")
def secret_key(keys: Path) -> Path:
    return keys / "secret.gpg"


@pytest.fixture(scope="session")
def signed(programs: dict[int, Path], secret_key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    """The packaged chart with its signature beside it."""
    return packages.build(CHART, tmp_path_factory.mktemp("signed"), ["--sign", "--key", UID, "--keyring", str(secret_key)])


@pytest.fixture(scope="session")
def signed_repository(signed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a served index repository that has it with its signature."""
    folder = tmp_path_factory.mktemp("signed-repository")
    for file in signed.parent.iterdir():
        shutil.copy(file, folder)
    with served(folder) as url:
        packages.index(folder / signed.name, url, None)
        yield url


@pytest.fixture(scope="session")
def signed_charts(signed: Path, registry: str) -> str:
    """Where in the registry it is with its signature: oci://…"""
    packages.push(signed, f"oci://{registry}/signed")
    return f"oci://{registry}/signed"


@pytest.fixture
def refused() -> Callable[..., str]:
    """refused(function, argument, …): the sentence with which it fails, which is one line."""
    def call(function: Callable[..., object], *arguments: object) -> str:
        with pytest.raises(Problem) as caught:
            function(*arguments)
        assert "\n" not in str(caught.value)
        return str(caught.value)
    return call
