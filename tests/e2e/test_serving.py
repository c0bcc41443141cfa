"""The main job: both examples installed by helm, their logs, conditions and answers."""

import datetime
import re
from collections.abc import Callable
from typing import Any

import pytest

from ci.cluster.waiting import wait_for
from ci.helm import Helm
from ci.release import Release
from tests.conformance.logs import following
from tests.conformance.owners import read_log
from tests.e2e.served import CALLED
from tests.e2e.watching import Seen, is_ready, since_ready

WATCH_SECONDS = 60
CONTAINERS = {"Standard": ["kserve-container"], "Knative": ["kserve-container", "queue-proxy"]}
LOG_SECONDS = 60
MUST_SHOW = (r"Torch worker started\.", "WORKER_MODEL_LOADED")


@pytest.mark.parametrize("name", CALLED)
def test_an_example_answers_its_request_with_the_right_predictions(
        name: str, releases: dict[str, Release], example: Callable[[str, str], Any]) -> None:
    answer = releases[name].predict(name, example(name, "request.json"))
    assert (answer.status_code, answer.json()) == (200, example(name, "expected.json"))


def test_the_request_of_the_write_up_is_answered_with_class_4(releases: dict[str, Release]) -> None:
    answer = releases["bert"].predict("bert", {"instances": [{"data": "Hello World!"}]})
    assert answer.json() == {"predictions": [4]}


def test_bert_knows_held_out_sentences_and_gives_a_prediction_per_instance(
        releases: dict[str, Release], held_out_sentences: list[tuple[str, int]]) -> None:
    assert len(held_out_sentences) >= 10
    answer = releases["bert"].predict("bert", {"instances": [{"data": text} for text, _ in held_out_sentences]})
    assert answer.json()["predictions"] == [label for _, label in held_out_sentences]


def test_digits_reads_at_least_95_percent_of_held_out_scans(
        releases: dict[str, Release], held_out_scans: list[tuple[str, int]]) -> None:
    answer = releases["digits"].predict("digits", {"instances": [{"data": image} for image, _ in held_out_scans]})
    found = answer.json()["predictions"]
    right = sum(label == predicted for (_, label), predicted in zip(held_out_scans, found, strict=True))
    assert right / len(held_out_scans) >= 0.95


def test_the_name_of_the_inference_service_is_no_model(releases: dict[str, Release]) -> None:
    answer = releases["bert"].predict("torchserve", {"instances": [{"data": "Hello World!"}]})
    assert answer.status_code == 404


@pytest.mark.parametrize("name", CALLED)
def test_the_log_of_the_seed_names_the_archive_it_stored(name: str, releases: dict[str, Release], urls: dict[str, str]) -> None:
    log = releases[name].seed_logs()
    assert re.search(r"sha256[ =:]+[0-9a-f]{64}", log), log
    assert urls[name].rsplit("/", 1)[1].removesuffix(".mar") in log


@pytest.mark.parametrize("name", CALLED)
def test_the_log_of_the_server_shows_a_loaded_model_and_no_trouble(name: str, releases: dict[str, Release]) -> None:
    release = releases[name]
    with following(release.core, release.namespace, owner=release.inference_service()["metadata"]["uid"]) as log:
        log.must_match(*MUST_SHOW, within=LOG_SECONDS)


@pytest.mark.parametrize("name", CALLED)
def test_every_condition_of_the_inference_service_is_true(name: str, releases: dict[str, Release]) -> None:
    conditions = releases[name].conditions()
    assert {"Ready", "PredictorReady", "IngressReady"} <= set(conditions)
    assert {kind: status for kind, status in conditions.items() if status != "True" and kind != "Stopped"} == {}


@pytest.mark.parametrize("name", CALLED)
def test_a_release_was_never_ready_before_its_model_had_loaded(
        name: str, releases: dict[str, Release], changes: list[Seen]) -> None:
    pod, = releases[name].predictor_pods()
    assert {status.restart_count for status in pod.status.container_statuses} == {0}
    core = releases[name].core
    with following(core, pod.metadata.namespace, pod=pod.metadata.name) as followed:
        followed.must_match("WORKER_MODEL_LOADED", within=LOG_SECONDS)  # the server writes its log a moment later
    log = read_log(core, pod.metadata.name, pod.metadata.namespace, "kserve-container", timestamps=True)
    stamp = next(line.split()[0] for line in log.splitlines() if "WORKER_MODEL_LOADED" in line)
    loaded = datetime.datetime.fromisoformat(stamp)
    ready = wait_for(f"the pod of {name} to be ready", lambda: _ready_since(*releases[name].predictor_pods()),
                     seconds=WATCH_SECONDS)
    assert ready >= loaded.replace(microsecond=0)  # conditions are stamped in whole seconds
    states = wait_for(f"the watch to have seen {name} Ready", lambda: since_ready(changes, releases[name].name),
                      seconds=WATCH_SECONDS)
    assert states[0].at >= loaded, "Ready before the model was loaded (or the clocks of the cluster and of this machine differ)"
    # Where a busy machine made this very pod unready and ready again, its condition tells when.
    now, = releases[name].predictor_pods()
    since = _ready_since(now) if now.metadata.uid == pod.metadata.uid else None
    again = since is not None and since > states[0].at
    assert again or all(is_ready(state.item) for state in states), "no longer Ready, once it was"


def _ready_since(pod: Any) -> datetime.datetime | None:
    """When a pod became Ready last, in whole seconds; None where it is not."""
    return next((condition.last_transition_time for condition in pod.status.conditions
                 if (condition.type, condition.status) == ("Ready", "True")), None)


@pytest.mark.parametrize("name", CALLED)
def test_the_pod_has_the_containers_of_its_mode_and_nothing_else(name: str, releases: dict[str, Release], mode: str) -> None:
    pod, = releases[name].predictor_pods()
    assert sorted(container.name for container in pod.spec.containers) == CONTAINERS[mode]
    assert not pod.spec.init_containers


@pytest.mark.only("Knative")
@pytest.mark.parametrize("name", CALLED)
def test_the_log_of_the_queue_proxy_shows_no_trouble(name: str, releases: dict[str, Release]) -> None:
    pod, = releases[name].predictor_pods()
    with following(releases[name].core, releases[name].namespace, pod=pod.metadata.name, container="queue-proxy") as log:
        log.must_match("Starting queue-proxy", within=LOG_SECONDS)


@pytest.mark.parametrize("name", CALLED)
def test_helm_test_predicts(name: str, releases: dict[str, Release], chart: Helm) -> None:
    printed = chart("test", releases[name].name, "--logs", "--timeout", "120s")
    assert "Succeeded" in printed
    assert '"predictions"' in printed


def test_an_upgrade_without_a_change_rolls_nothing(
        releases: dict[str, Release], chart: Helm, values: Callable[..., dict[str, Any]], hosted: dict[str, Any]) -> None:
    bert = releases["bert"]

    def state() -> tuple[Any, ...]:
        return (bert.inference_service()["metadata"]["generation"], [pod.metadata.uid for pod in bert.predictor_pods()],
                [job.metadata.uid for job in bert.seed_jobs()])

    before = state()
    chart.install(bert.name, values("bert", hosted))
    bert.wait_until_ready()
    assert state() == before
