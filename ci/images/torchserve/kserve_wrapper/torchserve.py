"""TorchServe, as the wrapper speaks to it: over connections that are kept, without a proxy."""

import asyncio
import json
import logging
import time
from typing import Any

import httpx

from kserve_wrapper.errors import Refused, line
from kserve_wrapper.settings import CannotStart, Settings

ANSWER_SECONDS = 600  # KServe's default; TorchServe's own responseTimeout ends a request long before
FRESH_SECONDS = 0.5  # so long an answer about a model's workers is taken for true
ASK_AGAIN_SECONDS = 0.2  # between two questions while models load

logger = logging.getLogger("kserve_wrapper")


class TorchServe:
    """The inference and management APIs of the TorchServe beside us."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # No limit on connections: TorchServe's job queue is the limit, and it answers 503 when it is full.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        # Certificates of TorchServe's own are for its name in the cluster, and this is the same pod.
        self._http = httpx.AsyncClient(trust_env=False, verify=False, limits=limits, timeout=ANSWER_SECONDS)
        self._states: dict[str, tuple[float, str]] = {}
        self._asking: dict[str, asyncio.Task[str]] = {}
        self.versions: dict[str, str] = {}

    async def close(self) -> None:
        """Closes the kept connections."""
        await self._http.aclose()

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> Any:
        """The JSON that the inference API answers. Raises Refused with TorchServe's status and sentence where it is an error."""
        try:
            answer = await self._http.post(f"{self._settings.inference}{path}", content=body,
                                           headers={**headers, "content-type": "application/json"})
        except httpx.TimeoutException as error:
            raise Refused(504, f"TorchServe gave no answer in {ANSWER_SECONDS} s.") from error
        except httpx.HTTPError as error:
            self._states.clear()
            raise Refused(503, f"TorchServe can't be reached at {self._settings.inference}: {line(error)}.") from error
        if answer.status_code >= 500:
            self._states.clear()  # a worker may have died
        if answer.is_error:
            raise Refused(answer.status_code, _sentence(answer))
        try:
            return answer.json()
        except ValueError as error:
            raise Refused(502, "TorchServe's answer is not JSON: the model's handler or its envelope does not speak KServe's "
                               "protocols.") from error

    async def ready(self, model: str) -> bool:
        """Whether the model has a worker that is ready."""
        return await self.state(model) == ""

    async def state(self, model: str) -> str:
        """Why the model is not ready; empty if it is. One question at a time, whose answer serves all who ask meanwhile."""
        asked, found = self._states.get(model, (0.0, ""))
        if asked and time.monotonic() - asked < FRESH_SECONDS:
            return found
        task = self._asking.get(model)
        if task is None:
            task = self._asking[model] = asyncio.create_task(self._ask(model))
        # A client that goes away ends its own wait, not the others'.
        return await asyncio.shield(task)

    async def _ask(self, model: str) -> str:
        try:
            found = await self._question(model)
            self._states[model] = (time.monotonic(), found)
            return found
        finally:
            del self._asking[model]

    async def _question(self, model: str) -> str:
        address = self._settings.management
        try:
            answer = await self._http.get(f"{address}/models/{model}", timeout=self._settings.question_seconds)
            if answer.status_code == httpx.codes.NOT_FOUND:
                return "TorchServe has no model of this name"
            if answer.is_error:
                return f"TorchServe's management API answered {answer.status_code}: {_sentence(answer)}"
            described = answer.json()[0]
            states = [worker["status"] for worker in described["workers"]]
            self.versions[model] = str(described.get("modelVersion") or "")
        except httpx.HTTPError as error:
            return f"TorchServe's management API does not answer at {address} ({line(error)})"
        except (ValueError, LookupError, TypeError):
            return f"TorchServe's management API at {address} gave an answer that is not TorchServe's"
        return "" if "READY" in states else f"none of its workers is ready ({', '.join(states) or 'it has none'})"

    async def loaded(self) -> None:
        """Waits until every model is ready. Raises CannotStart when the time for that is over."""
        deadline = time.monotonic() + self._settings.load_seconds
        for model in self._settings.models:
            while reason := await self._question(model):
                if time.monotonic() > deadline:
                    raise CannotStart(f"Model {model} was not ready in {self._settings.load_seconds:g} s: {reason}; "
                                      "TorchServe's log says why (or MODEL_LOAD_MAX_TRY times MODEL_LOAD_DELAY is too short).")
                await asyncio.sleep(ASK_AGAIN_SECONDS)


def _sentence(answer: httpx.Response) -> str:
    """The sentence in an error of TorchServe's ({code, type, message}) or of our envelope's ({error})."""
    try:
        body = json.loads(answer.content)
        return str(body.get("error") or body["message"])
    except (ValueError, LookupError, AttributeError):
        return line(answer.text) or f"TorchServe answered {answer.status_code}."
