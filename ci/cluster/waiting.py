"""Waiting for a condition, with a deadline and a name: nothing here or in the tests sleeps for a fixed time."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

import kubernetes
import requests
import urllib3

from ci.cluster.errors import Problem

Answer = TypeVar("Answer")
INTERVAL_SECONDS = 0.5
PASSING = (Problem, requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError, kubernetes.client.ApiException)


def wait_for(what: str, condition: Callable[[], Answer], *, seconds: float,
             give_up: Callable[[], str | None] = lambda: None, state: Callable[[], str] = lambda: "") -> Answer:
    """Calls `condition` until its answer is true, and returns that answer.

    A Problem raised by `condition` counts as "not yet" and is told when the time is over, and so does a server that can't be
    reached, or says that this is its own fault. `give_up` may return a sentence to stop at once, when the awaited thing can no
    longer happen. `state` is asked once, when the time is over.
    """
    deadline = time.monotonic() + seconds
    last = ""
    while True:
        try:
            if answer := condition():
                return answer
        except PASSING as error:
            last = _passing(error)
        if reason := _told(give_up):
            raise Problem(f"Waited for {what}, which can no longer happen: {reason}")
        if time.monotonic() >= deadline:
            last = _told(state) or last
            raise Problem(f"Waited {seconds:.0f} s for {what}, in vain{f' (last: {last})' if last else ''}.")
        time.sleep(INTERVAL_SECONDS)


def _passing(error: Exception) -> str:
    """What an error of PASSING says, in a line; raises it again where trying once more does not help."""
    if isinstance(error, kubernetes.client.ApiException):
        # A status of 0 is none: a connection that could not be made, or was not made one to a container.
        if error.status and error.status < HTTPStatus.INTERNAL_SERVER_ERROR and error.status != HTTPStatus.TOO_MANY_REQUESTS:
            raise error
        return f"the API server answers {error.status} {error.reason}"
    return str(error)


def _told(ask: Callable[[], str | None]) -> str | None:
    """What `ask` says; nothing where that can't be had, as it is no cause."""
    try:
        return ask()
    except PASSING as error:
        _passing(error)
        return None
