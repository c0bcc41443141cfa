"""The wrapper's gRPC side and binary tensors, asked by KServe's own Python client (which runs in the container)."""

import json
from typing import Any

import pytest

from tests.image.server import Server, program

CLIENT = """
import asyncio, json
import grpc
import numpy as np
from kserve.inference_client import InferenceGRPCClient, InferenceRESTClient, RESTConfig
from kserve.protocol.infer_type import InferInput, InferRequest

def tensor(data, datatype="BYTES"):
    return InferInput("in", [len(data)], datatype, data)

def array(values, datatype):
    made = InferInput("in", list(np.shape(values)), datatype)
    made.set_data_from_numpy(np.array(values), binary_data=True)
    return made

def plain(value):
    return value.decode() if isinstance(value, bytes) else [plain(item) for item in value] if isinstance(value, list) else value

def told(response):
    return [response.id, response.model_name, response.model_version,
            [[out.name, out.datatype, out.shape, plain(out.as_numpy().tolist())] for out in response.outputs]]

async def refused(call):
    try:
        return told(await call)
    except grpc.RpcError as error:
        return [error.code().name, error.details()]

async def main():
    rpc = InferenceGRPCClient("127.0.0.1:8081")
    rest = InferenceRESTClient(RESTConfig(protocol="v2"))
    def infer(made, model="echo"):
        return rpc.infer(InferRequest(model, [made], request_id="9"))
    return {
        "server": [await rpc.is_server_live(), await rpc.is_server_ready(), await rpc.is_model_ready("echo")],
        "texts": told(await infer(tensor(["a", "ä"]))),
        "bytes": told(await infer(tensor([b"\\xff\\x01"]))),
        "raw": told(await infer(array(np.float32([[1, 2], [3, 4]]), "FP32"))),
        "half": told(await infer(tensor(["half"]))),
        "object": told(await infer(tensor(["object"]))),
        "nan": repr(told(await infer(tensor(["nan"])))[3][0][3]),
        **{word: await refused(infer(tensor([word]))) for word in ("raise", "refuse", "memory")},
        "unknown": await refused(infer(tensor(["x"]), "nope")),
        "rest": told(await rest.infer("http://127.0.0.1:8080", InferRequest("echo", [array(np.int32([1, 2]), "INT32")],
                     request_id="8", parameters={"binary_data_output": True}), model_name="echo")),
    }

print(json.dumps(asyncio.run(main())))
"""


@pytest.fixture(scope="module")
def answers(both: Server) -> dict[str, Any]:
    return json.loads(both.python(program(CLIENT)).splitlines()[-1])


def test_server_and_model_are_ready(answers: dict[str, Any]) -> None:
    assert answers["server"] == [True, True, True]


@pytest.mark.parametrize(("request_name", "output"), [
    ("texts", ["in", "BYTES", [2], ["a", "ä"]]),
    ("bytes", ["in", "BYTES", [1], ["/wE="]]),  # bytes that are no text travel as base64
    ("raw", ["in", "FP32", [2, 2], [[1.0, 2.0], [3.0, 4.0]]]),
    ("half", ["in", "FP16", [2], [0.5, 1.5]]),
    ("object", ["in", "BYTES", [1], ['{"label": "cat"}']]),
])  # fmt: skip
def test_grpc_answers_with_the_models_tensor(request_name: str, output: list, answers: dict[str, Any]) -> None:
    assert answers[request_name] == ["9", "echo", "1.0", [output]]


def test_grpc_has_the_nan_that_json_lacks(answers: dict[str, Any]) -> None:
    assert answers["nan"] == "[nan]"


@pytest.mark.parametrize(("request_name", "code", "sentence"), [
    ("raise", "INTERNAL", "ValueError: the text is too long"),
    ("refuse", "INVALID_ARGUMENT", "The text is in no known language."),
    ("memory", "RESOURCE_EXHAUSTED", "The model server is out of memory: CUDA out of memory. Tried to allocate 2 GiB"),
    ("unknown", "NOT_FOUND", "Model nope is not known here: this server has echo, batch."),
])  # fmt: skip
def test_grpc_errors_have_a_code_and_a_sentence(
    request_name: str, code: str, sentence: str, answers: dict[str, Any],
) -> None:  # fmt: skip
    assert answers[request_name] == [code, sentence]


def test_binary_tensors_go_both_ways_over_rest(answers: dict[str, Any]) -> None:
    # The client drops the version from an answer with binary tensors.
    assert answers["rest"] == ["8", "echo", None, [["in", "INT32", [2], [1, 2]]]]
