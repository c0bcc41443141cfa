"""Local ports that the tests give to their servers: none twice, neither in one process nor in two side by side."""

import os
import socket
import subprocess
import sys

from ci.cluster.paths import REPOSITORY
from tests.ports import FIRST, LAST, SIZE, free_port

MANY = 200


def test_a_process_gets_each_port_once_for_a_good_while() -> None:
    found = [free_port() for _ in range(MANY)]
    assert len(set(found)) == MANY
    assert min(found) >= FIRST and max(found) <= LAST


def test_processes_side_by_side_get_others() -> None:
    program = f"from tests.ports import free_port\nprint(*(free_port() for _ in range({MANY})))"
    found = []
    for worker in range(12, 16):  # ports that none of the usual four has
        environment = {**os.environ, "PYTEST_XDIST_WORKER": f"gw{worker}"}
        found += subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, env=environment,
                                capture_output=True, text=True, timeout=60, check=True).stdout.split()
    assert len(set(found)) == len(found) == 4 * MANY


def test_a_port_at_which_somebody_listens_is_left_out() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert port not in [free_port() for _ in range(SIZE)]
    assert port in [free_port() for _ in range(SIZE)]
