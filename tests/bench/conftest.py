"""What the goals share: how long they measure, the image, the models, and the figures that become docs/benchmarks.md."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci.cluster import engine, examples, registry, runtime
from ci.cluster.report import timings
from tests import leftovers
from tests.bench import arms, handlers, page, results
from tests.bench.resting import Used, resting
from tests.bench.stopping import Stopped, stopping

LONG = {"test_cpu_of_a_request_of_an_example"}  # with what the seed reaches, they are measured in the full mode alone


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--short", action="store_true",
                     help="measure for five minutes only: fewer repetitions, one model, not what the seed reaches")
    parser.addoption("--settings", action="store_true", help="measure what single settings gain, in place of the goals")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if _is_left_out(item, config)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _is_left_out(item: pytest.Item, config: pytest.Config) -> bool:
    if (item.path.name == "test_settings.py") != config.getoption("settings"):
        return True
    return config.getoption("short") and (item.path.name == "test_bench_seed.py" or item.originalname in LONG)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if timings.stages or timings.facts:
        terminalreporter.section("times")
        terminalreporter.write_line(timings.table())


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        pairs: of slots of `slot_seconds`, and as many of one arm with itself.
        slow_pairs: of what is slow by itself, starts and matrices; `slow_control` are those of one arm with itself.
        server_pairs: of servers with and without a setting.
        installs: pairs of installations.
    """

    mode: str
    pairs: int
    slot_seconds: float
    slow_pairs: int
    slow_control: int
    server_pairs: int
    idle_seconds: float
    installs: int


SHORT = Plan("short", pairs=5, slot_seconds=2.5, slow_pairs=3, slow_control=0, server_pairs=2, idle_seconds=60, installs=1)
FULL = Plan("full", pairs=9, slot_seconds=6, slow_pairs=9, slow_control=3, server_pairs=4, idle_seconds=180, installs=4)


@pytest.fixture(scope="session")
def plan(pytestconfig: pytest.Config) -> Plan:
    return SHORT if pytestconfig.getoption("short") else FULL


@pytest.fixture(scope="session")
def image(preparing: Callable[[], AbstractContextManager[None]], install_packages: bool) -> str:
    """Our own image, built if need be: both arms run in it."""
    with preparing():
        engine.ensure(install=install_packages)
        found = runtime.ensure(install=install_packages) if registry.answers() else runtime.own(install=install_packages)
    leftovers.remove()
    return found


@pytest.fixture(scope="session")
def trivial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return handlers.trivial(tmp_path_factory.mktemp("trivial"))


@pytest.fixture(scope="session")
def bert(image: str) -> Path:
    return examples.archive("bert", image)


@pytest.fixture(scope="session")
def idle(image: str, trivial: Path, tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> Iterator[Used]:
    """Two pods that nobody asks, from the first test on that takes it; idle() says what each has used in the idle time."""
    with resting(image, trivial, tmp_path_factory.mktemp("idle"), plan.idle_seconds) as used:
        yield used


@pytest.fixture(scope="session")
def going(image: str, trivial: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stopped]:
    """The write-up's set-up on its way out, from the first test on that takes it; going() waits for its end."""
    with stopping(arms.baseline(image, tmp_path_factory.mktemp("going"), trivial)) as gone:
        yield gone


@pytest.fixture(scope="session")
def record(plan: Plan, image: str) -> Iterator[Callable[[results.Figure], None]]:
    """record(figure): into the table at the end, artifacts/bench and docs/benchmarks.md; fails where a must is missed."""
    with results.written(plan.mode, image) as take:
        yield take
    page.write()
