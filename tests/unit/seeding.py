"""What many tests of the seed look at: the plan, the seeding pod, its mounts."""

from __future__ import annotations

import json

from tests.unit.render import only, render_chart

STORAGE_IMAGE = "docker.io/kserve/storage-initializer:v0.17.0"
SERVER_IMAGE = "docker.io/pytorch/torchserve:0.12.0-cpu"


def source(**given: object) -> dict:
    return {"models": {"bert": given}}


def plan(values: dict) -> list[dict]:
    return json.loads(only(render_chart(values), "ConfigMap", "demo-seed")["data"]["plan.json"])["artifacts"]


def item(**given: object) -> dict:
    """The plan's entry of one model."""
    (found,) = plan(source(**given))
    return found


def file(**given: object) -> str:
    return item(**given)["path"].removeprefix("model-store/")


def pod(values: dict) -> dict:
    return only(render_chart(values), "Job")["spec"]["template"]["spec"]


def container(values: dict) -> dict:
    (found,) = pod(values)["containers"]
    return found


def mounts(values: dict) -> dict[str, tuple[dict, dict]]:
    """Mount path -> the mount and its volume, of the program's container."""
    spec = pod(values)
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert len(volumes) == len(spec["volumes"]), "two volumes have one name"
    found = {mount["mountPath"]: (mount, volumes[mount["name"]]) for mount in spec["containers"][0]["volumeMounts"]}
    assert len(found) == len(spec["containers"][0]["volumeMounts"]), "two mounts have one path"
    return found


def option(values: dict, name: str) -> str | None:
    args = container(values)["args"]
    return args[args.index(name) + 1] if name in args else None


def init(values: dict) -> dict[str, dict]:
    return {entry["name"]: entry for entry in pod(values).get("initContainers", [])}
