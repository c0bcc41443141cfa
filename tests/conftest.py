"""What suites that need more than Python share: their options, and the runtime image."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from ci.cluster import engine, runtime
from ci.cluster.errors import Problem


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-install", action="store_true", help="install no package of the distribution")
    parser.addoption("--profile", choices=["edge", "istio"], help="run the tests with this on, or beside, the cluster")
    parser.addoption("--keep-on-failure", action="store_true", help="leave releases and namespace of a failed run as they are")


@pytest.fixture(scope="session")
def install_packages(pytestconfig: pytest.Config) -> bool:
    """Whether packages of the distribution may be installed."""
    return not pytestconfig.getoption("no_install")


@pytest.fixture(scope="session")
def preparing(pytestconfig: pytest.Config) -> Callable[[], AbstractContextManager[None]]:
    """with preparing(): what may take minutes shows its progress, and a Problem in it ends the whole run."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    @contextmanager
    def prepare() -> Iterator[None]:
        try:
            with capture.global_and_fixture_disabled():
                yield
        except Problem as problem:
            pytest.exit(str(problem), returncode=1)
    return prepare


@pytest.fixture(scope="session")
def runtime_image(preparing: Callable[[], AbstractContextManager[None]], install_packages: bool) -> str:
    """The runtime image, on this machine's docker engine: upstream's where a registry answers, else ours."""
    with preparing():
        engine.ensure(install=install_packages)
        return runtime.ensure(install=install_packages)
