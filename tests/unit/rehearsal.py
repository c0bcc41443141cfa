"""Finds out what the tests will ask of the chart, so that one run of helm answers it.

Before the first test, those that take no fixture are called without being judged: each gets as far as the first thing that isn't
known, which is noted. One run of helm answers all that was noted, and those that didn't get to their end are called again, until
nothing new is asked. Each worker of a run does that with its share of the tests, and tells the others the answers in a file.

A rehearsal renders and does nothing else: a test that would start a process, a thread or a server ends before it does.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pickle
from pathlib import Path

import pytest

from tests.unit import batch, render, starting

OURS = {f"tests.unit.{name}" for name in ("render", "rules", "seeding")}  # a module that has something of them renders
ROUNDS = 6  # what is asked later than that is rendered by the test itself
# A test's own outcome is for when it is run. These are no Exceptions.
OUTCOMES = (pytest.fail.Exception, pytest.skip.Exception, SystemExit)


def may_be_rehearsed(item: pytest.Item) -> bool:
    """Whether the test's module renders and the test takes nothing but its parameters."""
    if not isinstance(item, pytest.Function) or item.cls or item.get_closest_marker("xfail") or item.get_closest_marker("skip"):
        return False
    renders = any(getattr(thing, "__module__", "") in OURS for thing in vars(item.module).values())
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return renders and set(item.fixturenames) <= {*parameters, "request"}


def call(item: pytest.Function) -> bool:
    """Whether the test got to its end, a failed one too, with what is known."""
    try:
        item.obj(**(item.callspec.params if hasattr(item, "callspec") else {}))
    except render.Unknown:
        return False
    except (Exception, *OUTCOMES):
        return True  # it will say so when it is run
    return True


def rehearse(items: list[pytest.Function]) -> dict[batch.Case, batch.Answer]:
    """What the tests ask of the chart, answered. They print into the void."""
    found: dict[batch.Case, batch.Answer] = {}
    with Path(os.devnull).open("w") as void, contextlib.redirect_stdout(void), contextlib.redirect_stderr(void):
        for _ in range(ROUNDS):
            render.Rehearsal.asked, render.Rehearsal.on = {}, True
            try:
                with starting.refused(render.Unknown):
                    items = [item for item in items if not call(item)]
            finally:
                render.Rehearsal.on = False
            if not render.Rehearsal.asked:
                break
            new = batch.answers(list(render.Rehearsal.asked))
            render.KNOWN.update(new)
            found |= new
    return found


def share(store: Path, items: list[pytest.Function], worker: int, workers: int) -> None:
    """Makes known what the tests ask: a worker's own share by a rehearsal, the others' out of the store. Whoever comes to a share
    first rehearses it; a worker may have other tests to begin with."""
    store.mkdir(exist_ok=True)
    for number in (*range(worker, workers), *range(worker)):
        with (store / f"{number}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            file = store / f"{number}.pickle"
            if file.exists():
                render.KNOWN.update(pickle.loads(file.read_bytes()))
            else:
                file.write_bytes(pickle.dumps(rehearse(items[number::workers])))
