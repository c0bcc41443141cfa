"""Predict requests by gRPC, for a release whose protocol is grpc-v2. The messages are those of the package kserve."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .target import Infer, NotApplicable

SECONDS = 60
NO_URL = "gRPC goes through no API server: give --url, for example that of `kubectl port-forward service/NAME-predictor 8080:80`"
NO_PACKAGE = "requests by gRPC need the package kserve: pip install 'torchserve-conformance[grpc]'"
NO_AUTHORITY = "gRPC takes no certificate that nobody vouches for: give the file of its authority as --ca"


def asking(url: str, headers: Mapping[str, str], verify: bool | str) -> Infer:
    """infer(model, body): sends what protocol v2 has as JSON; returns the status' name, and the answer as JSON or the error.

    Raises NotApplicable where that can't be done, AssertionError for a body that is none of protocol v2.
    """
    def infer(model: str, body: Any) -> tuple[str, Any]:
        if not url:
            raise NotApplicable(NO_URL)
        try:
            import grpc
            from kserve import InferResponse
            from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
        except ImportError:
            raise NotApplicable(NO_PACKAGE) from None
        sent = [(name.lower(), value) for name, value in headers.items() if name.lower() != "host"]
        with _channel(url, headers, verify) as channel:
            try:
                answer = GRPCInferenceServiceStub(channel).ModelInfer(_request(model, body), timeout=SECONDS, metadata=sent)
            except grpc.RpcError as error:
                return error.code().name, error.details()
        return "OK", InferResponse.from_grpc(answer).to_rest()[0]
    return infer


def _channel(url: str, headers: Mapping[str, str], verify: bool | str) -> Any:
    """A channel to the URL, which the gateway knows by the Host header of the options."""
    import grpc
    parts = urlsplit(url)
    hosts = [("grpc.default_authority", value) for name, value in headers.items() if name.lower() == "host"]
    if parts.scheme != "https":
        return grpc.insecure_channel(parts.netloc, hosts)
    if verify is False:
        raise NotApplicable(NO_AUTHORITY)
    authority = Path(verify).read_bytes() if isinstance(verify, str) else None
    return grpc.secure_channel(parts.netloc, grpc.ssl_channel_credentials(authority), hosts)


def _request(model: str, body: Any) -> Any:
    """The message for a body of protocol v2."""
    from kserve import InferInput, InferRequest
    try:
        inputs = [InferInput(one["name"], one["shape"], one["datatype"], one["data"]) for one in body["inputs"]]
        return InferRequest(model, inputs).to_grpc()
    except (KeyError, TypeError, ValueError) as error:
        raise AssertionError(f"the sample is no request of protocol v2 ({error!r}): {str(body)[:200]}") from None
