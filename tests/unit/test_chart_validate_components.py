"""The rules about the transformer and the explainer: how they scale."""

from __future__ import annotations

from tests.unit.cases import SMALLEST, changed
from tests.unit.rules import both_ways

KNATIVE = changed(SMALLEST, deploymentMode="Knative")
IGNORED = "KServe would ignore it; remove it, or use deploymentMode Knative"


def component(base: dict, name: str, **fields: object) -> dict:
    return changed(base, **{name: {"containers": [{"name": "kserve-container", "image": "a"}], **fields}})


RULES = {f"{what} of the {name}": rule for name in ("transformer", "explainer") for what, rule in {
    "scale to zero": (
        component(SMALLEST, name, minReplicas=0),
        f"{name}.minReplicas 0: deploymentMode Standard can't scale to zero; write 1 or more",
        component(KNATIVE, name, minReplicas=0),
    ),
    "replicas": (
        component(SMALLEST, name, minReplicas=3, maxReplicas=2),
        f"{name}.minReplicas 3 is more than its maxReplicas 2; raise maxReplicas or lower minReplicas",
        component(SMALLEST, name, minReplicas=2, maxReplicas=2),
    ),
    "canary": (
        component(SMALLEST, name, canaryTrafficPercent=10),
        f"{name}.canaryTrafficPercent: deploymentMode Standard splits no traffic, {IGNORED}",
        component(KNATIVE, name, canaryTrafficPercent=10),
    ),
    "concurrency": (
        component(SMALLEST, name, containerConcurrency=4),
        f"{name}.containerConcurrency: deploymentMode Standard limits no pod's requests, {IGNORED}",
        component(KNATIVE, name, containerConcurrency=4),
    ),
}.items()}


test_a_wrong_value_is_refused_in_one_sentence, test_the_right_value_beside_it_is_taken = both_ways(RULES)
