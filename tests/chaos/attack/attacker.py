"""A pod that sends hostile requests to a release, and what the release's own pod is like meanwhile."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes

from ci import pods
from ci.cluster.waiting import wait_for
from ci.release import Release

SECONDS = 180
PROGRAMS = ("generator.py", "send.py")
# What runs in the server's pod for as long as it lives; a probe's programs come and go.
PROCESSES = ("start.py", "java", "model_service_worker", "kserve_wrapper")
# In the server's pod: its processes, and what its management API says of each model, without figures that change by themselves.
VIEW = """
import json, os, sys, urllib.request
def ask(path):
    return json.load(urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/{path}", timeout=20))
def command(pid):
    try:
        return open(f"/proc/{pid}/cmdline").read().replace(chr(0), " ")
    except OSError:
        return ""
commands = {pid: command(pid) for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != os.getpid()}
processes = {pid: name for pid, said in commands.items() for name in sys.argv[2:] if name in said}
models = {one["modelName"]: ask(f"models/{one['modelName']}/all") for one in ask("models")["models"]}
for model in models.values():
    for version in model:
        del version["jobQueueStatus"]
        for worker in version["workers"]:
            del worker["memoryUsage"], worker["gpuUsage"]
print("state", json.dumps({"processes": processes, "models": models}))
"""


@dataclass(frozen=True)
class State:
    """A server at a moment: equal states are of one server that nothing happened to.

    Attributes:
        pod: the pod's UID.
        restarts: of its containers.
        inside: its processes by their ids, and its models and workers as its management API has them.
    """

    pod: str
    restarts: dict[str, int]
    inside: dict[str, Any]


def state(release: Release, management: int) -> State:
    """What the release's only pod is like now."""
    pod, = release.predictor_pods()
    printed = release.execute(pod.metadata.name, "python", "-c", VIEW, str(management), *PROCESSES)
    restarts = {one.name: one.restart_count for one in pod.status.container_statuses}
    return State(pod.metadata.uid, restarts, json.loads(printed.removeprefix("state ")))


@cache
def _programs() -> dict[str, str]:
    return {name: Path(__file__).with_name(name).read_text() for name in PROGRAMS}


def attack(release: Release, image: str, seed: int, number: int, model: str) -> list[dict[str, Any]]:
    """Sends so many requests to the release's only pod, from another pod; a line of send.py for each, and its last one."""
    core, name = release.core, f"attacker-{release.name}"
    target, = release.predictor_pods()
    core.create_namespaced_config_map(release.namespace, {"metadata": {"name": name}, "data": _programs()})
    sender = pods.pod(name, image, {"/attack": {"configMap": {"name": name}}},
                      command=["python", "/attack/send.py", target.status.pod_ip, str(seed), str(number), model])
    sender["spec"]["restartPolicy"] = "Never"
    core.create_namespaced_pod(release.namespace, sender)
    try:
        wait_for(f"the end of {number} hostile requests", lambda: _phase(core, release.namespace, name) in ("Succeeded",
                                                                                                            "Failed"),
                 seconds=SECONDS)
        said = release.logs(name, name)
        assert _phase(core, release.namespace, name) == "Succeeded", said[-2000:]
        return [json.loads(line) for line in said.splitlines()]
    finally:
        core.delete_namespaced_pod(name, release.namespace)
        core.delete_namespaced_config_map(name, release.namespace)


def _phase(core: kubernetes.client.CoreV1Api, namespace: str, name: str) -> str:
    return core.read_namespaced_pod(name, namespace).status.phase
