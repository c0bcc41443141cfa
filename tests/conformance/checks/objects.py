"""The objects of a release: there, ready, and consistent with each other."""

from ..owners import selected
from ..target import NotApplicable, Target, condition, living


def every_condition_is_true(target: Target) -> None:
    """The InferenceService is Ready, and no other condition is false."""
    status = target.service.get("status", {})
    wrong = {one["type"]: f"{one['status']} {one.get('reason', '')} {one.get('message', '')}".strip()
             for one in status.get("conditions", []) if one["status"] != "True" and one["type"] != "Stopped"}
    assert not wrong, f"conditions that are not true: {wrong}"
    assert condition(target.service, "Ready") == "True", "it has no condition Ready: KServe's controller has not looked at it"


def the_runtime_is_there_and_takes_the_protocol(target: Target) -> None:
    """The ServingRuntime of the namespace that the InferenceService names."""
    name = target.service["spec"]["predictor"].get("model", {}).get("runtime")
    if not name:
        raise NotApplicable("the InferenceService names no runtime")
    found = [item for item in target.items if item["kind"] == "ServingRuntime" and item["metadata"]["name"] == name]
    if not found and target.service.get("status", {}).get("clusterServingRuntimeName") == name:
        raise NotApplicable(f"{name} is a ClusterServingRuntime")
    target.needs("servingruntimes.serving.kserve.io/v1alpha1")
    assert found, f"the InferenceService names the runtime {name}, which the namespace does not have"
    spec = found[0]["spec"]
    assert not spec.get("disabled"), f"the runtime {name} is disabled"
    protocols = spec.get("protocolVersions") or ["v1"]
    assert target.protocol in protocols, f"the runtime {name} takes {protocols}, the InferenceService wants {target.protocol}"


def all_pods_are_ready(target: Target) -> None:
    """As many pods as the predictor must have at least, each with all containers ready."""
    wrong = [f"{pod['metadata']['name']} is {pod['status'].get('phase')}" for pod in target.pods if pod not in target.ready_pods]
    assert not wrong, f"pods that are not ready: {', '.join(wrong)}"
    least = target.service["spec"]["predictor"].get("minReplicas", 1)
    assert len(target.ready_pods) >= least, f"{len(target.ready_pods)} of {least} pods are ready"


def no_container_was_started_again(target: Target) -> None:
    """Restarts say that a server died or was killed, how long ago ever."""
    again = [f"{pod['metadata']['name']} {status['name']} {status['restartCount']} times"
             f"{_how(status)}" for pod in target.pods for status in pod["status"].get("containerStatuses", [])
             if status.get("restartCount")]
    assert not again, f"started again: {', '.join(again)}"


def the_label_of_the_inference_service_finds_its_pods(target: Target) -> None:
    """What everybody selects by matches what the InferenceService owns, no more and no less."""
    selector = f"serving.kserve.io/inferenceservice={target.release}"
    owned = {pod["metadata"]["name"] for pod in target.pods}
    matched = {pod["metadata"]["name"] for pod in selected(target.items, selector)
               if not pod["metadata"].get("deletionTimestamp")}
    assert owned <= matched, f"{selector} does not match {sorted(owned - matched)}"


def the_claims_are_bound(target: Target) -> None:
    """Each claim that a pod mounts has its volume."""
    claims = {item["metadata"]["name"]: item for item in target.items if item["kind"] == "PersistentVolumeClaim"}
    mounted = {volume["persistentVolumeClaim"]["claimName"] for pod in target.pods for volume in pod["spec"].get("volumes", [])
               if "persistentVolumeClaim" in volume}
    if not mounted:
        raise NotApplicable("the pods mount no claim")
    target.needs("persistentvolumeclaims.v1")
    wrong = [f"{name} is {claims[name]['status'].get('phase')}" if name in claims else f"there is no {name}"
             for name in sorted(mounted) if claims.get(name, {}).get("status", {}).get("phase") != "Bound"]
    assert not wrong, f"claims: {', '.join(wrong)}"


def the_service_sends_to_the_pods(target: Target) -> None:
    """The predictor's Service selects its pods, so that requests in the cluster arrive."""
    name = f"{target.release}-predictor"
    found = [item for item in target.items if item["kind"] == "Service" and item["apiVersion"] == "v1"
             and item["metadata"]["name"] == name]
    target.needs("services.v1")
    assert found, f"there is no Service {name}"
    selector = found[0]["spec"].get("selector")
    if not selector:
        raise NotApplicable(f"the Service {name} only names another one, as in Knative mode")
    wanted = ",".join(f"{key}={value}" for key, value in selector.items())
    matched = [pod for pod in selected(target.items, wanted) if living(pod)]
    owned = {pod["metadata"]["name"] for pod in target.pods}
    strangers = sorted({pod["metadata"]["name"] for pod in matched} - owned)
    assert matched, f"the selector of the Service {name} matches no pod"
    assert not strangers, f"the Service {name} also sends to pods that are none of the release: {strangers}"


def _how(status: dict) -> str:
    ended = status.get("lastState", {}).get("terminated")
    return f" (last: {ended.get('reason')}, exit code {ended.get('exitCode')})" if ended else ""
