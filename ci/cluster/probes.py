"""Probes that a busy machine does not fail: nodes of ours share two cores with all that is tested."""

from typing import Any

ANSWER_SECONDS = 10
# Of a server of ours: ready as soon as it answers, and not unready again because answers are slow. One that refuses connections
# stays in its Service for a minute, one that hangs for ten.
FIELDS = {"periodSeconds": 1, "timeoutSeconds": ANSWER_SECONDS, "failureThreshold": 60}


def make_patient(container: dict[str, Any]) -> None:
    """Gives a container of somebody's manifest more time to answer its probes."""
    for probe in {"livenessProbe", "readinessProbe"} & set(container):
        container[probe]["timeoutSeconds"] = ANSWER_SECONDS
