"""The suite's own options, and how a run ends when what it needs can't be prepared."""

import pytest

from ci.cluster.paths import REPOSITORY

pytest_plugins = ["pytester"]
SENTENCE = "docker sleeps: wake it."
TEST = f"""
import pytest
from ci.cluster.errors import Problem
from ci.cluster.waiting import wait_for

@pytest.fixture(scope="session")
def thing(preparing):
    with preparing():
        raise Problem("{SENTENCE}")

def test_one(thing): pass
def test_two(thing): pass
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite with our conftest, run in a process of its own."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    pytester.makeconftest((REPOSITORY / "tests" / "conftest.py").read_text())
    pytester.makepyfile(TEST)
    return pytester


def test_what_cannot_be_prepared_ends_the_run_with_its_sentence(suite: pytest.Pytester) -> None:
    found = suite.runpytest_subprocess("-p", "no:randomly")
    assert f"Exit: {SENTENCE}" in found.stdout.str()
    assert found.ret == 1


def test_in_one_of_several_workers_it_is_told_with_the_same_sentence(suite: pytest.Pytester) -> None:
    found = suite.runpytest_subprocess("-n", "1")
    said = found.stdout.str() + found.stderr.str()
    assert f"Problem: {SENTENCE}" in said
    assert "INTERNALERROR" not in said
    found.assert_outcomes(errors=2)


def test_a_profile_of_ours_on_a_cluster_of_yours_is_refused(suite: pytest.Pytester) -> None:
    found = suite.runpytest_subprocess("--profile", "edge", "--kubeconfig", "mine")
    assert "ERROR: --profile is for clusters of ours: leave --kubeconfig out, or the profile." in found.stderr.str()
    assert found.ret == pytest.ExitCode.USAGE_ERROR


def test_without_pytest_helm_charts_a_profile_is_taken(suite: pytest.Pytester) -> None:
    found = suite.runpytest_subprocess("--profile", "edge", "-p", "no:helm-charts", "--collect-only", "--quiet")
    assert found.ret == pytest.ExitCode.OK
