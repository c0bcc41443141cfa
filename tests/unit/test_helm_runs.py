"""The count of helm's runs: those of the unit tests, and not those of suites that are run beside them."""

from pathlib import Path

import pytest

from ci.cluster.paths import REPOSITORY

pytest_plugins = ["pytester"]

RUNS_HELM = "import subprocess\n\n\ndef test_helm():\n    subprocess.run(['helm', 'version'], check=True)\n"


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A repository with the unit tests' conftest.py in `unit`, and helm in one test there and in two of another suite."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    files = {"unit/conftest.py": (Path(__file__).parent / "conftest.py").read_text(), "unit/test_one.py": RUNS_HELM,
             "other/test_two.py": RUNS_HELM, "other/test_three.py": RUNS_HELM}
    for name, text in files.items():
        file = pytester.path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return pytester


@pytest.mark.parametrize("how", [[], ["-n", "1"]])
def test_only_runs_of_unit_tests_are_counted(suite: pytest.Pytester, how: list[str]) -> None:
    found = suite.runpytest_subprocess("--import-mode=importlib", "-p", "xdist", *how, "other", "unit")
    found.assert_outcomes(passed=3)
    found.stdout.fnmatch_lines(["1 runs of helm for 1 unit tests"])
