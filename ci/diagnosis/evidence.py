"""What the objects of a release, their events and logs say, as single lines of the places that the catalogue knows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.conformance.catalogue import PLACE_OF_CONTAINER, visible_lines
from tests.conformance.owners import Object, name, uid

BAD_IF_TRUE = ("Failed", "FailureTarget", "ReplicaFailure", "Stopped")


@dataclass(frozen=True)
class Evidence:
    """One line.

    Attributes:
        source: the object, and the container where it is of one.
        place: as the catalogue has it.
        pod: the pod that it is of; "" for other objects.
    """

    source: str
    place: str
    line: str
    pod: str = ""


def of_conditions(items: Iterable[Object]) -> Iterator[Evidence]:
    """Conditions that are not as they should be, and KServe's own account of the model."""
    for item in items:
        status = item.get("status", {})
        pod = item["metadata"]["name"] if item["kind"] == "Pod" else ""
        for condition in status.get("conditions") or []:
            kind, true = condition.get("type", ""), condition.get("status") == "True"
            bad = true if kind in BAD_IF_TRUE else not true
            if bad and (condition.get("reason") or condition.get("message")):
                yield from _lines(name(item), "condition", ": ".join(
                    [kind, condition.get("reason", ""), condition.get("message", "")]), pod)
        failure = status.get("modelStatus", {}).get("lastFailureInfo", {})
        if failure and not is_ready(item):
            yield from _lines(name(item), "condition", f"ModelStatus: {failure.get('reason', '')}: {failure.get('message', '')}")


def of_containers(pods: Iterable[Object]) -> Iterator[Evidence]:
    """What containers wait for, how they ended, and their last words."""
    for pod in pods:
        status, own = pod.get("status", {}), pod["metadata"]["name"]
        if status.get("reason"):
            yield from _lines(name(pod), "state", f"{status['reason']}: {status.get('message', '')}", own)
        for container in (*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])):
            source = f"{name(pod)} {container['name']}"
            for state in (container.get("state", {}), container.get("lastState", {})):
                if waiting := state.get("waiting"):
                    yield from _lines(source, "state", f"{waiting.get('reason', '')}: {waiting.get('message', '')}", own)
                if (ended := state.get("terminated")) and ended.get("exitCode"):
                    yield Evidence(source, "state", f"{ended.get('reason', '')}: exit code {ended['exitCode']}", own)
                    yield from _lines(source, place(container["name"]), ended.get("message", ""), own)
                    yield from _lines(source, "state", ended.get("message", ""), own)


def of_events(events: Iterable[Object], items: Iterable[Object]) -> Iterator[Evidence]:
    """Events of these objects that are not over: what a pod that runs once waited for is no cause of anything."""
    known = {uid(item): item for item in items}
    for event in events:
        of = event.get("involvedObject", {})
        item = known.get(of.get("uid", ""))
        if item and not _passed(event, item):
            pod = item["metadata"]["name"] if item["kind"] == "Pod" else ""
            yield from _lines(name(item), "event", f"{event.get('reason', '')}: {event.get('message', '')}", pod)


def of_log(pod: str, container: str, text: str) -> Iterator[Evidence]:
    """The lines of a container's log."""
    visible = "\n".join(line for _, line in visible_lines(text, place(container)))
    yield from _lines(f"Pod/{pod} {container}", place(container), visible, pod)


def place(container: str) -> str:
    """What the catalogue calls a container."""
    return PLACE_OF_CONTAINER.get(container, "server")


def _lines(source: str, where: str, text: str, pod: str = "") -> Iterator[Evidence]:
    """One for each line of a text; in a single one, as for an event, line ends are no more than spaces."""
    if where in ("event", "condition", "state"):
        text = " ".join(text.split())
    yield from (Evidence(source, where, line, pod) for line in text.splitlines() if line.strip())


def is_ready(item: Object) -> bool:
    """Whether an object's condition Ready is true."""
    return any(condition.get("type") == "Ready" and condition.get("status") == "True"
               for condition in item.get("status", {}).get("conditions") or [])


def _passed(event: Object, item: Object) -> bool:
    """Whether what an event tells of is over."""
    status, reason = item.get("status", {}), event.get("reason", "")
    if item["kind"] == "Pod":
        scheduled = bool(item.get("spec", {}).get("nodeName"))
        return is_ready(item) or status.get("phase") == "Succeeded" or (reason == "FailedScheduling" and scheduled)
    if item["kind"] == "PersistentVolumeClaim":
        return status.get("phase") == "Bound"
    if item["kind"] == "ReplicaSet":
        return status.get("replicas", 0) >= (item.get("spec", {}).get("replicas") or 0)
    if item["kind"] == "Job":
        return bool(status.get("succeeded") or (reason == "FailedCreate" and (status.get("active") or status.get("failed"))))
    return is_ready(item)
