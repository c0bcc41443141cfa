"""Our envelope in TorchServe itself (the native flavour): what each request is answered, and with which status."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.image.server import TORCHSERVE, Answer, Server
from tests.waiting import until

V1, V2 = "/v1/models/echo:predict", "/v2/models/echo/infer"
JSON = {"Content-Type": "application/json"}
SENTENCE_OF_BOTH = 'send {"instances": [...]} (v1) or {"inputs": [...]} (v2).'


def tensor(*data: Any, datatype: str = "BYTES", shape: list[int] | None = None, **more: Any) -> dict:
    """A v2 request of one input."""
    return {"inputs": [{"name": "in", "shape": shape or [len(data)], "datatype": datatype, "data": list(data)}], **more}


@pytest.fixture(scope="module")
def ask(both: Server) -> Callable[..., Answer]:
    port = both.port(TORCHSERVE)
    return lambda *arguments, **options: both.ask(port, *arguments, **options)


def output(ask: Callable[..., Answer], command: str) -> tuple:
    """Datatype, shape and data of the one output that the handler's result for a command becomes."""
    (found,) = ask(V2, tensor(command)).json["outputs"]
    assert found["name"] == "in"
    return found["datatype"], found["shape"], found["data"]


def test_v1_body_gives_the_handler_its_instances_and_the_client_predictions(ask: Callable[..., Answer]) -> None:
    answer = ask(V1, {"instances": [{"data": "Hello World!"}, 4]}, headers=JSON)
    assert (answer.status, answer.text) == (200, '{"predictions": [{"data": "Hello World!"}, 4]}')
    assert answer.headers["content-type"] == "application/json"


def test_v2_body_is_answered_as_the_open_inference_protocol_says(ask: Callable[..., Answer]) -> None:
    answer = ask(V2, tensor("x", id="7"), headers=JSON)
    assert answer.json == {"model_name": "echo", "model_version": "1.0", "id": "7",
                           "outputs": [{"name": "in", "shape": [1], "datatype": "BYTES", "data": ["x"]}]}


def test_v2_answer_has_an_id_where_the_request_has_none(ask: Callable[..., Answer]) -> None:
    assert len(ask(V2, tensor("x")).json["id"]) > 30


def test_explain_is_answered_with_explanations(ask: Callable[..., Answer]) -> None:
    assert ask("/v1/models/echo:explain", {"instances": [1]}).json == {"explanations": [1]}


def test_handler_gets_an_input_as_from_torchserves_own_envelope(ask: Callable[..., Answer]) -> None:
    assert ask(V2, tensor("got")).json["outputs"][0]["data"] == [
        '{"data": "got", "datatype": "BYTES", "name": "in", "shape": [1]}']
    assert output(ask, "rows") == ("INT64", [1], [1])


def test_every_element_of_bytes_reaches_the_handler(ask: Callable[..., Answer]) -> None:
    assert ask(V2, tensor("a", "b", "c")).json["outputs"][0]["data"] == ["a", "b", "c"]


def test_numbers_reach_the_handler_in_their_shape(ask: Callable[..., Answer]) -> None:
    request = tensor(1, 2, 3, 4, datatype="FP32", shape=[2, 2])
    request["inputs"].append({"name": "second", "shape": [1], "datatype": "BYTES", "data": ["got"]})
    assert [found["name"] for found in ask(V2, request).json["outputs"]] == ["in", "second"]
    assert ask(V1, {"instances": [[[1, 2], [3, 4]]]}).json == {"predictions": [[[1, 2], [3, 4]]]}


@pytest.mark.parametrize(("command", "expected"), [
    ("floats", ("FP64", [2, 2], [1.5, 2.5, 3.5, 4.5])),
    ("float32", ("FP32", [1], [0.25])),
    ("half", ("FP16", [2], [0.5, 1.5])),
    ("tensor", ("INT64", [1, 3], [1, 2, 3])),
    ("bools", ("BOOL", [2], [True, False])),
    ("strings", ("BYTES", [2], ["a", "ä"])),
    ("ragged", ("BYTES", [2], ["[1]", "[2, 3]"])),
    ("object", ("BYTES", [1], ['{"label": "cat"}'])),
    ("bytes", ("BYTES", [1], ["/wA="])),
    ("nan", ("FP64", [1], [None])),
])  # fmt: skip
def test_v2_output_has_the_type_and_shape_of_the_handlers_result(
    command: str, expected: tuple, ask: Callable[..., Answer],
) -> None:  # fmt: skip
    assert output(ask, command) == expected


def test_v1_writes_what_python_can_and_json_cannot(ask: Callable[..., Answer]) -> None:
    found = ask(V1, {"instances": ["float32", "tensor", "nan", "bytes", "half"]}).json["predictions"]
    assert found == [0.25, [[1, 2, 3]], None, "/wA=", [0.5, 1.5]]


@pytest.mark.parametrize("kind", [
    None, "application/json", "application/json; charset=utf-8", "text/plain", "application/octet-stream",
])  # fmt: skip
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_content_type_and_byte_order_mark_do_not_matter(mark: bytes, kind: str | None, ask: Callable[..., Answer]) -> None:
    headers = {"Content-Type": kind} if kind else {}
    assert ask(V1, mark + '{"instances": ["ä"]}'.encode(), headers=headers).json == {"predictions": ["ä"]}


def test_chunked_body_is_understood(ask: Callable[..., Answer]) -> None:
    assert ask(V1, chunks=[b'{"instances":', b' ["x"]}']).json == {"predictions": ["x"]}


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_form_is_refused_because_torchserve_has_taken_it_apart(kind: str, ask: Callable[..., Answer]) -> None:
    answer = ask(V1, b'{"instances": ["a+b=="]}', headers={"Content-Type": kind})
    assert answer.status == 415
    assert answer.error == f"The body came as {kind.split(';')[0]}: send it with Content-Type: application/json."


@pytest.mark.parametrize(("body", "sentence"), [
    (b'{"inst', "The body is not JSON: Unterminated string starting at: line 1 column 2 (char 1)."),
    (b"\xff\xfe", "The body is not JSON: Expecting value: line 1 column 1 (char 0)."),
    (b'"\xff"', "The body is not JSON: 'utf-8' codec can't decode byte 0xff in position 1: invalid start byte."),
    (b"[" * 100_000, "The body is not JSON: maximum recursion depth exceeded while decoding a JSON array from a unicode string."),
    (b"", f"The body is empty: {SENTENCE_OF_BOTH}"),
    (b"[]", f"The body is a list where an object is expected: {SENTENCE_OF_BOTH}"),
    (b"null", f"The body is null where an object is expected: {SENTENCE_OF_BOTH}"),
    (b"{}", f'The body has neither "instances" nor "inputs": {SENTENCE_OF_BOTH}'),
    (b'{"instances": "x"}', '"instances" is a string where a list is expected.'),
    (b'{"inputs": {}}', '"inputs" is an object where a list is expected.'),
    (b'{"inputs": [{"name": "i"}]}', 'Input 0 lacks "shape": an input has name, shape, datatype and data.'),
])  # fmt: skip
@pytest.mark.parametrize("headers", [{}, JSON])
def test_bad_body_is_a_400_with_a_sentence(body: bytes, sentence: str, headers: dict, ask: Callable[..., Answer]) -> None:
    answer = ask(V1, body, headers=headers)
    assert (answer.status, answer.error) == (400, sentence)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("request_body", "beginning"), [
    (tensor(1, 2, 3, datatype="FP32", shape=[2, 2]), 'The data of input "in" do not fill its shape: '),
    (tensor("a", datatype="INT64"), 'The data of input "in" are not all numbers, as INT64 asks for.'),
    (tensor(1, datatype="INT128"), 'Input "in" is of datatype INT128: it can be BOOL, BYTES, '),
    (tensor([1], [1, 2], datatype="INT64"), 'The data of input "in" do not fill its shape: '),
])  # fmt: skip
def test_bad_tensor_is_a_400_with_a_sentence(request_body: dict, beginning: str, ask: Callable[..., Answer]) -> None:
    answer = ask(V2, request_body)
    assert answer.status == 400
    assert answer.error.startswith(beginning)


@pytest.mark.parametrize(("command", "status", "sentence"), [
    ("raise", 500, "ValueError: the text is too long"),
    ("refuse", 422, "The text is in no known language."),
    ("memory", 507, "The model server is out of memory: CUDA out of memory. Tried to allocate 2 GiB"),
    ("nothing", 500, "The handler returned nothing where a list is expected."),
    ("set", 500, "TypeError: the handler returned set, which JSON does not have"),
])  # fmt: skip
def test_failing_handler_gives_its_code_and_message(command: str, status: int, sentence: str, ask: Callable[..., Answer]) -> None:
    answer = ask(V1, {"instances": [command]})
    assert (answer.status, answer.error) == (status, sentence)
    assert answer.headers["content-type"] == "application/json"


def test_traceback_of_the_handler_is_in_the_log(both: Server, ask: Callable[..., Answer]) -> None:
    ask(V1, {"instances": ["raise"]})
    assert 'raise ValueError("the text\\n is too long")' in both.log()


@pytest.mark.parametrize("body", [{"instances": []}, {"inputs": []}])
def test_nothing_to_predict_is_answered_without_the_handler(body: dict, ask: Callable[..., Answer]) -> None:
    answer = ask(V1, body)
    assert answer.status == 200
    assert answer.json.get("predictions", answer.json.get("outputs")) == []


def test_result_of_another_length_is_given_as_the_handler_has_it(ask: Callable[..., Answer]) -> None:
    assert ask(V1, {"instances": ["one for all", "x", "y"]}).json == {"predictions": ["one"]}


def test_unknown_model_is_torchserves_own_404(ask: Callable[..., Answer]) -> None:
    answer = ask("/v1/models/nope:predict", {"instances": [1]})
    assert (answer.status, answer.json["message"]) == (404, "Model not found: nope")


def test_full_queue_is_torchserves_own_503(ask: Callable[..., Answer]) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(V1, {"instances": ["sleep 2"]}), range(20)))
    refused = [answer for answer in answers if answer.status != 200]
    assert refused
    assert len(refused) < len(answers)
    assert all((answer.status, answer.json["type"]) == (503, "ServiceUnavailableException") for answer in refused)


def test_requests_of_a_batch_are_answered_each_by_itself(both: Server, ask: Callable[..., Answer]) -> None:
    path = "/v1/models/batch:predict"
    bodies = [{"instances": ["a", "b"]}, {"instances": ["raise"]}, tensor("x", "y", id="9"), b'{"inst', {"instances": ["refuse"]},
              {"instances": []}, {"instances": ["c"]}, {"instances": ["nothing"]}]

    def rows_together() -> bool:
        answers = list(pool.map(lambda count: ask(path, {"instances": ["rows"] * count}), range(8)))
        assert [len(answer.json["predictions"]) for answer in answers] == list(range(8))
        return max(max(answer.json["predictions"], default=0) for answer in answers) > 7

    def taken_apart() -> bool:
        mixed = list(pool.map(lambda body: ask(path, body), bodies))
        assert [answer.status for answer in mixed] == [200, 500, 200, 400, 422, 200, 200, 500]
        assert mixed[0].json == {"predictions": ["a", "b"]}
        assert mixed[2].json["outputs"][0]["data"] == ["x", "y"]
        assert mixed[6].json == {"predictions": ["c"]}
        return "each is tried by itself" in both.log()

    # Which requests come together is chance: on a busy machine it may take more than one burst.
    with ThreadPoolExecutor(8) as pool:
        until(rows_together, "two requests in one call of the handler")
        until(taken_apart, "the line about the batch that was taken apart")
