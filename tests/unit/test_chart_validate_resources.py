"""The rule about resources: a limit that is less than its request is refused before KServe writes it late into a condition."""

from __future__ import annotations

import pytest

from tests.unit.cases import SMALLEST, changed
from tests.unit.render import complaints
from tests.unit.rules import both_ways


def limited(part: str, **limits: object) -> dict:
    return changed(SMALLEST, **{f"{part}__resources": {"limits": limits}})


RULES = {
    "memory of the server": (
        limited("runtime", memory="256Mi"),
        "runtime.resources.limits.memory 256Mi is less than requests.memory 0.5Gi; lower runtime.resources.requests.memory, too, "
        "or raise the limit",
        limited("runtime", memory="512Mi"),
    ),
    "processors of the server": (
        limited("runtime", cpu="100m"),
        "runtime.resources.limits.cpu 100m is less than requests.cpu 0.5; lower runtime.resources.requests.cpu, too, or raise "
        "the limit",
        limited("runtime", cpu="500m"),
    ),
    "memory of the Job": (
        limited("seed", memory="10M"),
        "seed.resources.limits.memory 10M is less than requests.memory 64Mi; lower seed.resources.requests.memory, too, or "
        "raise the limit",
        limited("seed", memory="68M"),
    ),
}


test_a_wrong_value_is_refused_in_one_sentence, test_the_right_value_beside_it_is_taken = both_ways(RULES)


@pytest.mark.parametrize("limit", [1, 0.5, "500m", "5e-1", "1k", "0.0000005M", "1Ki", "1E", "1Ei"])
def test_a_limit_is_read_as_kubernetes_writes_it(limit):
    assert complaints(limited("runtime", cpu=limit)) == []


def test_a_limit_alone_is_its_request():
    values = changed(SMALLEST, runtime__resources={"limits": {"memory": "1Mi"}, "requests": {"memory": None}})
    assert complaints(values) == []
