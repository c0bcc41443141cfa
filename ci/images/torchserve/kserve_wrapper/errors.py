"""A refused request, in the terms of HTTP and of gRPC."""

import grpc
from grpc_interceptor.exceptions import GrpcException

GRPC_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.INVALID_ARGUMENT,
    415: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
    507: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


class Refused(GrpcException):
    """A request that is answered with this HTTP status, or with the gRPC status that means the same, and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        code = GRPC_CODES.get(status, grpc.StatusCode.INVALID_ARGUMENT if status < 500 else grpc.StatusCode.INTERNAL)
        super().__init__(status_code=code, details=sentence)
        self.status = status
        self.sentence = sentence


def line(said: object) -> str:
    """An error's text on one line; its type where it has none."""
    return " ".join(str(said).split()) or type(said).__name__
