"""The rules about the claim that the chart makes: the sentence for the wrong value, silence for the right one."""

from __future__ import annotations

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, changed
from tests.unit.render import complaints, only, render_chart
from tests.unit.rules import both_ways
from tests.unit.schemas import faults

SNAPSHOT = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "bert"}
CLONE = {"kind": "PersistentVolumeClaim", "name": "bert"}


def source(**given: str) -> dict:
    return changed(SMALLEST, persistence__dataSource=given)


# wrong values -> the sentence, then right values that differ as little as possible.
RULES = {
    "retaining another's claim": (
        changed(EXISTING, persistence__retain=True),
        "persistence.retain is for a claim that the chart makes, and persistence.create is false; remove it, or set "
        "persistence.create=true",
        changed(SMALLEST, persistence__retain=True),
    ),
    "class of another's claim": (
        changed(EXISTING, persistence__storageClass="fast"),
        "persistence.storageClass is for a claim that the chart makes, and persistence.create is false; remove it, or set "
        "persistence.create=true",
        changed(SMALLEST, persistence__storageClass="fast"),
    ),
    "source without a kind": (
        source(name="bert"),
        "persistence.dataSource.kind is not set; write VolumeSnapshot or PersistentVolumeClaim",
        source(**CLONE),
    ),
    "source without a name": (
        source(kind="PersistentVolumeClaim"),
        "persistence.dataSource.name is not set; write the name of the PersistentVolumeClaim",
        source(**CLONE),
    ),
    "snapshot without its group": (
        source(kind="VolumeSnapshot", name="bert"),
        'persistence.dataSource.apiGroup "" has no VolumeSnapshot; write "snapshot.storage.k8s.io"',
        source(**SNAPSHOT),
    ),
    "claim with a group": (
        source(**CLONE, apiGroup="snapshot.storage.k8s.io"),
        'persistence.dataSource.apiGroup "snapshot.storage.k8s.io" has no PersistentVolumeClaim; write ""',
        source(**CLONE),
    ),
    "group alone": (
        source(apiGroup="snapshot.storage.k8s.io"),
        "persistence.dataSource.apiGroup is set without kind and name; set them, too, or remove it",
        source(),
    ),
    "old volume and a source": (
        changed(source(**CLONE), persistence__volumeName="nfs"),
        "persistence.volumeName takes a volume that is there, and persistence.dataSource fills a new one; remove one of the two",
        changed(SMALLEST, persistence__volumeName="nfs"),
    ),
    "chosen volumes and a source": (
        changed(source(**CLONE), persistence__selector={"matchLabels": {"a": "b"}}),
        "persistence.selector takes a volume that is there, and persistence.dataSource fills a new one; remove one of the two",
        changed(SMALLEST, persistence__selector={"matchLabels": {"a": "b"}}),
    ),
    "another's claim": (
        changed(EXISTING, persistence__volumeName="nfs"),
        "persistence.volumeName is for a claim that the chart makes, and persistence.create is false; remove it, or set "
        "persistence.create=true",
        EXISTING,
    ),
    "no claim": (
        changed(CASES["storage-uri"], persistence__labels={"a": "b"}),
        "persistence.labels is set beside storageUri, which needs no claim; remove one of the two",
        CASES["storage-uri"],
    ),
    "annotation of the chart": (
        changed(SMALLEST, persistence__annotations={"helm.sh/resource-policy": "keep"}),
        "persistence.annotations: helm.sh/resource-policy is the chart's to write; remove it and use persistence.retain instead",
        changed(SMALLEST, persistence__annotations={"example.com/a": "keep"}),
    ),
    "key of an annotation": (
        changed(SMALLEST, persistence__annotations={"a b": "c"}),
        "persistence.annotations: \"a b\" is no key of Kubernetes; write a name of at most 63 letters, digits, '-', '_' and '.', "
        "with a letter or a digit at both ends, and before it, if at all, a domain and '/'",
        changed(SMALLEST, persistence__annotations={"a-b": "any text: here"}),
    ),
    "label of the chart": (
        changed(SMALLEST, persistence__labels={"app.kubernetes.io/name": "x"}),
        "persistence.labels: app.kubernetes.io/name is for the chart alone; remove it",
        changed(SMALLEST, persistence__labels={"name": "x"}),
    ),
    "value of a label": (
        changed(SMALLEST, persistence__labels={"name": "a b"}),
        "persistence.labels: the value of name is no label's; write at most 63 letters, digits, '-', '_' and '.', with a letter "
        "or a digit at both ends",
        changed(SMALLEST, persistence__labels={"name": ""}),
    ),
    "key of a label": (
        changed(SMALLEST, persistence__labels={"-a": "b"}),
        "persistence.labels: \"-a\" is no key of Kubernetes; write a name of at most 63 letters, digits, '-', '_' and '.', "
        "with a letter or a digit at both ends, and before it, if at all, a domain and '/'",
        changed(SMALLEST, persistence__labels={"a": "b"}),
    ),
}


test_a_wrong_value_is_refused_in_one_sentence, test_the_right_value_beside_it_is_taken = both_ways(RULES)


@pytest.mark.parametrize("key", ["annotations", "labels", "selector", "volumeName", "dataSource"])
def test_nothing_of_a_new_claim_is_taken_for_another_one(key):
    given = {"annotations": {"a": "b"}, "labels": {"a": "b"}, "selector": {"matchLabels": {"a": "b"}}, "volumeName": "nfs"}
    values = changed(EXISTING, **{f"persistence__{key}": given.get(key, CLONE)})
    assert complaints(values)
    assert all(sentence.startswith(f"persistence.{key}") for sentence in complaints(values))


def claim(values: dict) -> dict:
    found = only(render_chart(values), "PersistentVolumeClaim")
    assert faults(found) == []
    return found


@pytest.mark.parametrize("given", [SNAPSHOT, CLONE])
def test_a_claim_may_begin_with_the_contents_of_another(given):
    assert claim(source(**given))["spec"]["dataSource"] == given


def test_a_claim_may_take_a_volume_that_is_there():
    spec = claim(changed(SMALLEST, persistence__volumeName="true", persistence__storageClass=""))["spec"]
    assert (spec["volumeName"], spec["storageClassName"]) == ("true", "")
    chosen = {"matchLabels": {"models": "bert"}, "matchExpressions": [{"key": "tier", "operator": "Exists"}]}
    assert claim(changed(SMALLEST, persistence__selector=chosen))["spec"]["selector"] == chosen


def test_annotations_and_labels_of_the_claim_stand_beside_the_charts():
    metadata = claim(CASES["all-options"])["metadata"]
    assert metadata["annotations"] == {"helm.sh/resource-policy": "keep", "example.com/backup": "nightly"}
    assert metadata["labels"].keys() > {"tier", "app.kubernetes.io/name", "helm.sh/chart"}


def test_a_claim_that_is_to_have_nothing_of_it_says_nothing():
    assert claim(SMALLEST)["spec"].keys() == {"accessModes", "resources"}
