"""alive.sh, the wrapper's liveness probe, against servers that answer, fail and hang."""

from __future__ import annotations

import subprocess
from functools import partial

import pytest

from tests.answering import answering
from tests.start.conftest import FILES

server = partial(answering, body=b"x" * 20000)


def alive(*addresses: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(FILES / "alive.sh"), *addresses]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("status", [200, 404])
def test_an_answer_is_a_sign_of_life(status):
    with server(status) as port:
        done = alive(f"{port}/ping", f"{port}/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_servers_error_is_none():
    with server(200) as good, server(500) as bad:
        done = alive(f"{good}/", f"{bad}/ping")
    assert done.returncode == 1
    assert done.stdout.startswith(f"alive: 127.0.0.1:{bad}/ping answers HTTP/1.0 500")


def test_a_server_that_hangs_is_none():
    with server(None) as port:
        done = alive(f"{port}/ping")
    assert (done.returncode, done.stdout) == (1, f"alive: 127.0.0.1:{port}/ping answers nothing\n")


def test_a_closed_port_is_none():
    done = alive("1/ping")
    assert (done.returncode, done.stdout) == (1, "alive: 127.0.0.1:1/ping does not listen\n")


def test_no_address_is_a_mistake():
    assert alive().returncode == 2
