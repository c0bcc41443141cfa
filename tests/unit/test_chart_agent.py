"""KServe's agent in front of the server, by `logger` and `batcher`: it asks the readiness probe itself, and runs no command."""

from __future__ import annotations

import pytest

from tests.unit.cases import SMALLEST, changed
from tests.unit.render import only, render_chart

LOGGED = changed(SMALLEST, logger={"mode": "all", "url": "http://sink.example.com"})
BATCHED = changed(SMALLEST, batcher={"maxBatchSize": 8, "maxLatency": 100})


def server(values: dict) -> dict:
    (container,) = only(render_chart(values), "ServingRuntime")["spec"]["containers"]
    return container


@pytest.mark.parametrize("values", [LOGGED, BATCHED], ids=["logger", "batcher"])
def test_with_the_agent_readiness_is_asked_over_http_of_the_start_program(values):
    container = server(values)
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/", "port": 8087}
        assert "exec" not in container[probe]
    assert "--ready-port 8087" in " ".join(container["args"])


def test_with_the_wrapper_all_of_its_ports_have_to_listen():
    values = changed(LOGGED, protocol="grpc-v2", runtime={"flavor": "wrapper", "image": {"repository": "pytorch/torchserve-kfs"}})
    assert "--ready-port 8087 --ready-behind 8080 8081" in " ".join(server(values)["args"])


@pytest.mark.parametrize(("latency", "seconds"), [({"maxLatency": 100}, "2.6"), ({}, "7.5")], ids=["given", "default"])
def test_a_pod_that_goes_waits_for_what_the_batcher_holds_back(latency, seconds):
    arguments = server(changed(SMALLEST, batcher={"maxBatchSize": 8, **latency}))["args"]
    assert arguments[arguments.index("--linger-seconds") + 1] == seconds
    assert "--linger-seconds" not in server(LOGGED)["args"]


@pytest.mark.parametrize("values", [SMALLEST, changed(LOGGED, deploymentMode="Knative")], ids=["without", "Knative"])
def test_elsewhere_it_is_a_command_and_nothing_more_listens(values):
    container = server(values)
    assert "exec" in container["readinessProbe"]
    assert "--ready-port" not in container["args"]
