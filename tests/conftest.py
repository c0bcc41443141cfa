"""What suites that need more than Python share: their options, and the runtime image."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from ci.cluster import engine, runtime, system
from ci.cluster.errors import Problem


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-install", action="store_true", help="install no package of the distribution")
    parser.addoption("--profile", choices=["edge", "istio", "policies"],
                     help="run the tests with this on, or beside, the cluster")
    parser.addoption("--keep-on-failure", action="store_true", help="leave releases and namespace of a failed run as they are")


def pytest_configure(config: pytest.Config) -> None:
    # pytest-helm-charts has that option, where it is loaded.
    if config.getoption("profile") and config.getoption("kubeconfig", None):
        raise pytest.UsageError("--profile is for clusters of ours: leave --kubeconfig out, or the profile.")


@pytest.fixture(scope="session")
def install_packages(pytestconfig: pytest.Config) -> bool:
    """Whether packages of the distribution may be installed."""
    return not pytestconfig.getoption("no_install")


@pytest.fixture(scope="session")
def preparing(pytestconfig: pytest.Config) -> Callable[[], AbstractContextManager[None]]:
    """with preparing(): what may take minutes shows its progress, and a Problem in it ends the whole run.

    One of several workers can't end the run: there the Problem is the error of each test that needed what was prepared.
    """
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    @contextmanager
    def prepare() -> Iterator[None]:
        try:
            with capture.global_and_fixture_disabled():
                yield
        except Problem as problem:
            if hasattr(pytestconfig, "workerinput"):
                raise
            pytest.exit(str(problem), returncode=1)
    return prepare


@pytest.fixture(scope="session")
def runtime_image(preparing: Callable[[], AbstractContextManager[None]], install_packages: bool) -> str:
    """The runtime image, on this machine's docker engine: upstream's where a registry answers, else ours."""
    with preparing():
        engine.ensure(install=install_packages)
        return runtime.ensure(install=install_packages)


@pytest.fixture(scope="session")
def curl_program(preparing: Callable[[], AbstractContextManager[None]], install_packages: bool) -> str:
    """The program curl, which this machine has from then on."""
    with preparing():
        system.ensure_programs({"curl": "curl"}, install=install_packages, why="the requests of the write-up")
    return "curl"
