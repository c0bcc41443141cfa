"""The server: waits for TorchServe's models, answers HTTP and gRPC, and ends on SIGTERM when the last answer is out."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Iterator
from typing import Any

import grpc
import uvicorn
import uvloop
from grpc_interceptor import AsyncExceptionToStatusInterceptor
from kserve.errors import InvalidInput
from kserve.model_repository import ModelRepository
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import add_GRPCInferenceServiceServicer_to_server
from kserve.protocol.grpc.servicer import InferenceServicer

from kserve_wrapper import rest, settings
from kserve_wrapper.errors import Refused, line
from kserve_wrapper.models import NoLoading, TorchServeDataPlane, TorchServeModel
from kserve_wrapper.settings import CannotStart
from kserve_wrapper.torchserve import ANSWER_SECONDS, TorchServe

HTTP_PORT, GRPC_PORT = 8080, 8081  # upstream's wrapper has them fixed
PORT_TAKEN = "Port {port} is not free for the wrapper's {what}: TorchServe's addresses in config.properties must be others."
BACKLOG = 2048  # connections that wait to be taken
# Longer than proxies keep a connection that rests, Envoy an hour, so that it is theirs to close: what they send in the moment in
# which it is closed here is lost.
IDLE_SECONDS = 3900

logger = logging.getLogger("kserve_wrapper")


def run(told: settings.Settings) -> None:
    """Serves until SIGTERM. Raises CannotStart when TorchServe's models don't load or a port is not free."""
    for noisy in ("httpx", "uvicorn.error", "kserve"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(told))


async def _serve(told: settings.Settings) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    torchserve = TorchServe(told)
    try:
        if not await _first(torchserve.loaded(), stopped):
            return
        registry = ModelRepository()
        for name in told.models:
            registry.update(TorchServeModel(name, torchserve, told))
        dataplane, extension = TorchServeDataPlane(registry, torchserve), NoLoading(registry)
        http, rpc = _http(rest.application(dataplane, extension)), _rpc(dataplane, extension, told)
        serving = asyncio.create_task(http.serve(sockets=[_listening(HTTP_PORT)]))
        await rpc.start()
        try:
            logger.info("KServe's model server answers for %s at ports %d (HTTP) and %d (gRPC); TorchServe is at %s.",
                        ", ".join(told.models), HTTP_PORT, GRPC_PORT, told.inference)
            await _first(asyncio.shield(serving), stopped)
            logger.info("KServe's model server is stopping: it takes no new requests and finishes those under way.")
        finally:
            http.should_exit = True
            # Both take nothing new and wait for the answers under way.
            await asyncio.gather(serving, rpc.stop(grace=ANSWER_SECONDS))
        logger.info("KServe's model server has ended.")
    finally:
        await torchserve.close()


async def _first(work: Any, stopped: asyncio.Event) -> bool:
    """Whether the work was done before the signal to stop; raises what the work raises."""
    working, stopping = asyncio.ensure_future(work), asyncio.create_task(stopped.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        return False
    working.result()
    return True


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: it would end the program by the signal instead of with 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _http(app: Any) -> _Server:
    return _Server(uvicorn.Config(app, loop="none", http="httptools", ws="none", lifespan="off", log_config=None,
                                  access_log=False, timeout_keep_alive=IDLE_SECONDS, server_header=False))


def _listening(port: int) -> socket.socket:
    """A socket that listens on every address, of IPv6 too where the machine has it."""
    try:
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG)
        return socket.create_server(("", port), backlog=BACKLOG)
    except OSError as error:
        raise CannotStart(PORT_TAKEN.format(port=port, what="HTTP")) from error


def _rpc(dataplane: TorchServeDataPlane, extension: NoLoading, told: settings.Settings) -> grpc.aio.Server:
    sizes = [(f"grpc.max_{way}_message_length", told.largest_message) for way in ("send", "receive")]
    server = grpc.aio.server(interceptors=(_Errors(),), options=sizes)
    add_GRPCInferenceServiceServicer_to_server(InferenceServicer(dataplane, extension), server)
    try:
        server.add_insecure_port(f"[::]:{GRPC_PORT}")
    except RuntimeError as error:
        raise CannotStart(PORT_TAKEN.format(port=GRPC_PORT, what="gRPC")) from error
    return server


class _Errors(AsyncExceptionToStatusInterceptor):
    """gRPC's status and one sentence for every error."""

    async def handle_exception(self, ex: Exception, request_or_iterator: Any, context: Any, method_name: str) -> None:
        if isinstance(ex, InvalidInput):
            ex = Refused(400, str(ex))
        if not isinstance(ex, Refused):
            logger.error("%s failed", method_name, exc_info=ex)
            ex = Refused(500, f"{type(ex).__name__}: {line(ex)}")
        await super().handle_exception(ex, request_or_iterator, context, method_name)
