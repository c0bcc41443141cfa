"""The logs of a release have no line that a healthy release never has, by the catalogue."""

from ..catalogue import PLACE_OF_CONTAINER, bad_lines
from ..target import NotApplicable, Target


def the_server_says_nothing_bad(target: Target) -> None:
    """kserve-container, of all pods."""
    _clean(target, "server")


def the_sidecar_says_nothing_bad(target: Target) -> None:
    """Knative's queue-proxy."""
    _clean(target, "queue-proxy")


def the_download_says_nothing_bad(target: Target) -> None:
    """The chart's seed, or KServe's storage-initializer."""
    _clean(target, "seed", "storage-initializer")


def _clean(target: Target, *places: str) -> None:
    logs = {key: text for key, text in target.logs.items() if PLACE_OF_CONTAINER.get(key[1]) in places}
    if not logs:
        raise NotApplicable(f"there is no log of {' or '.join(places)}")
    found: dict[str, str] = {}  # of each kind of bad line the first
    for (pod, container), text in logs.items():
        bare = "\n".join(line.partition(" ")[2] for line in text.splitlines())
        for number, line, entry in bad_lines(bare, PLACE_OF_CONTAINER[container]):
            where = f"{pod} {container}, line {number + 1} ({entry.id})"
            found.setdefault(entry.id, f"{where}: {line[:300]}\n{entry.meaning} {entry.remedy}")
    assert not found, "\n".join(found.values())
