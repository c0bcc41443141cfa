"""The conformance suite on the releases of the main job, run as by one who has only a kubeconfig."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ci.cluster import up
from ci.cluster.paths import EXAMPLES, REPOSITORY
from ci.cluster.report import timings
from ci.release import Release
from tests.e2e.served import CALLED
from tests.e2e.watching import uids

SECONDS = 300  # of one run of the suite at most
ORDER = "answers.the_instances_of_one_request_are_answered_in_their_order"
# What a sample of one instance can't show.
ONE_INSTANCE = {"bert": (), "digits": (ORDER,)}


@pytest.fixture(scope="module")
def run(cluster: up.Cluster, namespace: str, releases: dict[str, Release], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """run(example, *options): exit code, results by check, and what was printed, of the suite on an example's release."""
    def run(name: str, *options: str) -> tuple[int, dict[str, Any], str]:
        folder = tmp_path_factory.mktemp("conformance")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/conformance",
             "--kubeconfig", str(cluster.kubeconfig), "--namespace", namespace, "--release", releases[name].name,
             "--report-json", str(folder / "report.json"), "--report-html", str(folder / "report.html"),
             "--junitxml", str(folder / "report.xml"), *options],
            cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=SECONDS)
        report = Path(folder / "report.json")
        found = json.loads(report.read_text())["results"] if report.exists() else []
        return done.returncode, {result["check"]: result for result in found}, done.stdout + done.stderr
    return run


@pytest.fixture
def another(held_out_sentences: list[tuple[str, int]], tmp_path: Path) -> list[str]:
    """Options of a second sample, of two sentences that bert puts into different classes."""
    first = held_out_sentences[0]
    pair = (first, next(other for other in held_out_sentences if other[1] != first[1]))
    sample, expected = tmp_path / "request.json", tmp_path / "expected.json"
    sample.write_text(json.dumps({"instances": [{"data": text} for text, _ in pair]}))
    expected.write_text(json.dumps({"predictions": [label for _, label in pair]}))
    return ["--sample", str(sample), "--expect", str(expected)]


def given(name: str, expected: str = "expected.json") -> list[str]:
    return ["--sample", str(EXAMPLES / name / "request.json"), "--expect", str(EXAMPLES / name / expected), "--model", name]


@pytest.mark.parametrize("name", CALLED)
def test_a_release_of_the_chart_conforms_and_is_as_before(
        name: str, run: Any, releases: dict[str, Release], another: list[str]) -> None:
    release = releases[name]
    before = _as_wanted(release), uids(release.predictor_pods())
    status, results, printed = run(name, *given(name), *(another if name == "bert" else []))
    assert status == 0, printed
    skipped = {check for check, result in results.items() if result["outcome"] == "skipped"}
    assert skipped <= {"objects.the_service_sends_to_the_pods", "logs.the_sidecar_says_nothing_bad", *ONE_INSTANCE[name]}, printed
    timings.facts[f"the checks of {name}'s conformance"] = f"{sum(result['seconds'] for result in results.values()):.1f} s"
    assert (_as_wanted(release), uids(release.predictor_pods())) == before


def _as_wanted(release: Release) -> dict[str, Any]:
    """What of the InferenceService others than KServe, which writes its status when it likes, could have changed."""
    metadata = release.inference_service()["metadata"]
    return {key: metadata.get(key) for key in ("uid", "generation", "labels", "annotations", "finalizers")}


def test_the_suite_can_be_run_again(run: Any) -> None:
    assert run("bert", *given("bert"))[0] == 0
    status, _, printed = run("bert", *given("bert"))
    assert status == 0, printed


def test_a_wrong_answer_and_a_wrong_name_have_exit_code_1_and_are_named(run: Any) -> None:
    status, results, printed = run("bert", "--sample", str(EXAMPLES / "bert" / "request.json"),
                                   "--expect", str(EXAMPLES / "digits" / "expected.json"))
    assert (status, results["answers.the_sample_is_answered_as_expected"]["outcome"]) == (1, "failed"), printed
    status, results, printed = run("bert", "--model", "torchserve")
    assert (status, results["snapshot.the_model_that_is_asked_for_is_in_the_snapshot"]["outcome"]) == (1, "failed"), printed
