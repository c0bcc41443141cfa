"""After a reboot the API server still has what pods said before it: only what they say since counts."""

import json
from pathlib import Path

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


@pytest.mark.parametrize(("phases", "runs"), [(["Running", "Succeeded"], True), (["Running", "Failed", "Succeeded"], True)])
def test_a_jobs_pods_that_have_ended_say_nothing_about_whether_a_namespace_runs(
        phases: list[str], runs: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pods = [{"status": {"phase": phase, "containerStatuses": [container("2026-01-01T12:00:05Z", ready=phase == "Running")]}}
            for phase in phases]
    monkeypatch.setattr(kind.Kind, "kubectl", lambda *_arguments, **_options: json.dumps({"items": pods}))
    monkeypatch.setattr(kind.Kind, "_started", lambda _self: BOOT)
    assert kind.Kind("any", Path()).runs("somewhere") == runs
