"""Protocols v1 and v2 over REST and gRPC, asked by KServe's own client, and requests with odd headers."""

import asyncio
import itertools
import json
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy
import pytest
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from ci import helm
from ci.cluster import up
from ci.cluster.paths import REPOSITORY
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.forward import forwarded
from ci.helm import Helm
from ci.release import Release
from tests.e2e.rollouts import wait_until_rolled_out
from tests.e2e.traffic import HELD_SECONDS, sent
from tests.e2e.watching import uids

MODEL, CONFORMANCE_SECONDS, GONE_SECONDS = "bert", 300, 300
GRPC_RATE = 8  # requests a second: the wrapper's bert answers them while the next server starts beside it, on a busy machine too
V1 = {"instances": [{"data": "Hello World!"}]}
# The envelope of our own image, with which one server understands both protocols.
BOTH = {"runtime": {"flavor": "wrapper", "serviceEnvelope": "torchserve_kserve"}}
RELEASES: dict[str, dict[str, Any]] = {
    "native-v1": {"protocol": "v1", "runtime": {"serviceEnvelope": "torchserve_kserve"}},
    "native-v2": {"protocol": "v2"},
    "wrapper-v1": {"protocol": "v1", **BOTH},
    "wrapper-grpc": {"protocol": "grpc-v2", **BOTH},
}
REST_V1 = ("native-v1", "wrapper-v1")
AT_ONCE = 20  # requests, twice as many as the queue of a model holds
REST_V2 = ("native-v1", "native-v2", "wrapper-v1")
# The name in an answer of v2; TorchServe's own envelope gives the one inside the archive.
NAMED = {"native-v1": MODEL, "native-v2": "bert-model", "wrapper-v1": MODEL}
# Headers that clients send, or leave out, and what they say the body is.
TYPES = {"no Content-Type": None, "a charset": "application/json; charset=utf-8", "plain text": "text/plain"}
FORM = "application/x-www-form-urlencoded"  # what curl -d says


@pytest.fixture(scope="module")
def values(common: dict[str, Any], urls: dict[str, str], tiny: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """values(name, …): of the release of RELEASES of that name, and more on top. Those of v1 also have the model tiny, whose
    queue is short."""
    def make(name: str, *more: dict[str, Any]) -> dict[str, Any]:
        second = tiny("one", {"properties": {"job_queue_size": AT_ONCE // 2}}) if name in REST_V1 else {}
        return helm.merged(common, {"models": {MODEL: {"uri": urls[MODEL]}}}, RELEASES[name], second, *more)
    return make


@pytest.fixture(scope="module")
def releases(install: Callable[..., Release], values: Callable[..., dict[str, Any]]) -> dict[str, Release]:
    """A release of bert for each way of serving it, installed side by side."""
    found = {name: install(name, values(name)) for name in RELEASES}
    for running in found.values():
        running.wait_until_ready()
    return found


@dataclass(frozen=True)
class Door:
    """Where the release that speaks gRPC is: the address and the options of a channel to it."""

    address: str
    options: list[tuple[str, Any]]


@pytest.fixture(scope="module")
def door(releases: dict[str, Release], cluster: up.Cluster, mode: str,
         tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Knative's gateway knows the release by its authority; in Standard mode its Service is forwarded."""
    running = releases["wrapper-grpc"]
    if mode == "Knative":
        assert running.gateway
        yield Door(running.gateway.removeprefix("http://"), [("grpc.default_authority", running.host())])
        return
    kubectl = cluster.tools / "kubectl" if cluster.tools else Path(shutil.which("kubectl") or "kubectl")
    log = tmp_path_factory.mktemp("forward") / "log"
    with forwarded(kubectl, cluster.kubeconfig, running.namespace, f"service/{running.name}-predictor", 80, log) as address:
        yield Door(address, [])


@pytest.fixture(scope="module")
def client(door: Door) -> Callable[[], InferenceGRPCClient]:
    """client(): KServe's client of that release; made where it is used, since it belongs to an event loop."""
    return lambda: InferenceGRPCClient(url=door.address, channel_args=door.options, timeout=60)


def sentence(text: str) -> InferRequest:
    """An inference request of protocol v2 with one sentence."""
    data = InferInput(name="data", shape=[1], datatype="BYTES")
    data.set_data_from_numpy(numpy.array([text.encode()], dtype=numpy.object_), binary_data=False)
    return InferRequest(model_name=MODEL, infer_inputs=[data])


def rest(running: Release, protocol: str,
         call: Callable[[InferenceRESTClient, str, dict[str, str]], Coroutine[Any, Any, Any]]) -> Any:
    """What a call of KServe's REST client returns: call(client, base URL, headers)."""
    way, trust = running.route, ssl.create_default_context()
    if isinstance(way.verify, str):
        trust.load_verify_locations(way.verify)
    if way.cert:
        trust.load_cert_chain(*way.cert)
    client = InferenceRESTClient(RESTConfig(protocol=protocol, verify=trust, timeout=60, retries=0))
    return asyncio.run(call(client, way.base, dict(way.headers)))


@pytest.mark.parametrize("name", REST_V1)
def test_kserves_client_gets_the_right_predictions_by_v1(name: str, releases: dict[str, Release]) -> None:
    answer = rest(releases[name], "v1", lambda client, base, headers: client.infer(base, V1, model_name=MODEL, headers=headers))
    assert answer == {"predictions": [4]}


@pytest.mark.parametrize("name", REST_V2)
def test_kserves_client_gets_the_right_outputs_by_v2(name: str, releases: dict[str, Release]) -> None:
    answer = rest(releases[name], "v2",
                  lambda client, base, headers: client.infer(base, sentence("Hello World!"), MODEL, headers))
    assert [list(output.data) for output in answer.outputs] == [[4]]
    assert answer.model_name == NAMED[name]


def test_the_wrapper_says_by_v1_and_v2_that_the_model_is_ready(releases: dict[str, Release]) -> None:
    for protocol in ("v1", "v2"):
        assert rest(releases["wrapper-v1"], protocol,
                    lambda client, base, headers: client.is_model_ready(base, MODEL, headers)) is True


def test_the_wrapper_has_v2s_metadata_of_the_model(releases: dict[str, Release]) -> None:
    answer = releases["wrapper-v1"].route.request("GET", f"v2/models/{MODEL}")
    assert answer.status_code == 200
    assert answer.json()["name"] == MODEL


def test_kserves_client_gets_the_right_outputs_by_grpc(client: Callable[[], InferenceGRPCClient]) -> None:
    async def ask() -> Any:
        async with client() as asking:
            assert await asking.is_server_ready()
            assert await asking.is_model_ready(MODEL)
            return await asking.infer(sentence("Hello World!"))

    assert [list(output.data) for output in asyncio.run(ask()).outputs] == [[4]]


def test_the_conformance_suite_asks_by_grpc(
        door: Door, releases: dict[str, Release], cluster: up.Cluster, tmp_path: Path) -> None:
    files = {"sample": {"inputs": [{"name": "data", "shape": [1], "datatype": "BYTES", "data": ["Hello World!"]}]},
             "expect": {"outputs": [{"data": [4]}]}}
    given = ["--url", f"http://{door.address}"]
    given += [word for name, host in door.options if name == "grpc.default_authority" for word in ("--host", host)]
    for option, content in files.items():
        (tmp_path / option).write_text(json.dumps(content))
        given += [f"--{option}", str(tmp_path / option)]
    running, report = releases["wrapper-grpc"], tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/conformance", "--kubeconfig", str(cluster.kubeconfig),
         "--namespace", running.namespace, "--release", running.name, "--report-json", str(report), *given],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=CONFORMANCE_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    results = {result["check"]: result["outcome"] for result in json.loads(report.read_text())["results"]}
    for check in ("the_sample_is_answered_as_expected", "a_model_that_is_not_there_is_not_found"):
        assert results[f"answers.{check}"] == "passed", done.stdout


@pytest.mark.parametrize(("kind", "name"), list(itertools.product(TYPES, REST_V1)))
def test_a_request_is_answered_right_whatever_its_content_type(kind: str, name: str, releases: dict[str, Release]) -> None:
    headers = {"Content-Type": TYPES[kind]} if TYPES[kind] else {}
    answer = releases[name].post(f"v1/models/{MODEL}:predict", data=json.dumps(V1), headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"predictions": [4]})
    assert answer.headers["Content-Type"].startswith("application/json")


def test_the_wrapper_answers_a_body_that_calls_itself_a_form(releases: dict[str, Release]) -> None:
    answer = releases["wrapper-v1"].post(f"v1/models/{MODEL}:predict", data=json.dumps(V1), headers={"Content-Type": FORM})
    assert (answer.status_code, answer.json()) == (200, {"predictions": [4]})


def test_torchserve_itself_says_what_to_send_instead_of_a_form(releases: dict[str, Release]) -> None:
    answer = releases["native-v1"].post(f"v1/models/{MODEL}:predict", data=json.dumps(V1), headers={"Content-Type": FORM})
    assert answer.status_code == 415
    assert "send it with Content-Type: application/json" in answer.json()["error"]


@pytest.mark.parametrize("name", REST_V1)
def test_a_chunked_request_is_answered_right(name: str, releases: dict[str, Release]) -> None:
    parts = (part for part in (b'{"instances": [{"data"', b': "Hello World!"}]}'))
    answer = releases[name].post(f"v1/models/{MODEL}:predict", data=parts, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (200, {"predictions": [4]})


@pytest.mark.parametrize("name", REST_V1)
@pytest.mark.parametrize(("path", "body", "status"), [
    ("v1/models/nobody:predict", '{"instances": []}', 404),
    (f"v1/models/{MODEL}:predict", "{not json", 400),
    (f"v1/models/{MODEL}:predict", '{"inputs": 1}', 400),
])
def test_a_wrong_request_gets_its_status_and_a_sentence(
        path: str, body: str, status: int, name: str, releases: dict[str, Release]) -> None:
    answer = releases[name].post(path, data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    said = answer.json()
    assert said.get("error") or said["message"]  # an unknown model is TorchServe's own answer where nothing stands before it


@pytest.mark.parametrize("name", REST_V1)
def test_an_exception_of_the_handler_is_a_500_with_its_message(name: str, releases: dict[str, Release]) -> None:
    answer = releases[name].predict("tiny", {"instances": [{"fail": "the text is too long"}]})
    assert (answer.status_code, answer.json()) == (500, {"error": "ValueError: the text is too long"})
    assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("name", REST_V1)
def test_requests_that_find_the_queue_full_are_refused_with_503_and_the_others_answered(
        name: str, releases: dict[str, Release]) -> None:
    slow = {"instances": [{"seconds": 2}]}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: releases[name].predict("tiny", slow), range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(answer.json() == {"predictions": ["one"]} for answer in answers if answer.ok)
    for refused in (answer.json() for answer in answers if not answer.ok):
        assert "worker" in (refused.get("error") or refused["message"])


@pytest.mark.only("Knative")  # in Standard mode this test would reach one pod, by a forwarded port
def test_an_upgrade_of_the_wrapper_loses_no_grpc_request(
        releases: dict[str, Release], values: Callable[..., dict[str, Any]], chart: Helm, door: Door,
        mode: str) -> None:
    running, request = releases["wrapper-grpc"], sentence("Hello World!").to_grpc()
    old = running.predictor_pods()
    with grpc.insecure_channel(door.address, options=door.options) as channel:
        stub = GRPCInferenceServiceStub(channel)
        with sent(lambda: Answer(stub.ModelInfer(request, timeout=HELD_SECONDS)), rate=GRPC_RATE) as asked:
            chart.install("wrapper-grpc", values("wrapper-grpc", {"models": {MODEL: {"responseTimeout": 90}}}))
            wait_until_rolled_out(running, old, mode)
            wait_for("the old pods to go", lambda: uids(old).isdisjoint(uids(running.predictor_pods())), seconds=GONE_SECONDS)
    timings.facts["gRPC requests during an upgrade of the wrapper"] = str(asked.sent)
    assert asked.failed() == []
    assert set(asked.predictions()) == {4}


@dataclass(frozen=True)
class Answer:
    """An answer by gRPC, with what traffic looks at in one by HTTP; a failed call raises instead."""

    response: Any
    ok: bool = True
    status_code: int = 200

    def json(self) -> dict[str, Any]:
        return {"predictions": list(self.response.outputs[0].contents.int64_contents)}
