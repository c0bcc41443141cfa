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
TROUBLE = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, urllib3.exceptions.HTTPError,
           kubernetes.client.ApiException)


def wait_for(what: str, condition: Callable[[], Answer], *, seconds: float,
             give_up: Callable[[], str | None] = lambda: None, state: Callable[[], str] = lambda: "") -> Answer:
    """Calls `condition` until its answer is true, and returns that answer.

    A Problem raised by `condition` counts as "not yet" and is told when the time is over, and so does a server that can't be
    reached, or says that this is its own fault. `give_up` may return a sentence, or raise a Problem, to stop at once, when the
    awaited thing can no longer happen. `state` is asked once, when the time is over; it is no matter if it can't tell.
    """
    deadline = time.monotonic() + seconds
    last, reason = "", None
    while True:
        try:
            if answer := condition():
                return answer
        except Problem as problem:
            last = str(problem)
        except TROUBLE as error:
            last = _passing(error)
        try:
            reason = give_up()
        except TROUBLE as error:
            last = _passing(error)
        if reason:
            raise Problem(f"Waited for {what}, which can no longer happen: {reason}")
        if time.monotonic() >= deadline:
            last = _told(state) or last
            raise Problem(f"Waited {seconds:.0f} s for {what}, in vain{f' (last: {last})' if last else ''}.")
        time.sleep(INTERVAL_SECONDS)


def _passing(error: Exception) -> str:
    """What an error of TROUBLE says, in a line; raises it again where trying once more does not help."""
    if not isinstance(error, kubernetes.client.ApiException):
        return str(error)
    # Status 0: no answer of the API server; a command in a container did not come about, or was interrupted while it ran.
    cause = None if error.status else error.__context__
    if isinstance(cause, (KeyboardInterrupt, SystemExit)):
        raise cause
    status = error.status or getattr(cause, "status_code", 0)
    if status and status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS:
        raise error
    return f"the API server answers {status} {error.reason}" if status else str(error.reason)


def _told(state: Callable[[], str]) -> str:
    """What `state` says; nothing where that can't be had, as it is no cause."""
    try:
        return state()
    except (Problem, *TROUBLE):
        return ""
