"""The programs of the sessions that install `harness` alone (ci/versions.yaml) need no other package."""

import subprocess
import sys

import pytest

from ci.cluster.paths import REPOSITORY

# What the sections `tests` and `bench` bring, and what comes with it.
MISSING = ("pytest", "pytest_helm_charts", "xdist", "hypothesis", "kserve", "jsonschema_rs", "promql_parser", "model_archiver",
           "grpc", "numpy", "httpx", "pydantic", "aiohttp", "nox")


@pytest.mark.parametrize("program", ["ci.__main__", "ci.diagnose", "ci.pages"])
def test_a_program_runs_where_the_packages_of_the_tests_are_not(program: str) -> None:
    script = f"import sys\nsys.modules.update(dict.fromkeys({MISSING}))\nimport {program}"  # None: an import of it fails
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
