"""Releases that are broken on purpose: for each the values that break it, and the entry of the catalogue that names why."""

import base64
from dataclasses import dataclass, field
from typing import Any

import kubernetes

from ci import pods
from ci.release import create
from tests.e2e.tiny import archive, packed

MODELS = "broken-models"
SERVER = "refusing"
PORT = 8000
# Handlers by what happens when their model is loaded.
HANDLERS = {
    "throws": "raise RuntimeError('the weights are from another model')",
    "lacks": "import a_package_that_nobody_has",
    "hangs": "import time\ntime.sleep(3600)",
    "eats": "everything = []\nwhile True:\n    everything.append(bytearray(b'x' * (1 << 24)))",
}
# A server that refuses one file, lacks all others but one, and says of that one that it is huge.
REFUSING = f"""
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if "huge" in self.path:
            self.send_response(200)
            self.send_header("Content-Length", str(1 << 50))
            self.send_header("Content-Type", "application/octet-stream")
            self.end_headers()
            self.wfile.write(b"PK" + bytes(1 << 16))
        else:
            self.send_error(403 if "forbidden" in self.path else 404)
    do_HEAD = do_GET

http.server.ThreadingHTTPServer(("", {PORT}), Handler).serve_forever()
"""


@dataclass(frozen=True)
class Broken:
    """A release.

    Attributes:
        values: on top of a working one's; `NAMESPACE` in a uri stands for the test's namespace.
        right: ids of the catalogue; where there is more than one, the kernel chooses how it kills.
    """

    right: tuple[str, ...]
    values: dict[str, Any] = field(default_factory=dict)


def _model(**fields: Any) -> dict[str, Any]:
    return {"models": {"tiny": fields}}


def _loading(how: str, **more: Any) -> dict[str, Any]:
    return _model(uri=f"configMap://{MODELS}/{how}.mar", **more)


FINE = _loading("fine")
RELEASES: dict[str, Broken] = {
    "checksum": Broken(("seed-checksum",), _model(sha256="0" * 64)),
    "no-zip": Broken(("seed-no-zip",), _loading("garbage")),
    "no-config-map": Broken(("seed-no-config-map",), _model(uri="configMap://nobody/tiny.mar")),
    "missing": Broken(("seed-not-found",), _model(uri=f"http://{SERVER}.NAMESPACE.svc/nowhere.mar")),
    "forbidden": Broken(("seed-refused",), _model(uri=f"http://{SERVER}.NAMESPACE.svc/forbidden.mar")),
    "no-address": Broken(("seed-no-address",), _model(uri="http://nobody.NAMESPACE.svc/tiny.mar")),
    "no-space": Broken(("seed-no-space",), _model(uri=f"http://{SERVER}.NAMESPACE.svc/huge.mar")),
    "wrong-version": Broken(("seed-version",), _model(version="7.0")),
    "throws": Broken(("start-load-failed",), _loading("throws")),
    "lacks": Broken(("start-module-missing",), _loading("lacks")),
    "hangs": Broken(("start-load-slow",), _loading("hangs", startupTimeout=30)),
    "eats": Broken(("k8s-oom", "start-no-exception"), {
        **_loading("eats"), "runtime": {"resources": {"limits": {"memory": "700Mi"}, "requests": {"memory": "64Mi"}}}}),
    "no-cpu": Broken(("k8s-resources",), {"runtime": {"resources": {"requests": {"cpu": 1000}, "limits": {"cpu": 1000}}}}),
    "no-gpu": Broken(("k8s-gpu",), {"gpu": {"enabled": True, "image": {"repository": "nobody/torchserve-gpu", "tag": "0"}}}),
    "no-class": Broken(("k8s-no-class",), {"persistence": {"storageClass": "nobody"}}),
    "no-claim": Broken(("k8s-no-claim",), {"persistence": {"create": False, "existingClaim": "nobody"}}),
    "no-image": Broken(("k8s-image",), {"runtime": {"image": {"registry": "localhost:1", "repository": "nobody/torchserve",
                                                               "tag": "0", "digest": ""}}}),
    "no-secret": Broken(("k8s-config",), {"runtime": {"envFrom": [{"secretRef": {"name": "nobody"}}]}}),
    "no-account": Broken(("k8s-service-account",), {"serviceAccountName": "nobody"}),
    "no-runtime": Broken(("kserve-no-runtime",), {"runtime": {"create": False, "name": "nobody"}}),
    "not-restricted": Broken(("k8s-pod-security",), {"predictor": {"hostNetwork": True}}),
}


def prepare(api: kubernetes.client.ApiClient, namespace: str, image: str) -> None:
    """Makes what the releases refer to: archives, and the server that refuses."""
    core = kubernetes.client.CoreV1Api(api)
    files = {f"{how}.mar": packed(handler) for how, handler in HANDLERS.items()}
    files |= {"garbage.mar": b"not a zip file", "fine.mar": archive("one")}
    create(core.create_namespaced_config_map, namespace, {
        "metadata": {"name": MODELS}, "binaryData": {name: base64.b64encode(data).decode() for name, data in files.items()}})
    pods.serve(api, namespace, pods.pod(SERVER, image, {}, command=["python", "-c", REFUSING]), PORT)
