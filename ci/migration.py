"""The settings of the old write-up that this project re-builds, tried on the chart: docs/migration.md says what comes of each.

Each setting is rendered as the write-up had it; the chart takes it or refuses it with a sentence, which goes into the table.
`values()` is the nearest form that works: the acceptance test (tests/e2e/test_write_up.py) installs that, with its own image and
the archive's URI of its cluster.
"""

import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ci import helm
from ci.cluster import shell
from ci.cluster.errors import Problem
from ci.cluster.paths import CHART, REPOSITORY

RELEASE, NAMESPACE, CLAIM, MODEL = "torchserve", "kubeflow-user-example-com", "leeway", "bert"
PAGE = REPOSITORY / "docs" / "migration.md"
IMAGE = {"repository": "pytorch/torchserve-kfs", "tag": "0.12.0"}
HEAD = """# Coming from the write-up

What the old write-up set by hand, what this chart answers when it is set so, and what to write instead. This page is made by
`ci/nox -s docs` from `ci/migration.py`, which asks the chart itself. The acceptance test `tests/e2e/test_write_up.py`
installs the values at its end, with the test's own image (one that has the wrapper) and the URI of an archive in its cluster, and
asks the write-up's own requests.

| in the write-up | the chart's answer | write |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class Setting:
    """One setting of the write-up.

    Attributes:
        where: the file or object it stood in.
        written: as it stood there.
        tried: the values that say the same to the chart.
        nearest: the values that are used instead; None where `tried` itself is.
        why: what to write instead, or what became of it, as one sentence of Markdown.
        noted: a word by which the line of NOTES is found that speaks of it; empty where none does.
    """

    where: str
    written: str
    tried: dict[str, Any]
    why: str
    nearest: dict[str, Any] | None = field(default=None)
    noted: str = ""

    @property
    def used(self) -> dict[str, Any]:
        return self.tried if self.nearest is None else self.nearest


def _property(key: str, value: Any, why: str, nearest: dict[str, Any] | None = None) -> Setting:
    return Setting("config.properties", f"{key}={value}", {"properties": {key: value}}, why, nearest)


SETTINGS = (
    Setting("InferenceService", "serving.kserve.io/deploymentMode: Serverless", {"deploymentMode": "Serverless"},
            "`deploymentMode: Knative`, KServe's name for it since 0.16", {"deploymentMode": "Knative"}),
    Setting("InferenceService", "predictor.pytorch", {"predictor": {"pytorch": {"storageUri": f"pvc://{CLAIM}"}}},
            "`runtime.flavor: wrapper`: TorchServe behind KServe's model server (8080 → 8085), in a runtime of the release's own",
            {"runtime": {"flavor": "wrapper", "image": IMAGE}}),
    Setting("InferenceService", "storageUri: pvc://leeway", {"storageUri": "pvc://leeway"},
            "`persistence.existingClaim: leeway`, so that the chart can fill it",
            {"persistence": {"create": False, "existingClaim": CLAIM}}),
    Setting("InferenceService", "protocolVersion: v1", {"protocol": "v1"}, "`protocol: v1`"),
    Setting("InferenceService", "resources: limits 2 CPU, 2Gi; requests 0.5 CPU, 0.5Gi",
            {"runtime": {"resources": {"limits": {"cpu": 2, "memory": "2Gi"}, "requests": {"cpu": 0.5, "memory": "0.5Gi"}}}},
            "`runtime.resources`"),
    Setting("model-store", "bert-model.mar, copied by a notebook", {"models": {MODEL: {"marName": "bert-model.mar"}}},
            "`models.bert.uri`, and a Job fetches it, as here; or `models.bert.marName` for a file that lies on the claim",
            {"models": {MODEL: {"uri": "https://example.com/bert-model.mar"}}}),
    _property("inference_address", "http://0.0.0.0:8085", "nothing: the model server asks TorchServe at 127.0.0.1:8085", {}),
    _property("management_address", "http://0.0.0.0:8081", "nothing: management is at 127.0.0.1:8086", {}),
    _property("number_of_netty_threads", 4, "`properties.number_of_netty_threads`"),
    _property("job_queue_size", 100, "`properties.job_queue_size`"),
    _property("enable_envvars_config", "true", "nothing: the envelope is set by `protocol`, not by an environment variable", {}),
    Setting("TorchServe", "no word of tokens, which since 0.11.1 means disable_token_authorization=false",
            {"properties": {"disable_token_authorization": "false"}},
            "nothing: the chart switches the tokens off; what they guard is open inside the pod alone", {}),
    _property("install_py_dep_per_model", "true",
              "`pip.enabled: true`, with `pip.indexUrl` where PyPI is out of reach; or an image that has what the handler "
              "imports, which starts sooner, as here ([docs/configuration.md](configuration.md))", {}),
    _property("model_store", "model-store", "nothing: it is `/mnt/models/model-store`, the claim's directory `model-store`", {}),
    _property("model_snapshot", '{"name":"startup.cfg","modelCount":1,"models":{"bert":{…}}}',
              "`models`: the snapshot's keys under the model's name, with no JSON to write",
              {"models": {MODEL: {"minWorkers": 1, "maxWorkers": 5, "batchSize": 1, "maxBatchDelay": 5000,
                                  "responseTimeout": 120}}}),
    Setting("namespace", "a Kubeflow profile", {"kubeflow": {"enabled": True, "authorizationPolicy": {"enabled": True}}},
            "`kubeflow.enabled: true` and `kubeflow.authorizationPolicy.enabled: true`; not in the values below, because the "
            "acceptance test's cluster has no Istio ([docs/kubeflow.md](kubeflow.md))", {}),
    Setting("browser", "Host: torchserve.kubeflow-user-example-com.example.com", {"domainMapping": {"hosts": []}},
            "with KServe's VirtualService (Istio, as in Kubeflow) nothing; with Kourier or another gateway "
            "`domainMapping.hosts`, as here", {"domainMapping": {"hosts": [f"{RELEASE}.{NAMESPACE}.example.com"]}},
            "domainMapping.hosts"),
)


@dataclass(frozen=True)
class Step:
    """Something that one did by hand.

    Attributes:
        done: what, as Markdown.
        instead: the value or the command that does it now, or that nobody has to.
    """

    done: str
    instead: str


LOGS = f"kubectl -n {NAMESPACE} logs -l serving.kserve.io/inferenceservice={RELEASE} -c"
STEPS = (
    Step("make the claim `leeway` in Kubeflow's dashboard",
         "nothing: the chart makes a claim (`persistence.size`, `storageClass`, `accessModes`); one that is there: "
         "`persistence.create: false` and `persistence.existingClaim`"),
    Step("start a notebook with the claim, and copy `config.properties` onto it",
         "nothing: it is rendered from values (`models`, `properties`, `extraProperties`) and mounted beside the claim"),
    Step("copy the `.mar` onto the claim by the notebook",
         "`models.bert.uri`: a Job fetches it; from your own machine `uri: upload://bert-model.mar`, whose notes have the "
         "command that sends it"),
    Step("submit the InferenceService with `storageUri: pvc://leeway`",
         f"`helm install {RELEASE} CHART --namespace {NAMESPACE} --values values.yaml`"),
    Step("watch it in k9s until it is ready",
         f"`kubectl -n {NAMESPACE} wait --for=condition=Ready --timeout=900s inferenceservice/{RELEASE}`"),
    Step("read `storage-initializer`'s log",
         f"there is none: the Job fills the claim, `kubectl -n {NAMESPACE} logs job/REL-seed-HASH` (with a bucket as "
         f"`storageUri`: `{LOGS} storage-initializer`)"),
    Step("read `kserve-container`'s log", f"`{LOGS} kserve-container`"),
    Step("read `queue-proxy`'s log", f"`{LOGS} queue-proxy`; in Knative mode alone"),
    Step("read `istio-proxy`'s log", f"`{LOGS} istio-proxy`; with `kubeflow.enabled: true` alone"),
    Step("find the Host header, log in by a browser for the cookie, and ask by curl over HTTP",
         "the notes after the install have URL, Host and model name; the cookie: [docs/kubeflow.md](kubeflow.md). The request is "
         "the same, [below](#the-requests)"),
    Step("the same over HTTPS",
         "the same request to the gateway's HTTPS port, with `-k` or the gateway's authority by `--cacert`"),
    Step("see by the answer whether it works", f"`helm -n {NAMESPACE} test {RELEASE} --logs`, which also says what is wrong"),
)
STEPS_HEAD = """
## Step by step

What one did, and the value or the command in its place. The notes after the install have the commands with this release's names.

| in the write-up | now |
| --- | --- |
"""
TAIL = """
## The values

Release `{release}`, namespace `{namespace}`:

```yaml
{values}```

In a Kubeflow profile leave out `domainMapping` (KServe's VirtualService has the host) and add
`kubeflow: {{enabled: true, authorizationPolicy: {{enabled: true}}}}`. For a file that lies on the claim write
`marName: bert-model.mar` instead of `uri`.

## The requests

They are the same: `POST /v1/models/{model}:predict` at the gateway, with the headers `Host` and, where an authenticating edge
is in front ([docs/kubeflow.md](kubeflow.md)), `Cookie: authservice_session=…`, over HTTP and HTTPS, with or without a
`Content-Type`. `-T` alone makes curl send a PUT, so a POST needs `-X POST`:

```console
$ curl -X POST -H "Host: ${{SERVICE_HOSTNAME}}" -H "Cookie: authservice_session=${{SESSION}}" -T sample.json \\
    http://localhost:8080/v1/models/${{MODEL_NAME}}:predict
{{"predictions": [4]}}
```
"""


def values() -> dict[str, Any]:
    """The nearest working form of the whole write-up."""
    return helm.merged(*[setting.used for setting in SETTINGS])


def answer(setting: Setting) -> str:
    """What the chart says to a setting as it was written: `accepted`, or its sentence."""
    base = helm.merged(values(), setting.tried)
    if "marName" in setting.tried.get("models", {}).get(MODEL, {}):
        base["models"][MODEL].pop("uri")
    try:
        helm.render(RELEASE, NAMESPACE, base)
    except Problem as problem:
        said = str(problem)
        return _allowed(setting.tried) if "values don't meet the specifications" in said else _sentence(said)
    if setting.noted:
        lines = [line.strip() for line in notes(base).splitlines() if setting.noted in line]
        return f"none when it renders, because a chart can't see the gateway; the notes after the install say: {' '.join(lines)}"
    return "accepted"


def notes(given: dict[str, Any]) -> str:
    """NOTES.txt of a release with these values. `helm template` leaves it out, so a copy of the chart renders it as data."""
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder) / CHART.name
        shutil.copytree(CHART, chart)
        shutil.copy(chart / "templates" / "NOTES.txt", chart / "notes.txt")
        (chart / "templates" / "notes.yaml").write_text('text: {{ tpl (.Files.Get "notes.txt") . | toJson }}\n')
        rendered = shell.output(["helm", "template", RELEASE, str(chart), "--namespace", NAMESPACE, "--values", "-",
                                 "--show-only", "templates/notes.yaml"], stdin=yaml.safe_dump(given))
    return yaml.safe_load(rendered)["text"]


def page() -> str:
    """docs/migration.md as the chart of this tree makes it."""
    rows = "".join(f"| {setting.where}: `{setting.written}` | {_cell(answer(setting))} | {setting.why} |\n"
                   for setting in SETTINGS)
    shown = yaml.safe_dump(values(), sort_keys=False)
    steps = "".join(f"| {step.done} | {step.instead} |\n" for step in STEPS)
    return HEAD + rows + STEPS_HEAD + steps + TAIL.format(release=RELEASE, namespace=NAMESPACE, values=shown, model=MODEL)


def _cell(text: str) -> str:
    """The text as it is read in a cell of Markdown."""
    return text.replace("|", "&#124;").replace("<", "&lt;")


def _allowed(tried: dict[str, Any]) -> str:
    """A sentence of ours about a value that the schema refuses; helm's own differs by version."""
    node: Any = json.loads((CHART / "values.schema.json").read_text())
    while isinstance(tried, dict):
        (key, tried), = tried.items()
        node = node["properties"][key]
    return f"refused by the schema: {' or '.join(node['enum'])}"


def _sentence(said: str) -> str:
    """The chart's sentence in what helm printed."""
    lines = [line.removeprefix("- ").strip() for line in said.splitlines()]
    noise = ("Error:", "torchserve-kserve:", "Use --debug", "`helm")
    return " ".join(line for line in lines if line and not line.startswith(noise))
