"""A program that the chart renders into an object rather than a file."""

from __future__ import annotations

import functools

from tests.unit.cases import SMALLEST
from tests.unit.render import only, render_chart


@functools.cache
def predict_program() -> str:
    """What the pod of `helm test` runs; that the object fits its schema is the unit tests' business."""
    python, option, program = only(render_chart(SMALLEST, fits=False), "Pod")["spec"]["containers"][0]["command"]
    assert (python, option) == ("python", "-c")
    return program
