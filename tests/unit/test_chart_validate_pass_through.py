"""The rules about what is passed through to KServe: the sentence for the wrong value, silence for the right one."""

from __future__ import annotations

import pytest

from tests.unit.cases import SMALLEST, changed
from tests.unit.render import complaints
from tests.unit.rules import both_ways

KNATIVE = changed(SMALLEST, deploymentMode="Knative")
STOCK = {"create": False, "name": "mine"}
TWO = {"bert": SMALLEST["models"]["bert"], "other": {"uri": "https://example.com/other.mar"}}
CONTAINER = {"name": "kserve-container", "image": "transformer"}


def predictor(_base: dict = SMALLEST, **fields: object) -> dict:
    return changed(_base, predictor=fields)


def model(_base: dict = SMALLEST, **fields: object) -> dict:
    return changed(_base, predictor={"model": fields})


# wrong values -> the sentence, then right values that differ as little as possible.
RULES = {
    "field with a value": (
        predictor(minReplicas=2),
        "predictor.minReplicas is the chart's to write; remove it and use minReplicas instead",
        changed(SMALLEST, minReplicas=2, maxReplicas=2),
    ),
    "falsy field with a value": (
        predictor(containerConcurrency=0),
        "predictor.containerConcurrency is the chart's to write; remove it and use containerConcurrency instead",
        changed(KNATIVE, containerConcurrency=0),
    ),
    "logger below predictor": (
        predictor(logger={"mode": "all"}),
        "predictor.logger is the chart's to write; remove it and use logger instead",
        changed(SMALLEST, logger={"mode": "all"}),
    ),
    "another framework": (
        predictor(pytorch={"storageUri": "gs://a"}),
        "predictor.pytorch: a predictor is of one framework, and the chart writes predictor.model; remove it, and write the "
        "container's fields under predictor.model",
        model(env=[{"name": "A", "value": "b"}]),
    ),
    "workers": (
        predictor(workerSpec={"tensorParallelSize": 2}),
        "predictor.workerSpec: the chart's runtime has no workers on other nodes; remove it, or set runtime.create=false and "
        "runtime.name with a runtime that has",
        predictor(changed(SMALLEST, runtime=STOCK), workerSpec={"tensorParallelSize": 2}),
    ),
    "container's field with a value": (
        model(resources={"limits": {"cpu": 1}}),
        "predictor.model.resources is the chart's to write; remove it and use runtime.resources instead",
        changed(SMALLEST, runtime={"resources": {"limits": {"cpu": 1}}}),
    ),
    "image of the chart's runtime": (
        model(image="mine"),
        "predictor.model.image is the chart's to write; remove it and use runtime.image instead",
        model(changed(SMALLEST, runtime=STOCK), image="mine"),
    ),
    "container's name": (
        model(name="server"),
        "predictor.model.name: KServe calls the container kserve-container; remove it",
        model(tty=True),
    ),
    "where the models are": (
        model(storage={"path": "models/bert"}),
        "predictor.model.storage.path is the chart's to write; remove it and use storageUri or persistence.existingClaim instead",
        model(storage={"key": "my-login"}),
    ),
    "container's user": (
        model(securityContext={"runAsUser": 0}),
        "predictor.model.securityContext.runAsUser is the chart's to write; remove it and use securityContext.runAsUser instead",
        model(securityContext={"runAsGroup": 0}),
    ),
    "variable of the chart": (
        model(env=[{"name": "LOG_LEVEL", "value": "x"}, {"name": "TS_CONFIG_FILE", "value": "/mnt/models/config.properties"}]),
        "predictor.model.env: TS_CONFIG_FILE is the chart's own; remove it",
        model(env=[{"name": "OMP_NUM_THREADS", "value": "4"}]),
    ),
    "probe's handler": (
        model(livenessProbe={"httpGet": {"path": "/ping", "port": 8080}, "periodSeconds": 5}),
        "predictor.model.livenessProbe.httpGet: the chart's probe asks in its own way, and KServe would give the container both; "
        "write only its times and thresholds",
        model(livenessProbe={"periodSeconds": 5}),
    ),
    "the server as a sidecar": (
        predictor(containers=[{"name": "kserve-container"}]),
        "predictor.containers: kserve-container is the server itself; write its fields under predictor.model, and give a "
        "container beside it another name",
        predictor(containers=[{"name": "exporter", "image": "exporter"}]),
    ),
    "volume of the chart": (
        predictor(volumes=[{"name": "config", "configMap": {"name": "mine"}}]),
        "predictor.volumes: config is the chart's or KServe's own volume; give yours another name",
        predictor(volumes=[{"name": "configuration", "configMap": {"name": "mine"}}]),
    ),
    "volume of KServe": (
        predictor(volumes=[{"name": "kserve-pvc-source", "emptyDir": {}}]),
        "predictor.volumes: kserve-pvc-source is the chart's or KServe's own volume; give yours another name",
        predictor(volumes=[{"name": "pvc-source", "emptyDir": {}}]),
    ),
    "temporary directory of another kind": (
        predictor(volumes=[{"name": "tmp", "hostPath": {"path": "/tmp"}}]),
        "predictor.volumes: tmp is the chart's or KServe's own volume; give yours another name, or write emptyDir, for example "
        "with a sizeLimit",
        predictor(volumes=[{"name": "tmp", "emptyDir": {"sizeLimit": "4Gi"}}]),
    ),
    "mount of the chart": (
        model(volumeMounts=[{"name": "a", "mountPath": "/tmp/"}]),
        "predictor.model.volumeMounts: at /tmp/ the chart or KServe mounts a volume of its own; write another mountPath",
        model(volumeMounts=[{"name": "a", "mountPath": "/tmp/a"}]),
    ),
    "mount of KServe": (
        model(changed(SMALLEST, runtime=STOCK), volumeMounts=[{"name": "a", "mountPath": "/mnt/models"}]),
        "predictor.model.volumeMounts: at /mnt/models the chart or KServe mounts a volume of its own; write another mountPath",
        model(changed(SMALLEST, runtime=STOCK), volumeMounts=[{"name": "a", "mountPath": "/etc/torchserve"}]),
    ),
    "logger without a mode": (
        changed(SMALLEST, logger={"url": "http://sink"}),
        "logger.mode is not set; write all, request or response",
        changed(SMALLEST, logger={"url": "http://sink", "mode": "request"}),
    ),
    "answers of batches": (
        changed(SMALLEST, batcher={"maxBatchSize": 4}, logger={"mode": "all"}),
        "logger.mode is all and batcher is set: KServe's agent sends no answer that comes out of a batch; write logger.mode "
        "request, or remove batcher",
        changed(SMALLEST, batcher={"maxBatchSize": 4}, logger={"mode": "request"}),
    ),
    "batches of another protocol": (
        changed(SMALLEST, protocol="v2", batcher={"maxBatchSize": 4}),
        "batcher: KServe batches requests of protocol v1 alone and passes those of v2 on one by one; remove it, or write "
        "protocol v1",
        changed(SMALLEST, batcher={"maxBatchSize": 4}),
    ),
    "batches of several models": (
        changed(SMALLEST, models=TWO, batcher={"maxBatchSize": 4}),
        "batcher: KServe would put requests for different models into one batch and send it to one of them; remove it, or give "
        "each of the 2 models a release of its own",
        changed(SMALLEST, models=TWO),
    ),
    "transformer without a container": (
        changed(SMALLEST, transformer={"minReplicas": 1}),
        "transformer.containers is not set; write the transformer's container, for example [{name: kserve-container, image: …}]",
        changed(SMALLEST, transformer={"minReplicas": 1, "containers": [CONTAINER]}),
    ),
    "explainer without a container": (
        changed(SMALLEST, explainer={"minReplicas": 1}),
        "explainer has neither containers nor art; write the explainer's container, for example [{name: kserve-container, "
        "image: …}]",
        changed(SMALLEST, explainer={"art": {"type": "SquareAttack"}}),
    ),
    "pod field that Knative never takes": (
        predictor(KNATIVE, terminationGracePeriodSeconds=60),
        "predictor.terminationGracePeriodSeconds: deploymentMode Knative refuses it; remove it, or use deploymentMode Standard",
        predictor(terminationGracePeriodSeconds=60),
    ),
    "pod field that Knative takes with a flag": (
        changed(KNATIVE, transformer={"containers": [CONTAINER], "deploymentStrategy": {"type": "Recreate"}}),
        "transformer.deploymentStrategy: deploymentMode Knative refuses it; remove it, or use deploymentMode Standard",
        changed(KNATIVE, transformer={"containers": [CONTAINER], "nodeSelector": {"a": "b"}}),
    ),
    "token in Knative": (
        predictor(KNATIVE, automountServiceAccountToken=True),
        "predictor.automountServiceAccountToken: Knative takes false alone; remove it, or use deploymentMode Standard",
        predictor(automountServiceAccountToken=True),
    ),
    "container's field that Knative never takes": (
        model(KNATIVE, lifecycle={"preStop": {"sleep": {"seconds": 1}}}),
        "predictor.model.lifecycle: deploymentMode Knative refuses it; remove it, or use deploymentMode Standard",
        model(lifecycle={"preStop": {"sleep": {"seconds": 1}}}),
    ),
}


test_a_wrong_value_is_refused_in_one_sentence, test_the_right_value_beside_it_is_taken = both_ways(RULES)


VARIABLES = ["CONFIG_PATH", "LOG_LOCATION", "METRICS_LOCATION", "PROTOCOL_VERSION", "TEMP", "TS_CONFIG_FILE"]


@pytest.mark.parametrize("name", VARIABLES)
def test_variables_that_another_runtime_reads_are_its_users(name):
    given = [{"name": name, "value": "x"}]
    assert len(complaints(model(env=given))) == 1
    assert complaints(model(changed(SMALLEST, runtime=STOCK), env=given)) == []
