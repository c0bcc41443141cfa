"""What the wrapper is told: TorchServe's config.properties and the environment. Standard library only: it is read first."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

CONFIG = "/mnt/models/config/config.properties"
PROTOCOLS = {"v1": {"v1"}, "v2": {"v2"}, "grpc-v2": {"v2"}}
# TorchServe's envelopes that understand just one protocol.
ENVELOPES = {"kserve": {"v1"}, "kservev2": {"v2"}, "torchserve_kserve": {"v1", "v2"}}
LARGEST_MESSAGE = 8 * 1024 * 1024  # bytes; KServe's default for gRPC


class CannotStart(Exception):
    """What keeps the wrapper from starting, as one sentence."""


@dataclass(frozen=True)
class Settings:
    """Everything that the wrapper reads at its start."""

    inference: str  # URL of TorchServe's inference API, as reached from here
    management: str  # URL of its management API
    models: tuple[str, ...]  # names, from the snapshot
    envelope: str  # service_envelope, or ""
    protocols: frozenset[str]  # which of v1 and v2 TorchServe understands
    load_seconds: float  # how long its models may take to load
    question_seconds: float  # how long one question to the management API may take
    largest_message: int  # bytes, of a gRPC message


def read(environment: Mapping[str, str]) -> Settings:
    """The settings of this environment. Raises CannotStart with the sentence that says what is wrong with them."""
    path = Path(environment.get("CONFIG_PATH") or CONFIG)
    try:
        config = properties(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotStart(f"TorchServe's configuration can't be read at {path}: {error.strerror}; set CONFIG_PATH.") from error
    if config.get("enable_envvars_config", "").lower() == "true":
        prefixed = {key.removeprefix("TS_").lower(): value for key, value in environment.items() if key.startswith("TS_")}
        config = {**config, **prefixed}
    protocol = environment.get("PROTOCOL_VERSION") or "v1"
    if protocol not in PROTOCOLS:
        raise CannotStart(f"PROTOCOL_VERSION is {protocol}: it can be {', '.join(PROTOCOLS)}.")
    envelope = config.get("service_envelope", "")
    return Settings(
        inference=_url(config, "inference_address", "http://127.0.0.1:8080"),
        management=_url(config, "management_address", "http://127.0.0.1:8081"),
        models=_models(config.get("model_snapshot", ""), path),
        envelope=envelope,
        # Without an envelope that we know, the model's handler has to understand what comes: PROTOCOL_VERSION says what.
        protocols=frozenset(ENVELOPES.get(envelope, PROTOCOLS[protocol])),
        load_seconds=_number(environment, "MODEL_LOAD_MAX_TRY", 10) * _number(environment, "MODEL_LOAD_DELAY", 30),
        question_seconds=_number(environment, "MODEL_LOAD_TIMEOUT", 5),
        largest_message=max(LARGEST_MESSAGE, *(_size(config, key) for key in ("max_request_size", "max_response_size"))),
    )


def properties(text: str) -> dict[str, str]:
    """A Java properties file: comments, `=`, `:` or space between key and value, lines continued by a backslash."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        entry = line.strip()
        if not entry or entry[0] in "#!":
            continue
        while entry.endswith("\\") and not entry.endswith("\\\\"):
            entry = entry[:-1] + next(lines, "").strip()
        end = next((place for place, letter in enumerate(entry) if letter in "=: \t"), len(entry))
        value = entry[end:].lstrip()
        found[entry[:end]] = (value[1:] if value[:1] in ("=", ":") else value).strip()
    return found


def _models(snapshot: str, path: Path) -> tuple[str, ...]:
    try:
        models: Any = json.loads(snapshot)["models"]
        names = tuple(models)
    except (ValueError, KeyError, TypeError) as error:
        raise CannotStart(f"model_snapshot in {path} names no models: it is one line of JSON with the key `models`.") from error
    if not names or not isinstance(models, dict):
        raise CannotStart(f"model_snapshot in {path} names no models: its `models` are empty.")
    return names


def _url(config: Mapping[str, str], key: str, default: str) -> str:
    """An address that TorchServe listens at, as one to connect to."""
    parts = urlsplit(config.get(key) or default)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CannotStart(f"{key} is {config.get(key)}: it must be like {default}.")
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(parts.hostname, parts.netloc.rpartition(":")[0] or parts.netloc)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return urlunsplit((parts.scheme, f"{host}:{port}", "", "", ""))


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    try:
        number = float(environment.get(name) or default)
    except ValueError as error:
        raise CannotStart(f"{name} is {environment[name]}: it must be a number.") from error
    return max(number, 0)


def _size(config: Mapping[str, str], key: str) -> int:
    value = config.get(key, "")
    return int(value) if value.isdigit() else 0
