"""What the tests of `nox -s chaos` share: our cluster, a namespace that enforces restricted pods, tiny releases in Standard mode.

The pieces are the e2e suite's. Only clusters of ours are taken: these tests stop parts of the node.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import kubernetes
import pytest

from ci.cluster import up
from ci.cluster.report import timings
from ci.diagnose import dump
from tests.e2e.conftest import api, chart, common, diagnosed, tiny  # noqa: F401  (fixtures)
from tests.e2e.served import ARTIFACTS, install, install_for_all, uninstalled  # noqa: F401  (fixtures)

MARK = {"app.kubernetes.io/part-of": "torchserve-kserve-chaos"}
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if timings.stages or timings.facts:
        terminalreporter.section("times")
        terminalreporter.write_line(timings.table())


@pytest.fixture(scope="session")
def cluster(preparing: Callable[[], AbstractContextManager[None]], install_packages: bool) -> up.Cluster:
    """Our cluster, made if need be."""
    with preparing():
        found = up.find(None, install=install_packages)
    assert found.kind
    return found


@pytest.fixture(scope="session")
def mode() -> str:
    """KServe's deployment mode of the releases."""
    return "Standard"


@pytest.fixture(scope="session")
def namespace(api: kubernetes.client.ApiClient, diagnosed: list,  # noqa: F811  (fixtures)
              request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace for this run's releases, in which Pod Security enforces `restricted`; those of killed runs are removed."""
    core, name = kubernetes.client.CoreV1Api(api), f"chaos-{uuid.uuid4().hex[:6]}"
    for leftover in core.list_namespace(label_selector=",".join(f"{key}={value}" for key, value in MARK.items())).items:
        core.delete_namespace(leftover.metadata.name)
    core.create_namespace({"metadata": {"name": name, "labels": {**RESTRICTED, **MARK}}})
    yield name
    if request.session.testsfailed:
        if not diagnosed:
            dump(api, name, ARTIFACTS / "chaos")
        if request.config.getoption("keep_on_failure"):
            return
    core.delete_namespace(name)
