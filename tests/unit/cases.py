"""Values that many tests share: the chart's own install cases and the smallest ones."""

from __future__ import annotations

import yaml

from tests.unit.render import CHART

URI = "https://example.com/bert-model.mar"
SMALLEST = {"models": {"bert": {"uri": URI}}}
EXISTING = {"models": {"bert": {"marName": "bert.mar"}}, "persistence": {"create": False, "existingClaim": "team-models"}}

# Name of the install case -> its values.
FILES = sorted(CHART.glob("ci/*-values.yaml"))
CASES = {file.name.removesuffix("-values.yaml"): yaml.safe_load(file.read_text()) for file in FILES}
CASES["smallest"] = SMALLEST
# What the cases of Standard mode have that Knative knows otherwise, or not at all.
STANDARD_ALONE = {"autoscalerClass", "scaleMetric", "scaleTarget"}
# The ones whose runtime is the chart's.
OWN = {name: case for name, case in CASES.items() if case.get("runtime", {}).get("create", True)}


def changed(values: dict, **changes: object) -> dict:
    """The values with others merged in, as helm merges several files; keys with `__` reach into maps."""
    merged = {key: changed(value) if isinstance(value, dict) else value for key, value in values.items()}
    for path, value in changes.items():
        place = merged
        *parents, last = path.split("__")
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return merged


def in_knative(values: dict) -> dict:
    """A case of Standard mode as Knative takes it: one port in a pod, among other things."""
    taken = {key: value for key, value in changed(values).items() if key not in STANDARD_ALONE} | {"deploymentMode": "Knative"}
    if containers := taken.get("predictor", {}).get("containers"):
        taken["predictor"]["containers"] = [{key: value for key, value in one.items() if key != "ports"} for one in containers]
    return taken
