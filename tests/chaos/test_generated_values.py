"""Values files that nobody wrote: each renders to what Kubernetes and KServe take, or an error names the key."""

from __future__ import annotations

import json
from collections import Counter

import kubernetes
import pytest
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ResourceNotFoundError

from ci.cluster.report import timings
from tests.chaos.generated import Change, File
from tests.chaos.judged import Outcome, judge, names_a_key
from tests.chaos.rendering import NAMESPACE, RELEASE, Renders, each
from tests.unit.batch import Answer
from tests.unit.cases import SMALLEST
from tests.unit.leaves import keys
from tests.unit.render import RenderError, helm_template

LEAST, DRY_RUNS = 500, 50
BY_HELM = 8  # of each outcome


@pytest.fixture(scope="module")
def renders() -> Renders:
    with timings.stage("generated values files, rendered"):
        found = Renders()
    counted = Counter(verdict.outcome.value for verdict in found.verdicts.values()).items()
    timings.facts[f"{len(found.files)} generated values files"] = ", ".join(f"{number} {what}" for what, number in counted)
    return found


def of(renders: Renders, outcome: Outcome) -> list[File]:
    return [file for file in renders.files if renders.verdict(file).outcome is outcome]


def test_there_are_five_hundred_of_all_kinds(renders: Renders) -> None:
    """So many that are rendered or refused, and every key of the schema was changed in some of them."""
    judged = {outcome: of(renders, outcome) for outcome in (Outcome.RENDERED, Outcome.MISFIT, Outcome.RULE)}
    assert sum(map(len, judged.values())) >= LEAST
    assert min(map(len, judged.values())) >= LEAST / 5
    changed = {change.name for file in renders.files for change in file.changes}
    assert changed == {key.name for key in keys()}


def test_each_renders_to_what_is_taken_or_is_refused_by_name(renders: Renders) -> None:
    def right(file: File) -> None:
        verdict = renders.verdict(file)
        assert verdict.outcome is not Outcome.WRONG, f"{verdict.why}\nwith {[change[::2] for change in file.changes]}"

    if wrong := of(renders, Outcome.WRONG):
        each(right)  # finds the simplest one
    assert wrong == []


@pytest.mark.parametrize("outcome", [Outcome.RENDERED, Outcome.MISFIT, Outcome.RULE])
def test_helm_itself_does_the_same(renders: Renders, outcome: Outcome) -> None:
    """A run of helm for a file, with the chart as it is; the files above are rendered many in a run."""
    found = of(renders, outcome)
    for file in found[::max(1, len(found) // BY_HELM)]:
        try:
            helm_template(file.values, RELEASE, namespace=NAMESPACE)
            said = ""
        except RenderError as error:
            said = str(error)
        sentences = renders.verdict(file).why.splitlines()
        expected = {Outcome.RENDERED: [], Outcome.MISFIT: ["the specifications of the schema"], Outcome.RULE: sentences}[outcome]
        assert bool(said) == bool(expected), f"{said}\nwith {file.values}"
        assert [sentence for sentence in expected if sentence not in said] == [], f"{said}\nwith {file.values}"
        if outcome is Outcome.MISFIT:
            assert any(change.place.split(".")[0] in said for change in file.changes), said


WRONG_ANSWERS = {
    "a template fails": Answer(failed="nil pointer evaluating interface {}.tag"),
    "no key is named": Answer(said="something is wrong; write something else"),
    "no YAML": Answer(pieces=("a: b: c",)),
    "Additional properties are not allowed": Answer(
        pieces=("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndatta: {a: b}\n",)),
    "is not of type": Answer(pieces=("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 5}\n",)),
    "twice": Answer(pieces=("---\n".join(["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"] * 2),)),
    "helm can't read it": Answer(pieces=("kind: {a: b}\napiVersion: v1\nmetadata: {name: a}\n",)),
    "$.labels": Answer(unfit="$.labels: 5 is not of type 'object'"),
}


@pytest.mark.parametrize("why", WRONG_ANSWERS)
def test_what_the_chart_must_not_do_is_told(why: str) -> None:
    """The judge itself, with answers that the chart doesn't give."""
    verdict = judge(File(json.dumps(SMALLEST), (Change("timeout", "timeout", 5),)), WRONG_ANSWERS[why])
    assert verdict.outcome is Outcome.WRONG
    assert why in verdict.why


def test_a_key_is_named_as_it_stands_in_the_values() -> None:
    for sentence in ('models.bert.versions["1.0"].uri is', "timeout 5 is", "models: the URL", "runtime.env: A has",
                     "extraObjects[0] has", "models.a.b.maxWorkers 3 is", "predictor.containers[0].ports[0] is no map"):
        assert names_a_key(sentence), sentence
    for sentence in ("timeouts are", "the value is", "no.such.key is", ""):
        assert not names_a_key(sentence), sentence


def test_fifty_of_the_rendered_pass_the_api_servers_dry_run(
        renders: Renders, api: kubernetes.client.ApiClient, namespace: str) -> None:
    """Applied as the server would apply them; objects whose definitions this cluster does not have are left out and counted."""
    server, refused, left_out, applied = DynamicClient(api), [], Counter(), 0
    found = of(renders, Outcome.RENDERED)
    for file in found[::len(found) // DRY_RUNS][:DRY_RUNS]:
        for item in renders.verdict(file).objects:
            try:
                resource = server.resources.get(api_version=item["apiVersion"], kind=item["kind"])
            except ResourceNotFoundError:
                left_out[item["kind"]] += 1
                continue
            body = json.loads(json.dumps(item).replace(NAMESPACE, namespace))
            try:
                server.server_side_apply(resource, body, namespace=namespace, field_manager="chaos", dry_run="All")
                applied += 1
            except kubernetes.client.ApiException as error:
                refused.append((item["kind"], json.loads(error.body)["message"], [change[::2] for change in file.changes]))
    timings.facts["objects of fifty files, applied as a dry run"] = f"{applied}, left out: {dict(left_out) or 'none'}"
    assert applied > 5 * DRY_RUNS
    assert refused == []
