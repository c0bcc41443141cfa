"""The image that we build, and the servers of it that several tests ask: few containers, many questions."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest

from ci.cluster import engine, registry, runtime
from tests import leftovers
from tests.image.server import Server, serving, wait_until_ready


@pytest.fixture(scope="session", autouse=True)
def clean(preparing: Callable[[], AbstractContextManager[None]], install_packages: bool) -> None:
    """Removes containers of runs that were killed."""
    with preparing():
        engine.ensure(install=install_packages)
    leftovers.remove()


@pytest.fixture(scope="session")
def own_image(preparing: Callable[[], AbstractContextManager[None]], install_packages: bool) -> str:
    """Our own image, built if need be."""
    with preparing():
        engine.ensure(install=install_packages)
        if registry.answers():
            pytest.skip("a registry answers: upstream's image is used, and ours is not built")
        return runtime.own(install=install_packages)


@pytest.fixture(scope="session")
def servers(own_image: str) -> Iterator[dict[str, Server]]:
    """TorchServe with the wrapper in front, by its envelope: ours, and TorchServe's own for v1; both start at the same time."""
    with ExitStack() as stack:
        started = {envelope: stack.enter_context(serving(own_image, envelope=envelope))
                   for envelope in ("torchserve_kserve", "kserve")}
        for server in started.values():
            wait_until_ready(server)
        yield started


@pytest.fixture(scope="session")
def both(servers: dict[str, Server]) -> Server:
    """The server with our envelope, which understands v1 and v2."""
    return servers["torchserve_kserve"]


@pytest.fixture(scope="session")
def stock(servers: dict[str, Server]) -> Server:
    """The server with TorchServe's own envelope for v1."""
    return servers["kserve"]
