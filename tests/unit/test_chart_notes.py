"""NOTES.txt and the test pod name this release's own objects, models and requests."""

from __future__ import annotations

import json
import re
import shlex

from tests.unit.cases import CASES, EXISTING, SMALLEST, changed
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
    assert "one node" not in notes(changed(SMALLEST, maxReplicas=3, persistence__accessModes=["ReadWriteMany"]))


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
