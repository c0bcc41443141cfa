"""What a user sees of a fault: how containers ended, their last words, what the diagnosis names."""

from typing import Any

from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.diagnosis import gather, guess
from ci.release import Release

NAMED_SECONDS, SAID_SECONDS, RESTARTED_SECONDS = 60, 90, 60


def container(release: Release) -> Any:
    """The status of the server's container in the newest pod of the predictor."""
    return release.predictor_pods()[-1].status.container_statuses[0]


def restarted(release: Release, before: Any) -> Any:
    """Waits until the same pod has its server in another container, after a restart; how the one before ended."""
    def again() -> Any:
        now = container(release)
        return now.last_state.terminated if now.restart_count > before.restart_count and now.state.running else None

    ended = wait_for("the container to be started again", again, seconds=RESTARTED_SECONDS, state=release.state)
    assert ended.container_id == before.container_id
    assert container(release).container_id != before.container_id
    return ended


def causes(release: Release) -> list[str]:
    """Ids of the catalogue's entries that the diagnosis finds now, the likeliest cause first."""
    state = gather.gather(release.api, release.namespace, release.name)
    return [cause.entry.id for cause in guess.causes(state.evidence(release.name))]


def named(release: Release, *right: str) -> None:
    """Waits until the first cause that the diagnosis names is one of these."""
    wait_for(f"the diagnosis of {release.name} to name {' or '.join(right)} first",
             lambda: next(iter(causes(release)), "") in right, seconds=NAMED_SECONDS, state=lambda: f"it names {causes(release)}")


def last_words(release: Release, *words: str, seconds: float = SAID_SECONDS) -> str:
    """Waits until the last words of the server that ended latest have all of these; the last words."""
    def spoken() -> str:
        message = release.server_message() or ""
        return message if all(word in message for word in words) else ""

    return wait_for(f"{release.name} to say {words}", spoken, seconds=seconds, state=release.state)


def told(fault: str, seconds: float, wrong: Any = None) -> None:
    """Puts a recovery into the table of times."""
    timings.facts[f"right answers after {fault}"] = f"{seconds:.1f} s" + (f", {sum(wrong.values())} wrong" if wrong else "")
