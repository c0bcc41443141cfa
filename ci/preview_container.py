"""The runtime's container on docker, as it is rendered: what a kubelet would make of it, in docker's words."""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from ci.cluster.errors import Problem

PORT = 8080
# Kubernetes' suffixes of quantities; all but `m` are docker's, too, but docker takes no fractions.
SCALES = {"": Decimal(1), "m": Decimal("0.001")}
SCALES |= {unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", 1)}
SCALES |= {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)}


def quantity(text: str) -> Decimal:
    """A Kubernetes quantity (`2`, `0.5`, `500m`, `2Gi`, `1e3`) as a number. Raises Problem for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d*)?)(?:[eE]([+-]?\d+)|([mkMGTPE]|[KMGTPE]i)?)", text)
    if not found:
        raise Problem(f"{text!r} is not a quantity of Kubernetes: write for example 2, 0.5, 500m or 2Gi.")
    number, exponent, unit = found.groups()
    return Decimal(number) * SCALES[unit or ""] * Decimal(10) ** int(exponent or 0)


def limits(resources: Mapping[str, Any], cpus: int) -> list[str]:
    """docker's `--memory` (bytes) and `--cpus` for a container's limits, where there are any.

    Args:
        cpus: how many the engine has; docker refuses more, where Kubernetes would just never use them.
    """
    given = resources.get("limits") or {}
    arguments = []
    if "memory" in given:
        arguments += ["--memory", str(int(quantity(given["memory"])))]
    if "cpu" in given:
        arguments += ["--cpus", f"{min(quantity(given['cpu']), Decimal(cpus)):f}"]
    return arguments


def arguments(spec: Mapping[str, Any], config_maps: Mapping[str, Mapping[str, str]], work: Path, claim: Path,
              cpus: int) -> list[str]:
    """Arguments of `docker run` for the one container of a ServingRuntime's spec: image, command, env, mounts, user, limits,
    read-only root, and the one mount that KServe would add. The ConfigMaps are written to folders below `work`."""
    container = spec["containers"][0]
    security = container["securityContext"]
    found = ["--publish", f"127.0.0.1::{PORT}", "--volume", f"{claim}:/mnt/models:ro", "--read-only",
             "--security-opt", "no-new-privileges", *limits(container["resources"], cpus)]
    found += [part for drop in security["capabilities"]["drop"] for part in ("--cap-drop", drop)]
    if security.get("runAsUser") is not None:
        found += ["--user", str(security["runAsUser"])]
    found += [part for entry in _environment(container) for part in ("--env", f"{entry['name']}={entry['value']}")]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    for mount in container["volumeMounts"]:
        files = _files(volumes[mount["name"]], spec, config_maps)
        if files is not None:
            folder = readable_folder(work / mount["name"])
            for key, text in files.items():
                write_readable(folder / key, text)
            found += ["--volume", f"{folder}:{mount['mountPath']}:ro"]
        else:
            # An emptyDir lies on the disk; what lies in a tmpfs would count as the container's memory.
            found += ["--volume", mount["mountPath"]]
    return [*found, "--entrypoint", container["command"][0], container["image"], *container["command"][1:], *container["args"]]


def _environment(container: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """The container's variables. Raises Problem for those whose values are in a cluster."""
    if "envFrom" in container or any("valueFrom" in entry for entry in container["env"]):
        raise Problem("A preview has no ConfigMaps and Secrets of a cluster: leave runtime.envFrom out, and valueFrom in "
                      "runtime.env.")
    return container["env"]


def _files(volume: Mapping[str, Any], spec: Mapping[str, Any],
           config_maps: Mapping[str, Mapping[str, str]]) -> Mapping[str, str] | None:
    """What a volume of a ConfigMap, or in Knative mode of the pod's annotations, holds; None for an emptyDir."""
    if "secret" in volume or volume.get("configMap", {}).get("name", "") not in {"", *config_maps}:
        raise Problem("A preview has no ConfigMaps and Secrets of a cluster: leave runtime.ca out.")
    if "configMap" in volume:
        return config_maps[volume["configMap"]["name"]]
    if "projected" not in volume:
        return None
    items = [item for source in volume["projected"]["sources"] for item in source["downwardAPI"]["items"]]
    names = {item["path"]: item["fieldRef"]["fieldPath"].partition("'")[2].rstrip("']") for item in items}
    return {path: spec["annotations"][name] for path, name in names.items()}


def readable_folder(path: Path) -> Path:
    """A new folder that the container's user can enter, whatever the umask; returns it."""
    path.mkdir()
    path.chmod(0o755)
    return path


def write_readable(path: Path, text: str) -> None:
    """Writes a file that the container's user can read, whatever the umask."""
    path.write_text(text)
    path.chmod(0o644)
