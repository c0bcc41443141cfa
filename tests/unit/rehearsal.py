"""Finds out what a module's tests will ask of the chart, so that one run of helm answers it.

Before the first test of a module, its tests that take no fixture are called without being judged: each gets as far as the first
thing that isn't known, which is noted. One run of helm answers all that was noted, and those that didn't get to their end are
called again, until nothing new is asked. The workers of a run share the answers, in a file for each module.

A rehearsal renders and does nothing else: a test that would start a process, a thread or a server ends before it does.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
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


def share(store: Path, module: str, items: list[pytest.Function]) -> None:
    """Makes known what the module's tests ask: out of the store, where another worker has put it, or by a rehearsal."""
    store.mkdir(exist_ok=True)
    with (store / f"{module}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = store / f"{module}.json"
        if file.exists():
            pairs = json.loads(file.read_text())
            render.KNOWN.update({batch.Case(*case): batch.Answer(*answer) for case, answer in pairs})
        else:
            file.write_text(json.dumps(list(rehearse(items).items())))
