"""Readiness over HTTP, for KServe's agent: the same as the probe's command says, from the first moment on."""

from __future__ import annotations

import http.client

import pytest

from tests.ports import free_port
from tests.waiting import until


@pytest.fixture
def port():
    return free_port()


def asked(port: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status, answer.read().decode().strip()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def test_a_pod_that_waits_for_its_seed_is_not_ready(predictor, port):
    predictor.start("--marker", ".seed/plan.json", "--ready-port", str(port))
    until(lambda: asked(port)[0], "an answer")
    assert asked(port) == (503, "ready: model bert 1.0 is not answered for by the management API yet")


def test_models_with_ready_workers_are_ready(predictor, port):
    predictor.serves("bert", "digits")
    predictor.start("--ready-port", str(port))
    predictor.is_ready()
    until(lambda: asked(port) == (200, "ready"), "ready")


def test_one_model_that_is_not_ready_is_named(predictor, port):
    predictor.serves("bert", "digits")
    predictor.start("--ready-port", str(port), fake={"loading": ["digits"]})
    until(lambda: predictor.said("model bert 1.0 is ready"), "the first model")
    assert asked(port) == (503, "ready: model digits 1.0 has no worker that is READY")


def test_nobody_is_told_where_nobody_asks(predictor, port):
    predictor.start()
    predictor.is_ready()
    assert asked(port) == (0, "")
