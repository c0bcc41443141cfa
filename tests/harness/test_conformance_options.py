"""Options of the conformance suite that can't be meant, or that lead to nothing: one sentence, and an exit code of their own."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ci.cluster.paths import REPOSITORY
from tests.conformance import options

RELEASE = {"--namespace": "x", "--release": "y"}


def config(**given: Any) -> pytest.Config:
    """pytest's, with these options and the defaults of the others."""
    values = {"--burst": 4, **{option: [] for option in options.SEVERAL}, **RELEASE,
              **{f"--{name}": value for name, value in given.items()}}
    return SimpleNamespace(getoption=lambda name, default=None: values.get(name, default))  # type: ignore[return-value]


@pytest.mark.parametrize(("given", "sentence"), [
    ({"release": None}, "say which release"),
    ({"header": ["A: b"]}, "are for --url"),
    ({"cookie": ["a=b"]}, "are for --url"),
    ({"host": "a"}, "are for --url"),
    ({"url": "http://x", "header": ["nonsense"]}, "is no NAME:VALUE"),
    ({"url": "http://x", "cookie": ["nonsense"]}, "is no NAME=VALUE"),
    ({"sample": ["a", "b"], "expect": ["c"]}, "give one --expect for each --sample"),
    ({"protocol": "v3"}, "requests are made in v1 or v2"),
    ({"sample": ["/nowhere"]}, "can't be read")])
def test_what_cannot_be_meant_is_said(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(pytest.UsageError, match=sentence):
        options.target(config(**given))


@pytest.mark.parametrize(("given", "sentence"), [
    ([], "say which release"),
    (["--namespace", "x", "--release", "y", "--kubeconfig", "/nowhere"], "can't be read")])
def test_a_wrong_use_has_its_own_exit_code(given: list[str], sentence: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/conformance", *given],
                          cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120,
                          env={**os.environ, "HOME": str(tmp_path), "KUBECONFIG": ""})
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout + done.stderr
    assert sentence in done.stdout
