"""The SDK's model and data plane, with TorchServe behind them."""

import base64
import math
from typing import Any

import numpy as np
import orjson
from kserve.errors import InvalidInput
from kserve.model import Model
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.infer_type import InferInput, InferRequest, InferResponse
from kserve.protocol.model_repository_extension import ModelRepositoryExtension

from kserve_wrapper.errors import Refused
from kserve_wrapper.settings import Settings
from kserve_wrapper.torchserve import TorchServe

# TorchServe logs and returns the request's own id; the rest of a trace goes with it.
PASSED_HEADERS = frozenset({"x-request-id", "x-b3-traceid", "traceparent", "tracestate"})
NO_V2 = "TorchServe's answer is no v2 response: its envelope or the model's handler does not speak v2."
OTHER = {"v1": "v2", "v2": "v1"}


class TorchServeModel(Model):
    """A model whose predictions TorchServe makes."""

    def __init__(self, name: str, torchserve: TorchServe, settings: Settings) -> None:
        super().__init__(name)
        self._torchserve = torchserve
        self._settings = settings

    async def healthy(self) -> bool:
        """Whether a worker is ready now."""
        return await self._torchserve.ready(self.name)

    async def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:  # noqa: ARG002  # the SDK's
        """TorchServe's answer: a dict, or for gRPC and binary tensors the SDK's own type."""
        if isinstance(payload, InferRequest):
            return await self._infer(payload, headers)
        return await self._v1("predict", payload, headers)

    async def explain(self, payload: Any, headers: Any = None) -> Any:
        """TorchServe's explanation, of v1 bodies."""
        return await self._v1("explain", payload, headers)

    async def _v1(self, verb: str, payload: Any, headers: Any) -> Any:
        self._understands("v1")
        if not isinstance(payload, dict) or "instances" not in payload:
            raise Refused(400, 'The body has no "instances": send {"instances": [...]}.')
        if not isinstance(payload["instances"], list):
            raise Refused(400, '"instances" is not a list: send {"instances": [...]}.')
        return await self._torchserve.post(f"/v1/models/{self.name}:{verb}", orjson.dumps(payload), _passed(headers))

    async def _infer(self, request: InferRequest, headers: Any) -> Any:
        self._understands("v2")
        body: dict[str, Any] = {"inputs": [_tensor(item) for item in request.inputs]}
        if request.id:
            body["id"] = request.id
        if request.parameters and not request.from_grpc:
            body["parameters"] = request.parameters
        answer = await self._torchserve.post(f"/v2/models/{self.name}/infer", orjson.dumps(body), _passed(headers))
        wants_binary = bool(request.use_binary_outputs) or any(output.binary_data for output in request.request_outputs or ())
        if not isinstance(answer, dict) or not isinstance(answer.get("outputs"), list):
            raise Refused(502, NO_V2)
        if not request.from_grpc and not wants_binary:
            return answer
        return _response(answer, request)

    def _understands(self, protocol: str) -> None:
        if protocol not in self._settings.protocols:
            envelope = f"its envelope {self._settings.envelope}" if self._settings.envelope else "the model's handler"
            raise Refused(501, f"This server does not speak {protocol}: {envelope} takes {OTHER[protocol]} requests only; "
                               "with service_envelope=torchserve_kserve it takes both.")


class TorchServeDataPlane(DataPlane):
    """What the SDK's endpoints, REST and gRPC, ask."""

    def __init__(self, registry: Any, torchserve: TorchServe) -> None:
        super().__init__(model_registry=registry)
        self._torchserve = torchserve

    async def ready(self) -> bool:
        """Whether every model is ready."""
        return all([await model.healthy() for model in self.model_registry.get_models().values()])

    async def model_ready(self, model_name: str, disable_predictor_health_check: bool = False) -> bool:  # noqa: ARG002
        """Whether this model is ready. Raises Refused (404) if there is none."""
        return await self._known(model_name).healthy()

    async def get_model(self, name: str) -> Any:
        """The model. Raises Refused if there is none (404) or if it is not ready (503)."""
        model = self._known(name)
        if reason := await self._torchserve.state(name):
            raise Refused(503, f"Model {name} is not ready: {reason}.")
        return model

    async def model_metadata(self, model_name: str) -> dict[str, Any]:
        """Metadata: TorchServe knows a model's version, and nothing of its tensors."""
        self._known(model_name)
        version = self._torchserve.versions.get(model_name)
        return {"name": model_name, "versions": [version] if version else None, "platform": "pytorch_torchserve",
                "inputs": [], "outputs": []}

    def _known(self, name: str) -> Any:
        model = self.model_registry.get_model(name)
        if model is None:
            names = ", ".join(self.model_registry.get_models())
            raise Refused(404, f"Model {name} is not known here: this server has {names}.")
        return model


class NoLoading(ModelRepositoryExtension):
    """Loading and unloading of models, which clients can't do here: the chart's values say what is served."""

    async def load(self, model_name: str) -> None:
        raise Refused(501, f"Model {model_name} is not loaded by request: the server's configuration names its models.")

    async def unload(self, model_name: str) -> None:
        raise Refused(501, f"Model {model_name} is not unloaded by request: the server's configuration names its models.")


def _tensor(item: InferInput) -> dict[str, Any]:
    """An input as v2 JSON. Bytes that are no text are sent as base64, which the parameter content_type says."""
    data = item.data
    parameters = {key: value for key, value in (item.parameters or {}).items() if not key.startswith("binary_data")}
    if item._raw_data is not None:
        data = item.as_numpy()
    values = data.flatten().tolist() if isinstance(data, np.ndarray) else list(data)
    if any(isinstance(value, bytes) for value in values):
        try:
            values = [value.decode() if isinstance(value, bytes) else value for value in values]
        except UnicodeDecodeError:
            values = [base64.b64encode(value).decode() for value in values]
            parameters["content_type"] = "base64"
    tensor = {"name": item.name, "shape": list(item.shape), "datatype": item.datatype, "data": values}
    return {**tensor, "parameters": parameters} if parameters else tensor


def _response(answer: Any, request: InferRequest) -> InferResponse:
    """TorchServe's v2 JSON as the SDK's response, which it writes as gRPC or as binary tensors."""
    try:
        for output in answer["outputs"]:
            if output["datatype"].startswith("FP"):  # JSON has no NaN: it came as null
                output["data"] = [math.nan if value is None else value for value in output["data"]]
        parsed = InferResponse.from_rest(answer)
        if any(output.datatype == "FP16" for output in parsed.outputs):  # which gRPC has in raw form only, and then all are
            for output in parsed.outputs:
                output.set_data_from_numpy(output.as_numpy(), binary_data=True)
    except (LookupError, TypeError, AttributeError, InvalidInput) as error:
        raise Refused(502, NO_V2) from error
    return InferResponse(
        response_id=parsed.id, model_name=parsed.model_name, model_version=parsed.model_version, infer_outputs=parsed.outputs,
        parameters=parsed.parameters, use_binary_outputs=request.use_binary_outputs, requested_outputs=request.request_outputs,
    )  # fmt: skip


def _passed(headers: Any) -> dict[str, str]:
    return {name: value for name, value in (headers or {}).items() if name in PASSED_HEADERS}
