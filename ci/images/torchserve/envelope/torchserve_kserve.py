"""TorchServe request envelope for both of KServe's REST protocols: `service_envelope=torchserve_kserve`.

v1: {"instances": [...]} -> the handler gets that list -> {"predictions": [...]} ("explanations" for :explain).
v2 (Open Inference Protocol): {"inputs": [...]} -> the handler gets the inputs, with `data` shaped as `shape` says
   -> {"model_name", "model_version", "id", "outputs": [...]}.
The body decides which one is meant. A refused request is answered with its own status and {"error": "one sentence"}.

The requests of a batch (batchSize > 1) are parsed and answered one by one, although the handler sees all their rows in
one call; where that call fails, or its results can't be told apart, each request gets a call of its own.

TorchServe takes the first class of this module, so there is exactly one.
"""

import base64
import http
import json
import logging
import math
from types import SimpleNamespace

import numpy as np
from ts.torch_handler.request_envelope.base import BaseEnvelope
from ts.utils.util import PredictionException

logger = logging.getLogger(__name__)

EXPECTED = 'send {"instances": [...]} (v1) or {"inputs": [...]} (v2)'
DATATYPES = {
    "BOOL": "bool", "BYTES": "object", "FP16": "float16", "FP32": "float32", "FP64": "float64",
    **{f"{sign}INT{bits}": f"{sign.lower()}int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)},
}  # fmt: skip
OUT_OF_MEMORY = ("out of memory", "CUBLAS_STATUS_NOT_INITIALIZED", "CUBLAS_STATUS_ALLOC_FAILED")
KINDS = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}


class TorchServeKServeEnvelope(BaseEnvelope):
    """Stands between TorchServe and the handler; see the module."""

    def handle(self, data, context):
        """Answers of a batch of requests, in its order; TorchServe calls this."""
        self.context = context
        if _header(context, 0, "describe") == "True":
            return self._handle_fn(data, context)
        answers = [""] * len(data)
        groups = {}
        for index, row in enumerate(data):
            try:
                request = self.parse_input(row, index)
            except PredictionException as error:
                answers[index] = self._refused(index, error)
            else:
                groups.setdefault((request.protocol, request.explain), []).append(request)
        for group in groups.values():
            for request, results in zip(group, self._predict(group), strict=True):
                answers[request.index] = self._answer(request, results)
        return answers

    def parse_input(self, data, index=0):
        """One request: its place in the batch, protocol and rows for the handler. Raises PredictionException (4xx)."""
        body = _body(data, self.context, index)
        request = SimpleNamespace(index=index, explain=_header(self.context, index, "explain") == "True", names=[], id=None)
        if "instances" in body:
            request.protocol, request.rows = "v1", _list(body, "instances")
        elif "inputs" in body:
            request.protocol, request.id = "v2", body.get("id")
            request.rows = [_tensor(row, place) for place, row in enumerate(_list(body, "inputs"))]
            request.names = [row["name"] for row in request.rows]
        else:
            raise PredictionException(f'The body has neither "instances" nor "inputs": {EXPECTED}.', 400)
        return request

    def format_output(self, data, request=None):
        """The body of the answer to a request, from the handler's results for its rows."""
        if request.protocol == "v1":
            return {"explanations" if request.explain else "predictions": data}
        results = _listed(data)
        if not isinstance(results, (list, tuple)):
            raise PredictionException(f"The handler returned {type(data).__name__} where a list is expected.", 500)
        if len(request.names) == 1 and len(results) > 1:
            results = [results]  # one tensor in, so one tensor out
        names = request.names + [f"output-{place}" for place in range(len(request.names), len(results))]
        return {
            "model_name": self.context.model_name,
            "model_version": ((self.context.manifest or {}).get("model") or {}).get("modelVersion"),
            "id": request.id or (self.context.request_ids or {}).get(request.index, ""),
            "outputs": [_output(name, result) for name, result in zip(names, results, strict=False)],
        }

    def _predict(self, group):
        """What the handler returned for each request of the group, or the exception that it raised for it."""
        asked = [request for request in group if request.rows]
        try:
            results = self._call(asked) if asked else []
        except Exception as error:  # pylint: disable=broad-except
            if len(asked) > 1:
                logger.warning("The handler failed on a batch of %d requests: each is tried by itself.", len(asked))
                return [result for request in group for result in self._predict([request])]
            _log(error)
            return [error if request.rows else [] for request in group]
        if len(asked) <= 1:
            return [results if request.rows else [] for request in group]
        results = _listed(results)
        expected = sum(len(request.rows) for request in asked)
        if not isinstance(results, (list, tuple)) or len(results) != expected:
            logger.warning("The handler returned no list of %d results for a batch: each request is tried by itself.", expected)
            return [result for request in group for result in self._predict([request])]
        rest = iter(results)
        return [[next(rest) for _ in request.rows] for request in group]

    def _call(self, requests):
        """Calls the handler once for these requests, in a context that has just them."""
        context = self.context
        processors, ids = context.request_processor, context.request_ids
        context.request_processor = [processors[request.index] for request in requests]
        context.request_ids = {place: (ids or {}).get(request.index) for place, request in enumerate(requests)}
        context.input_names = [name for request in requests for name in request.names]  # as TorchServe's kservev2 does
        try:
            results = self._handle_fn([row for request in requests for row in request.rows], context)
        finally:
            context.request_processor, context.request_ids = processors, ids
        if results is None:
            raise PredictionException("The handler returned nothing where a list is expected.", 500)
        return results

    def _answer(self, request, results):
        try:
            if isinstance(results, Exception):
                raise results
            text = _text(self.format_output(results, request))
        except Exception as error:  # pylint: disable=broad-except
            if error is not results:
                _log(error)
            return self._refused(request.index, error)
        self.context.set_response_content_type(request.index, "application/json")
        return text

    def _refused(self, index, error):
        code, sentence = _status(error)
        self.context.set_response_status(code, _phrase(code), index)
        self.context.set_response_content_type(index, "application/json")
        return json.dumps({"error": sentence})


def _header(context, index, name):
    """A request header, whatever the case of its name."""
    found = (value for key, value in context.get_all_request_header(index).items() if key.lower() == name)
    return next(found, None)


def _body(row, context, index):
    """The request's body as a JSON object, which TorchServe has parsed already if its type is application/json."""
    body = next((row[name] for name in ("data", "body") if name in row), b"")
    content_type = str(_header(context, index, "content-type") or "")
    if "data" not in row and "body" not in row and "form" in content_type:
        # TorchServe has taken the body apart by now, and "+" and "%" in it are lost.
        kind = content_type.split(";")[0]
        raise PredictionException(f"The body came as {kind}: send it with Content-Type: application/json.", 415)
    if isinstance(body, (bytes, bytearray, str)):
        if not body.strip():
            raise PredictionException(f"The body is empty: {EXPECTED}.", 400)
        try:
            body = json.loads(body.lstrip("\ufeff") if isinstance(body, str) else bytes(body))
        except (ValueError, RecursionError) as error:
            raise PredictionException(f"The body is not JSON: {_line(error)}.", 400) from error
    if not isinstance(body, dict):
        raise PredictionException(f"The body is {_kind(body)} where an object is expected: {EXPECTED}.", 400)
    return body


def _list(body, key):
    if not isinstance(body[key], list):
        raise PredictionException(f'"{key}" is {_kind(body[key])} where a list is expected.', 400)
    return body[key]


def _tensor(row, place):
    """An input with `data` as handlers get it from TorchServe's own kservev2 envelope: shaped; of BYTES with one element that
    element, of BYTES with several all of them (which that envelope drops but for the first)."""
    missing = [key for key in ("name", "shape", "datatype", "data") if not isinstance(row, dict) or key not in row]
    if missing:
        raise PredictionException(f'Input {place} lacks "{missing[0]}": an input has name, shape, datatype and data.', 400)
    name, shape, data = row["name"], row["shape"], row["data"]
    if row["datatype"] not in DATATYPES:
        known = ", ".join(sorted(DATATYPES))
        raise PredictionException(f'Input "{name}" is of datatype {row["datatype"]}: it can be {known}.', 400)
    if not isinstance(data, list):
        raise PredictionException(f'"data" of input "{name}" is {_kind(data)} where a list is expected.', 400)
    shape = shape if isinstance(shape, list) else [shape]
    if row["datatype"] == "BYTES":
        if len(data) == 1:
            return {**row, "data": data[0]}
        fits = all(isinstance(size, int) for size in shape) and math.prod(shape) == len(data)
        return {**row, "data": np.array(data, dtype=object).reshape(shape).tolist() if fits else data}
    try:
        values = np.array(data).reshape(shape)
    except (ValueError, TypeError) as error:
        raise PredictionException(f'The data of input "{name}" do not fill its shape: {_line(error)}.', 400) from error
    if values.dtype.kind not in "biuf" and row["datatype"] != "BOOL":
        raise PredictionException(f'The data of input "{name}" are not all numbers, as {row["datatype"]} asks for.', 400)
    return {**row, "data": values.tolist()}


def _output(name, result):
    """A v2 output tensor of what the handler returned for one input; what is no number becomes BYTES, objects as JSON."""
    if isinstance(result, dict) and {"name", "shape", "datatype", "data"} <= result.keys():  # a tensor already
        return {**result, "data": np.array(result["data"], dtype=object).flatten().tolist()}
    result = _listed(result, arrays=True)
    try:
        values = np.array(result)
    except ValueError:  # lists of different lengths
        values = np.empty(len(result), dtype=object)
        values[:] = list(result)
    if values.dtype.kind not in "biuf":
        values = values if values.dtype.kind == "O" else np.array(result, dtype=object)
        data, datatype = [item if isinstance(item, str) else _string(item) for item in values.flatten().tolist()], "BYTES"
    else:
        known = next((key for key, kind in DATATYPES.items() if kind == values.dtype.name), None)
        data, datatype = values.flatten().tolist(), known or "FP64"
    return {"name": name, "shape": list(values.shape or (1,)), "datatype": datatype, "data": data}


def _string(item):
    if isinstance(item, (bytes, bytearray)):
        return _default(item)
    return _text(item)


def _text(answer):
    """JSON; numbers that JSON does not have (NaN, Infinity) become null, as in KServe's own server."""
    try:
        return json.dumps(answer, default=_default, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(json.loads(json.dumps(answer, default=_default))))


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _default(value):
    """What json.dumps does not know by itself."""
    if isinstance(value, (bytes, bytearray)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    listed = _listed(value)
    if listed is value:
        raise TypeError(f"the handler returned {type(value).__name__}, which JSON does not have")
    return listed


def _listed(value, *, arrays=False):
    """Lists (or arrays, which keep their datatype) for numpy's and torch's types; anything else as it is."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float().numpy() if "bfloat16" in str(value.dtype) else value.numpy()
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) and not arrays else value


def _status(error):
    """Status code and sentence of an exception."""
    if isinstance(error, PredictionException):
        code = error.error_code if isinstance(error.error_code, int) and 400 <= error.error_code <= 599 else 500
        return code, str(error.message)
    if isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY):
        return 507, f"The model server is out of memory: {_line(error)}"
    return 500, f"{type(error).__name__}: {_line(error)}"


def _phrase(code):
    return http.HTTPStatus(code).phrase if code in set(http.HTTPStatus) else "Error"


def _line(error):
    return " ".join(str(error).split()) or type(error).__name__


def _kind(value):
    return KINDS.get(type(value), "null")


def _log(error):
    if isinstance(error, PredictionException):
        logger.warning("The handler refused a request: %s", _line(error))
    else:
        logger.error("The handler failed", exc_info=error)
