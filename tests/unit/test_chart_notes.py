"""NOTES.txt and the test pod name this release's own objects, models and requests."""

from __future__ import annotations

import json
import re
import shlex
import subprocess

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, changed, in_knative
from tests.unit.render import notes, only, render_chart

EXAMPLE = {"instances": [{"data": "It's $(HOME) <b>"}]}


def curls(text: str) -> list[list[str]]:
    """The words of every curl command, as a shell splits them."""
    return [shlex.split(line) for line in text.splitlines() if line.strip().startswith("curl ")]


def test_notes_give_the_call_of_every_model_with_its_own_example():
    (words,) = curls(notes(changed(SMALLEST, models__bert__example=EXAMPLE)))
    assert "http://127.0.0.1:8080/v1/models/bert:predict" in words
    assert json.loads(words[words.index("-d") + 1]) == EXAMPLE
    assert len(curls(notes(CASES["all-options"]))) == 3


def test_notes_name_the_job_and_the_objects_that_exist():
    text = notes(SMALLEST)
    objects = render_chart(SMALLEST)
    assert f"job/{only(objects, 'Job')['metadata']['name']}" in text
    assert "inferenceservice/demo" in text
    assert "service/demo-predictor" in text
    assert set(re.findall(r"-n (\S+)", text)) == {"models"}


def test_notes_name_no_job_where_nothing_is_seeded():
    assert "job/" not in notes(EXISTING)


def test_notes_say_where_the_pods_of_a_claim_for_one_node_run():
    assert "all 3 pods run on one node" in notes(changed(SMALLEST, maxReplicas=3))
    assert "all 3 pods run on one node" in notes(changed(SMALLEST, autoscalerClass="none", minReplicas=3))
    assert "one node" not in notes(changed(SMALLEST, maxReplicas=3, persistence__accessModes=["ReadWriteMany"]))


KNATIVE = changed(SMALLEST, deploymentMode="Knative")
GRPC = changed(CASES["grpc"], models__bert__batchSize=1)


def test_notes_of_knative_give_the_call_through_the_gateway_with_the_host_that_knative_knows():
    text = notes(KNATIVE)
    (words,) = curls(text)
    assert words[words.index("-H") + 1] == "Host: $HOST"
    (line,) = [line for line in text.splitlines() if line.strip().startswith("HOST=$(")]
    assert "inferenceservice demo -o jsonpath='{.status.components.predictor.url}'" in line
    assert "http://demo-predictor.models.svc.cluster.local" in text
    assert "port-forward service/demo-predictor" not in text


def test_notes_give_the_host_that_was_mapped():
    (words,) = curls(notes(CASES["knative"]))
    assert words[words.index("-H") + 1] == "Host: bert.nlp.example.com"
    assert "HOST=" not in notes(CASES["knative"])


def test_notes_give_the_call_over_https_where_the_mapped_host_has_a_certificate():
    text = notes(CASES["knative"])
    assert "--resolve bert.nlp.example.com:8443:127.0.0.1 https://bert.nlp.example.com:8443/…" in text
    assert "with the certificate in bert-tls" in text
    assert "8443" not in notes(changed(CASES["knative"], domainMapping__tlsSecretName=""))


def test_notes_of_a_canary_say_how_to_keep_it_and_how_to_take_it_back():
    text = notes(CASES["knative"])
    assert "it gets 10 % of the requests once it is ready" in text
    assert "get services.serving.knative.dev demo-predictor -o jsonpath='{.status.traffic}{\"\\n\"}'" in text
    assert "canaryTrafficPercent=100; to take it back, helm -n models rollback demo." in text
    for percent in (None, 100):
        assert "canary" not in notes(changed(CASES["knative"], canaryTrafficPercent=percent)), percent


def test_notes_of_knative_say_which_host_it_is_where_kserve_makes_none():
    sentence = "the host is demo-predictor.models.<domain>; set domainMapping.hosts for another."
    assert sentence in notes(KNATIVE)
    assert sentence not in notes(CASES["knative"])
    assert sentence not in notes(SMALLEST)


def test_notes_of_kubeflow_know_its_gateway_and_its_login():
    text = notes(CASES["kubeflow"])
    assert "-n istio-system port-forward service/istio-ingressgateway 8080:80" in text
    assert "Authorization: Bearer $(kubectl -n models create token default-editor)" in text
    assert "kourier" not in text


def test_notes_of_protocol_v2_call_infer():
    (words,) = curls(notes(changed(SMALLEST, protocol="v2")))
    assert "http://127.0.0.1:8080/v2/models/bert/infer" in words
    assert json.loads(words[words.index("-d") + 1]) == {"inputs": []}


def test_notes_of_grpc_have_a_grpc_call_and_no_other():
    text = notes(GRPC)
    assert curls(text) == []
    (line,) = [line for line in text.splitlines() if line.strip().startswith("grpcurl ")]
    words = shlex.split(line)
    assert json.loads(words[words.index("-d") + 1]) == {"name": "bert"}
    assert words[-1] == "inference.GRPCInferenceService/ModelReady"
    assert "-authority" not in words
    assert '-authority "$HOST"' in notes(changed(GRPC, deploymentMode="Knative"))


def test_notes_and_helm_test_agree_on_whether_there_is_a_test():
    for values in (SMALLEST, KNATIVE, GRPC, changed(GRPC, deploymentMode="Knative")):
        pods = [item for item in render_chart(values) if item["kind"] == "Pod"]
        assert len(pods) == (0 if "There is no helm test" in notes(values) else 1)
    assert pods == [], "gRPC alone can't be asked by a program of the standard library"


def test_notes_of_knative_say_what_a_claim_for_one_node_means_there():
    assert "Knative takes no affinity" in notes(KNATIVE)
    assert "Knative takes no affinity" not in notes(changed(KNATIVE, persistence__accessModes=["ReadWriteMany"]))


def arguments(values: dict) -> dict[str, str]:
    args = only(render_chart(values), "Pod")["spec"]["containers"][0]["args"]
    return dict(zip(args[::2], args[1::2], strict=True))


def test_helm_test_asks_where_rest_is_served():
    assert arguments(KNATIVE)["--url"] == "http://demo-predictor.models.svc.cluster.local"
    assert arguments(GRPC)["--url"] == "http://demo-predictor.models.svc:8080"
    runtime = only(render_chart(GRPC), "ServingRuntime")["spec"]["containers"][0]
    assert 8080 in [port["containerPort"] for port in runtime["ports"]], "KServe puts further ports into the Service"
    assert "--protocol" not in arguments(SMALLEST)
    assert arguments(GRPC)["--protocol"] == arguments(changed(SMALLEST, protocol="v2"))["--protocol"] == "v2"


def test_helm_test_waits_for_a_start_from_zero():
    assert arguments(SMALLEST)["--answer-seconds"] == "120"
    probe = only(render_chart(KNATIVE), "ServingRuntime")["spec"]["containers"][0]["startupProbe"]
    assert int(arguments(KNATIVE)["--answer-seconds"]) == 120 + probe["failureThreshold"]


def requests(values: dict) -> list[dict]:
    args = only(render_chart(values), "Pod")["spec"]["containers"][0]["args"]
    # Kubernetes turns $$( into $( and would expand a single $(NAME).
    text = args[args.index("--requests") + 1]
    assert not re.search(r"(?<!\$)\$\(", text)
    return json.loads(text.replace("$$(", "$("))


def test_helm_test_sends_each_model_its_example_through_the_service():
    assert requests(changed(SMALLEST, models__bert__example=EXAMPLE)) == [{"model": "bert", "request": EXAMPLE}]
    container = only(render_chart(SMALLEST), "Pod")["spec"]["containers"][0]
    assert container["args"][:2] == ["--url", "http://demo-predictor.models.svc"]


def test_helm_test_knows_which_models_have_no_example():
    assert [(item["model"], bool(item["request"])) for item in requests(CASES["all-options"])] == [
        ("Digits_2", False),
        ("bert", True),
        ("bert.shadow", False),
    ]


def test_the_test_pod_is_a_test_hook_and_stays_for_its_log():
    annotations = only(render_chart(SMALLEST), "Pod")["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "test"
    assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation"


def test_notes_wait_for_the_end_of_the_seeding_not_for_its_success():
    """A wait for `complete` would stand until its timeout beside a Job that has failed."""
    (wait,) = [line for line in notes(SMALLEST).splitlines() if " wait " in line and "job/" in line]
    assert "--for=jsonpath='{.status.conditions}'" in wait


def test_notes_have_one_command_for_each_file_that_is_to_be_uploaded_after_the_pod_is_there():
    files = {"a": "upload://a.mar", "b": "upload://b.mar", "c": "upload://b.mar", "d": "https://example.com/d.mar"}
    values = {"models": {name: {"uri": uri} for name, uri in files.items()}}
    job = only(render_chart(values), "Job")["metadata"]["name"]
    lines = [line.strip() for line in notes(values).splitlines()]
    sent = [line for line in lines if " exec " in line]
    assert sent == [
        f"kubectl -n models exec -i job/{job} -c seed -- python3 /opt/torchserve-kserve/seed/seed.py --receive {name} --plan "
        f"/opt/torchserve-kserve/seed/plan.json --destination /mnt/models < {name}.mar"
        for name in ("a", "b")
    ]
    waiting = lines[lines.index(sent[0]) - 1]
    # Of the Job, which is there when helm ends; where its pod is not yet, a wait for pods ends at once.
    assert waiting == f"kubectl -n models wait --for=jsonpath='{{.status.ready}}'=1 --timeout=600s job/{job}"
    (container,) = only(render_chart(values), "Job")["spec"]["template"]["spec"]["containers"]
    assert container["name"] == "seed"
    assert set(container["command"]) < set(sent[0].split())


def test_notes_speak_of_no_upload_where_there_is_none():
    assert " exec " not in notes(SMALLEST)
    assert " exec " not in notes(EXISTING)


@pytest.mark.parametrize("mode", ["Standard", "Knative"])
@pytest.mark.parametrize("case", CASES)
def test_every_command_is_one_that_a_shell_takes_as_it_stands(case, mode):
    values = in_knative(CASES[case]) if mode == "Knative" else CASES[case]
    lines = re.findall(r"(?m)^   ((?:kubectl|helm|curl|grpcurl) .*|HOST=.*)$", notes(values))
    assert len(lines) >= 5
    done = subprocess.run(["bash", "-n"], input="\n".join(lines), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
