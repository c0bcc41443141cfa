"""The conformance suite's requests by gRPC, to a server on loopback that answers as KServe's does."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferRequest, ModelInferResponse
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import (
    GRPCInferenceServiceServicer,
    add_GRPCInferenceServiceServicer_to_server,
)

from tests.conformance import over_grpc
from tests.conformance.checks import answers
from tests.conformance.target import NotApplicable, Target
from tests.harness.conformance_target import target

SAMPLE = {"inputs": [{"name": "x", "shape": [2], "datatype": "INT64", "data": [1, 2]}]}
EXPECTED = {"outputs": [{"data": [2, 4]}]}


class Server(GRPCInferenceServiceServicer):
    """Doubles numbers for a model named tiny, for who shows a session and calls it by its host."""

    def ModelInfer(self, request: ModelInferRequest, context: grpc.ServicerContext) -> ModelInferResponse:
        if dict(context.invocation_metadata()).get("cookie") != "session=1":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no session")
        if request.model_name != "tiny":
            context.abort(grpc.StatusCode.NOT_FOUND, f"Model with name {request.model_name} does not exist.")
        answer = ModelInferResponse(model_name="tiny")
        output = answer.outputs.add(name="y", datatype="INT64", shape=[2])
        output.contents.int64_contents.extend(number * 2 for number in request.inputs[0].contents.int64_contents)
        return answer


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(2))
    add_GRPCInferenceServiceServicer_to_server(Server(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop(None).wait()


def asked(url: str, sample: Any = SAMPLE, expected: Any = EXPECTED, cookie: str = "session=1") -> Target:
    """A release whose protocol is grpc-v2, asked at a URL with a cookie."""
    found = target()
    found.service["spec"]["predictor"]["model"]["protocolVersion"] = "grpc-v2"
    found.infer = over_grpc.asking(url, {"Cookie": cookie, "Host": "tiny.x.example.com"}, True)
    found.sample, found.expected = sample, expected
    return found


def test_a_right_server_passes(url: str) -> None:
    answers.the_sample_is_answered_as_expected(asked(url))
    answers.a_model_that_is_not_there_is_not_found(asked(url))


def test_a_wrong_answer_and_one_who_is_not_let_in_fail(url: str) -> None:
    with pytest.raises(AssertionError, match=r"expected .*9.*, came .*\[2, 4\]"):
        answers.the_sample_is_answered_as_expected(asked(url, expected={"outputs": [{"data": [9, 4]}]}))
    with pytest.raises(AssertionError, match="UNAUTHENTICATED: no session"):
        answers.the_sample_is_answered_as_expected(asked(url, cookie="session=2"))
    with pytest.raises(AssertionError, match="UNAUTHENTICATED for a model that is not there"):
        answers.a_model_that_is_not_there_is_not_found(asked(url, cookie="session=2"))


def test_a_server_that_does_not_answer_fails() -> None:
    with pytest.raises(AssertionError, match="UNAVAILABLE"):
        answers.the_sample_is_answered_as_expected(asked("http://127.0.0.1:9"))


def test_a_sample_of_another_protocol_is_named(url: str) -> None:
    with pytest.raises(AssertionError, match="the sample is no request of protocol v2"):
        answers.the_sample_is_answered_as_expected(asked(url, sample={"instances": [1]}))


@pytest.mark.parametrize(("url", "verify", "said"), [
    ("", True, "give --url"), ("https://127.0.0.1:9", False, "give the file of its authority as --ca")])
def test_what_cannot_be_asked_by_grpc_is_skipped_with_the_reason(url: str, verify: bool, said: str) -> None:
    found = asked(url)
    found.infer = over_grpc.asking(url, {}, verify)
    with pytest.raises(NotApplicable, match=said):
        answers.the_sample_is_answered_as_expected(found)


def test_what_is_asked_by_rest_alone_is_skipped_with_the_reason(url: str) -> None:
    with pytest.raises(NotApplicable, match="this is asked by REST, and the release's protocol is grpc-v2"):
        answers.what_is_no_json_is_an_error(asked(url))
