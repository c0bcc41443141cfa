"""When a Deployment of a release is rolled out, by the numbers that Kubernetes gives; what is no log yet."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import kubernetes
import pytest
from kubernetes.client import V1Deployment, V1DeploymentSpec, V1DeploymentStatus, V1ObjectMeta

from ci.cluster.errors import Problem
from ci.release import Release, is_rolled_out
from tests.answering import answering

DONE = {"observed_generation": 4, "replicas": 2, "updated_replicas": 2, "available_replicas": 2}


def deployment(**status: int | None) -> V1Deployment:
    """One of generation 4 that wants two pods."""
    spec = V1DeploymentSpec(replicas=2, selector={}, template={})
    return V1Deployment(metadata=V1ObjectMeta(generation=4), spec=spec, status=V1DeploymentStatus(**{**DONE, **status}))


def test_it_is_when_all_pods_that_are_wanted_are_new_and_available() -> None:
    assert is_rolled_out(deployment())


@pytest.mark.parametrize("status", [
    {"observed_generation": 3}, {"observed_generation": None}, {"updated_replicas": 1}, {"available_replicas": None},
    {"replicas": 3}, {"replicas": None, "updated_replicas": None, "available_replicas": None}],
    ids=["a change that was not seen yet", "none was seen", "an old pod", "none is available", "one too many", "none at all"])
def test_it_is_not_while_something_is_left_to_do(status: dict[str, int | None]) -> None:
    assert not is_rolled_out(deployment(**status))


def test_none_are_wanted_and_none_are_there() -> None:
    asleep = deployment(replicas=None, updated_replicas=None, available_replicas=None)
    asleep.spec.replicas = 0
    assert is_rolled_out(asleep)


@contextmanager
def told(status: int, message: str) -> Iterator[Release]:
    """A release of an API that answers so."""
    with answering(status, json.dumps({"kind": "Status", "message": message}).encode()) as port:
        settings = kubernetes.client.Configuration(host=f"http://127.0.0.1:{port}")
        yield Release(kubernetes.client.ApiClient(settings), "here", "tiny", None)


def test_a_container_that_is_still_being_made_has_no_log_yet() -> None:
    with (told(400, 'container "seed" in pod "a" is waiting to start: ContainerCreating') as release,
          pytest.raises(Problem, match="seed of the pod here/a has not been started")):
        release.logs("a", "seed")


@pytest.mark.parametrize(("status", "message"), [(400, "container x is not valid for pod a"), (403, "pods/log is forbidden")])
def test_for_a_log_that_nobody_will_give_nobody_waits(status: int, message: str) -> None:
    with told(status, message) as release, pytest.raises(kubernetes.client.ApiException, match=message):
        release.logs("a", "seed")
