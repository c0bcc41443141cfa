"""What holds for the image that we build, beside the contract; not run where a registry answers, where it is not built."""

import json
import subprocess
import tarfile

import pytest

from ci.cluster import runtime, shell
from ci.cluster.versions import versions
from tests import leftovers
from tests.image.container import inside

MEGABYTE = 1_000_000  # as docker counts
# Folders that Debian's packages leave empty, but for these files.
EMPTY = ("tmp/", "var/tmp/", "root/", "etc/apt/", "var/lib/apt/lists/", "var/cache/apt/", "var/log/")
OF_DEBIAN = {"root/.bashrc", "root/.profile", "etc/apt/apt.conf.d/70debconf"}
OF_THE_RECIPE = {"etc/apt/apt.conf.d/99mmdebstrap": "Acquire::Languages none;"}


def inspected(image: str) -> dict:
    return json.loads(shell.output(["docker", "image", "inspect", image]))[0]


def files_of(image: str) -> list[str]:
    """Every file and link in an image, as paths without a leading slash; what docker itself mounts is not among them."""
    container = shell.output(["docker", "create", leftovers.mark(), image]).strip()
    try:
        with (subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export,
              tarfile.open(fileobj=export.stdout, mode="r|") as archive):
            names = [member.name for member in archive if not member.isdir()]
        assert export.returncode == 0
        return names
    finally:
        shell.output(["docker", "rm", container])


def test_image_is_at_most_900_megabytes(own_image: str) -> None:
    assert inspected(own_image)["Size"] <= 900 * MEGABYTE


def test_image_user_is_a_number_other_than_root(own_image: str) -> None:
    # Kubernetes refuses runAsNonRoot for a name: it cannot know whose it is
    assert inspected(own_image)["Config"]["User"] == "1000"


def test_java_is_17(own_image: str) -> None:
    assert inside(own_image, "bash", "-c", "java -version 2>&1").splitlines()[0].split('"')[1].startswith("17.")


@pytest.mark.parametrize("module", ["torch", "ts", "numpy", "PIL", "psutil", "yaml"])
def test_python_modules_come_compiled(module: str, own_image: str) -> None:
    program = f"import importlib.util, {module} as m; print(importlib.util.cache_from_source(m.__file__))"
    compiled = inside(own_image, "python", "-c", program)
    assert inside(own_image, "bash", "-c", f"test -s {compiled} && echo there") == "there"


def test_torchserve_loads_the_one_class_of_our_envelope(own_image: str) -> None:
    program = ("from ts.model_loader import TsModelLoader, list_classes_from_module; import importlib; "
               "name = 'ts.torch_handler.request_envelope.torchserve_kserve'; "
               "print(*(found.__name__ for found in list_classes_from_module(importlib.import_module(name))))")
    assert inside(own_image, "python", "-c", program) == "TorchServeKServeEnvelope"


def test_packages_of_the_wrapper_are_seen_by_nothing_else(own_image: str) -> None:
    program = "import importlib.util as u, sys, numpy; print(u.find_spec('kserve'), numpy.__file__, *sys.path)"
    seen = inside(own_image, "python", "-c", program)
    assert seen.startswith("None /usr/lib/python3/dist-packages/numpy/")
    assert "/opt/" not in seen


def test_packages_of_the_wrapper_are_the_pinned_ones(own_image: str) -> None:
    lines = (runtime.RECIPE / "kserve_wrapper" / "requirements.txt").read_text().splitlines()
    pinned = {line for line in lines if not line.startswith("#")} | {f"kserve=={versions()['torchserve']['kserve']}"}
    program = ("from importlib.metadata import distributions; "
               "print(*(f'{found.name}=={found.version}' for found in distributions(path=['/opt/kserve-wrapper'])))")
    assert {name.lower().replace("_", "-") for name in inside(own_image, "python", "-c", program).split()} == pinned


def test_nothing_of_the_building_machine_is_left_in_it(own_image: str) -> None:
    names = files_of(own_image)
    assert "usr/bin/bash" in names
    assert {name for name in names if name.startswith(EMPTY)} <= OF_DEBIAN | set(OF_THE_RECIPE)
    for name, content in OF_THE_RECIPE.items():  # where a proxy of the building machine would be
        assert inside(own_image, "cat", f"/{name}") == content
