"""A container that runs what the chart's runtime says, with the files that the chart mounts: a read-only root, no capabilities,
no network."""

import json
from pathlib import Path

from ci.cluster import shell
from tests import leftovers
from tests.unit.render import mounted, only, render_chart

CALL = """
import json, urllib.request
body = json.dumps({"instances": [{"data": 1}]}).encode()
request = urllib.request.Request("http://127.0.0.1:8080%s", body, {"Content-Type": "application/json"})
print(urllib.request.urlopen(request, timeout=60).read().decode())
"""


def run(image: str, values: dict, folder: Path, volumes: dict[str, str], before: str = "") -> str:
    """Name of the container; `volumes`: names in the folder -> where they are mounted, `before`: a shell command to start first.
    The termination log is a file of that name in the folder."""
    objects = render_chart(values)
    for path, text in mounted(objects).items():
        file = folder / "mounts" / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        volumes[str(file.parent.relative_to(folder))] = str(Path(path).parent)
    (folder / "termination-log").touch()
    (folder / "termination-log").chmod(0o666)
    spec = only(objects, "ServingRuntime")["spec"]["containers"][0]
    return shell.output([
        "docker", "run", "--detach", leftovers.mark(), "--network", "none", "--user", str(spec["securityContext"]["runAsUser"]),
        "--read-only", "--tmpfs", "/tmp:mode=1777,exec", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        *[f"--volume={folder / source}:{target}:ro" for source, target in volumes.items()],
        f"--volume={folder / 'termination-log'}:/dev/termination-log",
        *[f"--env={entry['name']}={entry['value']}" for entry in spec["env"]],
        "--entrypoint", "bash", image, "-c", f'{before}exec "$@"', "bash", *spec["command"], *spec["args"]]).strip()


def manifest(version: str = "1.0", **more: str) -> str:
    """MAR-INF/MANIFEST.json of bert."""
    model = {"modelName": "bert", "modelVersion": version, "handler": "handler.py", **more}
    return json.dumps({"createdOn": "28/11/2026 08:00:00", "runtime": "python", "archiverVersion": "0.12.0", "model": model})
