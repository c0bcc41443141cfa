"""The conformance suite as a package: what `pip install` of the repository gives runs anywhere, and is all that it needs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ci.cluster.paths import REPOSITORY

SUITE = REPOSITORY / "tests" / "conformance"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package in `installed`, and settings of pytest that are none of the suite's business."""
    folder = tmp_path_factory.mktemp("elsewhere")
    copy = folder / "copy"
    shutil.copytree(SUITE, copy / "tests" / "conformance", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", copy)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
                    "--disable-pip-version-check", "--target", str(folder / "installed"), str(copy)], check=True, timeout=120)
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "--an-option-that-nobody-has"\n')
    return folder


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "torchserve_conformance", *options], cwd=folder, capture_output=True, text=True,
                          check=False, timeout=60, env={**os.environ, "PYTHONPATH": str(folder / "installed")})


def test_the_package_has_every_file_of_the_suite_and_imports_nothing_of_this_repository(elsewhere: Path) -> None:
    files = {file.relative_to(SUITE) for file in SUITE.rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    package = elsewhere / "installed" / "torchserve_conformance"
    assert {file for file in files if not (package / file).exists()} == set()
    ours = re.compile(r"^\s*(from|import) (ci|tests)\b", re.MULTILINE)
    assert {file for file in files if file.suffix == ".py" and ours.search((SUITE / file).read_text())} == set()


def test_its_help_names_the_options_of_the_suite(elsewhere: Path) -> None:
    done = run(elsewhere, "--help")
    assert done.returncode == 0, done.stderr
    assert {option for option in ("--release", "--sample", "--cookie", "--report-html") if option not in done.stdout} == set()


def test_it_runs_in_another_repository_and_says_what_it_lacks(elsewhere: Path) -> None:
    done = run(elsewhere, "--namespace", "x", "--release", "y", "--kubeconfig", "/nowhere")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout + done.stderr
    assert "can't be read" in done.stdout
