"""What the unit tests share: renders that are known before a test asks, how many runs of helm there were, told failures."""

from __future__ import annotations

import contextlib
import gc
import os
from pathlib import Path

import pytest

from tests.unit.starting import COUNTED, counted

# Runs of helm for each test. A count, so that it says the same on every machine; each run costs a fifth of a second or more.
RUNS_PER_TEST = 0.3
WHOLE_SUITE = 1000  # tests; a part of the suite has fewer, and only the count is told
HERE = Path(__file__).parent
# Helm runs beside the other workers and ends soon: its collector and its threads would take half of its time.
os.environ |= {"GOGC": "800", "GOMAXPROCS": "1"}

pytest.register_assert_rewrite("tests.unit.rules")


def pytest_configure(config):
    config.addinivalue_line("markers", "xdist_group: pytest-xdist's own, known without it, too")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A module's tests go to one worker (`--dist loadgroup`): what they cache is made once."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def counted_here(node):
    """Runs of helm are counted where the node is below this folder; pytest asks every conftest about every test."""
    return counted() if node.path.is_relative_to(HERE) else contextlib.nullcontext()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    with counted_here(collector):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    with counted_here(item):
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    from tests.unit import rehearsal  # here: asserts in it and in what it imports are re-written by now

    COUNTED["tests"] += 1
    if COUNTED["tests"] > 1:
        return
    items = [other for other in item.session.items if other.path.is_relative_to(HERE) and rehearsal.may_be_rehearsed(other)]
    base = item.config._tmp_path_factory.getbasetemp()
    of = getattr(item.config, "workerinput", {"workerid": "gw0", "workercount": 1})
    store = base.parent if hasattr(item.config, "workerinput") else base
    rehearsal.share(store / "renders", items, int(of["workerid"].removeprefix("gw")), of["workercount"])
    gc.freeze()  # tests, renders and schemas stay to the end; the collector would look at them again and again


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    for name, number in getattr(node, "workeroutput", {}).get("counted", {}).items():
        COUNTED[name] += number


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["counted"] = COUNTED
    elif too_many() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def too_many() -> bool:
    return COUNTED["tests"] >= WHOLE_SUITE and COUNTED["helm"] > RUNS_PER_TEST * COUNTED["tests"]


def pytest_terminal_summary(terminalreporter):
    if COUNTED["tests"]:
        said = f"{COUNTED['helm']} runs of helm for {COUNTED['tests']} unit tests"
        more = f": more than {RUNS_PER_TEST} for each; tests/unit/rehearsal.py says how several become one" if too_many() else ""
        terminalreporter.write_line(said + more, red=bool(more))
