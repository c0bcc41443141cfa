"""After a reboot the API server still has what pods said before it: only what they say since counts."""

import pytest

from ci.cluster import kind

BOOT = "2026-01-01T12:00:00"


def container(started: str | None, *, ready: bool = True) -> dict[str, object]:
    return {"ready": ready, "state": {"running": {"startedAt": started}} if started else {"waiting": {}}}


@pytest.mark.parametrize(("containers", "runs"), [
    ([container("2026-01-01T12:00:05Z")], True),
    ([container("2026-01-01T11:59:59Z")], False),
    ([container("2026-01-01T12:00:05Z"), container("2026-01-01T11:00:00Z")], False),
    ([container("2026-01-01T12:00:05Z", ready=False)], False),
    ([container(None)], False),
    ([], False),
])
def test_a_pod_runs_when_all_its_containers_are_ready_and_started_after_the_node(
        containers: list[dict[str, object]], runs: bool) -> None:
    assert kind._runs_since(BOOT, {"containerStatuses": containers}) == runs
