"""The HTTP side: the SDK's v1 and v2 endpoints, any Content-Type, and every error as {"error": "one sentence"}."""

import logging
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from kserve.errors import InvalidInput, ModelNotReady, ServerNotReady
from kserve.protocol.rest.v1_endpoints import register_v1_endpoints
from kserve.protocol.rest.v2_endpoints import register_v2_endpoints
from prometheus_client import REGISTRY, exposition
from starlette.exceptions import HTTPException

from kserve_wrapper.errors import Refused, line
from kserve_wrapper.models import NoLoading, TorchServeDataPlane

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
PREDICTING = (":predict", ":explain", "/infer")
# Bodies of KServe's own that are not plain JSON: binary tensors and CloudEvents.
BINARY_TENSORS = b"inference-header-content-length"
SDK_SAYS = "Unrecognized request format:"
CLOUDEVENT = b"application/cloudevents+json"

logger = logging.getLogger("kserve_wrapper")


def application(dataplane: TorchServeDataPlane, extension: NoLoading) -> Any:
    """The ASGI application."""
    app = FastAPI(title="KServe model server for TorchServe", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/", dataplane.live, methods=["GET"])
    app.add_api_route("/metrics", _metrics, methods=["GET"])
    register_v1_endpoints(app, dataplane, extension)
    register_v2_endpoints(app, dataplane, extension)
    app.add_exception_handler(Refused, _answer(lambda error: (error.status, error.sentence)))
    app.add_exception_handler(InvalidInput, _answer(lambda error: (400, str(error).replace(SDK_SAYS, "The body is not JSON:"))))
    app.add_exception_handler(ModelNotReady, _answer(lambda error: (503, str(error))))
    app.add_exception_handler(ServerNotReady, _answer(lambda error: (503, str(error))))
    app.add_exception_handler(NotImplementedError, _answer(lambda error: (501, str(error))))
    app.add_exception_handler(RequestValidationError, _answer(lambda error: (400, _invalid(error))))
    app.add_exception_handler(HTTPException, _answer(lambda error: (error.status_code, str(error.detail))))
    app.add_exception_handler(Exception, _answer(lambda error: (500, f"{type(error).__name__}: {line(error)}")))
    return AnyJson(app)


class AnyJson:
    """ASGI middleware: a body to predict with is JSON, whatever its Content-Type says, and may begin with a byte-order mark."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].endswith(PREDICTING):
            await self._app(scope, receive, send)
            return
        headers = scope["headers"]
        kind = next((value for name, value in headers if name == b"content-type"), b"")
        if kind.startswith(CLOUDEVENT) or any(name == BINARY_TENSORS for name, _ in headers):
            await self._app(scope, receive, send)
            return
        others = [(name, value) for name, value in headers if name != b"content-type"]
        await self._app({**scope, "headers": [*others, (b"content-type", b"application/json")]}, _unmarked(receive), send)


def _unmarked(receive: Any) -> Any:
    first = True

    async def message() -> Any:
        nonlocal first
        received = await receive()
        if first and received["type"] == "http.request":
            first = False
            received = {**received, "body": received.get("body", b"").removeprefix(BYTE_ORDER_MARK)}
        return received

    return message


def _answer(of: Any) -> Any:
    async def handler(_: Request, error: Exception) -> JSONResponse:
        status, sentence = of(error)
        if status == 500 and not isinstance(error, Refused):
            logger.error("A request failed", exc_info=error)
        return JSONResponse({"error": sentence}, status_code=status)

    return handler


def _invalid(error: RequestValidationError) -> str:
    """The first thing that is wrong with a v2 body, as a sentence."""
    found = next((item for item in error.errors() if "bytes" not in item["loc"]), {"type": "", "loc": (), "msg": str(error)})
    if found["type"] == "json_invalid":
        return f"The body is not JSON: {found.get('ctx', {}).get('error', found['msg'])}."
    where = ".".join(str(part) for part in found["loc"] if part not in ("body", "InferenceRequest"))
    if not where:
        return 'The body is no JSON object: send {"inputs": [...]}.'
    return f"The body is no v2 inference request: {where}: {found['msg']}."


async def _metrics(request: Request) -> Response:
    encoder, kind = exposition.choose_encoder(request.headers.get("accept"))
    return Response(content=encoder(REGISTRY), headers={"content-type": kind})
