"""A rehearsal makes known what tests ask of the chart, and neither judges them nor starts what they would start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import HTTPServer
from types import SimpleNamespace

import pytest

from tests.unit import cases, rehearsal, render  # modules alone, so that these tests aren't rehearsed themselves

NOBODYS = "a-release-of-the-rehearsals-own-test"


def rehearsed(test: Callable[[], object]) -> set[str]:
    """The releases that were rendered."""
    found = rehearsal.rehearse([SimpleNamespace(obj=test)])  # type: ignore[list-item]
    return {case.release for case in found}


def asks() -> None:
    render.rendered(cases.SMALLEST, NOBODYS)


def serves() -> None:
    with HTTPServer(("127.0.0.1", 0), None) as server:  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asks()
        server.shutdown()


STARTING: dict[str, Callable[[], object]] = {
    "server": serves,
    "thread": lambda: threading.Thread(target=threading.Event().wait, name=NOBODYS, daemon=True).start(),
    "process": lambda: subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE),
    "connection": lambda: socket.create_connection(("127.0.0.1", 1)),
    "shell": lambda: os.system("exit 1"),
    "fork": os.fork,
}


def test_what_a_test_asks_is_known_afterwards() -> None:
    assert rehearsed(asks) == {NOBODYS}


@pytest.mark.parametrize("what", STARTING)
def test_nothing_is_started(what: str) -> None:
    before, ended = threading.active_count(), []

    def test() -> None:
        try:
            STARTING[what]()
        except render.Unknown:
            ended.append(what)
            raise

    assert rehearsed(test) == set()
    assert ended, "it was not kept from it"
    assert threading.active_count() == before


def test_afterwards_tests_start_what_they_like() -> None:
    rehearsed(asks)
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        assert process.wait() == 0


@pytest.mark.parametrize("how", [lambda: pytest.fail("x"), lambda: pytest.skip("x"), lambda: sys.exit(1), lambda: 1 / 0])
def test_the_outcome_of_a_rehearsed_test_is_nobodys(how: Callable[[], object]) -> None:
    assert rehearsed(how) == set()


def test_an_interruption_is_none_of_them() -> None:
    def test() -> None:
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        rehearsed(test)
    assert not render.Rehearsal.on
