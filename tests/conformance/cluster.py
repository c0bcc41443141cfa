"""The target as a cluster has it, read through its API; the server asked by one of three ways: a URL, a Service, a pod."""

import itertools
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kubernetes
import requests
from kubernetes.stream import stream

from . import over_grpc
from .owners import UNREADABLE, Object, inventory, read_log, short
from .target import Inside, NotApplicable, Target

SECONDS = 60
REACH_SECONDS = 20  # open or closed, a port answers at once, except on a busy machine
INSIDE_SECONDS = 120  # for all that LOOK asks
# Run by the Python of the server's container, and only reads: the configuration, the store's names, the management API.
LOOK = """
import json, os, sys, urllib.request
from urllib.parse import urlsplit
found = {"config": {}, "store": [], "workers": {}}
for file in sys.argv[1:]:
    if os.path.isfile(file):
        lines = open(file).read().splitlines()
        found["config"] = dict(map(str.strip, line.split("=", 1)) for line in lines if "=" in line and line[:1] != "#")
        break
store = found["config"].get("model_store", "/mnt/models/model-store")
found["store"] = sorted(os.listdir(store)) if os.path.isdir(store) else []
address = urlsplit(found["config"].get("management_address", "http://127.0.0.1:8081"))
host = address.hostname if address.hostname not in (None, "0.0.0.0") else "127.0.0.1"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def ask(path):
    return json.load(opener.open("http://%s:%s/%s" % (host, address.port or 8081, path), timeout=30))
try:
    for model in ask("models?limit=1000")["models"]:
        name = model["modelName"]
        found["workers"][name] = {one["modelVersion"]: one["workers"] for one in ask("models/%s/all" % name)}
except Exception as error:
    found["error"] = repr(error)
print("\\n" + json.dumps(found))
"""
CONFIGS = ("/mnt/models/config/config.properties", "/home/model-server/config.properties")


@dataclass(frozen=True)
class Way:
    """How requests reach the server; without a URL by the API server.

    Attributes:
        headers: sent with every request, cookies among them.
        verify: file of the CA; False to accept any certificate.
    """

    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    verify: bool | str = True


def read(kubeconfig: str | None, namespace: str, release: str, way: Way, **more: Any) -> Target:
    """Reads a release; `more` as Target has it. Raises what is in UNREADABLE, OSError, and ConfigException."""
    api = kubernetes.config.new_client_from_config(kubeconfig)
    core = kubernetes.client.CoreV1Api(api)
    core.list_namespaced_pod(namespace, limit=1)
    items, unread = inventory(api, namespace)
    session = _session(api)
    target = Target(namespace, release, items, {}, {}, _refuse, _reach(session, api, namespace), unread=unread, **more)
    pods = [item for item in target.own if item["kind"] == "Pod"]
    for pod in pods:
        _read_logs(core, target, pod)
    try:
        servers = target.ready_pods
    except (AssertionError, NotApplicable):
        servers = []
    for pod in servers:
        _look_inside(core, target, pod)
    target.call = calling(session, api, target, way)
    target.infer = over_grpc.asking(way.url, way.headers, way.verify)
    return target


def _session(api: kubernetes.client.ApiClient) -> requests.Session:
    """With the credentials of the kubeconfig, for the API server alone."""
    settings, session = api.configuration, requests.Session()
    session.trust_env = False
    token = settings.get_api_key_with_prefix("authorization")
    session.headers.update({"Authorization": token} if token else {})
    session.verify = settings.ssl_ca_cert if settings.verify_ssl else False
    session.cert = (settings.cert_file, settings.key_file) if settings.cert_file else None
    return session


def calling(session: requests.Session, api: kubernetes.client.ApiClient, target: Target,
            way: Way) -> Callable[..., requests.Response]:
    """call(method, path, **options for requests), by the way that is given, else by the API server."""
    if way.url:
        outside = requests.Session()
        outside.verify = way.verify
        outside.trust_env = False  # else REQUESTS_CA_BUNDLE and .netrc win over --ca and --header
        outside.headers["Connection"] = "close"  # a gateway may close a kept one that rested, under a request
        base = way.url.rstrip("/")
    else:
        outside, base = session, f"{api.configuration.host}/api/v1/namespaces/{target.namespace}/{_proxied(target)}/proxy"

    def call(method: str, path: str, **options: Any) -> requests.Response:
        headers = {**way.headers, **options.pop("headers", {})}
        return outside.request(method, f"{base}/{path}", headers=headers, timeout=SECONDS, allow_redirects=False, **options)
    return call


def _proxied(target: Target) -> str:
    """The predictor's Service; in Knative mode, where that one only names a gateway, its first pod."""
    name = f"{target.release}-predictor"
    service = next((item for item in target.items if item["kind"] == "Service" and item["apiVersion"] == "v1"
                    and item["metadata"]["name"] == name), None)
    if service and service["spec"].get("selector"):
        return f"services/{name}:{service['spec']['ports'][0]['port']}"
    try:
        pod = target.ready_pods[0]
    except (AssertionError, NotApplicable, IndexError):
        return f"services/{name}:80"
    ports = target.server(pod).get("ports") or [{"containerPort": 8080}]
    return f"pods/{pod['metadata']['name']}:{ports[0]['containerPort']}"


def _reach(session: requests.Session, api: kubernetes.client.ApiClient,
           namespace: str) -> Callable[[str, int, str], tuple[int, str] | None]:
    def reach(pod: str, port: int, path: str) -> tuple[int, str] | None:
        url = f"{api.configuration.host}/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/{path}"
        try:
            answer = session.get(url, timeout=REACH_SECONDS)
        except requests.Timeout:
            raise NotApplicable(f"port {port} of {pod} gave no answer in {REACH_SECONDS} s: something on the way drops packets, "
                                f"a NetworkPolicy for example, so it can't be seen from here who listens there") from None
        except requests.RequestException:
            return None
        return answer.status_code, answer.text[:2000]
    return reach


def _refuse(*_: Any, **__: Any) -> requests.Response:
    raise RuntimeError("the way to the server is not known yet")


def _read_logs(core: kubernetes.client.CoreV1Api, target: Target, pod: Object) -> None:
    statuses = (*pod["status"].get("initContainerStatuses", []), *pod["status"].get("containerStatuses", []))
    for container in statuses:
        try:
            target.logs[pod["metadata"]["name"], container["name"]] = read_log(
                core, pod["metadata"]["name"], target.namespace, container["name"], timestamps=True, _request_timeout=SECONDS)
        except UNREADABLE as error:
            target.unread.append(f"the log of {pod['metadata']['name']} {container['name']}: {short(error)}")


def _look_inside(core: kubernetes.client.CoreV1Api, target: Target, pod: Object) -> None:
    server, name = target.server(pod), pod["metadata"]["name"]
    try:
        said = stream(core.connect_get_namespaced_pod_exec, name, target.namespace, container=server["name"],
                      command=["python3", "-c", LOOK, *_configs(server)], stdin=False, stdout=True, stderr=False, tty=False,
                      _preload_content=False)
        said.run_forever(timeout=INSIDE_SECONDS)
        found = json.loads(said.read_stdout().strip().splitlines()[-1])
    except (*UNREADABLE, ValueError, IndexError, OSError) as error:
        target.unread.append(f"{name} from inside: {short(error)}")
        return
    target.unread += [f"{name}: the management API from inside: {found['error']}"] if "error" in found else []
    target.inside[name] = Inside(found["config"], tuple(found["store"]),
                                 None if "error" in found else found["workers"])


def _configs(server: Object) -> list[str]:
    """Where config.properties may be: as the container is told, and where KServe has it by convention."""
    words = [*server.get("command", []), *server.get("args", [])]
    words = [word for text in words for word in text.split()]
    named = [after for word, after in itertools.pairwise(words) if word == "--ts-config"]
    named += [word.partition("=")[2] for word in words if word.startswith("--ts-config=")]
    named += [variable["value"] for variable in server.get("env", [])
              if variable["name"] in ("TS_CONFIG_FILE", "CONFIG_PATH") and variable.get("value")]
    return [*named, *CONFIGS]


def body(file: str | None) -> Any:
    """The JSON of a file; None for none. Raises OSError and ValueError."""
    return json.loads(Path(os.fspath(file)).read_text(encoding="utf-8")) if file else None
