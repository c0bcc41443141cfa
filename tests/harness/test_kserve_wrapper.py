"""What the wrapper reads from config.properties and the environment."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ci.cluster.paths import CI

SNAPSHOT = {"name": "startup.cfg", "modelCount": 2, "models": {"bert": {"1.0": {"minWorkers": 1}}, "digits": {}}}
LINES = f"""
# TorchServe's settings
inference_address=http://0.0.0.0:8085
management_address : https://127.0.0.1:8086
max_request_size 100000000
  ! another comment
vmargs=-Xmx512m -Dkey=value
service_envelope=kserve
number_of_netty_threads=\\
    4
model_snapshot={json.dumps(SNAPSHOT)}
"""


@pytest.fixture(scope="module")
def settings() -> ModuleType:
    file = CI / "images" / "torchserve" / "kserve_wrapper" / "settings.py"
    spec = importlib.util.spec_from_file_location("kserve_wrapper_settings", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


def test_java_properties_are_read_as_java_does(settings: ModuleType) -> None:
    found = settings.properties(LINES)
    assert found["management_address"] == "https://127.0.0.1:8086"
    assert found["max_request_size"] == "100000000"
    assert found["vmargs"] == "-Xmx512m -Dkey=value"
    assert found["number_of_netty_threads"] == "4"
    assert json.loads(found["model_snapshot"]) == SNAPSHOT
    assert len(found) == 7


def read(settings: ModuleType, folder: Path, lines: str = LINES, **environment: str) -> object:
    config = folder / "config.properties"
    config.write_text(lines)
    return settings.read({"CONFIG_PATH": str(config), **environment})


def test_addresses_to_listen_at_become_addresses_to_connect_to(settings: ModuleType, tmp_path: Path) -> None:
    told = read(settings, tmp_path)
    assert told.inference == "http://127.0.0.1:8085"
    assert told.management == "https://127.0.0.1:8086"


def test_models_and_limits_come_from_the_config(settings: ModuleType, tmp_path: Path) -> None:
    told = read(settings, tmp_path, MODEL_LOAD_MAX_TRY="300", MODEL_LOAD_DELAY="1", MODEL_LOAD_TIMEOUT="7")
    assert told.models == ("bert", "digits")
    assert told.largest_message == 100_000_000
    assert (told.load_seconds, told.question_seconds) == (300, 7)


@pytest.mark.parametrize(("envelope", "version", "protocols"), [
    ("kserve", "v1", {"v1"}),
    ("kservev2", "grpc-v2", {"v2"}),
    ("torchserve_kserve", "v1", {"v1", "v2"}),
    ("", "v2", {"v2"}),
    ("own", "v1", {"v1"}),
])  # fmt: skip
def test_the_envelope_says_which_protocols_are_spoken(
    envelope: str, version: str, protocols: set[str], settings: ModuleType, tmp_path: Path,
) -> None:  # fmt: skip
    lines = LINES.replace("service_envelope=kserve", f"service_envelope={envelope}")
    assert read(settings, tmp_path, lines, PROTOCOL_VERSION=version).protocols == protocols


def test_environment_overrides_the_config_only_where_torchserve_allows_it(settings: ModuleType, tmp_path: Path) -> None:
    assert read(settings, tmp_path, TS_SERVICE_ENVELOPE="kservev2").envelope == "kserve"
    allowed = f"{LINES}enable_envvars_config=true\n"
    assert read(settings, tmp_path, allowed, TS_SERVICE_ENVELOPE="kservev2").envelope == "kservev2"


@pytest.mark.parametrize("snapshot", ["", "{", "[]", '{"models": {}}', '{"models": ["bert"]}'])
def test_snapshot_without_models_is_refused(snapshot: str, settings: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(settings.CannotStart, match="names no models"):
        read(settings, tmp_path, f"model_snapshot={snapshot}")
