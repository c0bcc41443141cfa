"""How the wrapper begins and ends: what keeps it from starting is a sentence, and SIGTERM loses no request."""

import subprocess
import threading
import time

import pytest

from tests import leftovers
from tests.image.server import HTTP, WRAPPER, Answer, serving, wait_until_ready
from tests.waiting import until

# From the answer to the container's end; the idle time of a connection that is kept, or gRPC's grace, would be more.
END_SECONDS = 60


# In TorchServe's place: says that a model is ready, and holds a port that the wrapper wants.
HOLDER = """
import http.server, json, socket, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps([{"workers": [{"status": "READY"}]}]).encode())
    def log_message(self, *said):
        pass
held = socket.create_server(("", int(sys.argv[1])))
server = http.server.HTTPServer(("127.0.0.1", 8086), Ready)
print("held", flush=True)
server.serve_forever()
"""


def failing(image: str, config: str | None, before: str = "", **environment: str) -> str:
    """What the wrapper says last when it can't start; without TorchServe."""
    written = f"{before} printf '%s' '{config}' >/tmp/config.properties; " if config is not None else ""
    environment = {"CONFIG_PATH": "/tmp/config.properties", "MODEL_LOAD_MAX_TRY": "1", "MODEL_LOAD_DELAY": "1",
                   "HOLDER": HOLDER, **environment}
    done = subprocess.run(
        ["docker", "run", "--rm", leftovers.mark(), "--network", "none", "--read-only", "--tmpfs", "/tmp:mode=1777",
         *[f"--env={key}={value}" for key, value in environment.items()],
         "--entrypoint", "bash", image, "-c", f"{written}exec python {WRAPPER}"],
        capture_output=True, text=True, timeout=180, check=False)  # fmt: skip
    assert done.returncode == 1, done
    (line,) = done.stdout.splitlines()
    assert done.stderr == ""
    return line.partition("kserve_wrapper ")[2]


SNAPSHOT = 'model_snapshot={"models": {"bert": {}}}'


@pytest.mark.parametrize(("config", "environment", "sentence"), [
    (f"management_address=http://127.0.0.1:9\n{SNAPSHOT}", {},
     "Model bert was not ready in 1 s: TorchServe's management API does not answer at http://127.0.0.1:9 (All connection "
     "attempts failed); TorchServe's log says why (or MODEL_LOAD_MAX_TRY times MODEL_LOAD_DELAY is too short)."),
    (None, {}, "TorchServe's configuration can't be read at /tmp/config.properties: No such file or directory; set CONFIG_PATH."),
    ("a=b", {}, "model_snapshot in /tmp/config.properties names no models: it is one line of JSON with the key `models`."),
    (SNAPSHOT, {"PROTOCOL_VERSION": "v3"}, "PROTOCOL_VERSION is v3: it can be v1, v2, grpc-v2."),
    (SNAPSHOT, {"MODEL_LOAD_DELAY": "soon"}, "MODEL_LOAD_DELAY is soon: it must be a number."),
    (f"inference_address=8085\n{SNAPSHOT}", {}, "inference_address is 8085: it must be like http://127.0.0.1:8080."),
])  # fmt: skip
def test_what_keeps_it_from_starting_is_one_sentence(
    config: str | None, environment: dict[str, str], sentence: str, own_image: str,
) -> None:  # fmt: skip
    assert failing(own_image, config, **environment) == sentence


@pytest.mark.parametrize(("port", "what"), [(8080, "HTTP"), (8081, "gRPC")])
def test_port_of_the_wrapper_that_torchserve_holds_is_told(port: int, what: str, own_image: str) -> None:
    before = f'python -c "$HOLDER" {port} >/tmp/held & until [ -s /tmp/held ]; do :; done;'
    assert failing(own_image, f"management_address=http://127.0.0.1:8086\n{SNAPSHOT}", before) == (
        f"Port {port} is not free for the wrapper's {what}: TorchServe's addresses in config.properties must be others.")


def test_term_finishes_the_requests_under_way_and_ends_with_0(own_image: str) -> None:
    with serving(own_image, envelope="torchserve_kserve", models={"echo": {"batchSize": 1, "maxBatchDelay": 10}}) as server:
        wait_until_ready(server)
        port, answers, times = server.port(HTTP), [], []

        def ask() -> None:
            answers.append(server.ask(port, "/v1/models/echo:predict", {"instances": ["sleep 10"]}))
            times.append(time.monotonic())

        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: server.log().count("Backend received inference") > 0, "the request to be under way")
        status, _ = server.end()
        ended = time.monotonic()
        asking.join()
        (answer,) = answers
        assert isinstance(answer, Answer)
        assert (answer.status, answer.json) == (200, {"predictions": ["sleep 10"]})
        assert status == 0
        assert ended - times[0] < END_SECONDS
        assert "it takes no new requests and finishes those under way" in server.log()
