"""Nobody but the pod itself reaches TorchServe's management API, which loads programs. Nothing is registered to show it."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from ..comparing import lives
from ..target import NotApplicable, Target

PORTS = (8081, 7071)
AT_ONCE = 16
SILENT = -1  # in place of a status, where it can't be told whether anybody listens


def it_is_not_behind_the_service(target: Target) -> None:
    """By the way of predict requests, which has to lead to the server for this to mean anything."""
    lives(target)
    for path in ("models", "models?limit=1", f"models/{target.model}"):
        answer = target.call("GET", path)
        shown = _is_management(answer.status_code, answer.text)
        assert not shown, f"GET /{path} is answered by the management API: {answer.text[:200]}"


def it_is_not_on_the_pods_address(target: Target) -> None:
    """By the pods' own addresses."""
    ports = set(PORTS)
    with contextlib.suppress(NotApplicable):
        ports |= {urlsplit(target.config.get("management_address", "")).port or 8081}
    places = [(pod["metadata"]["name"], port) for pod in target.ready_pods for port in sorted(ports)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda place: _asked(target, *place), places))
    for (name, port), (status, text) in zip(places, found, strict=True):
        assert not _is_management(status, text), f"port {port} of {name} is the management API: {text[:200]}"
    if silent := [text for status, text in found if status == SILENT]:
        raise NotApplicable("; ".join(silent))


def _asked(target: Target, pod: str, port: int) -> tuple[int, str]:
    try:
        return target.reach(pod, port, "models") or (0, "")
    except NotApplicable as reason:
        return SILENT, str(reason)


def _is_management(status: int, text: str) -> bool:
    return status == 200 and ('"modelUrl"' in text or '"minWorkers"' in text or '"models": []' in text)
