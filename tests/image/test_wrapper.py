"""The wrapper, KServe's model server in front of TorchServe: its HTTP side, over our envelope."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.image.server import HTTP, TORCHSERVE, Answer, Server, program
from tests.image.test_envelope import JSON, V1, V2, tensor
from tests.waiting import until


@pytest.fixture(scope="module")
def ask(both: Server) -> Callable[..., Answer]:
    port = both.port(HTTP)
    return lambda *arguments, **options: both.ask(port, *arguments, **options)


def test_both_protocols_are_answered_at_once(ask: Callable[..., Answer]) -> None:
    v1, v2 = ask(V1, {"instances": ["x"]}), ask(V2, tensor("a", "b", id="7"))
    assert v1.json == {"predictions": ["x"]}
    assert v2.json == {"model_name": "echo", "model_version": "1.0", "id": "7", "parameters": None, "outputs": [
        {"name": "in", "shape": [2], "datatype": "BYTES", "parameters": None, "data": ["a", "b"]}]}
    assert v1.headers["content-type"] == v2.headers["content-type"] == "application/json"


@pytest.mark.parametrize("command", ["half", "nan", "object", "ragged", "tensor", "bytes"])
def test_outputs_are_those_of_torchserve_itself(command: str, both: Server, ask: Callable[..., Answer]) -> None:
    (ours,), (own,) = (found.json["outputs"] for found in (
        ask(V2, tensor(command)), both.ask(both.port(TORCHSERVE), V2, tensor(command))))  # fmt: skip
    assert {**own, "parameters": None} == ours


@pytest.mark.parametrize("kind", [
    None, "application/json", "application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/plain",
    "multipart/form-data; boundary=x",
])  # fmt: skip
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_content_type_and_byte_order_mark_do_not_matter(mark: bytes, kind: str | None, ask: Callable[..., Answer]) -> None:
    headers = {"Content-Type": kind} if kind else {}
    assert ask(V1, mark + b'{"instances": ["a+b% =="]}', headers=headers).json == {"predictions": ["a+b% =="]}
    body = mark + b'{"inputs": [{"name": "in", "shape": [1], "datatype": "BYTES", "data": ["a+b% =="]}]}'
    assert ask(V2, body, headers=headers).json["outputs"][0]["data"] == ["a+b% =="]


def test_chunked_body_is_understood(ask: Callable[..., Answer]) -> None:
    assert ask(V1, chunks=[b'{"instances":', b' ["x"]}']).json == {"predictions": ["x"]}


@pytest.mark.parametrize(("path", "body", "beginning"), [
    (V1, b'{"inst', "The body is not JSON: "),
    (V1, b"", "The body is not JSON: "),
    (V1, b"\xff\xfe", "The body is not JSON: "),
    (V1, b"[]", 'The body has no "instances": send {"instances": [...]}.'),
    (V1, b'{"instances": "x"}', '"instances" is not a list: send {"instances": [...]}.'),
    (V2, b'{"in', "The body is not JSON: "),
    (V2, b"", 'The body is no JSON object: send {"inputs": [...]}.'),
    (V2, b"\xff\xfe", ""),
    (V2, b'{"instances": ["x"]}', "The body is no v2 inference request: inputs: Field required."),
    (V2, b'{"inputs": 3}', "The body is no v2 inference request: inputs: Input should be a valid list."),
    (V2, b'{"inputs": [{"name": "i"}]}', "The body is no v2 inference request: inputs.0.shape: Field required."),
    (V2, b'{"inputs": [{"name": "i", "shape": [2], "datatype": "INT8", "data": [1]}]}', 'The data of input "i" do not fill'),
])  # fmt: skip
@pytest.mark.parametrize("headers", [{}, JSON])
def test_bad_body_is_a_400_with_a_sentence(
    headers: dict, path: str, body: bytes, beginning: str, ask: Callable[..., Answer],
) -> None:  # fmt: skip
    answer = ask(path, body, headers=headers)
    assert answer.status == 400
    assert answer.error.startswith(beginning)
    assert "\n" not in answer.error


@pytest.mark.parametrize(("command", "status", "sentence"), [
    ("raise", 500, "ValueError: the text is too long"),
    ("refuse", 422, "The text is in no known language."),
    ("memory", 507, "The model server is out of memory: CUDA out of memory. Tried to allocate 2 GiB"),
])  # fmt: skip
@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_codes_and_sentences_of_the_model_come_through(
    protocol: str, command: str, status: int, sentence: str, ask: Callable[..., Answer],
) -> None:  # fmt: skip
    answer = ask(V1, {"instances": [command]}) if protocol == "v1" else ask(V2, tensor(command))
    assert (answer.status, answer.error) == (status, sentence)


def test_full_queue_is_a_503_with_torchserves_sentence(ask: Callable[..., Answer]) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(V1, {"instances": ["sleep 2"]}), range(20)))
    refused = [answer for answer in answers if answer.status != 200]
    assert refused
    assert len(refused) < len(answers)
    for answer in refused:
        assert answer.status == 503
        assert "worker thread pool" in answer.error or "no worker" in answer.error


@pytest.mark.parametrize("path", [V1, V2, "/v1/models/echo:explain"])
def test_unknown_model_is_a_404_with_a_sentence(path: str, ask: Callable[..., Answer]) -> None:
    answer = ask(path.replace("echo", "nope"), tensor("x"))
    assert (answer.status, answer.error) == (404, "Model nope is not known here: this server has echo, batch.")
    assert ask("/nope").error == "Not Found"


def test_explain_is_answered_with_explanations(ask: Callable[..., Answer]) -> None:
    assert ask("/v1/models/echo:explain", {"instances": [1]}).json == {"explanations": [1]}


@pytest.mark.parametrize(("path", "expected"), [
    ("/v1/models", {"models": ["echo", "batch"]}),
    ("/v1/models/echo", {"name": "echo", "ready": True}),
    ("/v2", {"name": "kserve", "version": "0.21.0", "extensions": ["model_repository_extension"]}),
    ("/v2/health/live", {"live": True}),
    ("/v2/health/ready", {"ready": True}),
    ("/v2/models", {"models": ["echo", "batch"]}),
    ("/v2/models/echo", {"name": "echo", "versions": ["1.0"], "platform": "pytorch_torchserve", "inputs": [], "outputs": []}),
    ("/v2/models/echo/ready", {"name": "echo", "ready": True}),
    ("/", {"status": "alive"}),
])  # fmt: skip
def test_health_and_metadata(path: str, expected: dict, ask: Callable[..., Answer]) -> None:
    answer = ask(path)
    assert (answer.status, answer.json) == (200, expected)


def test_it_keeps_connections_for_longer_than_envoy_does(both: Server) -> None:
    """Envoy sends on one that rested for an hour; closed here in that moment, it takes the request along (seen after 65 s)."""
    says = "from kserve_wrapper import server; print(server._http(None).config.timeout_keep_alive)"
    assert int(both.python(program(says)).splitlines()[-1]) > 3600


def test_metrics_of_the_sdk_are_given(ask: Callable[..., Answer]) -> None:
    ask(V1, {"instances": ["x"]})
    assert 'request_predict_seconds_count{model_name="echo"}' in ask("/metrics").text


def test_clients_can_not_unload_a_model(ask: Callable[..., Answer]) -> None:
    for verb in ("load", "unload"):
        assert ask(f"/v2/repository/models/echo/{verb}", b"").status == 501
    assert ask("/v1/models/echo").json["ready"]


def test_readiness_follows_the_worker_and_comes_back(both: Server, ask: Callable[..., Answer]) -> None:
    assert ask(V1, {"instances": ["die"]}).error == "Worker died."
    for path in ("/v1/models/echo", "/v2/models/echo/ready", "/v2/health/ready"):
        assert ask(path).status == 503
    refused = ask(V1, {"instances": ["x"]})
    assert (refused.status, refused.error) == (503, "Model echo is not ready.".replace("Model", "Model with name"))
    assert ask("/v1/models/batch").status == ask("/v2/health/live").status == 200
    until(lambda: ask("/v1/models/echo").status == 200, "the worker to be back", 120)
    until(lambda: ask(V1, {"instances": ["x"]}).status == 200, "an answer", 30)
    assert both.running()


def test_log_has_no_noise(both: Server, ask: Callable[..., Answer]) -> None:
    before = len(both.log())
    for path in ("/v1/models/echo", "/v2/health/ready", "/v1/models/nope"):
        ask(path)
    ask(V1, b'{"inst')
    said = [line for line in both.log()[before:].splitlines() if "org.pytorch.serve" not in line and "ACCESS_LOG" not in line]
    assert [line for line in said if "TS_METRICS" not in line and "MODEL_" not in line] == []
