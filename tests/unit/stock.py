"""KServe's own runtime for TorchServe, as the pinned KServe has it, and the pod that KServe makes of runtime and predictor."""

from __future__ import annotations

import functools

import yaml

from tests.unit.schemas import pinned

NAME = "kserve-torchserve"


@functools.cache
def stock_runtime() -> dict:
    """The ClusterServingRuntime."""
    return yaml.safe_load((pinned("github.com/kserve/kserve") / "config/runtimes" / f"{NAME}.yaml").read_text())


def pod(isvc: dict, own: list[dict]) -> dict:
    """Spec of the pod: the runtime's (the chart's own, or else KServe's) under the predictor's, and the container of both."""
    runtime = (own[0] if own else stock_runtime())["spec"]
    predictor = dict(isvc["spec"]["predictor"])
    model = predictor.pop("model")
    (container,) = runtime["containers"]
    security = container.get("securityContext", {}) | model.get("securityContext", {})
    merged = container | {key: model[key] for key in ("resources", "ports") if key in model} | {"securityContext": security}
    return {**runtime, **predictor, "containers": [merged]}
