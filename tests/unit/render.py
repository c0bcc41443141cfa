"""Renders the chart with `helm template`, once per distinct input."""

from __future__ import annotations

import copy
import functools
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts" / "torchserve-kserve"
NAMESPACE = "models"
RELEASE = "demo"


class RenderError(Exception):
    """Helm refused; the text is its standard error."""


@functools.cache
def helm_template(values: str, release: str, chart: Path, namespace: str = NAMESPACE) -> str:
    """Standard output of `helm template`; values is JSON. RenderError where helm refuses."""
    command = ["helm", "template", release, str(chart), "--namespace", namespace, "--values", "-"]
    done = subprocess.run(command, input=values, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RenderError(done.stderr)
    return done.stdout


@functools.cache
def parsed(values: str, release: str, chart: Path) -> list[dict]:
    """The objects of a render; callers must not change them."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [item for item in yaml.load_all(helm_template(values, release, chart), loader) if item]


def render_chart(values: dict, release: str = RELEASE, chart: Path = CHART) -> list[dict]:
    """Every object that the chart renders with these values, hooks included."""
    return copy.deepcopy(parsed(json.dumps(values, sort_keys=True), release, chart))


def complaints(values: dict, release: str = RELEASE, namespace: str = NAMESPACE) -> list[str]:
    """The sentences with which validate.yaml refuses the values, an empty list where it does not."""
    try:
        helm_template(json.dumps(values, sort_keys=True), release, CHART, namespace)
    except RenderError as error:
        head, _, sentences = str(error).partition("\n\n")
        assert "validate.yaml" in head, f"refused, but not by validate.yaml: {error}"
        return sentences.partition("\n\nUse --debug")[0].splitlines()
    return []


def schema_error(values: dict) -> str:
    """What helm says against the values' schema, an empty string where they fit it."""
    try:
        helm_template(json.dumps(values, sort_keys=True), RELEASE, CHART)
    except RenderError as error:
        return str(error) if "values don't meet the specifications" in str(error) else ""
    return ""


def of_kind(objects: list[dict], kind: str) -> list[dict]:
    return [item for item in objects if item["kind"] == kind]


def only(objects: list[dict], kind: str, name_contains: str = "") -> dict:
    """The one object of that kind whose name contains the text."""
    found = [item for item in of_kind(objects, kind) if name_contains in item["metadata"]["name"]]
    assert len(found) == 1, f"{len(found)} objects of kind {kind} with {name_contains!r} in the name"
    return found[0]


def mounted(objects: list[dict]) -> dict[str, str]:
    """What the server finds in its volumes, path -> text: out of ConfigMaps, or of the pod's annotations as Kubernetes projects
    them. Those are the runtime's, which KServe copies to the pod."""
    spec = only(objects, "ServingRuntime")["spec"]
    found = {}
    for mount in spec["containers"][0]["volumeMounts"]:
        (volume,) = [volume for volume in spec["volumes"] if volume["name"] == mount["name"]]
        if "items" in volume.get("configMap", {}):
            continue  # the user's own
        if "configMap" in volume:
            files = only(objects, "ConfigMap", volume["configMap"]["name"])["data"]
        else:
            sources = volume.get("projected", {}).get("sources", [])
            items = [item for source in sources for item in source["downwardAPI"]["items"]]
            keys = {item["path"]: item["fieldRef"]["fieldPath"] for item in items}
            files = {path: spec["annotations"][key.split("'")[1]] for path, key in keys.items()}
        found |= {f"{mount['mountPath']}/{name}": text for name, text in files.items()}
    return found


def notes(values: dict) -> str:
    """NOTES.txt as an install prints it. `helm template` leaves it out, so a copy of the chart renders it as data."""
    with tempfile.TemporaryDirectory() as scratch:
        chart = Path(scratch) / CHART.name
        shutil.copytree(CHART, chart)
        shutil.copy(chart / "templates" / "NOTES.txt", chart / "notes.txt")
        data = '{{ tpl (.Files.Get "notes.txt") . | toJson }}'
        (chart / "templates" / "notes.yaml").write_text(f"kind: Notes\nmetadata: {{name: notes}}\ntext: {data}\n")
        return only(render_chart(values, chart=chart), "Notes")["text"]
