"""pytest's side of the suite: options, the target, and the results as files and as a summary."""

from typing import Any

import pytest

from . import options, report
from .checks import CHECKS
from .remedies import REMEDIES
from .target import Target

RESULTS = pytest.StashKey[list[report.Result]]()
# What stands above the results: which release, what of it was not read, and why nothing was, where nothing was.
HEAD = pytest.StashKey[dict[str, Any]]()

def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    options.add(parser, pluginmanager)

def pytest_configure(config: pytest.Config) -> None:
    config.stash[RESULTS] = []
    config.stash[HEAD] = {name: config.getoption(f"--{name}", None) for name in ("namespace", "release")}

@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Target:
    """The release, read once, before the first check."""
    try:
        found = options.target(pytestconfig)
        pytestconfig.stash[HEAD]["unread"] = found.unread
        return found
    except pytest.UsageError as error:
        pytestconfig.stash[HEAD]["error"] = str(error)
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    """Notes the result of a check, and shows of a failure its sentence alone."""
    found = yield
    if call.when == "call" and (check := getattr(item, "callspec", None)) and "check" in check.params:
        remedy = ""
        name, error = check.params["check"], call.excinfo.value if call.excinfo else None
        why = str(getattr(error, "msg", None) or error or "")
        if call.excinfo and not isinstance(error, pytest.skip.Exception):
            why = why if isinstance(error, AssertionError) else f"{type(error).__name__}: {why}"
            remedy = REMEDIES[name]
            found.longrepr = f"{why}\n{remedy}"
        what = " ".join((CHECKS[name].__doc__ or "").split())
        item.config.stash[RESULTS].append(report.Result(name, what, found.outcome, why, call.duration, remedy))
    return found

def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    results, head = config.stash[RESULTS], config.stash[HEAD]
    if results:
        terminalreporter.section("conformance")
        for result in results:
            terminalreporter.write_line(f"{result.outcome:8} {result.check.replace('_', ' ').replace('.', ': ', 1)}"
                                        f"{'' if result.outcome == 'passed' else ' - ' + result.why.splitlines()[0]}")
            if result.remedy:
                terminalreporter.write_line(f"{'':8} what to do: {result.remedy}")
        for sentence in head.get("unread", []):
            terminalreporter.write_line(f"not read: {sentence}")
        terminalreporter.write_line(report.summary(results))

def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    results, head = config.stash[RESULTS], config.stash[HEAD]
    if results or "error" in head:
        report.write(config.getoption("--report-json"), report.as_json(head, results))
        report.write(config.getoption("--report-html"), report.as_html(head, results))

