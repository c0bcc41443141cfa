"""The chart through helm: rendered, installed, upgraded, uninstalled."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes
import yaml

from ci.cluster import objects, shell
from ci.cluster.errors import Problem
from ci.cluster.paths import CHART
from ci.cluster.report import say
from ci.release import client

HELM_SECONDS = 240


def image_values(image: str) -> dict[str, Any]:
    """Values that make the chart use a runtime image, given as `[registry/]repository[:tag][@digest]`.

    The first part is a registry under docker's own rule: it has a dot or a port, or is `localhost`. Raises Problem for a name
    with neither tag nor digest.
    """
    name, _, digest = image.partition("@")
    folder, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    if not (last and (tag or digest)):
        raise Problem(f"The image name {image} has neither tag nor digest: write NAME:TAG or NAME@sha256:….")
    repository = f"{folder}{slash}{last}"
    first, slash, rest = repository.partition("/")
    parts = {"repository": repository, "tag": tag, "digest": digest}
    if slash and ("." in first or ":" in first or first == "localhost"):
        parts |= {"registry": first, "repository": rest}
    return {"runtime": {"image": {key: value for key, value in parts.items() if value}}}


def image_options(image: str) -> str:
    """The same as options of helm's command line."""
    given = image_values(image)["runtime"]["image"]
    return " ".join(f"--set runtime.image.{key}={value}" for key, value in given.items())


def merged(*values: Mapping[str, Any]) -> dict[str, Any]:
    """Values merged as helm does: maps key by key, everything else replaced by the later one."""
    result: dict[str, Any] = {}
    for layer in values:
        for key, value in layer.items():
            both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
            result[key] = merged(result[key], value) if both else value
    return result


def render(release: str, namespace: str, values: Mapping[str, Any], options: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The objects of a release, as `helm template` renders them. Raises Problem with the chart's own sentence."""
    rendered = shell.output(["helm", "template", release, str(CHART), "--namespace", namespace, "--values", "-", *options],
                            stdin=yaml.safe_dump(dict(values)))
    return objects.read(rendered)


@dataclass(frozen=True)
class Helm:
    """helm on one cluster and namespace.

    Attributes:
        program: the helm that is run.
        chart: what it installs: the chart as it is here, or, with options for `install`, the name that a repository knows it by.
    """

    kubeconfig: Path
    namespace: str
    program: str = "helm"
    chart: str = str(CHART)

    def install(self, release: str, values: Mapping[str, Any], *options: str) -> str:
        """Installs the chart, or upgrades the release with exactly these values. Returns what helm printed."""
        self._unblock(release)
        return self("upgrade", "--install", release, self.chart, "--values", "-", *options, stdin=yaml.safe_dump(dict(values)))

    def uninstall(self, release: str) -> None:
        """Removes a release, without waiting until its objects are gone; no error where there is none."""
        self("uninstall", release, "--ignore-not-found")

    def _unblock(self, release: str) -> None:
        """Gets a release out of the `pending-…` in which an interrupted helm left it, and in which helm refuses to work on it.

        An interrupted install is uninstalled. Of an interrupted upgrade or rollback the record is removed, so that the next
        upgrade starts from the revision before and takes over what is there. `helm rollback` can't: it fails on objects that are
        there and not in the interrupted revision ("no ConfigMap with the name …"). An interrupted helm looks like one at work,
        so two commands at once on one release are not supported.
        """
        found = json.loads(self("list", "--pending", "--filter", f"^{re.escape(release)}$", "--output", "json"))
        status, revision = (found[0]["status"], found[0]["revision"]) if found else ("", "")
        if status == "pending-install":
            say(f"release {release} is {status}, left by an interrupted helm: uninstalling it")
            self("uninstall", release, "--wait", "--timeout", f"{HELM_SECONDS // 2}s")
        elif status.startswith("pending-"):
            say(f"release {release} is {status}, left by an interrupted helm: forgetting its revision {revision}")
            kubernetes.client.CoreV1Api(client(self.kubeconfig)).delete_namespaced_secret(
                f"sh.helm.release.v1.{release}.v{revision}", self.namespace)

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        return shell.output([self.program, "--kubeconfig", str(self.kubeconfig), "--namespace", self.namespace, *arguments],
                            stdin=stdin, timeout=HELM_SECONDS)
