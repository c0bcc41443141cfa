"""The rules about names, models, sources and claims: the sentence for the wrong value, silence for the right one."""

from __future__ import annotations

import json

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, URI, changed
from tests.unit.render import complaints, of_kind, render_chart
from tests.unit.rules import both_ways

A, B = "a" * 64, "b" * 64
SIGNED = {"secretKeyRef": {"name": "signed", "key": "uri"}}


def models(**given: dict) -> dict:
    return {"models": given}


def examples_of(size: int) -> dict:
    """Two models whose requests are that many bytes of JSON, as `helm test` sends them."""
    examples = {"a": ["é"], "b": [""]}
    sent = [{"model": name, "request": {"instances": instances}} for name, instances in examples.items()]
    examples["b"] = ["x" * (size - len(json.dumps(sent, separators=(",", ":"), ensure_ascii=False).encode()))]
    return models(**{name: {"uri": URI, "example": {"instances": instances}} for name, instances in examples.items()})


# wrong values -> the sentence, then right values that differ as little as possible.
RULES = {
    "switch of no condition": (
        changed(SMALLEST, enabled=False),
        "enabled is false, and no condition of a parent chart reads it; write condition: torchserve-kserve.enabled into that "
        "dependency in the parent's Chart.yaml, or remove it",
        changed(SMALLEST, enabled=True),
    ),
    "no model": (
        {},
        "models is empty; name a model and its source, for example --set models.bert.uri=https://example.com/bert-model.mar",
        SMALLEST,
    ),
    "name for a URL": (
        models(**{"my model": {"uri": URI}}),
        "models: the URL can't carry the name \"my model\"; use at most 63 letters, digits, '.', '_' and '-', with a letter or a "
        "digit first",
        models(**{"My_model-1.x": {"uri": URI}}),
    ),
    "workers": (
        models(bert={"uri": URI, "minWorkers": 3, "maxWorkers": 2}),
        "models.bert.maxWorkers 2 is less than minWorkers 3; raise maxWorkers or lower minWorkers",
        models(bert={"uri": URI, "minWorkers": 3, "maxWorkers": 3}),
    ),
    "batch": (
        models(bert={"uri": URI, "batchSize": 4}),
        "models.bert.batchSize 4: TorchServe's envelope for protocol v1 answers only the first request of a batch; write 1 and "
        "send several instances in a request",
        models(bert={"uri": URI, "batchSize": 1}),
    ),
    "example": (
        models(bert={"uri": URI, "example": {"inputs": []}}),
        "models.bert.example is not a request of protocol v1; write a list under instances, for example "
        '{"instances": [{"data": "Hello World!"}]}',
        models(bert={"uri": URI, "example": {"instances": [1], "parameters": {}}}),
    ),
    "example of v2": (
        changed(models(bert={"uri": URI, "example": {"instances": []}}), protocol="v2"),
        "models.bert.example is not a request of protocol v2; write a list under inputs, for example "
        '{"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": ["Hello World!"]}]}',
        changed(models(bert={"uri": URI, "example": {"inputs": [], "id": "1"}}), protocol="v2"),
    ),
    "batch of v2": (
        changed(models(bert={"uri": URI, "batchSize": 4}), protocol="v2"),
        "models.bert.batchSize 4: TorchServe's envelope for protocol v2 answers only the first request of a batch; write 1 and "
        "send several rows in a tensor",
        CASES["grpc"],
    ),
    "examples": (
        examples_of(102401),
        "models.<name>.example: all examples together are 102401 bytes of JSON, more than helm test can send; shorten them to at "
        "most 102400 bytes",
        examples_of(102400),
    ),
    "no source": (
        models(bert={"version": "1.0"}),
        "models.bert has no source; set models.bert.uri to where its archive is, or models.bert.marName to a file that is on an "
        "existing claim",
        SMALLEST,
    ),
    "two sources": (
        changed(EXISTING, models__bert__uri=URI),
        "models.bert has uri and marName; keep one: uri, uriFrom or build for what the seeding Job brings (the chart names the "
        "file), marName for a file that is on the claim",
        EXISTING,
    ),
    "file on a new claim": (
        models(bert={"marName": "bert.mar"}),
        "models.bert has no uri, so its file would have to be on an existing claim; set models.bert.uri, or "
        "persistence.create=false and persistence.existingClaim, or for a volume that has it persistence.volumeName, selector or "
        "dataSource",
        models(bert={"marName": "bert.mar"}) | {"persistence": {"volumeName": "filled"}},
    ),
    "two dots": (
        changed(EXISTING, models__bert__marName="bert-1.0.mar"),
        'models.bert.marName "bert-1.0.mar" is nothing that TorchServe finds in model-store; write a name of letters, digits, '
        "'_' and '-' that ends in .mar and has no other dot, or a directory's without a dot",
        changed(EXISTING, models__bert__marName="bert-1_0.mar"),
    ),
    "checksum of nothing": (
        changed(EXISTING, models__bert__sha256=A),
        "models.bert.sha256 is checked when the archive is downloaded from a uri; remove it, or set models.bert.uri instead of "
        "marName",
        changed(SMALLEST, models__bert__sha256=A),
    ),
    "one uri, two checksums": (
        models(a={"uri": URI, "sha256": A}, b={"uri": URI, "sha256": B}),
        "models.b and models.a have one uri and different sha256; write the same sha256 for both",
        models(a={"uri": URI, "sha256": A}, b={"uri": URI, "sha256": A.upper()}),
    ),
    "one uri, two versions": (
        models(a={"uri": URI}, b={"uri": URI, "version": "2.0"}),
        "models.b and models.a have one uri and different version; write the same version for both",
        models(a={"uri": URI}, b={"uri": URI, "version": "1.0"}),
    ),
    "one uri, two logins": (
        models(a={"uri": URI}, b={"uri": URI, "credentials": {"secretName": "login"}}),
        "models.b and models.a have one uri and different credentials; write the same credentials for both",
        models(a={"uri": URI}, b={"uri": f"{URI}?b", "credentials": {"secretName": "login"}}),
    ),
    "one Secret, two versions": (
        models(a={"uriFrom": SIGNED}, b={"uriFrom": SIGNED, "version": "2.0"}),
        "models.b and models.a have one uriFrom and different version; write the same version for both",
        models(a={"uriFrom": SIGNED}, b={"uriFrom": {"secretKeyRef": {"name": "other", "key": "uri"}}, "version": "2.0"}),
    ),
    "port": (
        models(bert={"uri": "https://example.com:99999/bert.mar"}),
        'models.bert.uri "https://example.com:99999/bert.mar" is not a complete URL of a file; write '
        "https://host/path/model.mar, with what is not printable ASCII percent-encoded",
        models(bert={"uri": "https://example.com:65535/bert.mar"}),
    ),
    "slash in a password": (
        models(bert={"uri": "https://user:secret/word@example.com/bert.mar"}),
        'models.bert.uri "https://example.com/bert.mar" is not a complete URL of a file; write https://host/path/model.mar, with '
        "what is not printable ASCII percent-encoded",
        models(bert={"uri": "https://user:secret%2Fword@[::1]/bert.mar"}),
    ),
    "a path": (
        models(bert={"uri": "/home/me/bert.mar"}),
        "models.bert.uri has no scheme; write one of http://, https://, s3://, gs://, hf://, hdfs://, webhdfs://, pvc://, "
        "configMap:// and oci://, or for a file of your own machine upload://bert.mar",
        models(bert={"uri": "upload://bert.mar"}),
    ),
    "scheme": (
        models(bert={"uri": "ftp://bucket/bert.mar"}),
        "models.bert.uri: its scheme is not supported; write one of http://, https://, s3://, gs://, hf://, hdfs://, webhdfs://, "
        "pvc://, configMap://, oci:// and upload://",
        models(bert={"uri": "http://bucket/bert.mar"}),
    ),
    "incomplete URL": (
        models(bert={"uri": "https://user:secret@example.com"}),
        'models.bert.uri "https://example.com" is not a complete URL of a file; write https://host/path/model.mar, with what is '
        "not printable ASCII percent-encoded",
        models(bert={"uri": "https://user:secret@example.com/bert.mar"}),
    ),
    "key of a ConfigMap": (
        models(bert={"uri": "configMap://name"}),
        'models.bert.uri "configMap://name" does not name a key of a ConfigMap; write configMap://name/key',
        models(bert={"uri": "configMap://name/key.mar"}),
    ),
    "two claims": (
        changed(SMALLEST, persistence__existingClaim="mine"),
        'persistence.existingClaim is set while persistence.create is true; set persistence.create=false to use the claim "mine"',
        changed(SMALLEST, persistence__existingClaim="mine", persistence__create=False),
    ),
    "no claim": (
        changed(SMALLEST, persistence__create=False),
        "persistence.create is false and no claim is named; set persistence.existingClaim, or persistence.create=true",
        changed(SMALLEST, persistence__create=False, persistence__existingClaim="mine"),
    ),
    "claim for one pod": (
        changed(SMALLEST, persistence__accessModes=["ReadWriteOncePod"]),
        "persistence.accessModes: ReadWriteOncePod lets one pod use the claim, but the seeding Job and a rolling update need "
        "two; write ReadWriteOnce or ReadWriteMany",
        changed(SMALLEST, persistence__accessModes=["ReadWriteOnce"], maxReplicas=3),
    ),
    "read-only claim": (
        changed(SMALLEST, persistence__accessModes=["ReadOnlyMany"]),
        "persistence.accessModes: the seeding Job can't write to a ReadOnlyMany claim; write ReadWriteOnce or ReadWriteMany, or "
        "replace every model's uri by a marName",
        changed(EXISTING, persistence__accessModes=["ReadOnlyMany"]),
    ),
    "sub path": (
        changed(SMALLEST, persistence__subPath="/a/../b"),
        "persistence.subPath \"/a/../b\" is not a directory below the claim's root; write it relative, without '..' and without "
        "a slash at either end",
        changed(SMALLEST, persistence__subPath="a/..b"),
    ),
    "uri beside storageUri": (
        changed(SMALLEST, storageUri="s3://b/p"),
        "models.bert.uri would be seeded to a claim, and with storageUri there is none; write models.bert.marName, the file in "
        "the model-store of s3://b/p, or remove storageUri",
        models(bert={"marName": "bert.mar"}) | {"storageUri": "s3://b/p"},
    ),
    "no file in storageUri": (
        models(bert={}) | {"storageUri": "s3://b/p"},
        "models.bert has no source; set models.bert.marName to its file in the model-store of storageUri",
        models(bert={"marName": "bert.mar"}) | {"storageUri": "s3://b/p"},
    ),
    "a claim as storageUri": (
        changed(SMALLEST, storageUri="pvc://leeway/sub", persistence__existingClaim="leeway"),
        'storageUri "pvc://leeway/sub" is a claim; write persistence.create=false, persistence.existingClaim and '
        "persistence.subPath instead",
        models(bert={"marName": "bert.mar"}) | {"storageUri": "gs://leeway/sub"},
    ),
    "claim beside storageUri": (
        changed(EXISTING, storageUri="s3://b/p"),
        "persistence.existingClaim is set beside storageUri, which needs no claim; remove one of the two",
        changed(EXISTING, storageUri="s3://b/p", persistence={}),
    ),
    "sub path beside storageUri": (
        changed(EXISTING, storageUri="s3://b/p", persistence={"subPath": "x"}),
        "persistence.subPath is set beside storageUri, which needs no claim; remove one of the two",
        changed(EXISTING, storageUri="s3://b/x", persistence={"create": True}),
    ),
    "replicas": (
        changed(SMALLEST, minReplicas=3, maxReplicas=2),
        "minReplicas 3 is more than maxReplicas 2; raise maxReplicas or lower minReplicas",
        changed(SMALLEST, minReplicas=3, maxReplicas=3),
    ),
    "image": (
        changed(SMALLEST, runtime__image__tag=""),
        "runtime.image has neither tag nor digest; set one of them",
        changed(SMALLEST, runtime__image__tag="", runtime__image__digest=f"sha256:{A}"),
    ),
}


test_a_wrong_value_is_refused_in_one_sentence, test_the_right_value_beside_it_is_taken = both_ways(RULES)


@pytest.mark.parametrize("case", CASES)
def test_install_cases_are_taken(case):
    assert complaints(CASES[case]) == []


@pytest.mark.parametrize("name", ["1demo", "de.mo"])
def test_a_release_name_that_kserve_refuses_is_refused(name):
    (sentence,) = complaints(SMALLEST, release=name)
    assert sentence == (
        f'release name "{name}" can\'t name an InferenceService; install it under one that starts with a letter and holds only '
        "a-z, 0-9 and '-'"
    )


def test_a_release_name_that_leaves_kserve_no_room_is_refused():
    assert complaints(SMALLEST, release="a" * 40) == []
    assert complaints(SMALLEST, release="a" * 41) == [
        f'release name "{"a" * 41}" has 41 characters; install it under one of at most 40, because KServe adds to it'
    ]


@pytest.mark.parametrize("uri", ["file:///bert.mar", "S3://b/m.mar", "HTTPS://example.com/m.mar", "configmap://a/b"])
def test_no_other_scheme_is_taken_for_a_known_one(uri):
    (sentence,) = complaints(models(bert={"uri": uri}))
    assert "its scheme is not supported" in sentence


@pytest.mark.parametrize("uri", ["configMap:///key", "configMap://Name/key", "configMap://name/a/b", "configMap:name/key"])
def test_a_config_map_needs_a_name_and_a_key(uri):
    (sentence,) = complaints(models(bert={"uri": uri}))
    assert "does not name a key of a ConfigMap" in sentence


@pytest.mark.parametrize("uri", ["https:///m.mar", "https://host/", "http://host", "https://host/é.mar", "https://host/a b.mar"])
def test_a_url_needs_a_host_and_a_path_in_ascii(uri):
    (sentence,) = complaints(models(bert={"uri": uri}))
    assert "is not a complete URL of a file" in sentence


def test_a_release_and_its_namespace_fit_into_one_host_name_together():
    """Of Standard mode: KServe makes `<release>-predictor-<namespace>` a part of the host; Knative puts a dot there."""
    values, release = SMALLEST, "a" * 40
    assert complaints(values, release=release, namespace="b" * 12) == []
    assert complaints(values, release=release, namespace="b" * 13) == [
        f'release name "{release}" and namespace "{"b" * 13}" have 53 characters together; use at most 52, because '
        "deploymentMode Standard makes <release>-predictor-<namespace> a part of the host, which holds 63"
    ]
    assert complaints(values | {"deploymentMode": "Knative"}, release=release, namespace="b" * 63) == []


def test_with_a_transformer_the_host_name_is_longer():
    values, release = SMALLEST | {"transformer": {"containers": [{"name": "kserve-container", "image": "a"}]}}, "a" * 40
    assert complaints(values, release=release, namespace="b" * 10) == []
    assert complaints(values, release=release, namespace="b" * 11) == [
        f'release name "{release}" and namespace "{"b" * 11}" have 51 characters together; use at most 50, because '
        "deploymentMode Standard makes <release>-transformer-<namespace> a part of the host, which holds 63"
    ]


@pytest.mark.parametrize("filled", [{"volumeName": "filled"}, {"selector": {"matchLabels": {"a": "b"}}},
                                    {"dataSource": {"kind": "PersistentVolumeClaim", "name": "other"}}])
@pytest.mark.parametrize("modes", [["ReadWriteOnce"], ["ReadOnlyMany"]])
def test_files_of_a_volume_that_is_filled_are_served_without_a_seed(filled, modes):
    values = models(bert={"marName": "bert.mar"}) | {"persistence": {"accessModes": modes, **filled}}
    assert complaints(values) == []
    assert of_kind(render_chart(values), "Job") == []


def test_all_complaints_come_at_once():
    wrong = {"models": {"a b": {"batchSize": 2}}, "minReplicas": 0, "persistence": {"create": False}}
    assert len(complaints(wrong)) == 5
