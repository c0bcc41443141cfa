"""The kind node image built from source: Debian, Kubernetes' programs, and every image a cluster of ours runs, preloaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from ci.cluster import images, rootfs, shell, source, store, toolchain
from ci.cluster.paths import cache, prefix
from ci.cluster.report import say
from ci.cluster.versions import versions
from ci.cluster.waiting import wait_for

CONTAINERD_SECONDS = 60
SETS = ("core", "ingress")  # folders of ci/source whose programs are on the node
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def name(runtime_image: str) -> str:
    """The image's name, whose tag is the hash of what it is made from."""
    inputs = store.key(*[Path(module.__file__) for module in (images, rootfs)], Path(__file__), images.IMAGES / "node",
                       *[images.IMAGES / part for part in ("kube-proxy", "envoy", "programs.yaml")],
                       *[source.SOURCE / go_set for go_set in SETS],
                       sorted(row["image"] for row in images.table().values()), versions()["pull"]["envoy"],
                       [versions()[part] for part in ("kubernetes", "debian", "pause", "envoy")], runtime_image)
    return f"{prefix()}/node:{inputs}"


def build(runtime_image: str) -> str:
    """Builds the node image, unless the engine has it; returns its name. Needs the runtime image in the engine."""
    target = name(runtime_image)
    if images.exists(target):
        return target
    with store.lock("node-image"):
        if not images.exists(target):
            _build(target, runtime_image)
    return target


def _build(target: str, runtime_image: str) -> None:
    base = f"{target}-base"
    say("building the node's base image …")
    _build_base(base)
    say("building the images that a cluster runs …")
    loaded = [images.build_kube_proxy(), images.build_envoy(), *[images.build_program(program) for program in images.table()]]
    local = [images.local_name(image) for image in loaded]
    archive = cache() / "context" / "preload.tar"
    archive.parent.mkdir(parents=True, exist_ok=True)
    try:
        shell.output(["docker", "save", "--output", str(archive), runtime_image, *local])
        say("preloading them into the node image …")
        with _container(base, archive.parent) as container:
            _import(container, f"/preload/{archive.name}", loaded)
            shell.output(["docker", "commit", "--change", 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]',
                          container, target])
    finally:
        archive.unlink(missing_ok=True)
        shell.succeeds(["docker", "image", "rm", *local, base])


def _build_base(base: str) -> None:
    folder = source.SOURCE / "core"
    root, programs = images.root_tar("node"), source.binaries("core")
    kind_files = toolchain.module_folder(folder, "sigs.k8s.io/kind") / "images" / "base" / "files"
    with images.context(images.IMAGES / "node") as context:
        context.link(root, "root.tar")
        shell.output(["cp", "-r", str(kind_files), str(context.folder / "kind")])
        for program in ("kubeadm", "kubelet", "kubectl"):
            context.link(programs / program, f"bin/{program}")
        (context.folder / "version").write_text(versions()["kubernetes"])
        (context.folder / "storage.yaml").write_text(_storage_manifest(folder))
        images.docker_build(base, context.folder, {"PAUSE": versions()["pause"]})


def _storage_manifest(folder: Path) -> str:
    """local-path-provisioner's own manifest, as the default class, with a helper image that every node has."""
    module = toolchain.module_folder(folder, "github.com/rancher/local-path-provisioner")
    objects = list(yaml.safe_load_all((module / "deploy" / "local-path-storage.yaml").read_text()))
    for item in objects:
        if item["kind"] == "StorageClass":
            item["metadata"]["annotations"] = {DEFAULT_CLASS: "true"}
            item["metadata"]["name"] = "standard"  # kind's name for it
        if item["kind"] == "ConfigMap":
            helper = yaml.safe_load(item["data"]["helperPod.yaml"])
            helper["spec"]["containers"][0]["image"] = images.kube_proxy_name()
            item["data"]["helperPod.yaml"] = yaml.safe_dump(helper)
            # /var is the node's volume; /opt would be on the container's own layer.
            item["data"]["config.json"] = item["data"]["config.json"].replace("/opt/", "/var/")
    return yaml.safe_dump_all(objects)


@contextmanager
def _container(image: str, mounted: Path) -> Iterator[str]:
    """A privileged container of the node image that only sleeps, with a folder of ours at /preload."""
    container = f"{prefix()}-node-build"
    shell.succeeds(["docker", "rm", "--force", "--volumes", container])  # what a killed run left
    try:
        shell.output(["docker", "run", "--detach", "--privileged", "--name", container, "--entrypoint", "sleep",
                      "--volume", f"{mounted}:/preload:ro", image, "infinity"])
        yield container
    finally:
        shell.output(["docker", "rm", "--force", "--volumes", container])


def _import(container: str, archive: str, renamed: list[str]) -> None:
    """Loads the images of a tar into the node's containerd, under their upstream names, pinned against kubelet's clearing."""
    inside = ["docker", "exec", container]
    shell.output(["docker", "exec", "--detach", container, "containerd"])
    wait_for("containerd in the node's build container", lambda: shell.succeeds([*inside, "ctr", "version"]),
             seconds=CONTAINERD_SECONDS)
    ctr = [*inside, "ctr", "--namespace", "k8s.io", "images"]
    shell.output([*ctr, "import", "--no-unpack", archive])
    for image in renamed:
        local = f"docker.io/{images.local_name(image)}"
        shell.output([*ctr, "tag", local, images.qualified(image)])
        shell.output([*ctr, "remove", local])
    for image in shell.output([*ctr, "list", "--quiet"]).split():
        shell.output([*ctr, "label", image, "io.cri-containerd.pinned=pinned"])
    shell.output([*inside, "pkill", "containerd"])
    wait_for("containerd to end", lambda: not shell.succeeds([*inside, "pgrep", "containerd"]), seconds=CONTAINERD_SECONDS)
