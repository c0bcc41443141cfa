"""A claim of a fixed size: a tmpfs of the node behind a persistent volume, which is full when it is full."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import kubernetes

from tests.chaos.node import Node


@dataclass(frozen=True)
class Volume:
    """The volume.

    Attributes:
        name: of the PersistentVolume and of its storage class.
        path: where its files are on the node.
    """

    node: Node
    name: str
    path: str
    mebibytes: int

    def values(self) -> dict[str, Any]:
        """Values of a release whose claim gets it."""
        return {"persistence": {"storageClass": self.name, "size": f"{self.mebibytes}Mi"}}

    def free(self) -> int:
        """Bytes that are free."""
        return int(self.node.run("df", "--output=avail", "--block-size=1", self.path).split()[1])

    def fill(self) -> None:
        """Leaves nothing free, by a file that is none of the release's."""
        self.node.run("bash", "-c", f"dd if=/dev/zero of={self.path}/of-somebody-else bs=64k 2>/dev/null || true")
        assert self.free() == 0

    def empty(self) -> None:
        """Removes that file."""
        self.node.run("rm", f"{self.path}/of-somebody-else")

    def damage(self, pattern: str) -> None:
        """Overwrites the beginning of the file that matches; it keeps its size."""
        self.node.run("bash", "-c", f"dd if=/dev/zero of=$(echo {self.path}/{pattern}) bs=64 count=1 conv=notrunc 2>/dev/null")


@contextmanager
def of_fixed_size(node: Node, api: kubernetes.client.ApiClient, mebibytes: int) -> Iterator[Volume]:
    """The volume, while the block runs; whoever uses it has to have ended before."""
    core, name = kubernetes.client.CoreV1Api(api), f"chaos-{uuid.uuid4().hex[:6]}"
    volume = Volume(node, name, f"/mnt/{name}", mebibytes)
    hostname = core.list_node().items[0].metadata.labels["kubernetes.io/hostname"]
    node.run("mkdir", volume.path)
    node.run("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0777", name, volume.path)
    try:
        core.create_persistent_volume(_object(volume, hostname))
        yield volume
    finally:
        core.delete_persistent_volume(name)
        node.run("umount", "--lazy", volume.path)
        node.run("rmdir", volume.path)


def _object(volume: Volume, hostname: str) -> dict[str, Any]:
    here = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [hostname]}]}
    return {"metadata": {"name": volume.name}, "spec": {
        "capacity": {"storage": f"{volume.mebibytes}Mi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": volume.name,
        "persistentVolumeReclaimPolicy": "Retain", "local": {"path": volume.path},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [here]}}}}
