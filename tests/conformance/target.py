"""What the checks look at: the objects of a release, its logs, what its pods say from inside, and the way to its server."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from .owners import Object, of_release

CONFIG = "config.properties"
# Kinds that have to be listed: the InferenceService, and what leads from it to its pods.
SERVICES, OF_PODS = "inferenceservices.serving.kserve.io/v1beta1", ("pods.v1", "replicasets.apps/v1", "deployments.apps/v1")
PREDICT = {"v1": "v1/models/{model}:predict", "v2": "v2/models/{model}/infer"}
GRPC = "grpc-v2"
Infer = Callable[[str, Any], tuple[str, Any]]


class NotApplicable(Exception):
    """Why a check can't be made of this release; it is reported as skipped."""


@dataclass(frozen=True)
class Inside:
    """What a pod's container says from inside; nothing in it is changed.

    Attributes:
        config: the keys of TorchServe's config.properties; {} where it was not found.
        store: names of the files in the model store.
        workers: model -> version -> its workers, as the management API has them; None where that one does not tell.
    """

    config: Mapping[str, str]
    store: tuple[str, ...]
    workers: Mapping[str, Mapping[str, list[dict[str, Any]]]] | None


@dataclass
class Target:
    """A release.

    Attributes:
        items: all objects of its namespace.
        logs: (pod, container) -> its log, each line with its time first.
        inside: pod -> what it says; without the pods, or all, where the cluster lets nobody in.
        call: call(method, path, **options for requests): the server's answer, whatever it is.
        reach: reach(pod, port, path): status of a GET from outside the pod, and the answer's beginning; None when nobody answers.
            Raises NotApplicable where that can't be told.
        infer: infer(model, body): the same by gRPC: the status' name, and the answer or the error.
        sample: body of a request that `expected` is the right answer to; None when none was given.
        more: further pairs of a request and its right answer.
        protocol_given: v1 or v2 where the InferenceService does not say it.
        unread: what the cluster did not let be read, a sentence each.
        ratio: how much two numbers may differ, relative to the bigger one.
    """

    namespace: str
    release: str
    items: list[Object]
    logs: dict[tuple[str, str], str]
    inside: dict[str, Inside]
    call: Callable[..., requests.Response]
    reach: Callable[[str, int, str], tuple[int, str] | None]
    infer: Infer | None = None
    sample: Any = None
    expected: Any = None
    more: list[tuple[Any, Any]] = field(default_factory=list)
    protocol_given: str = ""
    model_given: str = ""
    ratio: float = 1e-4
    burst: int = 16
    unread: list[str] = field(default_factory=list)

    @property
    def own(self) -> list[Object]:
        """The objects of the release, found by owner."""
        return of_release(self.items, self.release)

    def must_be_found(self) -> None:
        """NotApplicable where the cluster does not show what every check begins with; AssertionError for no such release."""
        self.needs(SERVICES, *OF_PODS)
        assert self.service

    def needs(self, *kinds: str) -> None:
        """NotApplicable where one of these kinds (`pods.v1`) could not be listed: what is not seen is not missing."""
        for sentence in self.unread:
            if sentence.split(" ", 1)[0] in kinds:
                raise NotApplicable(sentence)

    @property
    def service(self) -> Object:
        """The InferenceService; AssertionError where there is none."""
        found = [item for item in self.items if item["kind"] == "InferenceService" and item["metadata"]["name"] == self.release]
        names = [item["metadata"]["name"] for item in self.items if item["kind"] == "InferenceService"]
        self.needs(SERVICES)
        assert found, f"{self.namespace} has no InferenceService {self.release}; those that it has: {names or 'none'}"
        return found[0]

    @property
    def pods(self) -> list[Object]:
        """The predictor's living pods; AssertionError where there is none."""
        uids = {item["metadata"]["uid"] for item in self.items if item["kind"] in ("ReplicaSet", "StatefulSet")}
        self.needs(*OF_PODS)
        found = [item for item in self.own if item["kind"] == "Pod" and living(item)
                 and item["metadata"].get("labels", {}).get("component", "predictor") == "predictor"
                 and {owner["uid"] for owner in item["metadata"].get("ownerReferences", [])} & uids]
        assert found, f"the InferenceService {self.release} owns no pod of a predictor"
        return found

    @property
    def ready_pods(self) -> list[Object]:
        return [pod for pod in self.pods if condition(pod, "Ready") == "True"]

    def server(self, pod: Object) -> Object:
        """The container that KServe knows as the server."""
        containers = {container["name"]: container for container in pod["spec"]["containers"]}
        return containers.get("kserve-container") or next(iter(containers.values()))

    @property
    def config(self) -> Mapping[str, str]:
        """TorchServe's config.properties; NotApplicable where it can't be read."""
        for inside in self.inside.values():
            if inside.config:
                return inside.config
        for item in self.items:
            if item["kind"] == "ConfigMap" and item["metadata"]["name"] in self._mounted and CONFIG in (item.get("data") or {}):
                return properties(item["data"][CONFIG])
        raise NotApplicable("TorchServe's config.properties can't be read: not from inside the pods, nor is it in a ConfigMap")

    @property
    def _mounted(self) -> set[str]:
        """Names of the ConfigMaps that the pods mount."""
        return {volume["configMap"].get("name", "") for pod in self.pods for volume in pod["spec"].get("volumes", [])
                if "configMap" in volume}

    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        """All given requests with their right answers, which may be None: not given."""
        return [*([(self.sample, self.expected)] if self.sample is not None else []), *self.more]

    @property
    def snapshot(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Models of the snapshot: name -> version -> settings; AssertionError where it is none."""
        return models(self.config)

    def snapshot_of(self, pod: str) -> dict[str, dict[str, dict[str, Any]]]:
        """The same of one pod, which beside a canary has a configuration of its own."""
        return models(self.inside[pod].config or self.config)

    @property
    def protocol(self) -> str:
        predictor = self.service["spec"]["predictor"]
        return self.protocol_given or (predictor.get("model") or predictor.get("pytorch") or {}).get("protocolVersion") or "v1"

    @property
    def model(self) -> str:
        """The model that is asked: the given one, else the snapshot's first, else the release's name."""
        if self.model_given:
            return self.model_given
        try:
            return next(iter(self.snapshot))
        except (NotApplicable, AssertionError):
            return self.release

    def predict(self, body: Any, model: str = "") -> requests.Response:
        """The answer to a predict request in the release's protocol."""
        return self.call("POST", self._path(model), json=body)

    def send(self, body: bytes) -> requests.Response:
        """The same for a body as it is, which calls itself JSON."""
        return self.call("POST", self._path(), data=body, headers={"Content-Type": "application/json"})

    def _path(self, model: str = "") -> str:
        if self.protocol not in PREDICT:
            raise NotApplicable(f"this is asked by REST, and the release's protocol is {self.protocol}")
        return PREDICT[self.protocol].format(model=model or self.model)


def models(config: Mapping[str, str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Models of a configuration's snapshot; AssertionError where it is none."""
    text = config.get("model_snapshot")
    assert text, "config.properties has no model_snapshot"
    try:
        return json.loads(text)["models"]
    except (ValueError, KeyError, TypeError) as error:
        raise AssertionError(f"model_snapshot is no line of JSON with models ({error!r}): {text[:200]}") from None


def living(pod: Object) -> bool:
    """Neither over (an evicted pod has Failed) nor about to go."""
    return not pod["metadata"].get("deletionTimestamp") and pod.get("status", {}).get("phase") not in ("Failed", "Succeeded")


def properties(text: str) -> dict[str, str]:
    """Keys and values of a config.properties."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, value in pairs}


def condition(item: Object, kind: str) -> str:
    """Status of a condition; "" where there is none."""
    return next((one["status"] for one in item.get("status", {}).get("conditions") or [] if one["type"] == kind), "")
