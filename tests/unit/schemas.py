"""Schemas of Kubernetes, KServe, Knative, Istio and the Prometheus operator, out of pinned Go modules, strict."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import jsonschema_rs

from ci.cluster import objects
from ci.cluster.source import SOURCE
from ci.cluster.toolchain import module_folder
from ci.cluster.versions import versions
from tests.unit import fitting
from tests.unit.render import Rehearsal

GROUPS = {
    ("v1", "ConfigMap"): "io.k8s.api.core.v1.ConfigMap",
    ("v1", "PersistentVolumeClaim"): "io.k8s.api.core.v1.PersistentVolumeClaim",
    ("v1", "Pod"): "io.k8s.api.core.v1.Pod",
    ("batch/v1", "Job"): "io.k8s.api.batch.v1.Job",
    ("networking.k8s.io/v1", "NetworkPolicy"): "io.k8s.api.networking.v1.NetworkPolicy",
    ("policy/v1", "PodDisruptionBudget"): "io.k8s.api.policy.v1.PodDisruptionBudget",
}
LONGEST = 300  # a fault may quote the whole object

@functools.cache
def pinned(module: str, of: str = "core") -> Path:
    """The source of a module that a set of ci/source pins; downloaded if need be, with a Go toolchain from PyPI if need be."""
    return module_folder(SOURCE / of, module)


@functools.cache
def kserve(version: str = versions()["kserve"]) -> Path:
    """The source of KServe: the cluster's, or another one that ci/source pins for its definitions alone."""
    minor = ".".join(version.removeprefix("v").split(".")[:2])
    return module_folder(SOURCE / ("core" if version == versions()["kserve"] else f"kserve-{minor}"), "github.com/kserve/kserve")


def definitions(version: str) -> list[dict]:
    """The CustomResourceDefinitions of everything that the chart renders, for a version of KServe."""
    crds = kserve(version) / "config" / "crd" / "full"
    knative = pinned("knative.dev/serving") / "config" / "core" / "300-resources"
    istio = pinned("istio.io/api") / "kubernetes" / "customresourcedefinitions.gen.yaml"
    operator = pinned("github.com/prometheus-operator/prometheus-operator", "schemas") / "example" / "prometheus-operator-crd"
    files = [crds / f"serving.kserve.io_{name}.yaml" for name in ("inferenceservices", "servingruntimes")]
    files += [operator / f"monitoring.coreos.com_{name}.yaml" for name in ("podmonitors", "prometheusrules")]
    text = "\n---\n".join(file.read_text() for file in [*files, knative / "domain-mapping.yaml"])
    text += "\n---\n" + "\n---\n".join(part for part in istio.read_text().split("\n---\n") if "kind: AuthorizationPolicy" in part)
    return objects.read(text)


def strict(node: object) -> object:
    """The schema with every object closed that lists its properties, so that a misspelt field is an error."""
    if isinstance(node, list):
        return [strict(child) for child in node]
    if not isinstance(node, dict):
        return node
    closed = {key: strict(child) for key, child in node.items()}
    open_ended = {"additionalProperties", "x-kubernetes-preserve-unknown-fields"} & set(node)
    if isinstance(node.get("properties"), dict) and not open_ended:
        closed["additionalProperties"] = False
    if isinstance(pattern := node.get("pattern"), str) and "(?i)" in pattern:  # Go knows it, a JSON schema does not
        assert not re.search(r"\\|[a-z]-", pattern), f"the letters of {pattern} are more than letters"
        closed["pattern"] = re.sub("[a-z]", lambda letter: f"[{letter[0]}{letter[0].upper()}]", pattern.replace("(?i)", ""))
    return closed


@functools.cache
def kubernetes_definitions() -> dict:
    swagger = pinned("k8s.io/kubernetes") / "api" / "openapi-spec" / "swagger.json"
    found = strict(json.loads(swagger.read_text())["definitions"])
    # Swagger can't say it; the API server takes either.
    found["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["type"] = ["integer", "string"]
    return found


@functools.cache
def custom_resources(version: str = versions()["kserve"]) -> dict[tuple[str, str], dict]:
    """(apiVersion, kind) -> schema, of every version that the CRDs of a KServe serve."""
    found = {}
    for definition in definitions(version):
        spec = definition["spec"]
        for version in spec["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            # What every object has, although a definition need not say so.
            schema["properties"] |= {"metadata": {"type": "object"}, "apiVersion": {"type": "string"}, "kind": {"type": "string"}}
            found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return found


@functools.cache
def validator(identity: tuple[str, str], version: str) -> jsonschema_rs.Draft7Validator:
    """For objects of an apiVersion and kind; KeyError for one that has no schema here."""
    if identity in GROUPS:
        return fitting.validator({"$ref": f"#/definitions/{GROUPS[identity]}", "definitions": kubernetes_definitions()})
    return fitting.validator(custom_resources(version)[identity])


def known(item: dict) -> bool:
    """Whether an object's kind has a schema here; what the chart makes has one, what a user adds need not."""
    identity = item.get("apiVersion"), item.get("kind")
    return identity in GROUPS or identity in custom_resources()


@functools.cache
def faults_of(item: str, version: str) -> list[str]:
    """`faults` of an object as JSON: most objects are the same in several cases."""
    parsed = json.loads(item)
    found = fitting.misfits(validator((parsed["apiVersion"], parsed["kind"]), version), parsed)
    return [fault[:LONGEST] for fault in found]


def faults(item: dict, version: str = versions()["kserve"]) -> list[str]:
    """What an API server with this KServe would refuse or drop in an object; KeyError for a kind that has no schema here."""
    return [] if Rehearsal.on else list(faults_of(json.dumps(item), version))
