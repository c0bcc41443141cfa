"""Values in which leaves of the schema are alive that neither an install case nor the smallest values make so."""

from __future__ import annotations

from tests.unit.cases import CASES, EXISTING, SMALLEST, URI, changed

PARTS = {"handler": "h.py", "modelFile": "m.py", "serializedFile": "w.pt", "extraFiles": "x.json", "requirementsFile": "r.txt",
         "configFile": "c.yaml"}  # fmt: skip
PATHS = {key: f"{key}.[]" if key == "extraFiles" else key for key in PARTS}
LOGIN = {"secretName": "files-login"}
SIGNED = {"uriFrom": {"secretKeyRef": {"name": "signed", "key": "uri"}}}
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
OF_SECRET = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "a"}}}
OF_CONFIG_MAP = {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "b", "key": "b"}}}
OWN_IMAGE = {"runtime": {"image": CASES["grpc"]["runtime"]["image"], "serviceEnvelope": "torchserve_kserve"}}  # has that envelope
EVICTED = {"key": "sku", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
GUARDED = changed(SMALLEST, networkPolicy__enabled=True, metrics__enabled=True, metrics__from=[{"podSelector": {}}])


def model(**keys: object) -> dict:
    return {"models": {"bert": keys}}


def versions(default: str = "2.0", **keys: object) -> dict:
    """Two versions of a model; the keys are those of the first."""
    return model(defaultVersion=default, versions={"1.0": keys, "2.0": {"uri": f"{URI}?2"}})


def build(signed: str = "") -> dict:
    """A build of all parts, each of them with all that a URI may have, or one with a URI out of a Secret."""
    linked = {key: {"uri": f"https://example.com/{file}", "sha256": SHA, "credentials": LOGIN} for key, file in PARTS.items()}
    parts = linked | ({signed: SIGNED} if signed else {})
    return {"build": parts | {"extraFiles": [parts["extraFiles"]]}}


# Beginning of a path -> the values. The longest beginning counts, and what has none gets the first install case that sets it, or
# else the smallest values with the examples of the keys above it.
BASES: dict[str, dict] = {
    "models.*.version": SMALLEST,
    "models.*.uriFrom": model(**SIGNED),
    "models.*.defaultVersion": versions(default="1.0", uri=URI),
    "models.*.build": model(**build()),
    "models.*.versions": versions(uri=URI, sha256=SHA, credentials=LOGIN),
    "models.*.versions.*.uri": versions(uri=URI),
    "models.*.versions.*.uriFrom": versions(**SIGNED),
    "models.*.versions.*.build": versions(**build()),
    "models.*.versions.*.marName": EXISTING | versions(marName="a.mar"),
    "models.*.versions.*.batchSize": versions(uri=URI) | OWN_IMAGE,
    **{f"models.*.build.{path}.uriFrom": model(**build(key)) for key, path in PATHS.items()},
    **{f"models.*.versions.*.build.{path}.uriFrom": versions(**build(key)) for key, path in PATHS.items()},
    "persistence.accessModes": SMALLEST,
    "seed.env": changed(SMALLEST, seed__env=[OF_SECRET]),
    "seed.env.[].value": changed(SMALLEST, seed__env=[{"name": "A", "value": "a"}]),
    "seed.env.[].valueFrom.configMapKeyRef": changed(SMALLEST, seed__env=[OF_CONFIG_MAP]),
    "seed.s3": CASES["s3-source"],
    "seed.s3.anonymous": CASES["no-archive"],
    "seed.storageImage": CASES["s3-source"],
    "runtime.flavor": CASES["wrapper"],
    "runtime.serviceEnvelope": SMALLEST | OWN_IMAGE,
    "runtime.image.registry": SMALLEST,
    "runtime.env": changed(SMALLEST, runtime__env=[OF_SECRET]),
    "runtime.env.[].value": changed(SMALLEST, runtime__env=[{"name": "A", "value": "a"}]),
    "runtime.env.[].valueFrom.configMapKeyRef": changed(SMALLEST, runtime__env=[OF_CONFIG_MAP]),
    "gpu.enabled": SMALLEST,
    "gpu.image.tag": changed(SMALLEST, gpu__enabled=True),
    "gpu.tolerations.[].tolerationSeconds": changed(SMALLEST, gpu__enabled=True, gpu__tolerations=[EVICTED]),
    "gpu.tolerations.[].operator": changed(SMALLEST, gpu__enabled=True, gpu__tolerations=[{"key": "sku", "operator": "Exists"}]),
    "deploymentMode": SMALLEST,
    "autoscalerClass": SMALLEST,
    "kubeflow.enabled": SMALLEST,
    "metrics.enabled": SMALLEST | {"metrics": {}},
    "metrics.from": GUARDED,
    "networkPolicy.enabled": SMALLEST,
    "networkPolicy.egress": GUARDED,
    "properties.cors_allowed_headers": changed(SMALLEST, properties__cors_allowed_origin="*"),
    "properties.cors_allowed_methods": changed(SMALLEST, properties__cors_allowed_origin="*"),
    "properties.cpu_launcher_args": changed(SMALLEST, properties__cpu_launcher_enable=True),
    "properties.metric_time_interval": changed(SMALLEST, properties__disable_system_metrics=False),
    "properties.system_metrics_cmd": changed(SMALLEST, properties__disable_system_metrics=False),
    "pip.enabled": SMALLEST | {"pip": {}},
    "pip.trustedHost": changed(SMALLEST, pip__enabled=True),
}
# Leaves that no valid values with another one differ from in this leaf alone: the chart has to name them.
NEVER_ALONE = {
    "persistence.create": "goes with existingClaim",
    "persistence.dataSource.apiGroup": "goes with kind",
    "persistence.dataSource.kind": "goes with apiGroup",
    "runtime.create": "goes with name",
    "enabled": "is for a parent's condition; false is refused without one",
}
