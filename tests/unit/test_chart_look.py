"""The commands that NOTES and `helm test` name for a release that does not do what it should: its own, and the same in both."""

from __future__ import annotations

import ast
import json
import re

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, changed
from tests.unit.render import CHART, notes, only, render_chart

KNATIVE = changed(SMALLEST, deploymentMode="Knative")
ORDER = ("why", "all", "claim", "seed", "service", "pods", "fetch", "log", "previous")


def keys_of_program() -> set[str]:
    """The keys that the program of `helm test` asks --commands for."""
    tree = ast.parse((CHART / "files" / "predict.py").read_text())
    faults = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Fault"]
    return {fault.args[1].value for fault in faults if isinstance(fault.args[1], ast.Constant)} - {""}


def pod(values: dict) -> dict:
    return only(render_chart(values), "Pod")["spec"]


def argument(values: dict, name: str) -> str:
    args = pod(values)["containers"][0]["args"]
    return args[args.index(name) + 1].replace("$$(", "$(")  # as Kubernetes hands it on


def commands(values: dict) -> dict[str, str]:
    return json.loads(argument(values, "--commands"))


def test_chart_and_program_know_the_same_commands():
    known = {key for case in ("smallest", "kubeflow", "storage-uri") for key in commands(CASES[case])}
    assert known - set(ORDER) <= keys_of_program() <= known


@pytest.mark.parametrize("case", CASES)
def test_each_command_is_for_this_release_and_names_what_it_has(case):
    values = CASES[case]
    objects = render_chart(values)
    found = commands(values)
    jobs = [item["metadata"]["name"] for item in objects if item["kind"] == "Job"]
    assert all(text.startswith("kubectl -n models ") for text in found.values())
    assert found.get("seed") == (f"kubectl -n models logs job/{jobs[0]}" if jobs else None)
    assert ("claim" in found, "fetch" in found) == (not values.get("storageUri"), bool(values.get("storageUri")))
    assert ("services.serving.knative.dev" in found["service"]) == (values.get("deploymentMode") == "Knative")
    assert ("authorization" in found) == values.get("kubeflow", {}).get("enabled", False)


def test_a_service_that_is_missing_waits_for_kserve_or_in_knative_for_a_pod():
    assert commands(SMALLEST)["name"] == commands(SMALLEST)["service"]
    assert commands(KNATIVE)["name"] == commands(KNATIVE)["why"]


def test_why_asks_the_pods_of_the_release_but_for_the_tests_own():
    why = commands(SMALLEST)["why"]
    labels = only(render_chart(SMALLEST), "Pod")["metadata"]["labels"]
    assert " -l app.kubernetes.io/instance=demo,app.kubernetes.io/component!=test " in why
    assert (labels["app.kubernetes.io/instance"], labels["app.kubernetes.io/component"]) == ("demo", "test")


def test_the_command_that_lists_models_asks_where_management_listens():
    assert "127.0.0.1:8081/models" in commands(SMALLEST)["models"]
    assert "127.0.0.1:8086/models" in commands(CASES["wrapper"])["models"]


@pytest.mark.parametrize("case", ["smallest", "existing-claim", "storage-uri", "knative", "kubeflow", "stock-runtime"])
def test_notes_and_the_test_have_them_in_the_order_in_which_it_has_to_come_right(case):
    text = notes(CASES[case])
    found = commands(CASES[case])
    places = [text.rindex(found[key] + "\n") for key in ORDER if key in found]
    assert places == sorted(places)
    order = json.loads(argument(CASES[case], "--order"))
    assert [command for _, command in order] == [found[key] for key in ORDER if key in found and key != "why"]
    assert all(f"# if {seen}\n   {command}\n" in text for seen, command in order)


def test_notes_name_the_log_of_each_container():
    assert "more containers" not in notes(SMALLEST)
    assert "another container" not in notes(SMALLEST)
    assert "another container with a log: -c queue-proxy." in notes(KNATIVE)
    assert "more containers with a log: -c queue-proxy, -c istio-proxy." in notes(CASES["kubeflow"])
    beside = changed(SMALLEST, logger={"mode": "all"}, predictor={"containers": [{"name": "watch", "image": "a"}]})
    assert "more containers with a log: -c agent, -c watch." in notes(beside)
    transformer = changed(SMALLEST, transformer={"containers": [{"name": "kserve-container", "image": "a"}]})
    assert "component=transformer" in notes(transformer)
    assert "component=transformer" not in notes(SMALLEST)


def test_notes_know_the_way_in_k9s():
    text = notes(SMALLEST)
    assert "k9s -n models -c pods" in text
    assert "the server's pods are demo-predictor-…, the Job's demo-seed-…" in text
    assert ":pvc" in text
    assert "the Job's" not in notes(EXISTING).partition("k9s")[2]
    assert ":pvc" not in notes(CASES["storage-uri"])


def test_notes_say_that_no_pod_may_be_a_sleeping_one():
    assert "sleeps" in notes(changed(KNATIVE, minReplicas=0))
    assert "sleeps" not in notes(KNATIVE)


def test_notes_give_the_address_from_outside_in_standard_mode():
    outside = "get inferenceservice demo -o jsonpath='{.status.url}"
    assert outside in notes(SMALLEST)
    assert outside not in notes(KNATIVE)
    standard = changed(SMALLEST, kubeflow={"enabled": True})
    assert "Authorization: Bearer $(kubectl -n models create token default-editor)" in notes(standard)
    assert "Authorization" not in notes(SMALLEST)


def test_notes_say_what_a_timeout_needs_in_standard_mode():
    said = "only where KServe uses the Gateway API; nothing else ends a call after 120 s"
    assert said in notes(changed(SMALLEST, timeout=120))
    assert said not in notes(changed(KNATIVE, timeout=120))
    assert "Gateway API" not in notes(SMALLEST)


def test_the_test_pod_names_no_claim():
    """Helm leaves it when it uninstalls, and Kubernetes keeps a claim that any pod's spec names, also an ended one's."""
    for case in CASES.values():
        for item in render_chart(case):
            assert item["kind"] != "Pod" or "volumes" not in item["spec"]


@pytest.mark.parametrize("values", [SMALLEST, CASES["all-options"], KNATIVE], ids=["one", "several", "from zero"])
def test_the_program_ends_before_its_pod_and_the_pod_before_helm(values):
    deadline = pod(values)["activeDeadlineSeconds"]
    (helm,) = [int(found) for found in re.findall(r"helm .* test .*--timeout (\d+)s", notes(values))]
    waits = 60  # the program's default of --wait-seconds
    longest = waits + int(argument(values, "--answer-seconds"))
    assert longest + 300 <= deadline < helm, "300 s: until its image is pulled"


def test_the_sentence_of_the_test_is_its_pods_message():
    (container,) = pod(SMALLEST)["containers"]
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert container.get("terminationMessagePath", "/dev/termination-log") == "/dev/termination-log"
    assert 'default=Path("/dev/termination-log")' in container["command"][2]
