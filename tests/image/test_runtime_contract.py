"""What the chart and the harness rely on in the runtime image, upstream's or ours: what pytorch/torchserve:0.12.0-cpu has."""

import json

import pytest

from ci.cluster.versions import versions
from tests.image.container import inside

READY_IN_SECONDS = 150  # less than what `inside` gives a command
# Certificates that OpenSSL reads at once, or else those of the folder that it looks them up in.
TRUSTED = """
import os, ssl
folder = ssl.get_default_verify_paths().capath
print(len(ssl.create_default_context().get_ca_certs()) or len(os.listdir(folder)))
"""

# Starts TorchServe without a model and waits until it answers its own ping; prints what it said when it does not.
START_AND_PING = f"""
import subprocess, sys, time, urllib.request
config = "/tmp/config.properties"
with open(config, "w") as stream:
    stream.write("disable_token_authorization=true\\n")
command = ["torchserve", "--start", "--foreground", "--ncs", "--model-store", "/tmp", "--ts-config", config]
server = subprocess.Popen(command, stdout=open("/tmp/out", "w"), stderr=subprocess.STDOUT)
deadline = time.monotonic() + {READY_IN_SECONDS}
while time.monotonic() < deadline and server.poll() is None:
    try:
        print(urllib.request.urlopen("http://127.0.0.1:8080/ping", timeout=5).read().decode())
        sys.exit(0)
    except OSError:
        time.sleep(0.1)
print("no answer to /ping in {READY_IN_SECONDS} s; TorchServe said:", open("/tmp/out").read(), file=sys.stderr)
sys.exit(1)
"""


def test_user_group_and_home_are_upstreams(runtime_image: str) -> None:
    assert inside(runtime_image, "bash", "-c", "id -u; id -un; id -g; echo $HOME; pwd").split() == [
        "1000", "model-server", "1000", "/home/model-server", "/home/model-server",
    ]  # fmt: skip


def test_path_and_temp_are_upstreams(runtime_image: str) -> None:
    path, temp = inside(runtime_image, "bash", "-c", "echo $PATH; echo $TEMP").split()
    assert path.split(":")[0] == "/home/venv/bin"
    assert temp == "/home/model-server/tmp"
    assert inside(runtime_image, "bash", "-c", 'stat -c %u "$TEMP"') == "1000"


@pytest.mark.parametrize("tool", ["python", "java", "torchserve", "torch-model-archiver", "bash"])
def test_tool_is_on_path(tool: str, runtime_image: str) -> None:
    assert inside(runtime_image, "bash", "-c", f"command -v {tool}").startswith("/")


def test_python_is_one_that_the_start_program_supports(runtime_image: str) -> None:
    version = inside(runtime_image, "python", "-c", "import sys; print(*sys.version_info[:2])").split()
    assert (3, 9) <= tuple(map(int, version)) <= (3, 13)


def test_torchserve_is_the_pinned_version(runtime_image: str) -> None:
    assert inside(runtime_image, "torchserve", "--version") == f"TorchServe Version is {versions()['torchserve']['torchserve']}"


def test_torch_multiplies_matrices(runtime_image: str) -> None:
    program = "import torch; print(int((torch.ones(64, 64) @ torch.ones(64, 64)).sum()))"
    assert inside(runtime_image, "python", "-c", program) == "262144"


def test_https_servers_can_be_verified(runtime_image: str) -> None:
    assert int(inside(runtime_image, "python", "-c", TRUSTED)) > 50


def test_torchserve_starts_on_a_read_only_root(runtime_image: str) -> None:
    env = ("TEMP=/tmp", "LOG_LOCATION=/tmp/logs", "METRICS_LOCATION=/tmp/logs")
    answer = inside(runtime_image, "python", "-c", START_AND_PING, env=env)
    assert json.loads(answer) == {"status": "Healthy"}
