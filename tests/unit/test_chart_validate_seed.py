"""The rules about sources and the seed's settings: the sentence for the wrong value, silence for the right one."""

from __future__ import annotations

import pytest

from tests.unit.cases import EXISTING, SMALLEST, URI, changed
from tests.unit.render import complaints, schema_error
from tests.unit.rules import both_ways
from tests.unit.seeding import source

A = "a" * 64
LOGIN = {"credentials": {"secretName": "login"}}
URI_FROM = {"uriFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
S3 = "s3://bucket/bert.mar"


def build(**given: object) -> dict:
    return source(build={"handler": "image_classifier", **given})


def seed(values: dict, **given: object) -> dict:
    return values | {"seed": given}


RULES = {
    "two ways to a file": (
        source(uri=URI, **URI_FROM),
        "models.bert has uri and uriFrom; keep one: uri, uriFrom or build for what the seeding Job brings (the chart names the "
        "file), marName for a file that is on the claim",
        source(**URI_FROM),
    ),
    "build beside storageUri": (
        build() | {"storageUri": "s3://b/p"},
        "models.bert.build would be seeded to a claim, and with storageUri there is none; write models.bert.marName, the file in "
        "the model-store of s3://b/p, or remove storageUri",
        build(),
    ),
    "credentials of a file that is there": (
        changed(EXISTING, models__bert__credentials={"secretName": "login"}),
        "models.bert.credentials are sent to the server of a uri; remove them, or set models.bert.uri instead of marName",
        source(uri=URI, **LOGIN),
    ),
    "credentials of the storage library": (
        source(uri=S3, **LOGIN),
        "models.bert.credentials are for http:// and https://; KServe's storage library takes its own from the Job's "
        "environment: write seed.s3.credentials, seed.envFrom or seed.env",
        seed(source(uri=S3), s3={"credentials": {"secretName": "login"}}),
    ),
    "credentials of a claim": (
        source(uri="pvc://c/bert.mar", **LOGIN),
        "models.bert.credentials are for http:// and https://, and pvc:// takes none; remove them",
        source(uri="pvc://c/bert.mar"),
    ),
    "credentials of an image": (
        source(uri="oci://i#/bert.mar", **LOGIN),
        "models.bert.credentials are for http:// and https://, and oci:// takes none; remove them and write imagePullSecrets",
        source(uri="oci://i#/bert.mar"),
    ),
    "credentials twice": (
        source(uri="https://user:secret@host/bert.mar", **LOGIN),
        "models.bert has credentials and a user in its uri; remove the one in the uri, which can be read in the plan",
        source(uri="https://host/bert.mar?mail=a@b", **LOGIN),
    ),
    "own claim": (
        source(uri="pvc://demo-model-store/model-store/bert.mar"),
        'models.bert.uri "pvc://demo-model-store/model-store/bert.mar" is on the release\'s own claim; write '
        "models.bert.marName, the file in its model-store below persistence.subPath, instead",
        source(uri="pvc://demo-model-store2/model-store/bert.mar"),
    ),
    "checksum of a build": (
        source(build={"handler": "x"}, sha256=A),
        "models.bert.sha256 is for one file, and a build has several; write it beside each part's uri",
        build(serializedFile={"uri": URI, "sha256": A}),
    ),
    "credentials of a build": (
        source(build={"handler": "x"}, **LOGIN),
        "models.bert.credentials is for one file, and a build has several; write it beside each part's uri",
        build(serializedFile={"uri": URI, **LOGIN}),
    ),
    "handler's name": (
        build(handler="image-classifier"),
        'models.bert.build.handler "image-classifier" is neither a built-in handler nor a URI; write for example '
        "image_classifier, or configMap://my-code/handler.py",
        build(handler="image_segmenter"),
    ),
    "handler's file": (
        build(handler="https://host/handler.txt"),
        "models.bert.build.handler does not end in .py, so torch-model-archiver would not take it; write the URI of the "
        "handler's Python file",
        build(handler="https://host/handler.py?raw=1"),
    ),
    "two files of one name": (
        build(modelFile="configMap://a/x.py", extraFiles=["https://host/x.py?raw=1"]),
        'models.bert.build: extraFiles and modelFile both name a file "x.py", and an archive has one; rename one of them',
        build(modelFile="configMap://a/x.py", extraFiles=["https://host/y.py?name=/x.py"]),
    ),
    "upload of a part": (
        build(serializedFile="upload://w.pt"),
        "models.bert.build.serializedFile: a part of a build can't be uploaded; write another source, or upload a packed archive "
        "to the model's uri",
        source(uri="upload://bert.mar"),
    ),
    "part from nowhere": (
        build(serializedFile={"sha256": A}),
        "models.bert.build.serializedFile has no source; set its uri or uriFrom",
        build(serializedFile=URI_FROM),
    ),
    "part from two places": (
        build(serializedFile={"uri": URI, **URI_FROM}),
        "models.bert.build.serializedFile has uri and uriFrom; keep one of them",
        build(serializedFile={"uri": URI}),
    ),
    "scheme of a part": (
        build(serializedFile="ftp://host/w.pt"),
        "models.bert.build.serializedFile: its scheme is not supported; write one of http://, https://, s3://, gs://, hf://, "
        "hdfs://, webhdfs://, pvc://, configMap:// and oci://",
        build(serializedFile="pvc://demo-model-store/w.pt"),
    ),
    "authority twice": (
        seed(SMALLEST, ca={"configMapName": "a", "secretName": "b"}),
        "seed.ca has configMapName and secretName; keep one of them",
        seed(SMALLEST, ca={"secretName": "b"}),
    ),
    "storage image": (
        seed(SMALLEST, storageImage={"tag": ""}),
        "seed.storageImage has neither tag nor digest; set one of them",
        seed(SMALLEST, storageImage={"tag": "", "digest": f"sha256:{A}"}),
    ),
    "s3 without s3": (
        seed(SMALLEST, s3={"endpoint": "http://minio:9000"}),
        "seed.s3 is set and no source is an s3:// URI; remove it, or set models.<name>.uri=s3://bucket/key",
        seed(build(serializedFile=S3), s3={"endpoint": "http://minio:9000"}),
    ),
    "s3 beside storageUri": (
        changed(EXISTING, persistence={}, storageUri="s3://b/p/", seed={"s3": {"region": "a"}}),
        "seed.s3 is set and no source is an s3:// URI; remove it, or set models.<name>.uri=s3://bucket/key (for storageUri the "
        "Secret of serviceAccountName says it)",
        changed(EXISTING, persistence={}, storageUri="s3://b/p/"),
    ),
    "signed or not": (
        seed(source(uri=S3), s3={"anonymous": True, "credentials": {"secretName": "a"}}),
        "seed.s3.anonymous is true and seed.s3.credentials.secretName is set, which would not be used; remove one of the two",
        seed(source(uri=S3), s3={"anonymous": True}),
    ),
    "host style of nobody": (
        seed(source(uri=S3), s3={"pathStyle": False}),
        "seed.s3.pathStyle is false without seed.s3.endpoint, and AWS is asked by host name anyway; remove it, or set "
        "seed.s3.endpoint",
        seed(source(uri=S3), s3={"pathStyle": False, "endpoint": "https://minio.example.com"}),
    ),
    "variable twice": (
        seed(SMALLEST, env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]),
        "seed.env: A is there twice, it stands further up; remove it",
        seed(SMALLEST, env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]),
    ),
    "the chart's variable": (
        seed(source(uri=S3), s3={"region": "a"}, env=[{"name": "AWS_DEFAULT_REGION", "value": "b"}]),
        "seed.env: AWS_DEFAULT_REGION is there twice, the chart writes it for the program or from seed.s3 and seed.ca; remove it",
        seed(source(uri=S3), env=[{"name": "AWS_DEFAULT_REGION", "value": "b"}]),
    ),
    "variable without a value": (
        seed(SMALLEST, env=[{"name": "A"}]),
        "seed.env: A has no value; set its value or its valueFrom",
        seed(SMALLEST, env=[{"name": "A", "value": ""}]),
    ),
    "variable with two values": (
        seed(SMALLEST, env=[{"name": "A", "value": "", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]),
        "seed.env: A has value and valueFrom; keep one of them",
        seed(SMALLEST, env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]),
    ),
    "variable from nowhere": (
        seed(SMALLEST, env=[{"name": "A", "valueFrom": {}}]),
        "seed.env: A has to come from one key; write either secretKeyRef or configMapKeyRef in its valueFrom",
        seed(SMALLEST, env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]),
    ),
    "environment from nowhere": (
        seed(SMALLEST, envFrom=[{"prefix": "A_"}]),
        "seed.envFrom: each entry names one object; write either secretRef or configMapRef in it",
        seed(SMALLEST, envFrom=[{"prefix": "A_", "secretRef": {"name": "a"}}]),
    ),
}

test_a_wrong_value_is_refused_in_one_sentence, test_the_right_value_beside_it_is_taken = both_ways(RULES)

FORMS = {
    "pvc": (
        ["pvc://claim", "pvc://claim/", "pvc://Claim/a.mar", "pvc://claim/../a.mar", "pvc://claim//a.mar"],
        "does not name a file of a claim; write pvc://claim/path/model.mar, the path from the claim's root and without '..'",
        ["pvc://claim/a.mar", "pvc://my.claim/a/b/c.v1.mar"],
    ),
    "oci": (
        ["oci://image", "oci://image#", "oci://image#a.mar", "oci://image#/a/../b.mar", "oci://image#/a b.mar", "oci://i#/$(X)"],
        "does not name a file of an image; write oci://registry/image:tag#/path/model.mar, the path without '..'",
        ["oci://image#/a.mar", f"oci://host:5000/a/image:v1@sha256:{A}#/a/b_c.mar"],
    ),
    "upload": (
        ["upload://", "upload://a/b.mar", "upload://a b.mar", "upload://$(x).mar", "upload://-n"],
        "does not name a file to upload; write upload://model.mar, the file's name alone",
        ["upload://a.mar", "upload://bert-model_1.0.mar"],
    ),
    "bucket": (
        ["s3://bucket", "s3://bucket/", "gs:///key", "gs://bucket/a b.mar"],
        "does not name an object of a bucket; write the bucket and the key, for example s3://bucket/path/model.mar",
        ["s3://bucket/a", "gs://bucket/a/b.mar", "s3://bucket/folder/#a.mar"],
    ),
    "hf": (
        ["hf://owner", "hf://owner/", "hf://owner/model/file.mar"],
        "does not name a repository or a file in it; write hf://owner/repository#path/model.mar, with :revision before the '#' "
        "if need be",
        ["hf://owner/model", "hf://owner/model:main#a/b.mar"],
    ),
    "hdfs": (
        ["hdfs://", "webhdfs://a b"],
        "does not name a file in printable ASCII; write hdfs://path/model.mar",
        ["hdfs://a/b.mar", "webhdfs://a/b.mar"],
    ),
    "azure and git": (
        ["https://a.blob.core.windows.net/c/é.mar", "https://host/r.git#é.mar"],
        "does not name a file in printable ASCII; percent-encode the rest",
        ["https://a.blob.core.windows.net/c/a.mar", "https://host/r.git#a.mar", "https://host/r.git"],
    ),
}


@pytest.mark.parametrize(("uri", "sentence"), [(uri, sentence) for wrong, sentence, _ in FORMS.values() for uri in wrong])
def test_a_uri_of_another_form_is_refused_in_one_sentence(uri, sentence):
    assert complaints(source(uri=uri)) == [f'models.bert.uri "{uri}" {sentence}']


@pytest.mark.parametrize("uri", [uri for _, _, right in FORMS.values() for uri in right])
def test_a_uri_of_the_form_is_taken(uri):
    assert complaints(source(uri=uri)) == []


def test_a_refused_uri_is_shown_without_what_may_be_secret():
    (sentence,) = complaints(source(uri="http://me:secret@host?sig=secret"))
    assert '"http://host"' in sentence
    assert "secret" not in sentence


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (source(uriFrom={"secretKeyRef": {"name": "a"}}), "key"),
        (source(uriFrom={"uri": "x"}), "uri"),
        (source(uri=URI, credentials={}), "secretName"),
        (source(build={}), "handler"),
        (source(build={"handler": "x", "format": "tgz"}), "format"),
        (source(build={"handler": "x", "weights": "x"}), "weights"),
        (source(build={"handler": "x", "modelFile": {"url": "x"}}), "modelFile"),
        (source(build={"handler": "x", "extraFiles": "configMap://a/b"}), "extraFiles"),
        (seed(SMALLEST, revision="a b"), "revision"),
        (seed(SMALLEST, connections=0), "connections"),
        (seed(SMALLEST, connections=65), "connections"),
        (seed(SMALLEST, keepOld=-1), "keepOld"),
        (seed(SMALLEST, ca={"configMapName": "A"}), "configMapName"),
        (seed(SMALLEST, ca={"key": ""}), "key"),
        (seed(SMALLEST, env=[{"value": "x"}]), "name"),
        (seed(SMALLEST, env=[{"name": "a", "value": 1}]), "value"),
        (seed(SMALLEST, envFrom=[{"secretRef": {}}]), "name"),
        (seed(SMALLEST, secretFiles=["a", "a"]), "secretFiles"),
        (seed(SMALLEST, serviceAccountName="A"), "serviceAccountName"),
        (seed(SMALLEST, s3={"endpoint": "minio:9000"}), "endpoint"),
        (seed(SMALLEST, s3={"credentials": {"accessKey": "x"}}), "accessKey"),
        (seed(SMALLEST, storageImage={"digest": "x"}), "digest"),
    ],
)
def test_a_value_that_does_not_fit_is_named(values, named):
    assert named in schema_error(values)
