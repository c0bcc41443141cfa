"""config.properties, its snapshot, the logging configuration."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

from ci.cluster.paths import REPOSITORY
from tests.unit.cases import CASES, EXISTING, OWN, SMALLEST, changed
from tests.unit.render import CHART, mounted, only, render_chart


def data(values: dict) -> dict[str, str]:
    """The files of /etc/torchserve."""
    files = mounted(render_chart(values))
    return {path.rpartition("/")[2]: text for path, text in files.items() if path.startswith("/etc/torchserve/")}


def properties(values: dict) -> dict[str, str]:
    """The properties as Java reads them, as far as the chart uses its syntax: no continuation lines, '\\\\' is a backslash."""
    lines = data(values)["config.properties"].splitlines()
    assert all("=" in line and not line.endswith("\\") for line in lines)
    pairs = [line.split("=", 1) for line in lines]
    assert len({key for key, _ in pairs}) == len(pairs), "a key is written twice"
    return {key: value.replace("\\\\", "\\") for key, value in pairs}


def snapshot(values: dict) -> dict:
    return json.loads(properties(values)["model_snapshot"])


def test_only_the_predict_port_listens_outside_the_pod():
    written = properties(SMALLEST)
    outside = [key for key, value in written.items() if key.endswith("_address") and "127.0.0.1" not in value]
    assert outside == ["inference_address"]
    assert written["inference_address"] == "http://0.0.0.0:8080"


def test_the_management_api_can_load_nothing_but_the_claims_files():
    written = properties(SMALLEST)
    assert written["allowed_urls"] == "file:///mnt/models/.*"
    assert written["enable_model_api"] == "false"
    assert written["enable_envvars_config"] == "false"
    assert "use_env_allowed_urls" not in written


def test_probes_need_no_token():
    assert properties(SMALLEST)["disable_token_authorization"] == "true"


@pytest.mark.parametrize(("protocol", "envelope"), [("v1", "kserve"), ("v2", "kservev2")])
def test_the_protocol_decides_the_envelope(protocol, envelope):
    assert properties(changed(SMALLEST, protocol=protocol))["service_envelope"] == envelope


def test_our_image_may_use_its_own_envelope_for_every_protocol():
    image = {"repository": "torchserve-kserve/torchserve"}
    ours = changed(SMALLEST, runtime={"serviceEnvelope": "torchserve_kserve", "image": image})
    assert {properties(changed(ours, protocol=name))["service_envelope"] for name in ("v1", "v2")} == {"torchserve_kserve"}


def test_the_snapshot_has_the_keys_that_torchserve_demands_and_its_defaults():
    assert snapshot(EXISTING) == {
        "name": "startup.cfg",
        "modelCount": 1,
        "models": {
            "bert": {
                "1.0": {
                    "defaultVersion": True,
                    "marName": "bert.mar",
                    "minWorkers": 1,
                    "maxWorkers": 1,
                    "batchSize": 1,
                    "maxBatchDelay": 100,
                    "responseTimeout": 120,
                    "startupTimeout": 120,
                }
            }
        },
    }


def test_the_snapshot_takes_what_the_model_says():
    models = snapshot(CASES["all-options"])["models"]
    assert models["bert"]["3.1"] | {"marName": ""} == {
        "defaultVersion": True,
        "marName": "",
        "minWorkers": 2,
        "maxWorkers": 4,
        "batchSize": 1,
        "maxBatchDelay": 0,
        "responseTimeout": 30,
        "startupTimeout": 60,
    }
    assert models["bert.shadow"]["3.1"]["marName"] == models["bert"]["3.1"]["marName"]


def test_more_minimum_workers_raise_the_maximum_that_is_not_given():
    assert snapshot(changed(EXISTING, models__bert__minWorkers=3))["models"]["bert"]["1.0"]["maxWorkers"] == 3


@pytest.mark.parametrize("case", OWN)
def test_the_snapshot_names_exactly_the_files_that_the_plan_brings(case):
    objects = render_chart(CASES[case])
    named = {entry["marName"] for model in snapshot(CASES[case])["models"].values() for entry in model.values()}
    plans = [item["data"]["plan.json"] for item in objects if "plan.json" in item.get("data", {})]
    brought = {artifact["path"].removeprefix("model-store/") for plan in plans for artifact in json.loads(plan)["artifacts"]}
    given = {model["marName"] for model in CASES[case]["models"].values() if "marName" in model}
    assert named == brought | given
    assert snapshot(CASES[case])["modelCount"] == len(CASES[case]["models"])


def test_properties_are_written_as_java_reads_them():
    given = {"job_queue_size": 50, "prefer_direct_buffer": True, "max_request_size": 65535000, "vmargs": "-Da=C:\\x -Xmx1g"}
    written = properties(changed(SMALLEST, properties=given, extraProperties={"a.b": 70000000, "c": " d\\e "}))
    assert {key: written[key] for key in [*given, "a.b", "c"]} == {
        "job_queue_size": "50",
        "prefer_direct_buffer": "true",
        "max_request_size": "65535000",
        "vmargs": f"{properties(SMALLEST)['vmargs']} -Da=C:\\x -Xmx1g",
        "a.b": "70000000",
        "c": "d\\e",
    }


@pytest.mark.parametrize(("given", "bytes_"), [(65535000, "65535000"), ("65535000", "65535000"), ("64Ki", "65536"),
                                               ("64Mi", "67108864"), ("1Gi", "1073741824")])
def test_a_size_is_written_in_bytes(given, bytes_):
    written = properties(changed(SMALLEST, properties={"max_request_size": given, "max_response_size": given}))
    assert (written["max_request_size"], written["max_response_size"]) == (bytes_, bytes_)


def test_the_charts_own_defaults_can_be_changed():
    assert properties(SMALLEST)["metrics_mode"] == "prometheus"
    written = properties(changed(SMALLEST, properties={"metrics_mode": "log", "disable_system_metrics": False}))
    assert (written["metrics_mode"], written["disable_system_metrics"]) == ("log", "false")


def test_javas_own_options_come_before_the_users():
    """Of two that say the same Java takes the later one."""
    options = properties(SMALLEST)["vmargs"].split()
    loops = {"-XX:Tier3BackEdgeThreshold=2000", "-XX:Tier0BackedgeNotifyFreqLog=7"}
    assert {"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", *loops} <= set(options)
    assert all(option.startswith("-") for option in options)
    assert properties(changed(SMALLEST, properties={"vmargs": "-Xmx1g -Da=b"}))["vmargs"].split() == [*options, "-Xmx1g", "-Da=b"]


def test_a_garbage_collector_of_the_users_takes_the_place_of_the_charts():
    """With two of them Java does not start."""
    options = properties(SMALLEST)["vmargs"].split()
    given = properties(changed(SMALLEST, properties={"vmargs": "-XX:+UseG1GC"}))["vmargs"].split()
    assert given == [*(option for option in options if option != "-XX:+UseSerialGC"), "-XX:+UseG1GC"]


def test_the_tuning_page_explains_each_of_javas_options():
    page = (REPOSITORY / "docs" / "tuning.md").read_text()
    assert [option for option in properties(SMALLEST)["vmargs"].split() if option not in page] == []


@pytest.mark.parametrize(("workers", "threads"), [([1], 2), ([3], 3), ([3, 2], 5)])
def test_java_keeps_a_thread_for_each_worker_to_hand_requests_to(workers, threads):
    """With one Java would start a thread for each request instead: CompletableFuture does so without a pool of two."""
    (name, model), = SMALLEST["models"].items()
    models = {f"{name}{number}": {**model, "minWorkers": count} for number, count in enumerate(workers)}
    written = properties({**SMALLEST, "models": models})["vmargs"].split()
    assert f"-Djava.util.concurrent.ForkJoinPool.common.parallelism={threads}" in written


def test_requests_are_logged_where_asked_for():
    assert data(SMALLEST).keys() == {"config.properties", "log4j2.xml", "sitecustomize.py"}
    assert data(changed(SMALLEST, runtime__requestLogs=True)).keys() == {"config.properties"}


def test_the_logging_configuration_keeps_what_the_operator_waits_for():
    root = ElementTree.fromstring(data(SMALLEST)["log4j2.xml"].encode())
    levels = {logger.get("name"): logger.get("level") for logger in root.iter("Logger")}
    assert root.find("Loggers/Root").get("level") == "warn"
    assert levels["MODEL_LOG"] == "info", "Torch worker started. comes from here"
    assert levels["org.pytorch.serve.wlm.WorkerThread"] == "debug", "WORKER_MODEL_LOADED comes from here"
    assert levels["ACCESS_LOG"] == "off"
    assert not list(root.iter("RollingFile")), "the root file system is read-only"


def program(name: str) -> str:
    return (CHART / "files" / name).read_text()


def test_the_seed_program_is_in_its_config_map_as_it_is():
    assert only(render_chart(SMALLEST), "ConfigMap", "demo-seed")["data"]["seed.py"] == program("seed.py")


@pytest.mark.parametrize("case", OWN)
def test_the_start_program_is_mounted_as_it_is_with_all_that_it_imports(case):
    prefix = "/opt/torchserve-kserve/start/"
    files = mounted(render_chart(CASES[case]))
    found = {path.removeprefix(prefix): text for path, text in files.items() if path.startswith(prefix)}
    assert found == {name: program(name) for name in found}
    own = {path.name for path in (CHART / "files").iterdir()}
    imported = {f"{name}.py" for text in found.values() for name in re.findall(r"(?m)^ *(?:from|import) (\w+)", text)} & own
    called = set(re.findall(re.escape(prefix) + r"([\w.]+)", json.dumps(only(render_chart(CASES[case]), "ServingRuntime"))))
    assert imported | called <= found.keys() <= imported | called
