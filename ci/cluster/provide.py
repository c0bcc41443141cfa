"""Gives the node of our cluster an image of the engine, on demand: what only some tests need is not in the node image."""

import subprocess

from ci.cluster import shell
from ci.cluster.errors import Problem
from ci.cluster.kind import Kind
from ci.cluster.report import timings


def to_node(cluster: Kind, image: str, name: str) -> None:
    """Makes sure that the node has `image` (repository:tag) of the engine, and that `name` is that image there.

    The node keeps it under both names, so that an image which was built anew is seen to be missing.
    """
    node = ["docker", "exec", "--interactive", f"{cluster.name}-control-plane", "ctr", "--namespace", "k8s.io", "images"]
    if _qualified(image) not in shell.output([*node, "list", "--quiet"]).split():
        with timings.stage(f"{name} to the node"):
            _import(node, image)
    if image != name:
        shell.output([*node, "tag", "--force", _qualified(image), _qualified(name)])
    for known in (image, name):  # pinned: kubelet does not clear it away
        shell.output([*node, "label", _qualified(known), "io.cri-containerd.pinned=pinned"])


def _import(node: list[str], image: str) -> None:
    with (shell.child(["docker", "save", image], stdout=subprocess.PIPE) as saving,
          shell.child([*node, "import", "-"], stdin=saving.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                      text=True) as importing):
        _, errors = importing.communicate()
    if importing.returncode != 0:
        raise Problem(f"The image {image} did not reach the node: {errors.strip()}")


def _qualified(image: str) -> str:
    """An image's name with its registry, as containerd has it."""
    return image if "." in image.split("/")[0] else f"docker.io/{image}"
