"""A release of the chart on a cluster: its pods, logs and conditions, and predict calls to it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes
import requests
from kubernetes.stream import stream

from ci import route
from ci.cluster.errors import Problem
from ci.cluster.waiting import wait_for

READY_SECONDS = 420
# In Standard mode KServe reports the generation of its Deployment, which a change of scaling leaves as it is: from then on the
# InferenceService's is ahead for good. So after this time, in which KServe has taken up any change, its word is not awaited.
TAKEN_UP_SECONDS = 20
REVISION = "serving.knative.dev/revision"  # a label of what Knative makes; of it KServe tells the generation rightly


def client(kubeconfig: Path) -> kubernetes.client.ApiClient:
    """A client of the Kubernetes API for a kubeconfig file."""
    return kubernetes.config.new_client_from_config(str(kubeconfig))


def create(make: Callable[..., Any], *arguments: Any) -> None:
    """Calls a `create_…` function of the Kubernetes client; an object of that name that is there already stays."""
    try:
        make(*arguments)
    except kubernetes.client.ApiException as error:
        if error.status != HTTPStatus.CONFLICT:
            raise


def delete(remove: Callable[..., Any], *arguments: Any) -> None:
    """Calls a `delete_…` function of the Kubernetes client; an object that is not there, or no more, is no error."""
    try:
        remove(*arguments)
    except kubernetes.client.ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise


def _has_failed(job: Any) -> bool:
    """Whether a Job has failed for good."""
    return any(condition.type == "Failed" and condition.status == "True" for condition in job.status.conditions or [])


def is_rolled_out(deployment: Any) -> bool:
    """Whether all pods of a Deployment are of its newest template, and available."""
    wanted, status = deployment.spec.replicas, deployment.status
    found = {number or 0 for number in (status.replicas, status.updated_replicas, status.available_replicas)}
    return (status.observed_generation or 0) >= deployment.metadata.generation and found == {wanted}


def _conditions(service: dict[str, Any]) -> dict[str, str]:
    """Type and status of an InferenceService's conditions."""
    return {condition["type"]: condition["status"] for condition in service.get("status", {}).get("conditions", [])}


def _last_word(pods: list[Any]) -> str | None:
    """The termination message of the newest ended container."""
    for pod in reversed(pods):
        for status in pod.status.container_statuses or []:
            ended = status.state.terminated or status.last_state.terminated
            if ended and ended.message:
                return ended.message.strip()
    return None


@dataclass(frozen=True)
class Release:
    """A release by name and namespace.

    Attributes:
        api: the client of its cluster's API.
        gateway: address of a gateway that knows the InferenceService's host name; None to go to the predictor's Service by way of
            the API server, which in Knative mode can't be done: there that Service only names the gateway.
    """

    api: kubernetes.client.ApiClient
    namespace: str
    name: str
    gateway: str | None = None

    @property
    def core(self) -> kubernetes.client.CoreV1Api:
        return kubernetes.client.CoreV1Api(self.api)

    def inference_service(self) -> dict[str, Any]:
        """The InferenceService; raises Problem where there is none."""
        try:
            return kubernetes.client.CustomObjectsApi(self.api).get_namespaced_custom_object(
                "serving.kserve.io", "v1beta1", self.namespace, "inferenceservices", self.name)
        except kubernetes.client.ApiException as error:
            raise Problem(f"InferenceService {self.namespace}/{self.name} can't be read: {error.reason}.") from error

    def conditions(self) -> dict[str, str]:
        """Type and status of the InferenceService's conditions."""
        return _conditions(self.inference_service())

    def last_failure(self) -> str:
        """What KServe has in `modelStatus.lastFailureInfo` of the InferenceService; empty while it has nothing."""
        status = self.inference_service().get("status", {}).get("modelStatus", {})
        return str(status.get("lastFailureInfo", {}).get("message", ""))

    def wait_until_ready(self, seconds: float = READY_SECONDS) -> None:
        """Waits until the InferenceService is Ready, for its newest generation as far as KServe tells that.

        Ends early when the seeding Job has failed.
        """
        taken_up = time.monotonic() + TAKEN_UP_SECONDS
        wait_for(f"InferenceService {self.namespace}/{self.name} to be Ready",
                 lambda: self._is_ready(any_generation=time.monotonic() > taken_up), seconds=seconds,
                 give_up=self.seed_failure, state=self.state)

    def state(self) -> str:
        """In one line: conditions that are not true, why a pod can't be made, for each pod what it waits for or how it ended."""
        parts = [f"{kind} is {status}" for kind, status in self.conditions().items() if status != "True"]
        parts += [condition.message for item in self._deployments() for condition in item.status.conditions or []
                  if condition.type == "ReplicaFailure"]
        for pod in (*self.seed_pods(), *self.predictor_pods()):
            parts.append(f"pod {pod.metadata.name} is {pod.status.phase}")
            parts += [condition.message for condition in pod.status.conditions or [] if condition.reason == "Unschedulable"]
            for status in pod.status.container_statuses or []:
                ended = status.state.terminated or status.last_state.terminated
                parts += [status.state.waiting.reason] if status.state.waiting else []
                parts += [ended.message.strip()] if ended and ended.message else []
        return ", ".join(parts)

    def predictor_pods(self) -> list[Any]:
        """The predictor's pods that are not being deleted, oldest first."""
        return self._pods(f"serving.kserve.io/inferenceservice={self.name}")

    def seed_pods(self) -> list[Any]:
        """The seeding Job's pods, oldest first."""
        return self._pods(f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component=seed")

    def seed_jobs(self) -> list[Any]:
        """The release's seeding Jobs."""
        selector = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component=seed"
        return kubernetes.client.BatchV1Api(self.api).list_namespaced_job(self.namespace, label_selector=selector).items

    def seed_failure(self) -> str | None:
        """The sentence with which the seeding failed for good; None while it may still succeed."""
        for job in self.seed_jobs():
            if _has_failed(job):
                return self.seed_message() or f"the Job {job.metadata.name} failed"
        return None

    def forget_failed_seed(self) -> None:
        """Removes seeding Jobs that failed, so that the next install or upgrade, even an equal one, makes them again."""
        batch = kubernetes.client.BatchV1Api(self.api)
        for job in self.seed_jobs():
            if _has_failed(job):
                batch.delete_namespaced_job(job.metadata.name, self.namespace, propagation_policy="Foreground")

    def seed_message(self) -> str | None:
        """What the newest ended container of the seed left as its last word."""
        return _last_word(self.seed_pods())

    def server_message(self) -> str | None:
        """What the newest ended server left as its last word. KServe has it, too, but looks at pods only now and then."""
        return _last_word(self.predictor_pods())

    def seed_logs(self) -> str:
        """The seeding Job's log, all pods one after the other."""
        return "".join(self.logs(pod.metadata.name, "seed") for pod in self.seed_pods())

    def server_logs(self) -> str:
        """The log of `kserve-container` in all predictor pods, one after the other."""
        return "".join(self.logs(pod.metadata.name, "kserve-container") for pod in self.predictor_pods())

    def logs(self, pod: str, container: str) -> str:
        """The log of one container so far; raises Problem where it has not been started yet."""
        try:
            # As bytes: of a log that is one line of JSON the client would make a dict, and of that Python's text.
            answer = self.core.read_namespaced_pod_log(pod, self.namespace, container=container, _preload_content=False)
        except kubernetes.client.ApiException as error:
            if error.status != HTTPStatus.BAD_REQUEST or b"is waiting to start" not in error.body:
                raise
            raise Problem(f"{container} of the pod {self.namespace}/{pod} has not been started, and has no log yet.") from None
        return answer.data.decode(errors="replace")

    def execute(self, pod: str, *command: str, container: str = "kserve-container") -> str:
        """What a command prints in a container of a pod."""
        return stream(self.core.connect_get_namespaced_pod_exec, pod, self.namespace, container=container,
                      command=list(command), stdin=False, stdout=True, stderr=True, tty=False)

    def host(self) -> str:
        """The host name in the InferenceService's URL; raises Problem where it has none yet."""
        url = self.inference_service().get("status", {}).get("url")
        if not url:
            raise Problem(f"InferenceService {self.namespace}/{self.name} has no URL yet: {self.state()}.")
        return urlsplit(url).netloc

    @cached_property
    def route(self) -> route.Route:
        """How requests reach the release."""
        if self.gateway:
            return route.through_gateway(self.gateway, self.host())
        return route.through_api_server(self.api, self.namespace, f"{self.name}-predictor")

    def predict(self, model: str, body: Any, **options: Any) -> requests.Response:
        """POST /v1/models/<model>:predict; the answer, whatever it is."""
        return self.post(f"v1/models/{model}:predict", json=body, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        """POST to any path of the server; options as for requests."""
        return self.route.request("POST", path, **options)

    def _is_ready(self, *, any_generation: bool) -> bool:
        service = self.inference_service()
        current = service.get("status", {}).get("observedGeneration", 0) >= service["metadata"]["generation"]
        ready = _conditions(service).get("Ready") == "True"
        if current or not ready or not any_generation:
            return ready and current
        made = self._deployments()
        return bool(made) and all(REVISION not in item.metadata.labels and is_rolled_out(item) for item in made)

    def _deployments(self) -> list[Any]:
        """The Deployments of the InferenceService's components."""
        return kubernetes.client.AppsV1Api(self.api).list_namespaced_deployment(
            self.namespace, label_selector=f"serving.kserve.io/inferenceservice={self.name}").items

    def _pods(self, selector: str) -> list[Any]:
        pods = self.core.list_namespaced_pod(self.namespace, label_selector=selector).items
        living = [pod for pod in pods if pod.metadata.deletion_timestamp is None]
        return sorted(living, key=lambda pod: pod.metadata.creation_timestamp)
