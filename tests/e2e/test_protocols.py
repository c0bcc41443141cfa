"""Protocols v1 and v2 over REST and gRPC, asked by KServe's own client, and requests with odd headers."""

import asyncio
import itertools
import json
import shutil
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
import pytest
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

from ci import helm
from ci.cluster import up
from ci.forward import forwarded
from ci.release import Release

MODEL = "bert"
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
REST_V2 = ("native-v1", "native-v2", "wrapper-v1")
# The name in an answer of v2; TorchServe's own envelope gives the one inside the archive.
NAMED = {"native-v1": MODEL, "native-v2": "bert-model", "wrapper-v1": MODEL}
# Headers that clients send, or leave out, and what they say the body is.
TYPES = {"no Content-Type": None, "a charset": "application/json; charset=utf-8", "plain text": "text/plain"}
FORM = "application/x-www-form-urlencoded"  # what curl -d says


@pytest.fixture(scope="module")
def releases(install: Callable[..., Release], common: dict[str, Any], urls: dict[str, str]) -> dict[str, Release]:
    """A release of bert for each way of serving it, installed side by side."""
    source = {"models": {MODEL: {"uri": urls[MODEL]}}}
    found = {name: install(name, helm.merged(common, source, more)) for name, more in RELEASES.items()}
    for running in found.values():
        running.wait_until_ready()
    return found


@pytest.fixture(scope="module")
def grpc(releases: dict[str, Release], cluster: up.Cluster, mode: str,
         tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], InferenceGRPCClient]]:
    """grpc(): a client of the release that speaks gRPC; made where it is used, since it belongs to an event loop."""
    running = releases["wrapper-grpc"]
    with _grpc_address(running, cluster, mode, tmp_path_factory.mktemp("forward") / "log") as (address, options):
        yield lambda: InferenceGRPCClient(url=address, channel_args=options, timeout=60)


@contextmanager
def _grpc_address(running: Release, cluster: up.Cluster, mode: str, log: Path) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Address and channel options: Knative's gateway knows the release by its authority, a Service is forwarded."""
    if mode == "Knative":
        assert running.gateway
        yield running.gateway.removeprefix("http://"), [("grpc.default_authority", running.host())]
        return
    kubectl = cluster.tools / "kubectl" if cluster.tools else Path(shutil.which("kubectl") or "kubectl")
    with forwarded(kubectl, cluster.kubeconfig, running.namespace, f"service/{running.name}-predictor", 80, log) as address:
        yield address, []


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


def test_kserves_client_gets_the_right_outputs_by_grpc(grpc: Callable[[], InferenceGRPCClient]) -> None:
    async def ask() -> Any:
        async with grpc() as client:
            assert await client.is_server_ready()
            assert await client.is_model_ready(MODEL)
            return await client.infer(sentence("Hello World!"))

    assert [list(output.data) for output in asyncio.run(ask()).outputs] == [[4]]


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
