"""The images that a release with given values pulls, one a line: what a mirror has to hold."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ci import helm

RELEASE, NAMESPACE = "release", "default"
MODE, KNATIVE = "serving.kserve.io/deploymentMode", ("Knative", "Serverless")
# What the chart wants named at least; it decides no image.
EXAMPLE = {"models": {"example": {"uri": "https://example.com/model.mar"}}}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--values", action="append", default=[], metavar="FILE", type=Path,
                        help="values of the chart; default: its own, and a model from an https server")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a value of the chart, as for helm")
    parser.add_argument("--json", action="store_true", help="print a JSON list of {image, used: [object/container]}")


def run(options: argparse.Namespace) -> None:
    """Prints the list; what the render can't know is said on standard error."""
    settings = [part for file in options.values for part in ("--values", str(file))]
    settings += [part for pair in options.set for part in ("--set", pair)]
    given = options.values or any(pair.startswith("models.") for pair in options.set)
    objects = helm.render(RELEASE, NAMESPACE, {} if given else EXAMPLE, settings)
    found = images(objects)
    if options.json:
        print(json.dumps([{"image": image, "used": used} for image, used in found.items()], indent=2))
    else:
        print("\n".join(found))
    for sentence in others(objects):
        print(sentence, file=sys.stderr)


def images(objects: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Every image -> the containers that run it, as KIND/NAME/CONTAINER; both sorted."""
    found: dict[str, set[str]] = {}
    for item in objects:
        for container in containers(item.get("spec")):
            place = f"{item['kind']}/{item['metadata']['name']}/{container.get('name', 'container')}"
            found.setdefault(container["image"], set()).add(place)
    return {image: sorted(found[image]) for image in sorted(found)}


def containers(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every map in the object that has a container's `image`, wherever a kind keeps its containers."""
    if isinstance(node, Mapping):
        if isinstance(node.get("image"), str):
            yield node
        for child in node.values():
            yield from containers(child)
    elif isinstance(node, list):
        for child in node:
            yield from containers(child)


def others(objects: list[dict[str, Any]]) -> list[str]:
    """What else the release's pods pull: images that are not in the chart's objects."""
    made = {item["metadata"]["name"] for item in objects if item["kind"] == "ServingRuntime"}
    (service,) = [item for item in objects if item["kind"] == "InferenceService"]
    predictor = service["spec"]["predictor"]
    said = []
    if (name := predictor["model"]["runtime"]) not in made:
        said.append(f"and the image of the runtime {name}: kubectl get clusterservingruntime {name} -o yaml, or servingruntime")
    if not predictor["model"]["storageUri"].startswith("pvc://"):
        said.append("and KServe's storage-initializer: kubectl get clusterstoragecontainers -o yaml")
    if "logger" in predictor or "batcher" in predictor:
        said.append("and KServe's agent, for logger and batcher: kubectl -n kserve get configmap inferenceservice-config -o "
                    "yaml, its keys agent, logger and batcher")
    if service["metadata"]["annotations"][MODE] in KNATIVE:
        said.append("and Knative's queue-proxy, in each pod: kubectl -n knative-serving get configmap config-deployment -o yaml, "
                    "its key queue-sidecar-image")
    return said
