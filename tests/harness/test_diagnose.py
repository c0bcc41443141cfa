"""Diagnosis without a cluster: what counts as evidence, what is named first, what is hidden, what a folder says."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci import diagnose
from ci.diagnosis import evidence, gather, guess, helm_record, secrecy
from tests.conformance.owners import RELEASE

Object = dict[str, Any]


def item(kind: str, name: str, owner: str = "", **fields: Any) -> Object:
    metadata = {"name": name, "uid": name, "ownerReferences": [{"uid": owner}] if owner else [], **fields.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": {}, "status": {}, **fields}


def event(of: str, reason: str, message: str) -> Object:
    return {"involvedObject": {"uid": of, "kind": "Pod", "name": of}, "reason": reason, "message": message,
            "metadata": {}, "lastTimestamp": "2026-11-28T10:00:00Z"}


def pod(name: str, **status: Any) -> Object:
    return item("Pod", name, "rs", status=status, spec={"nodeName": "node"} if status.pop("placed", True) else {})


def state(*pods: Object, events: list[Object] | None = None,
          logs: dict[tuple[str, str, bool], str] | None = None) -> gather.State:
    items = [item("InferenceService", "tiny"), item("ReplicaSet", "rs", "tiny"), *pods]
    return gather.State("x", items, events or [], [], [], logs=logs or {})


def first(found: gather.State) -> str:
    return guess.causes(found.evidence("tiny"))[0].entry.id


def ended(message: str = "", reason: str = "Error", code: int = 1) -> list[Object]:
    return [{"name": "kserve-container", "restartCount": 1, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
             "lastState": {"terminated": {"reason": reason, "exitCode": code, "message": message}}}]


def test_last_words_beat_the_crash_loop_that_follows_them() -> None:
    broken = pod("a", containerStatuses=ended("start: model tiny 1.0: its worker died 3 times: KeyError: 1; correct its handler"))
    assert first(state(broken)) == "start-load-failed"


def test_a_missing_module_beats_the_worker_that_died_of_it() -> None:
    logs = {("a", "kserve-container", True): "Worker died.\nModuleNotFoundError: No module named 'x'\n"
            "start: model tiny 1.0: its worker died 3 times: ModuleNotFoundError: No module named 'x'; correct its handler"}
    assert first(state(pod("a", containerStatuses=ended()), logs=logs)) == "start-module-missing"


def test_memory_beats_all() -> None:
    assert first(state(pod("a", containerStatuses=ended(reason="OOMKilled", code=137)))) == "k8s-oom"


def test_what_a_placed_pod_once_waited_for_is_no_cause() -> None:
    waited = [event("a", "FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu.")]
    assert state(pod("a"), events=waited).evidence("tiny") == []
    assert first(state(pod("a", placed=False), events=waited)) == "k8s-resources"


def test_events_of_other_releases_do_not_count() -> None:
    assert state(pod("a"), events=[event("other", "FailedScheduling", "1 Insufficient cpu.")]).evidence("tiny") == []


def test_a_bound_claim_has_no_old_trouble() -> None:
    claim = item("PersistentVolumeClaim", "claim", metadata={"annotations": {RELEASE: "tiny"}})
    failed = event("claim", "ProvisioningFailed", 'storageclass.storage.k8s.io "nobody" not found')
    found = state(claim, events=[failed])
    assert first(found) == "k8s-no-class"
    claim["status"]["phase"] = "Bound"
    assert found.evidence("tiny") == []


def test_a_condition_that_is_bad_when_true_counts_when_true() -> None:
    job = item("Job", "j", status={"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded",
                                                  "message": "Job was active longer than specified deadline"}]})
    assert [piece.line for piece in evidence.of_conditions([job])] == [
        "Failed: DeadlineExceeded: Job was active longer than specified deadline"]
    job["status"]["conditions"][0]["status"] = "False"
    assert not list(evidence.of_conditions([job]))


def test_what_is_said_has_the_cause_the_remedy_the_source_and_what_is_less_likely() -> None:
    logs = {("a", "seed", False): "seed: tiny: x: HTTP 403 Forbidden; check the credentials\nTraceback (most recent call last):"}
    found = state(pod("a", containerStatuses=ended()), logs=logs)
    text = guess.paragraph("x/tiny", guess.causes(found.evidence("tiny")), ready=False)
    assert text.startswith("x/tiny is not Ready. The likeliest cause (seed-refused): The server refuses the file")
    assert "Pod/a seed (seed): seed: tiny: x: HTTP 403 Forbidden" in text
    assert "Less likely: k8s-crash-loop" in text
    assert "\n" not in text


def test_nothing_that_is_known_is_said_to_be_nothing() -> None:
    assert "Nothing was found that the catalogue knows" in guess.paragraph("x/tiny", [], ready=False)


def test_what_the_catalogue_does_not_know_is_quoted() -> None:
    said = [evidence.Evidence("Pod/a", "event", "Pulled: it"),
            evidence.Evidence("InferenceService/tiny", "condition", "Ready: Odd: too much of it")]
    text = guess.paragraph("x/tiny", [], said, ready=False)
    assert "InferenceService/tiny says: Ready: Odd: too much of it. Read the events" in text
    assert guess.paragraph("x/tiny", [], ready=True) == "x/tiny is Ready. Nothing that is wrong was found."


def test_selectors_that_match_nothing_are_said() -> None:
    said = gather._remarks(state(pod("a")), "tiny")
    assert said[0] == "The selector serving.kserve.io/inferenceservice=tiny (the predictor of tiny) matches no pod."
    assert "component=seed (the seeding Job of tiny) matches no pod." in said[1]


def test_a_release_that_is_not_there_is_said_to_be_none_and_nothing_more() -> None:
    found = state(pod("a"))
    found.remarks = gather._remarks(found, "nobody")
    assert diagnose.account(found, "nobody") == "x has nothing of a release nobody; releases that it has: tiny.\n"


def test_helm_s_record_is_read_without_its_secrets() -> None:
    record = {"name": "tiny", "version": 2, "info": {"status": "deployed"}, "chart": {"metadata": {"name": "c", "version": "1"}},
              "config": {"models": {"tiny": {"credentials": {"secretName": "login", "token": "hush"}}},
                         "seed": {"env": [{"name": "HF_TOKEN", "value": "hush"}, {"name": "HTTPS_PROXY", "value": "http://p"}]}}}
    data = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(record).encode()))).decode()
    found = helm_record.summary(helm_record.decode(data))
    assert (found["release"], found["revision"], found["status"], found["chart"]) == ("tiny", 2, "deployed", "c-1")
    assert "hush" not in str(found)
    assert found["values"]["models"]["tiny"]["credentials"]["secretName"] == "login"
    assert found["values"]["seed"]["env"][1]["value"] == "http://p"


def test_the_folder_has_a_file_per_kind_and_log_and_hides_secrets(tmp_path: Path) -> None:
    given = pod("a")
    given["spec"]["containers"] = [{"name": "c", "env": [{"name": "PASSWORD", "value": "hush"}]}]
    given["metadata"]["managedFields"] = [{}]
    found = state(given, item("ConfigMap", "m", binaryData={"tiny.mar": "x" * 1000}, metadata={"annotations": {RELEASE: "tiny"}}),
                  logs={("a", "c", False): "now", ("a", "c", True): "before"}, events=[event("a", "Pulled", "fine")])
    diagnose.write(found, tmp_path, "tiny")
    names = {file.name for file in tmp_path.iterdir()}
    assert {"cause.txt", "events.txt", "nodes.yaml", "helm.yaml", "pods.yaml", "configmaps.yaml", "a.c.log",
            "a.c.previous.log"} <= names
    text = "".join(file.read_text() for file in tmp_path.iterdir())
    assert "hush" not in text and "managedFields" not in text and "x" * 1000 not in text
    assert yaml.safe_load((tmp_path / "pods.yaml").read_text())[0]["metadata"]["name"] == "a"
    assert (tmp_path / "events.txt").read_text() == "10:00:00 Pod/a Pulled: fine\n"


@pytest.mark.parametrize("text", [
    "fetched http://user:hush@host/x", "GET https://h/x?a=b&X-Amz-Signature=hush&c=d", "https://h/x?sv=1&sig=hush", "https://h/?token=hush",
    "https://h/?Signature=hush", "Authorization: Bearer hushhush", "keystore_pass=hush", "--password=hush"])
def test_text_is_written_without_passwords_and_signatures(text: str) -> None:
    assert "hush" not in secrecy.scrubbed(text) and secrecy.HIDDEN in secrecy.scrubbed(text)


@pytest.mark.parametrize("value", [
    {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "hush"}},
    {"extraObjects": [{"kind": "Secret", "stringData": {"a": "hush"}, "data": {"b": "hush"}}]},
    {"extraObjects": ["apiVersion: v1\nkind: Secret\nstringData:\n  a: hush\n"]},
    {"tokens": ["hush"]}, {"credentials": {"a": {"b": "hush"}}}, {"url": "s3://a:hush@b"}])
def test_objects_and_values_are_written_without_secrets(value: dict) -> None:
    assert "hush" not in str(secrecy.without_secrets(value))


def test_a_number_may_be_a_secret_and_what_is_none_stays() -> None:
    assert secrecy.without_secrets({"password": 1234}) == {"password": "***"}
    plain = {"automountServiceAccountToken": True, "disable_token_authorization": "true", "secret": {"secretName": "login"},
             "kind": "ConfigMap", "data": {"a": "http://host/x?page=2"}, "imagePullSecrets": [{"name": "x"}]}
    assert secrecy.without_secrets(plain) == plain


def test_config_maps_of_nobody_show_keys_and_lengths(tmp_path: Path) -> None:
    mine = item("ConfigMap", "mine", data={"a": "shown"}, metadata={"annotations": {RELEASE: "tiny"}})
    diagnose.write(state(mine, item("ConfigMap", "other", data={"b": "hidden"})), tmp_path)
    found = {one["metadata"]["name"]: one["data"] for one in yaml.safe_load((tmp_path / "configmaps.yaml").read_text())}
    assert found == {"mine": {"a": "shown"}, "other": {"b": "(6 characters)"}}


def test_a_piece_that_cannot_be_written_is_told_and_hides_no_other(tmp_path: Path) -> None:
    found = state(pod("a"), events=[{"reason": "Odd"}], logs={("a", "c", False): "http://u:hush@h"})
    found.nodes = [{}]
    diagnose.write(found, tmp_path, "tiny")
    assert "nodes.yaml can't be written: KeyError('metadata')" in (tmp_path / "cause.txt").read_text()
    assert "Odd" in (tmp_path / "events.txt").read_text()
    assert (tmp_path / "a.c.log").read_text() == "http://***@h"
