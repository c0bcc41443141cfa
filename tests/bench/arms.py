"""The arms: what the chart renders, and the set-up that people have today. Both as arguments of `docker run`.

The baseline is the original write-up's config.properties behind KServe's model server, started as upstream's image starts them,
with TorchServe's own log configuration. DEVIATIONS says where it can't be as it was.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ci import helm, preview, preview_container
from ci.cluster import shell

MODEL = "model"
FILE = f"{MODEL}.mar"
DEVIATIONS = (
    ("`disable_token_authorization=true`",
     "since 0.11.1 the tokens are on, and with them the wrapper never finds its model ready"),
    ("`management_address` is port 8086 instead of 8081", "the wrapper of KServe's SDK 0.21 has its gRPC at 8081"),
    ("the wrapper is this project's own for KServe's SDK 0.21, and not upstream's for 0.13",
     "upstream's image can't be pulled where these are measured; ours does not sleep for 30 s at the start, which flatters the "
     "baseline"),
    ("the image is this project's, for both arms", "the same reason; Debian's torch and Java, PyPI's TorchServe"),
    ("KServe's sample has `job_queue_size=10`, the write-up 100", "the write-up's is taken"),
    ("`install_py_dep_per_model=true` finds nothing to install", "the models need nothing"),
)
PROPERTIES = """inference_address=http://0.0.0.0:8085
management_address=http://0.0.0.0:8086
metrics_address=http://0.0.0.0:8082
grpc_inference_port=7070
grpc_management_port=7071
enable_metrics_api=true
metrics_format=prometheus
number_of_netty_threads=4
job_queue_size=100
enable_envvars_config=true
install_py_dep_per_model=true
disable_token_authorization=true
model_store=/mnt/models/model-store
model_snapshot={snapshot}
"""
# Upstream's dockerd-entrypoint.sh, in its own words: the arguments, the wrapper, and a process that never ends.
ENTRY = """set -e
eval "$@"
python /home/model-server/kserve_wrapper/__main__.py
tail -f /dev/null"""
START = "torchserve --start --ncs --ts-config=/mnt/models/config/config.properties"


def ours(image: str, work: Path, archive: Path, *layers: Mapping[str, Any], model: Mapping[str, Any] | None = None) -> list[str]:
    """The chart's defaults and what is given besides; the archive lies on a claim that is there."""
    values = helm.merged(helm.image_values(image), {
        "persistence": {"create": False, "existingClaim": "models"},
        "models": {MODEL: {"marName": FILE, **(model or {})}}}, *layers)
    rendered = preview.Rendered(helm.render("bench", "default", values))
    cpus = int(shell.output(["docker", "info", "--format", "{{.NCPU}}"]))
    return preview_container.arguments(rendered.spec, rendered.config_maps, work, claim(work, archive), cpus)


def baseline(image: str, work: Path, archive: Path, *, cpu: int = 2) -> list[str]:
    """The write-up's set-up, with its limits: 2 CPUs and 2Gi."""
    cpus = int(shell.output(["docker", "info", "--format", "{{.NCPU}}"]))
    found = claim(work, archive)
    snapshot = {"name": "startup.cfg", "modelCount": 1, "models": {MODEL: {"1.0": {
        "defaultVersion": True, "marName": FILE, "minWorkers": 1, "maxWorkers": 5, "batchSize": 1, "maxBatchDelay": 5000,
        "responseTimeout": 120}}}}
    config = preview_container.readable_folder(found / "config")
    preview_container.write_readable(config / "config.properties", PROPERTIES.format(snapshot=json.dumps(snapshot)))
    limits = preview_container.limits({"limits": {"cpu": str(cpu), "memory": "2Gi"}}, cpus)
    return [*limits, "--volume", f"{found}:/mnt/models:ro", "--env", "TS_SERVICE_ENVELOPE=kserve", "--env", "PROTOCOL_VERSION=v1",
            "--entrypoint", "bash", image, "-c", ENTRY, "bash", START]


def claim(work: Path, archive: Path) -> Path:
    """A folder as the claim, with the archive, a file or a folder, in its model store."""
    work.mkdir(exist_ok=True)
    work.chmod(0o755)
    found = preview_container.readable_folder(work / "claim")
    store = preview_container.readable_folder(found / "model-store")
    shell.output(["cp", "--recursive", "--link", str(archive), str(store / FILE)])
    shell.output(["chmod", "--recursive", "a+rX", str(store)])
    return found
