"""The runtime and the InferenceService, as KServe 0.17 needs them."""

from __future__ import annotations

import pytest

from tests.unit.cases import CASES, EXISTING, OWN, SMALLEST, changed
from tests.unit.render import of_kind, only, render_chart


def runtime(values: dict) -> dict:
    return only(render_chart(values), "ServingRuntime")["spec"]


def container(values: dict) -> dict:
    (found,) = runtime(values)["containers"]
    return found


def predictor(values: dict) -> dict:
    return only(render_chart(values), "InferenceService")["spec"]["predictor"]


def env(values: dict) -> dict[str, str]:
    return {item["name"]: item["value"] for item in container(values)["env"]}


def test_the_inference_service_is_named_as_the_release_and_uses_its_own_runtime():
    isvc = only(render_chart(SMALLEST), "InferenceService")
    assert isvc["metadata"]["name"] == "demo"
    assert isvc["metadata"]["annotations"] == {"serving.kserve.io/deploymentMode": "Standard"}
    model = dict(isvc["spec"]["predictor"]["model"])
    assert model.pop("runtime").startswith("demo-")
    assert model == {"modelFormat": {"name": "pytorch"}, "protocolVersion": "v1", "storageUri": "pvc://demo-model-store"}


def test_the_runtime_serves_this_release_only_and_is_never_chosen_for_another():
    spec = runtime(SMALLEST)
    assert spec["supportedModelFormats"] == [{"name": "pytorch", "autoSelect": False}]
    assert spec["protocolVersions"] == ["v1"]
    assert spec["multiModel"] is False


def test_the_start_program_is_the_first_process():
    found = container(SMALLEST)
    assert found["name"] == "kserve-container"
    assert found["command"] == ["python", "/opt/torchserve-kserve/start/start.py"]
    assert found["args"][:4] == ["--ts-config", "/etc/torchserve/config.properties", "--models", "/mnt/models"]
    assert found["args"][4] == "--marker"
    assert found["args"][6:] == ["--timeout-seconds", "600", "--drain-seconds", "120"]


def test_nothing_is_mounted_inside_the_claim():
    paths = [mount["mountPath"] for mount in container(SMALLEST)["volumeMounts"]]
    assert sorted(paths) == ["/etc/torchserve", "/opt/torchserve-kserve/start", "/tmp"]


def test_the_server_writes_to_its_own_directory_only():
    assert {key: env(SMALLEST)[key] for key in ("TEMP", "LOG_LOCATION", "METRICS_LOCATION")} == {
        "TEMP": "/tmp",
        "LOG_LOCATION": "/tmp/logs",
        "METRICS_LOCATION": "/tmp/logs",
    }


def test_no_text_of_the_container_is_a_template_for_kserve():
    for case in OWN.values():
        assert "{{" not in str(container(case)), "KServe renders the container with Go's html/template"


def test_ready_means_that_every_model_has_a_worker():
    found = container(CASES["all-options"])
    command = ["bash", "/opt/torchserve-kserve/start/ready.sh", "8081", "Digits_2", "bert", "bert.shadow"]
    assert found["readinessProbe"]["exec"]["command"] == command
    assert found["startupProbe"]["exec"]["command"] == command
    assert found["livenessProbe"]["httpGet"] == {"path": "/ping", "port": 8080}


def test_a_pod_is_not_killed_while_it_may_wait():
    values = changed(SMALLEST, seed__timeoutSeconds=1000, models__bert__startupTimeout=500)
    probe = container(values)["startupProbe"]
    assert probe["periodSeconds"] == 1
    assert probe["failureThreshold"] >= 1500


def test_one_value_drives_every_wait():
    objects = render_chart(changed(SMALLEST, seed__timeoutSeconds=77))
    args = only(objects, "ServingRuntime")["spec"]["containers"][0]["args"]
    assert args[args.index("--timeout-seconds") + 1] == "77"
    assert only(objects, "Job")["spec"]["activeDeadlineSeconds"] == 77


@pytest.mark.parametrize(
    ("limit", "workers", "threads"),
    [(2, 1, "2"), (0.5, 1, "1"), ("4500m", 1, "4"), ("3", 2, "1"), (8, 2, "4"), ("500m", 4, "1"), ("1k", 1, ""), (None, 1, "")],
)
def test_all_workers_together_use_the_cpu_limit_once(limit, workers, threads):
    values = changed(SMALLEST, runtime__resources__limits__cpu=limit, models__bert__minWorkers=workers)
    assert env(values).get("OMP_NUM_THREADS", "") == threads


def test_quantities_become_strings_as_custom_resources_need_them():
    resources = container(changed(SMALLEST, runtime__resources__limits__memory=4294967296))["resources"]
    assert resources == {
        "limits": {"cpu": "2", "memory": "4294967296"},
        "requests": {"cpu": "0.5", "memory": "0.5Gi"},
    }


def test_a_rollout_adds_a_pod_before_it_takes_one():
    strategy = predictor(SMALLEST)["deploymentStrategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_pod_fields_that_kserve_drops_from_a_runtime_are_on_the_inference_service():
    found = predictor(SMALLEST)
    assert found["automountServiceAccountToken"] is False
    assert found["enableServiceLinks"] is False
    kept = {"affinity", "volumes", "imagePullSecrets", "containers", "labels"}
    described = {"supportedModelFormats", "protocolVersions", "multiModel"}
    assert set(runtime(CASES["all-options"])) <= kept | described


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({}, 120),
        ({"models__bert__responseTimeout": 5}, 20),
        ({"models__bert__responseTimeout": 900}, 900),
        ({"timeout": 300}, 300),
    ],
)
def test_a_request_in_flight_is_finished_whatever_time_its_model_may_take(changes, seconds):
    values = changed(SMALLEST, **changes)
    args = container(values)["args"]
    assert args[args.index("--drain-seconds") + 1] == str(seconds)
    assert predictor(values)["terminationGracePeriodSeconds"] == seconds + 10


def test_the_slowest_model_decides_how_long_a_pod_may_take_to_end():
    values = changed(SMALLEST, models__slow={"uri": "https://example.com/slow.mar", "responseTimeout": 200})
    assert predictor(values)["terminationGracePeriodSeconds"] == 210


def affinity_terms(spec: dict) -> list[dict]:
    return spec.get("affinity", {}).get("podAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", [])


@pytest.mark.parametrize("modes", [["ReadWriteOnce"], ["ReadWriteMany"], ["ReadWriteOnce", "ReadWriteMany"],
                                   ["ReadWriteOnce", "ReadOnlyMany"]])
def test_job_and_predictor_meet_on_one_node_where_the_claim_is_on_one(modes):
    objects = render_chart(changed(SMALLEST, persistence__accessModes=modes))
    template = only(objects, "Job")["spec"]["template"]
    spec = only(objects, "ServingRuntime")["spec"]
    for terms, labels in (
        (affinity_terms(template["spec"]), template["metadata"]["labels"]),
        (affinity_terms(spec), spec["labels"]),
    ):
        if "ReadWriteMany" in modes:
            assert terms == []
            continue
        (term,) = terms
        assert term["topologyKey"] == "kubernetes.io/hostname"
        # The first pod matches its own term, or nothing would ever be scheduled.
        assert term["labelSelector"]["matchLabels"].items() <= labels.items()


def test_releases_that_share_a_claim_meet_too():
    terms = [
        affinity_terms(only(render_chart(EXISTING, release=release), "ServingRuntime")["spec"]) for release in ("one", "two")
    ]
    assert terms[0] == terms[1] != []


def test_the_test_pod_does_not_draw_others_to_its_node():
    objects = render_chart(SMALLEST)
    (selector,) = (term["labelSelector"]["matchLabels"] for term in affinity_terms(only(objects, "ServingRuntime")["spec"]))
    (pod,) = of_kind(objects, "Pod")
    assert not selector.items() <= pod["metadata"]["labels"].items()


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ({}, "docker.io/pytorch/torchserve:0.12.0-cpu"),
        ({"registry": ""}, "pytorch/torchserve:0.12.0-cpu"),
        ({"repository": "torchserve-kserve/torchserve", "tag": "x"}, "docker.io/torchserve-kserve/torchserve:x"),
        ({"digest": "sha256:" + "a" * 64}, "docker.io/pytorch/torchserve@sha256:" + "a" * 64),
    ],
)
def test_an_image_is_put_together_from_its_parts_and_a_digest_wins(image, reference):
    assert container(changed(SMALLEST, runtime__image=image))["image"] == reference
