"""All that the cluster has of a namespace or a release, read once; what can't be read is said, and left out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import kubernetes
import yaml

from ci.diagnosis import evidence, helm_record
from tests.conformance.owners import UNREADABLE, Object, inventory, of_release, read, read_log, selected, short

LOG_LINES = 500
SELECTORS = {"the predictor": "serving.kserve.io/inferenceservice={release}",
             "the seeding Job": "app.kubernetes.io/instance={release},app.kubernetes.io/component=seed"}


@dataclass
class State:
    """What was read.

    Attributes:
        logs: (pod, container, whether of its life before the last restart) -> text.
        remarks: sentences on what could not be read, and on selectors that matched nothing.
    """

    namespace: str
    items: list[Object]
    events: list[Object]
    nodes: list[Object]
    records: list[dict[str, Any]]
    logs: dict[tuple[str, str, bool], str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @property
    def releases(self) -> list[str]:
        """Names of all InferenceServices, and of helm's releases that have none."""
        services = [item["metadata"]["name"] for item in self.items if item["kind"] == "InferenceService"]
        return sorted({*services, *(record["release"] for record in self.records)})

    def of(self, release: str) -> list[Object]:
        return of_release(self.items, release)

    def ready(self, release: str) -> bool:
        """Whether the InferenceService of this name is Ready."""
        return any(item["kind"] == "InferenceService" and item["metadata"]["name"] == release and evidence.is_ready(item)
                   for item in self.items)

    def evidence(self, release: str) -> list[evidence.Evidence]:
        """All that is said of a release. Of pods that are Ready the logs count, not what they once waited for."""
        items = self.of(release)
        pods = [item for item in items if item["kind"] == "Pod"]
        names = {pod["metadata"]["name"] for pod in pods}
        said = [*evidence.of_conditions(items), *evidence.of_containers(pods), *evidence.of_events(self.events, items)]
        for (pod, container, _), text in self.logs.items():
            if pod in names:
                said += evidence.of_log(pod, container, text)
        return said


def gather(api: kubernetes.client.ApiClient, namespace: str, release: str = "") -> State:
    """Reads a namespace; logs only of the release's pods where one is given, else of all."""
    items, unread = inventory(api, namespace)
    state = State(namespace, items, [], [], [], remarks=unread)
    state.events = sorted(_items(state, "events", lambda: read(api, f"/api/v1/namespaces/{namespace}/events")), key=_time)
    state.nodes = _items(state, "nodes", lambda: read(api, "/api/v1/nodes"))
    state.records = [record for record in _records(api, state) if not release or record["release"] == release]
    pods = [item for item in (state.of(release) if release else items) if item["kind"] == "Pod"]
    for name in [release] if release else state.releases:
        state.remarks += _remarks(state, name)
    for pod in pods:
        _read_logs(kubernetes.client.CoreV1Api(api), state, pod)
    return state


def _items(state: State, what: str, listing: Callable[[], Any]) -> list[Any]:
    try:
        return listing()["items"]
    except UNREADABLE as error:
        state.remarks.append(f"the {what} can't be read: {short(error)}")
        return []


def _records(api: kubernetes.client.ApiClient, state: State) -> list[dict[str, Any]]:
    """Helm's newest record of each release."""
    path = f"/api/v1/namespaces/{state.namespace}/secrets?labelSelector=owner%3Dhelm"
    newest: dict[str, dict[str, Any]] = {}
    for secret in _items(state, "records of helm", lambda: read(api, path)):
        try:
            found = helm_record.summary(helm_record.decode(secret["data"]["release"]))
        except (KeyError, ValueError, OSError) as error:
            state.remarks.append(f"helm's record {secret['metadata']['name']} can't be understood: {error}")
            continue
        if found["revision"] > newest.get(found["release"], {"revision": 0})["revision"]:
            newest[found["release"]] = found
    return list(newest.values())


def _remarks(state: State, release: str) -> list[str]:
    """Selectors that match no pod, or other ones than those that the release owns."""
    said, items = [], state.of(release)
    if not items:
        others = ", ".join(state.releases) or "none"
        return [f"{state.namespace} has nothing of a release {release}; releases that it has: {others}."]
    if not any(item["kind"] == "InferenceService" for item in items):
        said.append(f"{state.namespace} has no InferenceService {release}.")
    owned = {item["metadata"]["name"] for item in items if item["kind"] == "Pod"}
    for what, form in SELECTORS.items():
        selector = form.format(release=release)
        matched = {item["metadata"]["name"] for item in selected(state.items, selector)}
        if not matched:
            said.append(f"The selector {selector} ({what} of {release}) matches no pod.")
        if strangers := matched - owned:
            said.append(f"The selector {selector} also matches pods that {release} does not own: {', '.join(sorted(strangers))}.")
    if not owned:
        said.append(f"{release} owns no pod at all.")
    return said


def _read_logs(core: kubernetes.client.CoreV1Api, state: State, pod: Object) -> None:
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    for container in (*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])):
        for previous in ([False, True] if container.get("restartCount") else [False]):
            if not previous and "waiting" in container.get("state", {}) and not container.get("restartCount"):
                continue  # it has none yet
            try:
                state.logs[name, container["name"], previous] = read_log(
                    core, name, state.namespace, container["name"], previous=previous, tail_lines=LOG_LINES, _request_timeout=30)
            except UNREADABLE as error:
                when = " before its restart" if previous else ""
                state.remarks.append(f"the log of {name} {container['name']}{when} can't be read: {short(error)}")


def _time(event: Object) -> str:
    return event.get("lastTimestamp") or event.get("eventTime") or event.get("metadata", {}).get("creationTimestamp") or ""


def event_lines(events: list[Object]) -> str:
    """Events as text, the oldest first."""
    return "".join(f"{_time(event)[11:19]} {_of(event, 'kind')}/{_of(event, 'name')} "
                   f"{event.get('reason')}: {event.get('message')}{_times(event)}\n" for event in events)


def _of(event: Object, key: str) -> str:
    return event.get("involvedObject", {}).get(key, "?")


def _times(event: Object) -> str:
    return f" ({event['count']} times)" if (event.get("count") or 1) > 1 else ""


def node_lines(nodes: list[Object]) -> str:
    """Each node's conditions, what pods may request of it, and its taints."""
    return yaml.safe_dump([{
        "node": node["metadata"]["name"],
        "conditions": {one["type"]: f"{one['status']} ({one.get('reason')})" for one in node["status"].get("conditions", [])},
        "allocatable": node["status"].get("allocatable"), "taints": node["spec"].get("taints", []),
        "unschedulable": node["spec"].get("unschedulable", False),
        "system": {key: node["status"]["nodeInfo"].get(key) for key in ("architecture", "kubeletVersion", "osImage")},
    } for node in nodes], sort_keys=False)
