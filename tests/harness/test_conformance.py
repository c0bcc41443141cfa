"""The conformance checks: a healthy release passes all of them, and each of some thirty seeded defects is named by its own."""

import dataclasses
import itertools
import json
import runpy
from collections.abc import Callable
from typing import Any

import pytest
import requests

from ci.cluster.paths import CHART
from tests.conformance import report
from tests.conformance.checks import CHECKS
from tests.conformance.checks.limits import FAILED
from tests.conformance.comparing import same
from tests.conformance.remedies import REMEDIES
from tests.conformance.target import NotApplicable, Target
from tests.harness.conformance_target import LOG, SNAPSHOT, item, target

POD = "tiny-predictor-1-a"


def failures(release: Target) -> dict[str, str]:
    """The checks that fail, and what they say."""
    found = {}
    for name, check in CHECKS.items():
        try:
            check(release)
        except NotApplicable:
            continue
        except AssertionError as error:
            found[name] = str(error)
    return found


def of_kind(release: Target, kind: str) -> dict[str, Any]:
    return next(item for item in release.items if item["kind"] == kind)


def configured(release: Target, **keys: str) -> None:
    release.inside = {pod: dataclasses.replace(inside, config={**inside.config, **keys})
                      for pod, inside in release.inside.items()}


def snapshot(release: Target, **settings: Any) -> None:
    """Other settings of the snapshot's model."""
    changed = json.loads(json.dumps(SNAPSHOT))
    changed["models"]["tiny"]["1.0"] |= settings
    configured(release, model_snapshot=json.dumps(changed))


def silent(release: Target) -> None:
    """The management API tells nothing to one without a token."""
    release.inside = {pod: dataclasses.replace(inside, workers=None) for pod, inside in release.inside.items()}


def says(release: Target, container: str, line: str) -> None:
    release.logs[POD, container] = f"{LOG}\n2026-11-28T10:00:11Z {line}"


def wrong(release: Target, **answers: Any) -> None:
    release.call.wrong |= {kind.replace("_", "-"): answer for kind, answer in answers.items()}  # type: ignore[attr-defined]


def probe(release: Target, **fields: Any) -> None:
    of_kind(release, "Pod")["spec"]["containers"][0]["readinessProbe"] = fields


def condition(release: Target, kind: str, **fields: str) -> None:
    of_kind(release, kind)["status"]["conditions"][0] |= fields


def mixed(release: Target) -> None:
    """Batches of several requests get the first one's answer."""
    wrong(release, burst=(200, {"predictions": [2]}))


def every_second_of_a_burst(status: int, body: dict[str, Any]) -> Target:
    """A release that answers so to every second request of one instance alone, as bursts have them."""
    release, count = target(), itertools.count()
    answered = release.call

    def call(method: str, path: str, **options: Any) -> requests.Response:
        otherwise = len(options.get("json", {}).get("instances", [])) == 1 and next(count) % 2
        return answered.answer("x", status, body) if otherwise else answered(method, path, **options)
    release.call = call
    return release


def breaks_after_big(release: Target) -> None:
    answered = release.call

    def call(method: str, path: str, **options: Any) -> requests.Response:
        if len(options.get("data", "")) > 1000:
            wrong(release, alone=(503, {"error": "no worker"}), burst=(503, {"error": "no worker"}))
        return answered(method, path, **options)
    call.wrong = answered.wrong  # type: ignore[attr-defined]
    release.call = call


MANAGEMENT = (200, {"models": [{"modelName": "tiny", "modelUrl": "tiny-1.mar"}]})
# What is wrong -> the check that has to name it, and how it is made wrong.
DEFECTS: dict[str, tuple[str, Callable[[Target], Any]]] = {
    "a condition is false": ("objects.every_condition_is_true",
                             lambda it: condition(it, "InferenceService", status="False", reason="X", message="y")),
    "there is no runtime of that name": ("objects.the_runtime_is_there_and_takes_the_protocol",
                                         lambda it: of_kind(it, "ServingRuntime")["metadata"].update(name="other")),
    "the runtime takes another protocol": ("objects.the_runtime_is_there_and_takes_the_protocol",
                                           lambda it: of_kind(it, "ServingRuntime")["spec"].update(protocolVersions=["v2"])),
    "a pod is not ready": ("objects.all_pods_are_ready", lambda it: condition(it, "Pod", status="False")),
    "too few pods": ("objects.all_pods_are_ready",
                     lambda it: of_kind(it, "InferenceService")["spec"]["predictor"].update(minReplicas=2)),
    "a server was started again": ("objects.no_container_was_started_again",
                                   lambda it: of_kind(it, "Pod")["status"]["containerStatuses"][0].update(restartCount=3)),
    "a pod without its label": ("objects.the_label_of_the_inference_service_finds_its_pods",
                                lambda it: of_kind(it, "Pod")["metadata"].update(labels={"app": "other"})),
    "the claim is lost": ("objects.the_claims_are_bound",
                          lambda it: of_kind(it, "PersistentVolumeClaim")["status"].update(phase="Lost")),
    "the Service selects nobody": ("objects.the_service_sends_to_the_pods",
                                   lambda it: of_kind(it, "Service")["spec"].update(selector={"app": "nobody"})),
    "a wrong model name": ("snapshot.the_model_that_is_asked_for_is_in_the_snapshot",
                           lambda it: setattr(it, "model_given", "torchserve")),
    "a snapshot without mandatory keys": ("snapshot.the_snapshot_names_models", lambda it: configured(it, model_snapshot=(
        '{"modelCount":1,"models":{"tiny":{"1.0":{"marName":"tiny-1.mar"}}}}'))),
    "a snapshot that is no JSON": ("snapshot.the_snapshot_names_models", lambda it: configured(it, model_snapshot="{'models'}")),
    "an archive that is not in the store": ("snapshot.the_archives_are_in_the_store",
                                            lambda it: snapshot(it, marName="other.mar")),
    "a batch with a stock envelope": ("snapshot.no_batch_goes_through_a_stock_envelope", lambda it: snapshot(it, batchSize=5)),
    "a public management address": ("snapshot.the_management_api_listens_inside_the_pod_only",
                                    lambda it: configured(it, management_address="http://0.0.0.0:8081")),
    "models from any URL": ("snapshot.models_come_from_no_url",
                            lambda it: configured(it, allowed_urls="file://.*|http(s)?://.*")),
    "tokens are on": ("snapshot.tokens_are_off", lambda it: (configured(it, disable_token_authorization="false"), silent(it))),
    "too few workers": ("snapshot.every_model_has_its_workers", lambda it: snapshot(it, minWorkers=2)),
    "a model that is not in the snapshot": ("snapshot.every_model_has_its_workers",
                                            lambda it: it.inside[POD].workers.update(other={})),
    "a probe that only connects": ("readiness.the_probe_looks_at_the_model", lambda it: probe(it, tcpSocket={"port": 8080})),
    "a probe of /ping": ("readiness.the_probe_looks_at_the_model", lambda it: probe(it, httpGet={"path": "/ping"})),
    "no probe": ("readiness.the_probe_looks_at_the_model", probe),
    "ready before it had loaded": ("readiness.ready_came_after_the_model_had_loaded",
                                   lambda it: condition(it, "Pod", lastTransitionTime="2026-11-28T10:00:03Z")),
    "ready before the second model had loaded": (
        "readiness.ready_came_after_the_model_had_loaded", lambda it: it.logs.update({(POD, "kserve-container"): LOG + (
            "\n2026-11-28T10:00:30Z x [DEBUG] W-9001-other_1.0 o.p.s.wlm.WorkerThread - State change -> WORKER_MODEL_LOADED")})),
    "a worker that died": ("logs.the_server_says_nothing_bad",
                           lambda it: says(it, "kserve-container", "x [INFO ] W - Backend worker process died.")),
    "an exception in a handler": ("logs.the_server_says_nothing_bad", lambda it: says(
        it, "kserve-container", "x [WARN ] W MODEL_LOG - Traceback (most recent call last):")),
    "a sidecar with errors": ("logs.the_sidecar_says_nothing_bad", lambda it: says(it, "queue-proxy", '{"severity":"ERROR"}')),
    "a seed that failed first": ("logs.the_download_says_nothing_bad", lambda it: says(
        it, "seed", "seed: tiny: http://x/y: HTTP 403 Forbidden; check the credentials")),
    "management behind the Service": ("management.it_is_not_behind_the_service", lambda it: wrong(it, management=MANAGEMENT)),
    "management on the pod's address": ("management.it_is_not_on_the_pods_address", lambda it: setattr(
        it, "reach", lambda _, port, __: (200, json.dumps(MANAGEMENT[1])) if port == 8081 else None)),
    "a wrong answer": ("answers.the_sample_is_answered_as_expected",
                       lambda it: wrong(it, alone=(200, {"predictions": [2, 4, 7]}))),
    "another order of instances, the same predictions": (
        "answers.the_instances_of_one_request_are_answered_in_their_order",
        lambda it: wrong(it, alone=(200, {"predictions": [2, 4, 6]}))),
    "the second of two samples": ("answers.the_sample_is_answered_as_expected",
                                  lambda it: it.more.append(({"instances": [{"data": 1}]}, {"predictions": [3]}))),
    "what is too big is an error of the server": ("limits.a_request_that_is_too_big_is_refused",
                                                  lambda it: wrong(it, big=(500, {"error": "memory"}))),
    "an answer that is no JSON": ("answers.the_sample_is_answered_as_expected", lambda it: wrong(it, alone=(200, b"<html>"))),
    "a wrong name is answered": ("answers.a_model_that_is_not_there_is_not_found",
                                 lambda it: wrong(it, unknown=(200, {"predictions": []}))),
    "what is no JSON is answered": ("answers.what_is_no_json_is_an_error", lambda it: wrong(it, no_json=(200, {}))),
    "anything however big is taken": ("limits.a_request_that_is_too_big_is_refused", lambda it: wrong(it, big=(200, {}))),
    "what is too big breaks the server": ("limits.a_request_that_is_too_big_is_refused", breaks_after_big),
    "a batch answered wrongly": ("limits.many_at_once_are_answered_as_each_alone", mixed),
    "busy when many come": ("limits.many_at_once_are_answered_as_each_alone",
                            lambda it: wrong(it, burst=(503, {"error": "full"}))),
}


def test_a_healthy_release_passes_every_check_and_all_are_made() -> None:
    release = target()
    assert failures(release) == {}
    for check in CHECKS.values():
        check(release)  # none is NotApplicable


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_named_by_the_check_that_is_for_it(defect: str) -> None:
    check, seed = DEFECTS[defect]
    release = target()
    seed(release)
    found = failures(release)
    assert check in found, f"not named; what failed: {found}"
    assert len(found[check].splitlines()[0]) > 20


def test_every_check_has_a_defect_that_it_names() -> None:
    assert set(CHECKS) == {check for check, _ in DEFECTS.values()} == set(REMEDIES)
    assert len(DEFECTS) >= 20


def test_a_release_that_is_not_there_is_named_with_those_that_are() -> None:
    release = target()
    release.release = "nobody"
    assert "x has no InferenceService nobody; those that it has: ['tiny']" in failures(release)["objects.every_condition_is_true"]


def test_numbers_may_differ_a_little_and_nothing_else_may() -> None:
    assert same({"a": [1.00000001, "x"], "id": 7}, {"a": [1.0, "x"]}, 1e-4)
    assert not same({"a": [1.1]}, {"a": [1.0]}, 1e-4)
    assert not same([1, 2], [1], 1e-4)
    assert not same([True], [1], 1e-4)


def test_the_reports_have_each_result_with_its_time_and_what_went_wrong() -> None:
    results = [report.Result("a.b", "looks", "passed", "", 0.5), report.Result("c.d", "sees", "failed", "<wrong>", 1.0)]
    found = json.loads(report.as_json({"namespace": "x", "release": "y"}, results))
    assert (found["release"], found["passed"], found["failed"], found["results"][1]["why"]) == ("y", 1, 1, "<wrong>")
    page = report.as_html({"namespace": "x", "release": "y"}, results)
    assert "&lt;wrong&gt;" in page and "1.00 s" in page
    assert report.summary(results) == "1 checks passed, 1 failed, 0 not made, in 1.5 s: c.d"


def test_the_configuration_is_read_from_its_config_map_where_nobody_is_let_in() -> None:
    release = target()
    release.inside = {}
    with pytest.raises(NotApplicable):
        release.config  # noqa: B018
    of_kind(release, "Pod")["spec"]["volumes"].append({"name": "config", "configMap": {"name": "settings"}})
    release.items.append(item("ConfigMap", "settings", data={"config.properties": "# a=b\nmax_request_size=7\nx = y=z"}))
    assert release.config == {"max_request_size": "7", "x": "y=z"}


@pytest.mark.parametrize(("status", "refused"), [
    (503, {"code": 503, "type": "ServiceUnavailableException", "message": 'Model "tiny" has no worker to serve'}),
    (503, {"error": "upstream connect error or disconnect/reset before headers. reset reason: overflow"}),
    (503, {"error": "full"}),
    (429, {"code": 429, "type": "InternalServerException", "message": "a handler's own word"})])
def test_a_burst_may_be_refused_in_part_if_the_rest_is_right(status: int, refused: dict[str, Any]) -> None:
    assert failures(every_second_of_a_burst(status, refused)) == {}


@pytest.mark.parametrize("failed", [
    {"code": 503, "type": "InternalServerException", "message": "number of batch response mismatched"},
    {"error": "number of batch response mismatched"},  # the same, through KServe's wrapper
    {"code": 503, "type": "InternalServerException", "message": "Prediction failed"},
    {"error": "Prediction failed"},
    {"error": "Invalid model predict output"},
    {"error": "Unsupported model output data type."},
    {"error": "TorchServe can't be reached at http://127.0.0.1:8085: Connection refused."},
    {"error": "Model with name tiny is not ready."},
    {"error": "upstream connect error or disconnect/reset before headers. reset reason: connection termination"},
    {"error": "no healthy upstream"}])
def test_a_burst_of_which_the_handler_fails_some_is_not_refused_in_part(failed: dict[str, Any]) -> None:
    found = failures(every_second_of_a_burst(503, failed))
    assert list(found) == ["limits.many_at_once_are_answered_as_each_alone"]
    assert failed.get("message", failed.get("error")) in found["limits.many_at_once_are_answered_as_each_alone"]


def test_what_helm_test_knows_of_a_worker_s_failure_the_suite_knows() -> None:
    sentences = runpy.run_path(str(CHART / "files" / "predict.py"))["WORKER_REFUSED"]
    assert [sentence for sentence in sentences if not FAILED.search(sentence)] == []


def test_each_kind_of_bad_line_is_told_once() -> None:
    release = target()
    says(release, "kserve-container", "x [INFO ] W - Backend worker process died.")
    release.logs[POD, "kserve-container"] += "\n2026-11-28T10:00:12Z Traceback (most recent call last):" * 2
    found = failures(release)["logs.the_server_says_nothing_bad"]
    assert found.count("Backend worker process died.") == found.count("Traceback (most recent call last):") == 1


def test_what_the_chart_says_of_a_ready_model_may_come_after_the_pod_was_ready() -> None:
    release = target()
    release.logs[POD, "kserve-container"] += "\n2026-12-31T23:59:59Z start: model tiny 1.0 is ready: 1 worker(s), 3.0 s"
    assert failures(release) == {}


def test_a_management_api_that_tells_nothing_is_no_missing_worker() -> None:
    release = target()
    release.inside = {pod: dataclasses.replace(inside, workers=None) for pod, inside in release.inside.items()}
    release.unread.append("tiny: the management API from inside: HTTP Error 401")
    with pytest.raises(NotApplicable, match="HTTP Error 401"):
        CHECKS["snapshot.every_model_has_its_workers"](release)
