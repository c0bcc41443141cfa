"""What is no defect is not named as one by the conformance checks."""

import dataclasses
import json
from typing import Any

import pytest

from tests.conformance.checks import CHECKS
from tests.conformance.target import NotApplicable
from tests.harness.conformance_target import LOG, SNAPSHOT, item, target
from tests.harness.test_conformance import POD, configured, failures, of_kind, silent


def test_what_the_wrapper_or_an_agent_takes_is_not_too_big_for_the_server() -> None:
    wrapper, agent = target(), target()
    configured(wrapper, inference_address="http://127.0.0.1:8085")
    of_kind(agent, "Pod")["spec"]["containers"].append({"name": "agent"})
    for release in (wrapper, agent):
        with pytest.raises(NotApplicable, match="another program"):
            CHECKS["limits.a_request_that_is_too_big_is_refused"](release)


@pytest.mark.parametrize("fields", [{"status": {"phase": "Failed"}}, {"metadata": {"labels": {"component": "transformer"}}}])
def test_evicted_pods_and_those_of_a_transformer_are_none_of_the_predictor(fields: dict[str, Any]) -> None:
    release = target()
    release.items.append({**item("Pod", "other", "ReplicaSet/tiny-predictor-1", spec={"containers": []}, **fields)})
    assert [pod["metadata"]["name"] for pod in release.pods] == [POD]
    assert "objects.all_pods_are_ready" not in failures(release)


@pytest.mark.parametrize(("kind", "listed", "check"), [
    ("ServingRuntime", "servingruntimes.serving.kserve.io/v1alpha1", "objects.the_runtime_is_there_and_takes_the_protocol"),
    ("PersistentVolumeClaim", "persistentvolumeclaims.v1", "objects.the_claims_are_bound"),
    ("Service", "services.v1", "objects.the_service_sends_to_the_pods")])
def test_what_may_not_be_listed_is_not_said_to_be_missing(kind: str, listed: str, check: str) -> None:
    release = target()
    release.items = [one for one in release.items if one["kind"] != kind]
    assert check in failures(release)
    release.unread.append(f"{listed} can't be listed: Forbidden")
    with pytest.raises(NotApplicable, match="Forbidden"):
        CHECKS[check](release)


def test_tokens_may_be_off_by_the_command_line() -> None:
    release = target()
    configured(release, disable_token_authorization="false")
    silent(release)
    of_kind(release, "Pod")["spec"]["containers"][0]["args"] = ["torchserve", "--disable-token-auth"]
    CHECKS["snapshot.tokens_are_off"](release)


def test_a_time_zone_of_the_log_and_parts_of_a_second_count_for_nothing() -> None:
    release = target()
    release.logs[POD, "kserve-container"] = LOG.replace("T10:00:09.5Z", "T12:00:10.9+02:00", 1)
    CHECKS["readiness.ready_came_after_the_model_had_loaded"](release)


def test_a_log_without_its_start_says_nothing_of_readiness() -> None:
    release = target()
    release.logs[POD, "kserve-container"] = "2026-11-28T11:00:00Z x W-9000-tiny_1.0 x - WORKER_MODEL_LOADED"
    with pytest.raises(NotApplicable):
        CHECKS["readiness.ready_came_after_the_model_had_loaded"](release)


def test_each_revision_is_compared_with_its_own_configuration() -> None:
    release = target()
    old = release.inside[POD]
    other = {"models": {"tiny": {"2.0": {**SNAPSHOT["models"]["tiny"]["1.0"], "marName": "tiny-2.mar"}}}}
    release.inside["canary"] = dataclasses.replace(old, config={**old.config, "model_snapshot": json.dumps(other)},
        store=("tiny-2.mar",), workers={"tiny": {"2.0": [{"status": "READY"}]}})
    CHECKS["snapshot.the_archives_are_in_the_store"](release)
    CHECKS["snapshot.every_model_has_its_workers"](release)
