"""Which objects belong to which: up the owner references, so that a pod is found without its labels."""

from collections.abc import Iterable
from typing import Any

import kubernetes
import urllib3

Object = dict[str, Any]
# What a cluster that refuses, or is gone, makes of a call.
UNREADABLE = (kubernetes.client.ApiException, urllib3.exceptions.HTTPError)
# Kinds between an InferenceService and its pods, and what else of a release says what is wrong: group and version -> resources.
KINDS = {
    "v1": ("pods", "services", "persistentvolumeclaims", "configmaps", "resourcequotas", "limitranges"),
    "apps/v1": ("deployments", "replicasets"),
    "batch/v1": ("jobs",),
    "autoscaling/v2": ("horizontalpodautoscalers",),
    "networking.k8s.io/v1": ("networkpolicies", "ingresses"),
    "serving.kserve.io/v1beta1": ("inferenceservices",),
    "serving.kserve.io/v1alpha1": ("servingruntimes",),
    "serving.knative.dev/v1": ("services", "configurations", "revisions", "routes"),
}
RELEASE = "meta.helm.sh/release-name"


def read(api: kubernetes.client.ApiClient, path: str) -> Object:
    """GET of the API server, parsed. Raises what is in UNREADABLE."""
    return api.call_api(path, "GET", response_type="object", auth_settings=["BearerToken"], _return_http_data_only=True,
                        _request_timeout=30)


def read_log(core: kubernetes.client.CoreV1Api, pod: str, namespace: str, container: str, **options: Any) -> str:
    """The log of a container so far; `options` as the client has them. Raises what is in UNREADABLE.

    As bytes: the client refuses a log with one byte that is not UTF-8, and of one that is a line of JSON it makes a dict.
    """
    answer = core.read_namespaced_pod_log(pod, namespace, container=container, _preload_content=False, **options)
    return answer.data.decode(errors="replace")


def inventory(api: kubernetes.client.ApiClient, namespace: str) -> tuple[list[Object], list[str]]:
    """All objects of KINDS in a namespace, each with its kind; and a sentence for each kind that could not be listed."""
    found: list[Object] = []
    unread: list[str] = []
    for version, resources in KINDS.items():
        for resource in resources:
            prefix = "/api" if version == "v1" else "/apis"
            try:
                listed = read(api, f"{prefix}/{version}/namespaces/{namespace}/{resource}")
            except UNREADABLE as error:
                if getattr(error, "status", None) != 404:  # the cluster need not have every kind
                    unread.append(f"{resource}.{version} can't be listed: {short(error)}")
                continue
            kind = listed["kind"].removesuffix("List")
            found += [{"apiVersion": version, "kind": kind, **item} for item in listed["items"]]
    return found, unread


def short(error: Exception) -> str:
    """An error in one line."""
    return (str(getattr(error, "reason", None) or error).splitlines() or [type(error).__name__])[0]


def uid(item: Object) -> str:
    return item["metadata"].get("uid", "")


def name(item: Object) -> str:
    return f"{item['kind']}/{item['metadata']['name']}"


def of_release(items: Iterable[Object], release: str) -> list[Object]:
    """What a release consists of: what helm made for it, the InferenceService of its name, and all that these own."""
    every = list(items)
    roots = {uid(item) for item in every if item["metadata"].get("annotations", {}).get(RELEASE) == release
             or (item["kind"] == "InferenceService" and item["metadata"]["name"] == release)}
    return owned(every, roots)


def owned(items: Iterable[Object], roots: set[str]) -> list[Object]:
    """The objects with these uids and, however far down, those that they own."""
    every, known = list(items), set(roots)
    while more := {uid(item) for item in every if {owner["uid"] for owner in item["metadata"].get("ownerReferences", [])} & known
                   and uid(item) not in known}:
        known |= more
    return [item for item in every if uid(item) in known]


def selected(items: Iterable[Object], selector: str) -> list[Object]:
    """The pods that an equality selector (`a=b,c=d`) matches."""
    wanted = dict(part.split("=", 1) for part in selector.split(","))
    return [item for item in items if item["kind"] == "Pod" and wanted.items() <= item["metadata"].get("labels", {}).items()]
